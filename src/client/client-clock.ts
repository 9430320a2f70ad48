import type { Clock } from '../time/clock.ts'

/** A client's source of time and random numbers. Pass your own in tests, so that no test waits on real time. */
export interface ClientClock extends Pick<Clock, 'monotonic' | 'setTimeout'> {
  /** Returns a random number of at least 0 and less than 1. The client uses it to choose a random wait. */
  random(): number
}

declare const performance: { now(): number }
declare function setTimeout(fn: () => void, ms: number): unknown
declare function clearTimeout(timer: unknown): void

/** The clock of the runtime. Its timers do not keep a process alive: if a timer has `unref`, as in Node, Bun and Deno, the clock calls it. */
export const runtimeClock: ClientClock = {
  monotonic: () => performance.now(),
  random: () => Math.random(),
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, ms) as { unref?(): void }
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
