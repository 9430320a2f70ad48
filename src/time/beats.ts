import type { Timers } from './clock.ts'
import { Spread } from './spread.ts'
import { Timetable } from './timetable.ts'

/** The number of steps into which an interval is divided. A power of two, so that the division is exact. */
const STEPS = 64

/**
 * Calls a function for each member once in each interval. The calls are spread over the interval. One timer serves all members.
 *
 * If the timer is late, because the process stood still, the missed calls are not made up.
 */
export class Beats<TMember> {
  readonly #clock: Timers
  readonly #everyMs: number
  readonly #spread = new Spread()
  readonly #timetable: Timetable<TMember>

  /** With an `everyMs` of `0`, `beat` is never called. Any other value below 1 counts as 1. `beat` must not throw. */
  constructor(clock: Timers, everyMs: number, beat: (member: TMember) => void) {
    this.#clock = clock
    // After some days, the readings of the clock would be too coarse for a shorter interval.
    this.#everyMs = everyMs === 0 ? 0 : Math.max(1, everyMs)
    this.#timetable = new Timetable(clock, this.#everyMs / STEPS, (member, dueMs) => {
      this.#timetable.set(member, this.#nextMs(dueMs))
      beat(member)
    })
  }

  /** Adds a member. Its first beat comes within the interval that begins now. */
  add(member: TMember): void {
    if (this.#everyMs === 0 || this.#timetable.has(member)) return
    const phaseMs = this.#spread.next() * (this.#everyMs - this.#everyMs / STEPS)
    this.#timetable.set(member, this.#clock.monotonic() + phaseMs)
  }

  delete(member: TMember): void {
    this.#timetable.delete(member)
  }

  clear(): void {
    this.#timetable.clear()
  }

  /** Returns the next time of a member that was due at `dueMs`. The member keeps its place in the interval, even after a pause of the process. */
  #nextMs(dueMs: number): number {
    const missed = Math.floor((this.#clock.monotonic() - dueMs) / this.#everyMs)
    return dueMs + (missed + 1) * this.#everyMs
  }
}
