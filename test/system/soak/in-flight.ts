import { readFileSync } from 'node:fs'
import { HARD_LIMIT_BYTES } from './host.ts'

const ELSEWHERE_BYTES = 64 * 1024 * 1024

/**
 * How much may be on its way to one client: what the library writes at once, beside as much that the socket has buffered, and
 * what the kernel keeps on either side.
 */
export function mostInFlightBytes(): number {
  return 2 * HARD_LIMIT_BYTES + kernelBytes('tcp_wmem') + kernelBytes('tcp_rmem')
}

/** The most that Linux lets a buffer grow to; the last of three numbers. */
function kernelBytes(limit: 'tcp_wmem' | 'tcp_rmem'): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/${limit}`, 'utf8').trim().split(/\s+/).at(-1))
  } catch {
    return ELSEWHERE_BYTES
  }
}
