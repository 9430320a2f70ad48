import { Queue } from '../collections/queue.ts'
import type { Task } from './task.ts'

/** The commands of one connection. Each is answered before the next one has its turn. */
export class CommandQueue {
  readonly #failed: (error: unknown) => void
  readonly #tasks = new Queue<Task>()
  #first: Task | undefined
  #isAdvancing = false
  /** How many commands have no answer yet. */
  length = 0

  /** `failed` is called with what a step throws. Its command stays without an answer, so that the others do not wait for it. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  push(task: Task): void {
    this.length++
    this.#tasks.push(task)
    this.advance()
  }

  /** Goes on as far as possible. Call it whenever something has happened that a command may wait for. */
  advance(): void {
    // User code may call back in the middle of a step. The loop below sees what it has brought.
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    for (let task = this.#turn(); task !== undefined && this.#isOver(task); task = this.#turn()) this.#next(task)
    this.#isAdvancing = false
  }

  /** Returns all that waits. */
  tasks(): Task[] {
    return [...(this.#first === undefined ? [] : [this.#first]), ...this.#tasks]
  }

  /** Forgets all commands, because nobody waits for their answers. */
  clear(): void {
    while (this.#tasks.shift() !== undefined);
    this.#first = undefined
    this.length = 0
  }

  #isOver(task: Task): boolean {
    try {
      return task.step()
    } catch (error) {
      this.#failed(error)
      return true
    }
  }

  #turn(): Task | undefined {
    return (this.#first ??= this.#tasks.shift())
  }

  #next(done: Task): void {
    // It may have been cleared by the step.
    if (this.#first !== done) return
    this.#first = undefined
    this.length--
  }
}
