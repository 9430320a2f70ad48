import { disown } from '../guards/user-code.ts'

// What the library needs of its runtime, all of it: Node, Bun, Deno, Workers and browsers each have these.
declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** Time as the manager sees it. Give your own in tests, so that nothing waits on real time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, for timestamps. May jump, as wall clocks do. */
  now(): number
  /** Milliseconds since any fixed moment, for every duration. Never goes back. */
  monotonic(): number
  /**
   * Calls `fn` once, `ms` milliseconds from now, unless the returned function is called first.
   *
   * `ms` is finite and not negative. The timer must not keep a process alive. While the promise of a removal or of `cleanup()` waits for
   * a timer, the manager itself keeps the process alive, unless the clock stands still, as `ManualClock` does.
   */
  setTimeout(fn: () => void, ms: number): () => void
}

/** Timers of more milliseconds than this fire at once, in every runtime. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The runtime's own clock. Its timers never keep a process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(fn, ms) {
    let timer: unknown
    const wait = (leftMs: number): void => {
      const legMs = Math.min(leftMs, LONGEST_TIMER_MS)
      timer = setTimeout(() => (leftMs > legMs ? wait(leftMs - legMs) : fn()), legMs)
      letProcessEnd(timer)
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}

/** Where timers are objects (Node, Bun), they hold the process unless told otherwise; elsewhere they are numbers, without an `unref`. */
function letProcessEnd(timer: unknown): void {
  ;(timer as { unref?(): void } | null)?.unref?.()
}

/** The clock that all rooms go by. */
export interface ManagerClock extends Clock {
  /** How far `monotonic` has gone back in all, as it does when a test's fake timers come or go. Timers that were set before may be lost then. */
  readonly wentBackMs?: number
  /** @param holdsProcess whether the process has to stay alive until the timer has fired, for a promise that waits for it */
  setTimeout(fn: () => void, ms: number, holdsProcess?: boolean): () => void
}

/** What the clock throws, or what is wrong with its answers, and whether that was about the deadline of a close. */
export type ClockFailureListener = (error: unknown, isOfClose: boolean) => void

/** When a process that is held first asks whether it still has to be; and how late a timer that holds one may be. */
const HOLD_MS = 1_000

/** The wall time is to be the time of a `Date`, which has a latest one. Any other finite number is a time. */
const LONGEST_READING_MS: Readonly<Record<Reading, number>> = { now: 8_640_000_000_000_000, monotonic: Number.MAX_VALUE }

type Reading = 'now' | 'monotonic'

/**
 * Contains the faults of a clock: no method throws, a reading is always a number, time never goes back, and a timer calls once or not at
 * all.
 *
 * It guards the runtime's own clock as well, because a test may replace the runtime's timers and time.
 */
export class GuardedClock implements ManagerClock {
  readonly #clock: Clock
  readonly #report: ClockFailureListener
  #wallMs: number
  /** What the clock's `monotonic` said last, and what was made of it. */
  #readMs: number
  #toldMs = 0
  /** Where it stood when it first went back, until it is there again. */
  #leftAtMs: number | undefined
  wentBackMs = 0
  /** Readings that failed the last time, so that a clock that is broken for good is reported once. */
  readonly #failing = new Set<Reading>()
  /** Whether the clock ever failed: then it cannot tell whether its timers still come. */
  #isBroken = false

  /** @throws what a reading throws, and a `TypeError` for one that is no number */
  constructor(clock: Clock, report: ClockFailureListener) {
    this.#clock = clock
    this.#report = report
    this.#wallMs = readingOf(clock, 'now')
    this.#readMs = readingOf(clock, 'monotonic')
    this.#toldMs = this.#readMs
  }

  now(): number {
    this.#wallMs = this.#read('now') ?? this.#wallMs
    return this.#wallMs
  }

  monotonic(): number {
    const readMs = this.#read('monotonic') ?? this.#readMs
    if (readMs < this.#readMs) {
      // Time goes on from where it stood.
      this.#leftAtMs ??= this.#readMs
      this.wentBackMs += this.#readMs - readMs
    } else if (this.#leftAtMs !== undefined && readMs >= this.#leftAtMs) {
      // It is back where it was, as when a test gives the real time back: what it went back by does not count any more.
      this.wentBackMs = Math.max(0, this.#toldMs - readMs)
      this.#leftAtMs = undefined
    }
    this.#readMs = readMs
    this.#toldMs = readMs + this.wentBackMs
    return this.#toldMs
  }

  setTimeout(fn: () => void, ms: number, holdsProcess = false): () => void {
    let isOver = false
    let release = (): void => {}
    const fire = (): void => {
      if (isOver) return
      isOver = true
      release()
      fn()
    }
    const cancel = this.#set(fire, ms, (error) => this.#failed(error, holdsProcess))
    if (holdsProcess && !isOver) release = this.#holdProcess(fire, ms)
    return () => {
      if (isOver) return
      isOver = true
      release()
      cancel()
    }
  }

  #read(name: Reading): number | undefined {
    try {
      const readMs: unknown = this.#clock[name]()
      if (typeof readMs !== 'number' || !(Math.abs(readMs) <= LONGEST_READING_MS[name])) throw notANumber(name, readMs)
      if (this.#failing.size > 0) this.#failing.delete(name)
      return readMs
    } catch (error) {
      if (!this.#failing.has(name)) this.#failed(error, false)
      this.#failing.add(name)
      return undefined
    }
  }

  /** Sets a timer of the clock's; if that fails, one of the runtime's own takes its place. */
  #set(fire: () => void, ms: number, failed: (error: unknown) => void): () => void {
    let isSet = false
    // If the clock calls at once, that is in the middle of a state change: the call is made later.
    const fireLater = (): void => void (isSet ? fire() : systemClock.setTimeout(fire, 0))
    try {
      const answer: unknown = this.#clock.setTimeout(fireLater, ms)
      isSet = true
      if (typeof answer === 'function') return () => cancelBy(answer as () => unknown, failed)
      disown(answer)
      failed(new TypeError('The setTimeout of a clock must return a function that cancels the timer'))
      return () => {}
    } catch (error) {
      failed(error)
      return systemClock.setTimeout(fire, ms)
    }
  }

  #failed(error: unknown, isOfClose: boolean): void {
    this.#isBroken = true
    this.#report(error, isOfClose)
  }

  /**
   * Keeps the process alive until the returned function is called, since the clock's own timers do not.
   *
   * A clock that stands still, as a test's does, does not keep the process alive, because its timer may never come. A timer that has
   * not come long after its time is lost: then this fires in its place.
   */
  #holdProcess(fire: () => void, ms: number): () => void {
    let seenMs = this.monotonic()
    const lateMs = seenMs + ms + HOLD_MS
    let heldMs = 0
    let timer: unknown
    const hold = (forMs: number): void => {
      timer = setTimeout(() => {
        const nowMs = this.monotonic()
        heldMs += forMs
        const leftMs = Math.max(0, this.#isBroken ? ms + HOLD_MS - heldMs : lateMs - nowMs)
        if (leftMs === 0) fire()
        // The longer it takes, the less often it asks.
        else if (nowMs !== seenMs || this.#isBroken) hold(Math.min(Math.max(HOLD_MS, leftMs / 8), LONGEST_TIMER_MS))
        seenMs = nowMs
      }, forMs)
    }
    hold(HOLD_MS)
    return () => clearTimeout(timer)
  }
}

function notANumber(name: Reading, read: unknown): TypeError {
  disown(read)
  return new TypeError(`The ${name} of a clock must return a number`)
}

/** @throws what the clock throws, and a `TypeError` for a reading that is no number */
function readingOf(clock: Clock, name: Reading): number {
  const read: unknown = clock[name]()
  if (typeof read === 'number' && Math.abs(read) <= LONGEST_READING_MS[name]) return read
  throw notANumber(name, read)
}

function cancelBy(cancel: () => unknown, failed: (error: unknown) => void): void {
  try {
    disown(cancel())
  } catch (error) {
    failed(error)
  }
}

/** Returns a clock that goes by another one, and whose timers are run by `run`. */
export function clockThatRuns(clock: ManagerClock, run: (fn: () => void) => void): ManagerClock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    get wentBackMs() {
      return clock.wentBackMs ?? 0
    },
    setTimeout: (fn, ...rest) => clock.setTimeout(() => run(fn), ...rest),
  }
}
