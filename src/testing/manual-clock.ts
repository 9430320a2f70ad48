import type { Clock } from '../time/clock.ts'
import { optionsIn } from './options-in.ts'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
}

/**
 * A clock that stands still until a test lets time pass: deadlines, expiries and polls happen when it says so, and not otherwise.
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
   * `startsAt` is what the wall clock shows at first; by default always the same moment, so that a test can name it.
   *
   * @throws `ERR_INVALID_OPTION` for an unknown option
   */
  constructor(options: { readonly startsAt?: Date | undefined } = {}) {
    const { startsAt = new Date('2026-01-31T12:00:00.000Z') } = optionsIn(options, ['startsAt'])
    this.#wallMs = (startsAt as Date).getTime()
  }

  /** How many timers are set and have neither fallen due nor been cancelled: 0 where nothing is left behind. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  /** What the wall clock shows: where it started, and what passed and was jumped since. */
  now(): number {
    return this.#wallMs
  }

  /** How much time has passed; jumps are none. */
  monotonic(): number {
    return this.#monotonicMs
  }

  /** Sets a timer, for `advance` to call: even one of 0 milliseconds waits for that. The returned function cancels it. */
  setTimeout(fn: () => void, ms: number): () => void {
    const timer = { dueMs: this.#monotonicMs + ms, fn }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /**
   * Lets time pass, and what falls due meanwhile happen, each at its own moment, in order; those of one moment as they were set.
   *
   * A timer that is set by another, or sets itself again, happens within the same call when it falls due within it. One that throws
   * is gone, and time stands at its moment: the others happen at the next call. Promises that a timer settles are told of it when
   * the test next awaits.
   *
   * @throws `RangeError` when that is not a finite number of 0 or more: time does not go back; see `jump`
   */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`Time passes by a finite number of 0 or more milliseconds, got ${String(ms)}`)
    const untilMs = this.#monotonicMs + ms
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#passUntil(next.dueMs)
      this.#timers.delete(next)
      next.fn()
    }
    this.#passUntil(untilMs)
  }

  /** Sets the wall clock forward, or back by a negative number, as an operator does. No time passes: durations are untouched. */
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

  /** Never back: a timer may have let more time pass in its turn. */
  #passUntil(monotonicMs: number): void {
    const passedMs = Math.max(0, monotonicMs - this.#monotonicMs)
    this.#wallMs += passedMs
    this.#monotonicMs += passedMs
  }
}
