/** How often something may happen. */
export interface RateLimit {
  /** How many times at once, without a pause. */
  readonly burst: number
  /** How many times per second in the long run. */
  readonly perSecond: number
}

/** A token bucket. The caller passes the present time, in milliseconds of a monotonic clock. */
export class Rate {
  readonly #limit: RateLimit
  #tokens: number
  #filledAtMs: number
  /** The end of the last wait that `nextTurnMs` returned. Before the first call, the start time of the bucket. */
  #turnAtMs: number

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit
    this.#tokens = limit.burst
    this.#filledAtMs = nowMs
    this.#turnAtMs = nowMs
  }

  /** Takes a token. Returns false if there is no token. */
  take(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /**
   * Takes a token even if there is none, because something happened anyway. The number of tokens can then be negative. It is at least `-perSecond`,
   * or -1 if `perSecond` is less than 1.
   */
  spend(nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.max(this.#tokens - 1, -Math.max(1, this.#limit.perSecond))
  }

  /** Puts back a token, because what it was taken for does not count. */
  giveBack(): void {
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + 1)
  }

  /**
   * Returns how long a caller that got no token should wait, in whole milliseconds. Each caller waits until a later moment than the caller before it.
   * If all callers came back at the same moment, only one of them would find a token.
   */
  nextTurnMs(nowMs: number): number {
    this.#turnAtMs = Math.max(nowMs, this.#turnAtMs) + 1_000 / this.#limit.perSecond
    return Math.ceil(this.#turnAtMs - nowMs)
  }

  #fill(nowMs: number): void {
    const { burst, perSecond } = this.#limit
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) * perSecond) / 1_000)
    this.#filledAtMs = nowMs
  }
}
