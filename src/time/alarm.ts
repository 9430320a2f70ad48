import type { Clock } from './clock.ts'

/**
 * One timer, set for the earliest of the moments that `set` was called with.
 *
 * Fake timers of a test, or a suspended runtime, can lose a timer. If the time of an alarm has passed, the next call of `set` sets it anew.
 */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #dueMs = Infinity
  #cancelTimer: (() => void) | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings once, at most `ms` milliseconds from now. `Infinity` sets nothing. */
  set(ms: number): void {
    if (ms === Infinity) return
    const nowMs = this.#clock.monotonic()
    const isLost = this.#dueMs < nowMs
    if (!isLost && this.#dueMs <= nowMs + ms) return
    this.cancel()
    this.#dueMs = nowMs + ms
    this.#cancelTimer = this.#clock.setTimeout(() => this.#end(), isLost ? 0 : ms)
  }

  /** Sets it anew if its time has passed: the timer may be lost. */
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
