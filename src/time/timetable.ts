import { NumberHeap } from '../collections/number-heap.ts'
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
  /** Step → its members. A set may be empty, because its members were deleted. */
  readonly #membersAt = new Map<number, Set<TMember>>()
  /** The keys of `#membersAt`. */
  readonly #steps = new NumberHeap()
  readonly #stepOf = new Map<TMember, number>()
  readonly #alarm: Alarm

  /** `due` gets the member and its time, rounded up to a whole step. `due` must not throw. */
  constructor(clock: Timers, stepMs: number, due: (member: TMember, dueMs: number) => void) {
    this.#clock = clock
    this.#stepMs = stepMs
    this.#due = due
    this.#alarm = new Alarm(clock, () => this.#run())
  }

  has(member: TMember): boolean {
    return this.#stepOf.has(member)
  }

  /** Sets the time of a member, by the monotonic clock. The new time replaces the time that the member had before. */
  set(member: TMember, atMs: number): void {
    this.delete(member)
    const step = Math.ceil(atMs / this.#stepMs)
    this.#membersOf(step).add(member)
    this.#stepOf.set(member, step)
    this.#wake()
  }

  delete(member: TMember): void {
    const step = this.#stepOf.get(member)
    if (step === undefined) return
    this.#membersAt.get(step)?.delete(member)
    this.#stepOf.delete(member)
    if (this.#stepOf.size === 0) this.clear()
  }

  clear(): void {
    this.#membersAt.clear()
    this.#steps.clear()
    this.#stepOf.clear()
    this.#alarm.cancel()
  }

  #membersOf(step: number): Set<TMember> {
    let members = this.#membersAt.get(step)
    if (members === undefined) {
      members = new Set()
      this.#membersAt.set(step, members)
      this.#steps.add(step)
    }
    return members
  }

  #run(): void {
    const nowMs = this.#clock.monotonic()
    while (this.#steps.smallest * this.#stepMs <= nowMs) this.#runNextStep()
    if (this.#stepOf.size === 0) this.clear()
    else this.#wake()
  }

  #runNextStep(): void {
    const step = this.#steps.smallest
    const members = [...this.#membersOf(step)]
    this.#steps.removeSmallest()
    this.#membersAt.delete(step)
    for (const member of members) {
      // The members before it may have removed or moved it.
      if (this.#stepOf.get(member) !== step) continue
      this.#stepOf.delete(member)
      this.#due(member, step * this.#stepMs)
    }
  }

  #wake(): void {
    const dueMs = this.#steps.smallest * this.#stepMs
    this.#alarm.set(Math.max(0, dueMs - this.#clock.monotonic()))
  }
}
