import type { ClientClock } from './client-clock.ts'

interface Task {
  readonly dueMs: number
  readonly act: () => void
}

/** The longest delay of a timer, in milliseconds. In every runtime, a timer with a longer delay fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The tasks that a client runs later, by name. One timer serves all tasks. */
export class Agenda {
  readonly clock: ClientClock
  readonly #tasks = new Map<string, Task>()
  /** The time for which the timer is set. The timer is never set for a later time than that of the first task. */
  #timerMs = Infinity
  #cancelTimer = (): void => {}

  constructor(clock: ClientClock) {
    this.clock = clock
  }

  get nowMs(): number {
    return this.clock.monotonic()
  }

  /** Calls `act` once, after `ms` milliseconds. Replaces an earlier task of the same name. With `Infinity`, `act` is never called. */
  plan(name: string, ms: number, act: () => void): void {
    this.#tasks.set(name, { dueMs: this.nowMs + ms, act })
    this.#wakeAt(this.nowMs + ms)
  }

  cancel(...names: string[]): void {
    for (const name of names) this.#tasks.delete(name)
    if (this.#tasks.size > 0) return
    this.#cancelTimer()
    this.#timerMs = Infinity
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerMs) return
    this.#cancelTimer()
    this.#timerMs = dueMs
    this.#cancelTimer = this.clock.setTimeout(() => this.#run(), Math.max(0, Math.min(dueMs - this.nowMs, LONGEST_TIMER_MS)))
  }

  #run(): void {
    const { nowMs } = this
    this.#timerMs = Infinity
    for (const [name, task] of [...this.#tasks]) {
      // A task that ran before may have cancelled this one, or planned it anew.
      if (task.dueMs <= nowMs && this.#tasks.get(name) === task) {
        this.#tasks.delete(name)
        task.act()
      }
    }
    for (const { dueMs } of this.#tasks.values()) this.#wakeAt(dueMs)
  }

  /** Cancels all tasks. */
  clear(): void {
    this.cancel(...this.#tasks.keys())
  }
}
