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
   * `ms` is finite and not negative. The timer must not keep a process alive.
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
