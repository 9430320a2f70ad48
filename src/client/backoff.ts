/** How long a client waits before it connects again. */
export interface Backoff {
  /** Milliseconds: the longest wait before the first new attempt. It doubles with each attempt that fails. */
  readonly minMs: number
  /** Milliseconds: no wait is longer. */
  readonly maxMs: number
}

/**
 * Returns how many milliseconds to wait after so many failures: anything between 0 and the longest wait (full jitter). So clients that lost their
 * server together do not come back together, not even at the first attempt.
 */
export function waitMs(failures: number, { minMs = 1_000, maxMs = 30_000 }: Partial<Backoff>, random: number): number {
  return random * Math.min(maxMs, minMs * 2 ** failures)
}
