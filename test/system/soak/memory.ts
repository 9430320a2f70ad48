import { collectGarbage } from './collection.ts'

/** What the process holds at a moment, garbage not included. */
export interface MemorySample {
  readonly atMs: number
  readonly heapBytes: number
  /** Memory of JavaScript objects outside of the heap, such as the bytes of buffers. */
  readonly externalBytes: number
  readonly rssBytes: number
}

export type Reading = 'heapBytes' | 'externalBytes' | 'rssBytes'

const MIB = 1024 * 1024
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export function sampleMemory(): MemorySample {
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { atMs: performance.now(), heapBytes: heapUsed, externalBytes: external, rssBytes: rss }
}

export function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`
}

/** How fast memory grew, and how uncertain this is: two standard errors. Bytes an hour. */
export interface Growth {
  readonly bytesPerHour: number
  readonly uncertainty: number
}

/** How fast a reading grew over the second half of the samples, in bytes a minute, by least squares; NaN for fewer than three. */
export function slopePerMinute(samples: readonly MemorySample[], reading: Reading): number {
  return fitOf(samples, reading).slope * MINUTE_MS
}

/** Returns how fast a reading grew over the second half of the samples. NaN for fewer than three samples in that half. */
export function growthOf(samples: readonly MemorySample[], reading: Reading): Growth {
  const { slope, standardError } = fitOf(samples, reading)
  return { bytesPerHour: slope * HOUR_MS, uncertainty: 2 * standardError * HOUR_MS }
}

/** A straight line through the second half of the samples. Bytes a millisecond. */
function fitOf(samples: readonly MemorySample[], reading: Reading): { readonly slope: number; readonly standardError: number } {
  const half = samples.slice(samples.length >> 1)
  if (half.length < 3) return { slope: NaN, standardError: NaN }
  const meanMs = mean(half.map(({ atMs }) => atMs))
  const meanBytes = mean(half.map((sample) => sample[reading]))
  const covariance = mean(half.map((sample) => (sample.atMs - meanMs) * (sample[reading] - meanBytes)))
  const variance = mean(half.map(({ atMs }) => (atMs - meanMs) ** 2))
  const slope = covariance / variance
  const residual = mean(half.map((sample) => (sample[reading] - meanBytes - slope * (sample.atMs - meanMs)) ** 2))
  return { slope, standardError: Math.sqrt(residual / variance / (half.length - 2)) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
