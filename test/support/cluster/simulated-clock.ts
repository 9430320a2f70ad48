import type { Clock } from '../../../src/index.ts'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
  isCancelled: boolean
}

const STARTS_AT = Date.parse('2026-01-31T12:00:00.000Z')

/** A clock that goes from timer to timer. Between two timers, all promises that can settle have settled. */
export class SimulatedClock implements Clock {
  #nowMs = 0
  /** Sorted by due time. Timers of the same time are in the order in which they were set. */
  readonly #timers: Timer[] = []

  now(): number {
    return STARTS_AT + Math.floor(this.#nowMs)
  }

  monotonic(): number {
    return this.#nowMs
  }

  setTimeout(fn: () => void, ms: number): () => void {
    const timer: Timer = { dueMs: this.#nowMs + ms, fn, isCancelled: false }
    let at = this.#timers.length
    while (at > 0 && (this.#timers[at - 1] as Timer).dueMs > timer.dueMs) at--
    this.#timers.splice(at, 0, timer)
    return () => void (timer.isCancelled = true)
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#timers[0]; next !== undefined && next.dueMs <= untilMs; next = this.#timers[0]) {
      this.#timers.shift()
      if (next.isCancelled) continue
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.fn()
      await settled()
    }
    this.#nowMs = untilMs
  }
}

/** Resolves when all promises that can settle have settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
