/** How long a client waits after a failure before it connects again. */
export interface Backoff {
  /** The longest wait after the first failure, in milliseconds. The longest wait doubles with each further failure. */
  readonly minMs: number
  /** The upper limit for every wait, in milliseconds. */
  readonly maxMs: number
}

/**
 * Returns how many milliseconds to wait after a failure: a random time between 0 and the longest wait (full jitter). So clients that lost their
 * server at the same moment reconnect at different moments, even at the first attempt. `failures` is the number of failures before this one.
 */
export function waitMs(failures: number, { minMs = 1_000, maxMs = 30_000 }: Partial<Backoff> | undefined = {}, random: number): number {
  return random * Math.min(maxMs, minMs * 2 ** failures)
}
