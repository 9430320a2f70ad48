import type { Clock } from '../../time/clock.ts'
import type { Awaitable } from '../host.ts'

// The only globals of the runtime that waiting uses. These timers keep the process alive, unlike the library's timers, because a test is running.
declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** How long the suite waits for an expectation, and by which clock. */
export interface PatienceOptions {
  /**
   * How long the suite waits for one expectation. If the expectation does not hold by then, the test fails. A test may have several expectations.
   * Milliseconds, at most 2,147,483,647: a longer timer of the runtime fires at once.
   *
   * @default 10_000
   */
  readonly deadlineMs?: number | undefined
  /**
   * The clock that measures the deadline, and the pauses between two checks of an expectation. It must run by itself, unlike a `ManualClock`.
   *
   * @default the runtime's own clock
   */
  readonly clock?: Pick<Clock, 'monotonic' | 'setTimeout'> | undefined
}

/** A function that reads a value, and a function that checks the value. */
interface Expected<T> {
  readonly look: () => Awaitable<T>
  readonly isAsExpected: (seen: T) => boolean
  /** Describes an unexpected value for the error message. */
  readonly describeSeen?: (seen: T) => string
}

const POLL_INTERVAL_MS = 5
const LONGEST_DESCRIPTION = 300

const runtimeClock: Pick<Clock, 'monotonic' | 'setTimeout'> = {
  monotonic: () => performance.now(),
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** Waits until an expectation holds. If the expectation does not hold in time, the error says what happened instead. */
export class Patience {
  readonly #deadlineMs: number
  readonly #clock: Pick<Clock, 'monotonic' | 'setTimeout'>

  constructor({ deadlineMs = 10_000, clock = runtimeClock }: PatienceOptions = {}) {
    this.#deadlineMs = deadlineMs
    this.#clock = clock
  }

  /** Returns the value of `outcome`. Fails if `outcome` rejects, or is not settled in time. */
  within<T>(expectation: string, outcome: Awaitable<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimeout(() => reject(this.#failure(expectation, 'it did not happen')), this.#deadlineMs)
      void Promise.resolve(outcome).finally(cancel).then(resolve, reject)
    })
  }

  /** Reads a value repeatedly until the value is as expected. Returns the value. */
  async until<T>(expectation: string, { look, isAsExpected, describeSeen = describe }: Expected<T>): Promise<T> {
    const giveUpAt = this.#clock.monotonic() + this.#deadlineMs
    for (;;) {
      const seen = await this.within(expectation, look())
      if (isAsExpected(seen)) return seen
      if (this.#clock.monotonic() >= giveUpAt) throw this.#failure(expectation, `got ${describeSeen(seen)}`)
      await this.#pause()
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimeout(resolve, POLL_INTERVAL_MS))
  }

  #failure(expectation: string, instead: string): Error {
    return new Error(`Expected that ${expectation} within ${this.#deadlineMs} ms, but ${instead}`)
  }
}

/** Describes a value for an error message. A long description is truncated. */
export function describe(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > LONGEST_DESCRIPTION ? `${text.slice(0, LONGEST_DESCRIPTION)}… (${text.length} units)` : text
}
