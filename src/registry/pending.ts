import type { Clock } from '../clock.ts'
import type { SubscriptionRecord } from './records.ts'

/**
 * Pending subscriptions on their way to expiry.
 *
 * All wait equally long, so they expire in the order in which they came, and one timer, for the first, is enough.
 */
export class Pending {
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #expire: (expired: readonly SubscriptionRecord[]) => void
  readonly #deadlines = new Map<SubscriptionRecord, number>()
  #cancelTimer: (() => void) | undefined

  constructor(clock: Clock, ttlMs: number, expire: (expired: readonly SubscriptionRecord[]) => void) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#expire = expire
  }

  /** Lets a subscription expire `ttlMs` from now; without effect on one that waits already. */
  add(subscription: SubscriptionRecord): void {
    if (this.#ttlMs === Infinity || this.#deadlines.has(subscription)) return
    this.#deadlines.set(subscription, this.#clock.monotonic() + this.#ttlMs)
    if (this.#cancelTimer === undefined) this.#wait(this.#ttlMs)
  }

  /** Lets a subscription stay: it found its connection, or has ended. */
  delete(subscription: SubscriptionRecord): void {
    if (!this.#deadlines.delete(subscription) || this.#deadlines.size > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #wait(ms: number): void {
    const dueMs = this.#clock.monotonic() + ms
    this.#cancelTimer = this.#clock.setTimeout(() => {
      // Timers may fire a little early by the clock that they were set by: what it was set for is due all the same.
      this.#expireUntil(Math.max(dueMs, this.#clock.monotonic()))
    }, ms)
  }

  #expireUntil(nowMs: number): void {
    this.#cancelTimer = undefined
    const expired: SubscriptionRecord[] = []
    for (const [subscription, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs) {
        this.#wait(deadlineMs - nowMs)
        break
      }
      this.#deadlines.delete(subscription)
      expired.push(subscription)
    }
    this.#expire(expired)
  }
}
