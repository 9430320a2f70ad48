import { Alarm } from '../time/alarm.ts'
import type { Timers } from '../time/clock.ts'

/** Something that is closed later, such as a session. */
export interface Closing {
  close(): void
}

/** Closes connections later. One timer serves all connections. */
export class Closings {
  readonly #clock: Timers
  readonly #dueMs = new Map<Closing, number>()
  readonly #alarm: Alarm

  constructor(clock: Timers) {
    this.#clock = clock
    this.#alarm = new Alarm(clock, () => this.#closeDue())
  }

  /** Calls `close` once, `ms` milliseconds from now. A later call for the same object replaces the time. */
  add(closing: Closing, ms: number): void {
    this.#dueMs.set(closing, this.#clock.monotonic() + ms)
    this.#alarm.set(ms)
  }

  forget(closing: Closing): void {
    this.#dueMs.delete(closing)
  }

  #closeDue(): void {
    const nowMs = this.#clock.monotonic()
    let nextMs = Infinity
    for (const [closing, dueMs] of [...this.#dueMs]) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs - nowMs)
      else if (this.#dueMs.delete(closing)) closing.close()
    }
    this.#alarm.set(nextMs)
  }
}
