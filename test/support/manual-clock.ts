import type { Clock } from '../../src/index.ts'

interface Timer {
  readonly dueMs: number
  readonly fn: () => void
}

/** A clock that stands still until it is told to advance. */
export class ManualClock implements Clock {
  #wallMs = Date.parse('2026-01-31T12:00:00.000Z')
  #monotonicMs = 0
  readonly #timers = new Set<Timer>()

  get pendingTimers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  setTimeout(fn: () => void, ms: number): () => void {
    const timer = { dueMs: this.#monotonicMs + ms, fn }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets time pass, and what falls due happen, in order. */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#passUntil(next.dueMs)
      this.#timers.delete(next)
      next.fn()
    }
    this.#passUntil(untilMs)
  }

  /** Sets the wall clock forward or back, as an operator does. Durations are untouched. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  #nextDue(untilMs: number): Timer | undefined {
    return [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
  }

  #passUntil(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }
}
