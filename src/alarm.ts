import type { Clock } from './clock.ts'

/**
 * One timer, set for the earliest moment at which somebody wants to be called.
 *
 * A timer can be lost: fake timers of a test, a suspended runtime. An alarm whose time has passed is set anew by the next call of `set`.
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

  /** Rings once, at most `ms` milliseconds from now. `Infinity`: not for this call. */
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
