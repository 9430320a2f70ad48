import type { Clock } from '../time/clock.ts'
import { optionsIn } from './options-in.ts'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
}

/**
 * A clock that stands still until a test advances it. Deadlines, expiries and polls happen only within `advance`.
 *
 * @example
 * import { ManualClock } from 'stream-connection-manager/testing'
 *
 * const clock = new ManualClock()
 * const manager = new ConnectionManager({ clock, pendingTtlMs: 30_000 })
 * manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
 *
 * clock.advance(30_000)
 * console.log(manager.subscriptionCount, clock.pendingTimers) // 0 0
 */
export class ManualClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  readonly #timers = new Set<Timer>()

  /**
   * `startsAt` is the first reading of the wall clock. The default is 2026-01-31T12:00:00.000Z in every run, so that a test can expect this time.
   *
   * @throws `ERR_INVALID_OPTION` for an unknown option
   */
  constructor(options: { readonly startsAt?: Date | undefined } = {}) {
    const { startsAt = new Date('2026-01-31T12:00:00.000Z') } = optionsIn(options, ['startsAt'])
    this.#wallMs = (startsAt as Date).getTime()
  }

  /** How many timers are set. A timer that has fired or was cancelled does not count. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  /**
   * Returns the wall-clock time, in milliseconds since the Unix epoch. This time is `startsAt` plus the milliseconds of all `advance` and `jump`
   * calls.
   */
  now(): number {
    return this.#wallMs
  }

  /** Returns how many milliseconds `advance` has let pass. A `jump` does not change this number. */
  monotonic(): number {
    return this.#monotonicMs
  }

  /** Sets a timer. A timer fires only within `advance`, even if `ms` is 0. The returned function cancels the timer. */
  setTimeout(fn: () => void, ms: number): () => void {
    const timer = { dueMs: this.#monotonicMs + ms, fn }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /**
   * Lets time pass. Fires each timer that falls due, in order. While a timer runs, the clock shows the time at which the timer was due, unless a
   * timer itself has called `advance`. Timers that are due at the same time fire in the order in which they were set.
   *
   * If a timer sets a new timer that falls due within the same call, the new timer fires too. If a timer throws, `advance` throws the same error, and
   * the clock stops at the time of this timer. The other timers stay set. They fire when another call of `advance` reaches their time. If a timer
   * settles a promise, the promise's handlers run at the next `await` of the test.
   *
   * @throws `RangeError` if `ms` is not a finite number of 0 or more. To set the wall clock back, use `jump`
   */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`Invalid time to advance: expected a finite number of milliseconds, 0 or more, got ${String(ms)}`)
    const untilMs = this.#monotonicMs + ms
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#passUntil(next.dueMs)
      this.#timers.delete(next)
      next.fn()
    }
    this.#passUntil(untilMs)
  }

  /**
   * Moves the wall clock forward, or back if `ms` is negative, as if an operator had changed the clock. No timer fires, and `monotonic` does not
   * change.
   */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  #nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer
    }
    return next
  }

  /** Moves both clocks forward to this monotonic time. Does nothing if they have passed it already, because a timer has called `advance`. */
  #passUntil(monotonicMs: number): void {
    const passedMs = Math.max(0, monotonicMs - this.#monotonicMs)
    this.#wallMs += passedMs
    this.#monotonicMs += passedMs
  }
}
