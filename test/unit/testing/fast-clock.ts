import type { Clock } from '../../../src/time/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
}

const MS_A_TURN = 5

/** A clock that adds five milliseconds in each turn of the event loop. Ten seconds pass quickly, and never too early on a busy machine. */
export class FastClock implements Pick<Clock, 'monotonic' | 'setTimeout'> {
  #ms = 0
  readonly #timers = new Set<Timer>()
  #isRunning = false

  monotonic(): number {
    return this.#ms
  }

  setTimeout(fn: () => void, ms: number): () => void {
    const timer = { dueMs: this.#ms + ms, fn }
    this.#timers.add(timer)
    if (!this.#isRunning) this.#run()
    return () => void this.#timers.delete(timer)
  }

  #run(): void {
    this.#isRunning = this.#timers.size > 0
    if (this.#isRunning) setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#ms += MS_A_TURN
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.#ms || !this.#timers.delete(timer)) continue
      timer.fn()
    }
    this.#run()
  }
}
