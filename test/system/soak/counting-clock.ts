import type { Clock } from '../../../src/index.ts'

/** The runtime's clock, which knows how many of the timers that were set with it are still to fire. */
export class CountingClock implements Clock {
  pendingTimers = 0

  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  setTimeout(fn: () => void, ms: number): () => void {
    let isPending = true
    const settle = (): boolean => {
      const wasPending = isPending
      isPending = false
      if (wasPending) this.pendingTimers--
      return wasPending
    }
    this.pendingTimers++
    const timer = setTimeout(() => settle() && fn(), ms).unref()
    return () => {
      if (settle()) clearTimeout(timer)
    }
  }
}
