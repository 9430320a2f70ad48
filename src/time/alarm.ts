import type { Timers } from './clock.ts'

/**
 * One timer. If `set` is called several times, the timer fires at the earliest of the given times.
 *
 * A timer can be lost if a test installs fake timers, or if the runtime is suspended. So the next call of `set` or `renew` replaces a timer that is
 * overdue.
 */
export class Alarm {
  readonly #clock: Timers
  readonly #ring: () => void
  #dueMs = Infinity
  #cancelTimer: (() => void) | undefined

  constructor(clock: Timers, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /**
   * Makes the alarm ring once, at the latest in `ms` milliseconds. `Infinity` sets no timer. Pass `nowMs` if you have just read the clock. This saves
   * reading the clock again.
   */
  set(ms: number, nowMs: number = this.#clock.monotonic()): void {
    if (ms === Infinity) return
    const isLost = this.#dueMs < nowMs
    if (!isLost && this.#dueMs <= nowMs + ms) return
    this.cancel()
    this.#dueMs = nowMs + ms
    this.#cancelTimer = this.#clock.setTimeout(() => this.#end(), isLost ? 0 : ms)
  }

  /** Replaces the timer if it is overdue, because it may be lost. */
  renew(): void {
    if (this.#cancelTimer !== undefined && this.#dueMs < this.#clock.monotonic()) this.set(0)
  }

  cancel(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#dueMs = Infinity
  }

  #end(): void {
    this.#cancelTimer = undefined
    this.#dueMs = Infinity
    this.#ring()
  }
}
