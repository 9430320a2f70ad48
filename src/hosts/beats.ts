import { Alarm } from '../time/alarm.ts'
import type { Timers } from '../time/clock.ts'

/** Calls a function for each member at a fixed interval, as long as there are members. One timer serves all members. */
export class Beats<TMember> {
  readonly #everyMs: number
  readonly #members = new Set<TMember>()
  readonly #alarm: Alarm

  /** With an `everyMs` of `0`, the function is never called. */
  constructor(clock: Timers, everyMs: number, beat: (member: TMember) => void) {
    this.#everyMs = everyMs
    this.#alarm = new Alarm(clock, () => {
      for (const member of [...this.#members]) beat(member)
      this.#goOn()
    })
  }

  add(member: TMember): void {
    this.#members.add(member)
    this.#goOn()
  }

  delete(member: TMember): void {
    this.#members.delete(member)
    if (this.#members.size === 0) this.#alarm.cancel()
  }

  #goOn(): void {
    if (this.#everyMs > 0 && this.#members.size > 0) this.#alarm.set(this.#everyMs)
  }
}
