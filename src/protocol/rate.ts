/** How often something may happen. */
export interface RateLimit {
  /** How many times at once. */
  readonly burst: number
  /** How often a second in the long run. */
  readonly perSecond: number
}

/** A token bucket. The caller says what time it is, in milliseconds of a clock that never goes back. */
export class Rate {
  readonly #limit: RateLimit
  #tokens: number
  #filledAtMs: number
  /** The latest time that `nextTurnMs` has named. */
  #turnAtMs: number

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit
    this.#tokens = limit.burst
    this.#filledAtMs = nowMs
    this.#turnAtMs = nowMs
  }

  /** Takes a token. False if there is none. */
  take(nowMs: number): boolean {
    const { burst, perSecond } = this.#limit
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) * perSecond) / 1_000)
    this.#filledAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Puts back a token that was taken but not used. */
  giveBack(): void {
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + 1)
  }

  /**
   * Returns how long somebody who came too early should wait, in whole milliseconds. Each call names a later turn. If all got the same one, all but one
   * would be too early again.
   */
  nextTurnMs(nowMs: number): number {
    this.#turnAtMs = Math.max(nowMs, this.#turnAtMs) + 1_000 / this.#limit.perSecond
    return Math.ceil(this.#turnAtMs - nowMs)
  }
}
