import { Alarm } from './alarm.ts'
import type { Timers } from './clock.ts'

/**
 * Calls a function for each member when its time has come. One timer serves all members.
 *
 * Times are rounded up to whole steps, so that members whose times are close together share a call of the timer.
 */
export class Timetable<TMember> {
  readonly #clock: Timers
  readonly #stepMs: number
  readonly #due: (member: TMember, dueMs: number) => void
  readonly #membersAt = new Map<number, Set<TMember>>()
  readonly #stepOf = new Map<TMember, number>()
  readonly #alarm: Alarm

  /** `due` gets the member, and the time that it was due. It must not throw. */
  constructor(clock: Timers, stepMs: number, due: (member: TMember, dueMs: number) => void) {
    this.#clock = clock
    this.#stepMs = stepMs
    this.#due = due
    this.#alarm = new Alarm(clock, () => this.#run())
  }

  has(member: TMember): boolean {
    return this.#stepOf.has(member)
  }

  /** Sets the time of a member, by the monotonic clock. It replaces an earlier time. */
  set(member: TMember, atMs: number): void {
    this.delete(member)
    const step = Math.ceil(atMs / this.#stepMs)
    const members = this.#membersAt.get(step) ?? new Set()
    this.#membersAt.set(step, members.add(member))
    this.#stepOf.set(member, step)
    this.#wake(step)
  }

  delete(member: TMember): void {
    const step = this.#stepOf.get(member)
    if (step === undefined) return
    const members = this.#membersAt.get(step)
    members?.delete(member)
    if (members?.size === 0) this.#membersAt.delete(step)
    this.#stepOf.delete(member)
    if (this.#stepOf.size === 0) this.#alarm.cancel()
  }

  clear(): void {
    this.#membersAt.clear()
    this.#stepOf.clear()
    this.#alarm.cancel()
  }

  #run(): void {
    const nowMs = this.#clock.monotonic()
    const steps = [...this.#membersAt.keys()].sort((a, b) => a - b)
    for (const step of steps) if (step * this.#stepMs <= nowMs) this.#runStep(step)
    const next = Math.min(...this.#membersAt.keys())
    if (next < Infinity) this.#wake(next)
  }

  #runStep(step: number): void {
    for (const member of [...(this.#membersAt.get(step) ?? [])]) {
      // The members before it may have removed or moved it.
      if (this.#stepOf.get(member) !== step) continue
      this.delete(member)
      this.#due(member, step * this.#stepMs)
    }
  }

  #wake(step: number): void {
    this.#alarm.set(Math.max(0, step * this.#stepMs - this.#clock.monotonic()))
  }
}
