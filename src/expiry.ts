import type { Clock } from './clock.ts'

/**
 * Items on their way to expiry.
 *
 * All wait equally long, so they expire in the order in which they came, and one timer, for the first, is enough.
 */
export class Expiry<TItem> {
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #expire: (expired: readonly TItem[]) => void
  readonly #deadlines = new Map<TItem, number>()
  #cancelTimer: (() => void) | undefined

  /** @param ttlMs how long an item waits; `Infinity`: forever */
  constructor(clock: Clock, ttlMs: number, expire: (expired: readonly TItem[]) => void) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#expire = expire
  }

  /** Lets an item expire `ttlMs` from now; without effect on one that waits already. */
  add(item: TItem): void {
    if (this.#ttlMs === Infinity || this.#deadlines.has(item)) return
    const dueMs = this.#clock.monotonic() + this.#ttlMs
    this.#deadlines.set(item, dueMs)
    if (this.#cancelTimer === undefined) this.#wait(this.#ttlMs, dueMs)
  }

  /** Lets an item stay: it will not expire. */
  delete(item: TItem): void {
    // Nearly always nothing waits, and then there is no need to look the item up.
    if (this.#deadlines.size === 0 || !this.#deadlines.delete(item) || this.#deadlines.size > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #wait(ms: number, dueMs: number): void {
    this.#cancelTimer = this.#clock.setTimeout(() => {
      // Timers may fire a little early by the clock that they were set by: what it was set for is due all the same.
      this.#expireUntil(Math.max(dueMs, this.#clock.monotonic()))
    }, ms)
  }

  #expireUntil(nowMs: number): void {
    this.#cancelTimer = undefined
    const expired: TItem[] = []
    for (const [item, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs) {
        this.#wait(deadlineMs - nowMs, deadlineMs)
        break
      }
      this.#deadlines.delete(item)
      expired.push(item)
    }
    this.#expire(expired)
  }
}
