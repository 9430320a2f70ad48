import type { Timers } from './clock.ts'

interface Timer {
  readonly dueMs: number
  /** The value of the clock's `wentBackMs` when the timer was set. */
  readonly wentBackMs: number | undefined
  readonly cancel: () => void
}

/** How a set uses its timer. */
export interface ExpiryTimer {
  /** Whether the process stays alive while the set has items. The default is false. */
  readonly holdsProcess?: boolean
  /**
   * Whether the timer stays when the last item is deleted, so that the next item needs no new timer. A new timer takes about a microsecond, which is
   * much if single items come and go all the time. The owner of the set must call `clear` at the end. The default is false.
   */
  readonly staysWhenEmpty?: boolean
}

/**
 * A set whose items expire. All items have the same lifetime.
 *
 * So items expire in the order in which they were added. One timer for the first item is enough.
 *
 * A timer can be lost if a test installs fake timers, or if the runtime is suspended. So the next call of `add` or `renew` replaces a timer that is
 * overdue, or that was set before the clock went back. But perhaps an overdue timer is only late, because the event loop is busy. So after each
 * replacement, the new timer may be about twice as late before it counts as lost. Otherwise every timer could be replaced just before it fires.
 */
export class ExpiringSet<TItem> {
  readonly #clock: Timers
  readonly #ttlMs: number
  readonly #expire: (expired: readonly TItem[]) => void
  readonly #holdsProcess: boolean
  readonly #staysWhenEmpty: boolean
  readonly #deadlines = new Map<TItem, number>()
  #timer: Timer | undefined
  /** How many milliseconds the timer may be late before it counts as lost. */
  #patienceMs = 0

  /** @param ttlMs how long an item stays. With `Infinity`, items are not stored and never expire */
  constructor(clock: Timers, ttlMs: number, expire: (expired: readonly TItem[]) => void, timer: ExpiryTimer = {}) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#expire = expire
    this.#holdsProcess = timer.holdsProcess ?? false
    this.#staysWhenEmpty = timer.staysWhenEmpty ?? false
  }

  /** Adds an item that expires `ttlMs` from now. Does nothing if the set contains the item already. */
  add(item: TItem): void {
    if (this.#ttlMs === Infinity || this.#deadlines.has(item)) return
    const nowMs = this.#clock.monotonic()
    const dueMs = nowMs + this.#ttlMs
    this.#deadlines.set(item, dueMs)
    if (this.#timer === undefined) this.#wait(this.#ttlMs, dueMs)
    else this.#replaceLost(this.#timer, nowMs)
  }

  /** Removes an item, so that it does not expire. */
  delete(item: TItem): void {
    // The set is nearly always empty. An empty set need not look up the item.
    if (this.#deadlines.size === 0 || !this.#deadlines.delete(item) || this.#deadlines.size > 0) return
    if (!this.#staysWhenEmpty) this.#cancel()
  }

  /** Removes all items, so that none expires, and cancels the timer. */
  clear(): void {
    this.#deadlines.clear()
    this.#cancel()
  }

  /** Replaces the timer if an item waits for it, and the timer may be lost. */
  renew(): void {
    if (this.#timer !== undefined && this.#deadlines.size > 0) this.#replaceLost(this.#timer, this.#clock.monotonic())
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #replaceLost({ dueMs, wentBackMs, cancel }: Timer, nowMs: number): void {
    const isOverdue = nowMs >= dueMs + this.#patienceMs
    if (!isOverdue && wentBackMs === this.#clock.wentBackMs) return
    if (isOverdue) this.#patienceMs = this.#patienceMs * 2 || 1
    cancel()
    this.#wait(Math.max(0, dueMs - nowMs), Math.max(dueMs, nowMs))
  }

  #wait(ms: number, dueMs: number): void {
    const fire = (): void => {
      this.#patienceMs = 0
      // A timer may fire slightly early by its own clock. The item that the timer was set for expires anyway.
      this.#expireUntil(Math.max(dueMs, this.#clock.monotonic()))
    }
    const { wentBackMs } = this.#clock
    this.#timer = { dueMs, wentBackMs, cancel: this.#clock.setTimeout(fire, ms, this.#holdsProcess) }
  }

  #expireUntil(nowMs: number): void {
    this.#timer = undefined
    const expired: TItem[] = []
    for (const [item, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs) {
        this.#wait(deadlineMs - nowMs, deadlineMs)
        break
      }
      this.#deadlines.delete(item)
      expired.push(item)
    }
    this.#expire(expired)
  }
}
