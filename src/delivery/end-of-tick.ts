import type { Timers } from '../time/clock.ts'

// Node, Bun and Deno have it. It runs after everything that is due already, and before anything else.
declare const setImmediate: ((fn: () => void) => unknown) | undefined

/** If a turn lasts longer, it is busy, or its end was lost. Then its end is scheduled again, which does no harm if the turn is only busy. */
const LOST_AFTER_MS = 100

/** The turns of the event loop in which messages are delivered. */
export interface Ticks {
  /** The number of the running turn. Only turns whose end is awaited have a number of their own. */
  readonly tick: number
  /** True if the end of the running turn is scheduled. */
  readonly isAwaited: boolean
  /** Schedules the end of the running turn. */
  await(): void
}

/**
 * Counts the turns of the event loop in which messages are delivered. At the end of each turn, it calls back once with all items of the turn.
 *
 * A turn ends with a `setImmediate`. So one batch holds all messages of a turn, however many callbacks and awaits it takes. Nothing waits for a
 * timer. Without a `setImmediate`, a turn ends with a microtask. Fake timers can swallow the immediate. Then `notice` schedules the end again.
 */
export class EndOfTick<TItem> implements Ticks {
  tick = 1
  isAwaited = false
  #items: TItem[] = []
  /** The items of the turn whose end is running. */
  #ending: readonly TItem[] = []
  #scheduledBy: unknown
  #sinceMs = 0
  #nowMs = 0
  #cancelTimer: (() => void) | undefined
  readonly #clock: Timers
  readonly #callback: (items: readonly TItem[]) => void

  constructor(clock: Timers, callback: (items: readonly TItem[]) => void) {
    this.#clock = clock
    this.#callback = callback
  }

  /** The items of the running turn. An item stays included until the end of its turn is over. */
  get items(): readonly TItem[] {
    return [...this.#ending, ...this.#items]
  }

  add(item: TItem): void {
    this.#items.push(item)
    this.await()
  }

  /** Schedules the end of the running turn, even if nothing is added in it. */
  await(): void {
    if (this.isAwaited) return
    this.isAwaited = true
    this.#sinceMs = this.#nowMs
    this.#scheduledBy = immediate()
    atEndOfTick(this.#endOf(this.tick))
  }

  /** Notes the time. If the end of the turn is so late that it may be lost, it is scheduled again. */
  notice(nowMs: number): void {
    this.#nowMs = nowMs
    if (!this.isAwaited) return
    const isLate = Math.abs(nowMs - this.#sinceMs) >= LOST_AFTER_MS
    if (!isLate && immediate() === this.#scheduledBy) return
    this.#sinceMs = nowMs
    this.#scheduledBy = immediate()
    const end = this.#endOf(this.tick)
    atEndOfTick(end)
    // A timer cannot fire in the middle of a turn either. So a busy turn stays one turn.
    if (isLate) {
      this.#stopTimer()
      this.#cancelTimer = this.#clock.setTimeout(end, 0)
    }
  }

  /** Returns a function that ends this turn, unless it has ended already. */
  #endOf(tick: number): () => void {
    return () => {
      if (this.isAwaited && this.tick === tick) this.#end()
    }
  }

  #end(): void {
    const items = this.#items
    this.#items = []
    this.#ending = items
    this.#stopTimer()
    try {
      this.#callback(items)
    } finally {
      this.#ending = []
      // A message that was published within the callback may have found the turn late, and set the timer.
      this.#stopTimer()
      this.tick++
      this.isAwaited = false
      // What was added within the callback belongs to the next turn.
      if (this.#items.length > 0) this.await()
    }
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}

function immediate(): unknown {
  return typeof setImmediate === 'function' ? setImmediate : undefined
}

function atEndOfTick(fn: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(fn)
  else void Promise.resolve().then(fn)
}
