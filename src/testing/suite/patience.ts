import type { Clock } from '../../time/clock.ts'
import type { Awaitable } from '../host.ts'

// What waiting needs of a runtime. Unlike the library's own timers these hold the process: a test that waits is not over.
declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** How long the suite waits for what it expects. */
export interface PatienceOptions {
  /**
   * Milliseconds after which what has not happened is a failure. Nothing waits as long where all goes well.
   *
   * @default 10_000
   */
  readonly deadlineMs?: number | undefined
  /**
   * By what the deadline is measured.
   *
   * @default the runtime's own clock
   */
  readonly clock?: Pick<Clock, 'monotonic' | 'setTimeout'> | undefined
}

/** What is looked at, and when it is as it should be. */
interface Expected<T> {
  readonly look: () => Awaitable<T>
  readonly isAsExpected: (seen: T) => boolean
  /** How to tell of it where it is not. */
  readonly told?: (seen: T) => string
}

const LOOK_AGAIN_MS = 5
const LONGEST_SHOWN = 300

const runtimeClock: Pick<Clock, 'monotonic' | 'setTimeout'> = {
  monotonic: () => performance.now(),
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** Waits for what is expected, and says what was there instead when it does not come. */
export class Patience {
  readonly #deadlineMs: number
  readonly #clock: Pick<Clock, 'monotonic' | 'setTimeout'>

  constructor({ deadlineMs = 10_000, clock = runtimeClock }: PatienceOptions = {}) {
    this.#deadlineMs = deadlineMs
    this.#clock = clock
  }

  /** Returns what this resolves to; fails when that takes too long, and when it rejects. */
  within<T>(expectation: string, outcome: Awaitable<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimeout(() => reject(this.#failure(expectation, 'it did not happen')), this.#deadlineMs)
      void Promise.resolve(outcome).finally(cancel).then(resolve, reject)
    })
  }

  /** Looks again and again until what is seen is as expected, and returns it. */
  async until<T>(expectation: string, { look, isAsExpected, told = describe }: Expected<T>): Promise<T> {
    const giveUpAt = this.#clock.monotonic() + this.#deadlineMs
    for (;;) {
      const seen = await this.within(expectation, look())
      if (isAsExpected(seen)) return seen
      if (this.#clock.monotonic() >= giveUpAt) throw this.#failure(expectation, `there was ${told(seen)}`)
      await this.#pause()
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimeout(resolve, LOOK_AGAIN_MS))
  }

  #failure(expectation: string, instead: string): Error {
    return new Error(`Expected that ${expectation}, within ${this.#deadlineMs} ms: ${instead}`)
  }
}

/** A value in an error message, cut where it is long. */
export function describe(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}… (${text.length} units)` : text
}
