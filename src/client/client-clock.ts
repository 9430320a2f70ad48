import type { Clock } from '../time/clock.ts'

/** A client's source of time and random numbers. Pass your own in tests, so that no test waits on real time. */
export interface ClientClock extends Pick<Clock, 'monotonic' | 'setTimeout'> {
  /** Returns a number from 0 up to, but not including, 1. The client multiplies its random waits by this number. */
  random(): number
}

declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** The clock of the runtime. The timers of this clock never keep a process alive. In Node and Bun, each timer is unref'd for this purpose. */
export const runtimeClock: ClientClock = {
  monotonic: () => performance.now(),
  random: () => Math.random(),
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, ms) as { unref?(): void }
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
