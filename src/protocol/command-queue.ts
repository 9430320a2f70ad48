import type { Task } from './task.ts'

/** The commands of one connection. Each command is answered before the next command has its turn. */
export class CommandQueue {
  readonly #failed: (error: unknown) => void
  #tasks: Task[] = []
  #isAdvancing = false

  /**
   * `failed` is called with the error that a step throws. The command of that step is removed without an answer, so that the other commands do not
   * wait for it.
   */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** How many commands have no answer yet. */
  get length(): number {
    return this.#tasks.length
  }

  push(task: Task): void {
    this.#tasks.push(task)
    this.advance()
  }

  /** Carries out commands in order, as far as possible. Call this method after any event that a command may wait for. */
  advance(): void {
    // User code may call this method in the middle of a step. The loop that is running then continues with the new state.
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    for (let [task] = this.#tasks; task !== undefined && this.#isOver(task); [task] = this.#tasks) {
      // The step may have cleared the queue.
      if (this.#tasks[0] === task) this.#tasks.shift()
    }
    this.#isAdvancing = false
  }

  /** Returns all commands that have no answer yet. */
  tasks(): Task[] {
    return [...this.#tasks]
  }

  /** Forgets all commands, because nobody waits for their answers. */
  clear(): void {
    this.#tasks = []
  }

  #isOver(task: Task): boolean {
    try {
      return task.step()
    } catch (error) {
      this.#failed(error)
      return true
    }
  }
}
