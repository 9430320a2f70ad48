import { collectGarbage } from './collection.ts'

/** What the process holds at a moment, garbage not included. */
export interface MemorySample {
  readonly atMs: number
  readonly heapBytes: number
  readonly rssBytes: number
}

const MIB = 1024 * 1024
const MINUTE_MS = 60_000

export function sampleMemory(): MemorySample {
  collectGarbage()
  const { heapUsed, rss } = process.memoryUsage()
  return { atMs: performance.now(), heapBytes: heapUsed, rssBytes: rss }
}

export function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`
}

/** How fast a reading grew over the second half of the samples, in bytes a minute, by least squares; NaN for fewer than three. */
export function slopePerMinute(samples: readonly MemorySample[], reading: 'heapBytes' | 'rssBytes'): number {
  const half = samples.slice(samples.length >> 1)
  if (half.length < 3) return NaN
  const meanMs = mean(half.map(({ atMs }) => atMs))
  const meanBytes = mean(half.map((sample) => sample[reading]))
  const covariance = mean(half.map((sample) => (sample.atMs - meanMs) * (sample[reading] - meanBytes)))
  const variance = mean(half.map(({ atMs }) => (atMs - meanMs) ** 2))
  return (covariance / variance) * MINUTE_MS
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
