import type { ManagerClock } from './clock.ts'

interface Timer {
  readonly dueMs: number
  /** How far the clock had gone back when the timer was set. */
  readonly wentBackMs: number | undefined
  readonly cancel: () => void
}

/**
 * Items on their way to expiry.
 *
 * All wait equally long, so they expire in the order in which they came, and one timer, for the first, is enough.
 *
 * A timer may be lost: a test replaces the runtime's, or the runtime is suspended. So the next call replaces a timer that is overdue, or that
 * was set before the clock went back. An overdue timer may only be late. So the next one gets twice the time before it is replaced; otherwise a
 * busy event loop would never fire any.
 */
export class ExpiringSet<TItem> {
  readonly #clock: ManagerClock
  readonly #ttlMs: number
  readonly #expire: (expired: readonly TItem[]) => void
  readonly #holdsProcess: boolean
  readonly #deadlines = new Map<TItem, number>()
  #timer: Timer | undefined
  /** How late the timer may be before it is taken for lost. */
  #patienceMs = 0

  /**
   * @param ttlMs how long an item waits; `Infinity`: forever, without a timer
   * @param holdsProcess whether the process stays alive while something waits
   */
  constructor(clock: ManagerClock, ttlMs: number, expire: (expired: readonly TItem[]) => void, holdsProcess = false) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#expire = expire
    this.#holdsProcess = holdsProcess
  }

  /** Lets an item expire `ttlMs` from now; without effect on one that waits already. */
  add(item: TItem): void {
    if (this.#ttlMs === Infinity || this.#deadlines.has(item)) return
    const nowMs = this.#clock.monotonic()
    const dueMs = nowMs + this.#ttlMs
    this.#deadlines.set(item, dueMs)
    if (this.#timer === undefined) this.#wait(this.#ttlMs, dueMs)
    else this.#replaceLost(this.#timer, nowMs)
  }

  /** Lets an item stay: it will not expire. */
  delete(item: TItem): void {
    // Nearly always nothing waits, and then there is no need to look the item up.
    if (this.#deadlines.size === 0 || !this.#deadlines.delete(item) || this.#deadlines.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Sets the timer anew if it may be lost. */
  renew(): void {
    if (this.#timer !== undefined) this.#replaceLost(this.#timer, this.#clock.monotonic())
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
      // Timers may fire a little early by the clock that they were set by: what it was set for is due all the same.
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
