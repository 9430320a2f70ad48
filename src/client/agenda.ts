import type { ClientClock } from './client-clock.ts'

interface Task {
  readonly dueMs: number
  readonly act: (lateMs: number) => void
}

/** The longest delay of a timer, in milliseconds. In every runtime, a timer with a delay of 2 ** 31 or more fires at once. */
const LONGEST_TIMER_MS = 2_000_000_000

/** The tasks that a client runs later, by name. One timer serves all tasks. */
export class Agenda {
  readonly clock: ClientClock
  readonly #tasks = new Map<string, Task>()
  /** The time for which the timer is set. It is never later than the time of the task that is due first. */
  #timerMs = Infinity
  #cancelTimer: (() => void) | undefined

  constructor(clock: ClientClock) {
    this.clock = clock
  }

  /**
   * Calls `act` once, after `ms` milliseconds, with the number of milliseconds by which the call is late. Replaces an earlier task of the same name.
   * With `Infinity`, `act` is never called.
   */
  plan(name: string, ms: number, act: (lateMs: number) => void): void {
    const dueMs = this.clock.monotonic() + ms
    this.#tasks.set(name, { dueMs, act })
    this.#wakeAt(dueMs)
  }

  cancel(...names: string[]): void {
    for (const name of names) this.#tasks.delete(name)
    if (this.#tasks.size > 0) return
    this.#cancelTimer?.()
    this.#timerMs = Infinity
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerMs) return
    this.#cancelTimer?.()
    this.#timerMs = dueMs
    this.#cancelTimer = this.clock.setTimeout(() => this.#run(), Math.max(0, Math.min(dueMs - this.clock.monotonic(), LONGEST_TIMER_MS)))
  }

  #run(): void {
    const nowMs = this.clock.monotonic()
    this.#timerMs = Infinity
    for (const [name, task] of [...this.#tasks]) {
      // A task that ran before may have cancelled this one, or planned it anew.
      if (this.#tasks.get(name) !== task) continue
      if (task.dueMs > nowMs) this.#wakeAt(task.dueMs)
      else {
        this.#tasks.delete(name)
        task.act(nowMs - task.dueMs)
      }
    }
  }

  /** Cancels all tasks. */
  clear(): void {
    this.cancel(...this.#tasks.keys())
  }
}
