import { disown } from '../guards/user-code.ts'

// The only globals of the runtime that the clock uses. Node, Bun, Deno, Workers and browsers have them.
declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** The manager's source of time. Pass a clock of your own in tests, so that no test waits for real time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, for timestamps. The value may jump, as a wall clock does. */
  now(): number
  /** Milliseconds since any fixed moment, for durations. The value must never decrease. */
  monotonic(): number
  /**
   * Calls `fn` once, `ms` milliseconds from now, unless the returned function is called first.
   *
   * `ms` is finite and not negative. The timer must not keep the process alive. While the promise of a removal or of `cleanup()` waits for a
   * timer, the manager itself keeps the process alive, unless the clock stands still, as `ManualClock` does.
   */
  setTimeout(fn: () => void, ms: number): () => void
}

/** The longest timer. In every runtime, a longer timer fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The runtime's own clock. In Node and Bun, the timers of this clock do not keep the process alive. */
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

/**
 * Lets the process end before the timer fires. In Node and Bun, a timer is an object with an `unref` for this. In other runtimes, a timer is a
 * number, and this function does nothing.
 */
function letProcessEnd(timer: unknown): void {
  ;(timer as { unref?(): void } | null)?.unref?.()
}

/** The clock that the library uses internally. */
export interface ManagerClock extends Clock {
  /**
   * How far this clock's `monotonic` is ahead of the `monotonic` of the host's clock, in milliseconds. The number grows when the host's clock goes
   * back, because a test installs or removes fake timers. Timers that were set before the host's clock went back may be lost.
   */
  readonly wentBackMs?: number
  /** @param holdsProcess whether the process must stay alive until the timer fires, because a promise waits for the timer */
  setTimeout(fn: () => void, ms: number, holdsProcess?: boolean): () => void
}

/** A clock without the wall time, for code that only measures durations. */
export type Timers = Omit<ManagerClock, 'now'>

/**
 * Called with an error that the clock threw, or with an error about a value that the clock returned. `isOfClose` is true if the failed timer was the
 * deadline of a close.
 */
export type ClockFailureListener = (error: unknown, isOfClose: boolean) => void

/** The shortest interval between two checks of whether the process must stay alive. A timer that is later than this counts as lost. Milliseconds. */
const HOLD_MS = 1_000

/** The latest time that a `Date` can hold. */
const LATEST_DATE_MS = 8_640_000_000_000_000

type Reading = 'now' | 'monotonic'

/**
 * Guards against the faults of a clock. No method throws. A reading is always a number. `monotonic` never decreases. A timer fires at most
 * once.
 *
 * The runtime's own clock is guarded too, because a test may replace the runtime's timers and time.
 */
export class GuardedClock implements ManagerClock {
  readonly #clock: Clock
  readonly #report: ClockFailureListener
  #wallMs: number
  /** The last reading of the host's `monotonic`. */
  #readMs: number
  /** The value that our `monotonic` returned for the last reading. */
  #returnedMs = 0
  /**
   * The host's last reading before it decreased. `undefined` if no reading has decreased, and once the host's clock has reached this reading again.
   */
  #wentBackFromMs: number | undefined
  wentBackMs = 0
  /** The readings that failed at the last attempt. A reading that keeps failing is reported only once. */
  readonly #failing = new Set<Reading>()
  /** True once the clock has failed. After a failure, the clock's readings no longer show whether its timers will fire. */
  #isBroken = false

  /** @throws any error of the clock's readings, and a `TypeError` for a reading that is not a number */
  constructor(clock: Clock, report: ClockFailureListener) {
    this.#clock = clock
    this.#report = report
    this.#wallMs = readingOf(clock, 'now')
    this.#readMs = readingOf(clock, 'monotonic')
    this.#returnedMs = this.#readMs
  }

  now(): number {
    this.#wallMs = this.#read('now') ?? this.#wallMs
    return this.#wallMs
  }

  monotonic(): number {
    const readMs = this.#read('monotonic') ?? this.#readMs
    if (readMs < this.#readMs) {
      // The host's reading decreased. Our own time continues from its last value.
      this.#wentBackFromMs ??= this.#readMs
      this.wentBackMs += this.#readMs - readMs
    } else if (this.#wentBackFromMs !== undefined && readMs >= this.#wentBackFromMs) {
      // The host's clock has reached its old reading, for example because a test restored the real time. The offset is no longer needed.
      this.wentBackMs = Math.max(0, this.#returnedMs - readMs)
      this.#wentBackFromMs = undefined
    }
    this.#readMs = readMs
    this.#returnedMs = readMs + this.wentBackMs
    return this.#returnedMs
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
      if (typeof readMs !== 'number' || !(name === 'now' ? Math.abs(readMs) <= LATEST_DATE_MS : Number.isFinite(readMs))) throw notANumber(name, readMs)
      if (this.#failing.size > 0) this.#failing.delete(name)
      return readMs
    } catch (error) {
      if (!this.#failing.has(name)) this.#failed(error, false)
      this.#failing.add(name)
      return undefined
    }
  }

  /** Sets a timer with the host's clock. If the host's clock throws, the runtime's own timer is used. */
  #set(fire: () => void, ms: number, failed: (error: unknown) => void): () => void {
    let isSet = false
    // If the clock calls `fireLater` at once, a state change may be running. So fire later.
    const fireLater = (): void => void (isSet ? fire() : systemClock.setTimeout(fire, 0))
    try {
      const answer: unknown = this.#clock.setTimeout(fireLater, ms)
      isSet = true
      if (typeof answer === 'function') return () => cancelBy(answer as () => unknown, failed)
      disown(answer)
      failed(new TypeError('`setTimeout` of the clock must return a function that cancels the timer'))
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
   * Keeps the process alive until the returned function is called, because the clock's own timers do not.
   *
   * If the clock stands still, as in a test, the process may end, because the timer might never fire. If the timer has not fired `HOLD_MS` after its
   * time, the timer is lost, and this method calls `fire` itself.
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
        // A long wait is checked less often than a short one.
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
  return new TypeError(`\`${name}\` of the clock must return a number`)
}

/** Returns a reading of the clock. @throws any error of the clock, and a `TypeError` for a reading that is not a number */
function readingOf(clock: Clock, name: Reading): number {
  const read: unknown = clock[name]()
  if (typeof read === 'number' && (name === 'now' ? Math.abs(read) <= LATEST_DATE_MS : Number.isFinite(read))) return read
  throw notANumber(name, read)
}

function cancelBy(cancel: () => unknown, failed: (error: unknown) => void): void {
  try {
    disown(cancel())
  } catch (error) {
    failed(error)
  }
}

/** Returns the timers of a clock. When a timer fires, `run` gets the timer's function and calls it. */
export function timersThatRun(clock: ManagerClock, run: (fn: () => void) => void): Timers {
  return {
    monotonic: () => clock.monotonic(),
    get wentBackMs() {
      return clock.wentBackMs ?? 0
    },
    setTimeout: (fn, ...rest) => clock.setTimeout(() => run(fn), ...rest),
  }
}
