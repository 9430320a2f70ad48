import type { Timers } from '../time/clock.ts'

// Node, Bun and Deno have `setImmediate`. The callback of `setImmediate` runs after all callbacks that are due already, and before any later ones.
declare const setImmediate: ((fn: () => void) => unknown) | undefined

/**
 * If a turn lasts longer than this, the event loop is busy, or the callback for the end of the turn was lost. In both cases, `notice` schedules the
 * end of the turn again. If the event loop was only busy, the second callback does no harm.
 */
const LOST_AFTER_MS = 100

/** The turns of the event loop in which messages are delivered. */
export interface Ticks {
  /** The number of the running turn. A turn whose end was not scheduled is not counted, so the next turn has the same number. */
  readonly tick: number
  /** True if a callback for the end of the running turn is scheduled. */
  readonly isAwaited: boolean
  /** Schedules the end of the running turn. */
  await(): void
}

/**
 * Counts the turns of the event loop in which messages are delivered. At the end of each turn, the class calls its callback once, with all items of
 * the turn.
 *
 * A turn ends with the callback of a `setImmediate`. So all messages of a turn are sent together, no matter how many callbacks and awaits the turn
 * has. Normally, no message waits for a timer. In a runtime without `setImmediate`, a turn ends with a microtask. If fake timers swallow the callback
 * of `setImmediate`, `notice` schedules the end of the turn again, and also sets a timer if the end is late.
 */
export class EndOfTick<TItem> implements Ticks {
  tick = 1
  isAwaited = false
  #items: TItem[] = []
  /** The items of the turn that is ending. Empty unless the callback is running. */
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

  /** The items of the running turn. While the callback for the end of a turn runs, the items of that turn are included too. */
  get items(): readonly TItem[] {
    return [...this.#ending, ...this.#items]
  }

  add(item: TItem): void {
    this.#items.push(item)
    this.await()
  }

  /** Schedules the end of the running turn, even if no item is added in this turn. */
  await(): void {
    if (this.isAwaited) return
    this.isAwaited = true
    this.#sinceMs = this.#nowMs
    this.#scheduledBy = immediate()
    atEndOfTick(this.#endOf(this.tick))
  }

  /**
   * Notes the time. The callback for the end of the turn may have been lost if the end is late, or if `setImmediate` was replaced since the end was
   * scheduled. In both cases, `notice` schedules the end again.
   */
  notice(nowMs: number): void {
    this.#nowMs = nowMs
    if (!this.isAwaited) return
    const isLate = Math.abs(nowMs - this.#sinceMs) >= LOST_AFTER_MS
    if (!isLate && immediate() === this.#scheduledBy) return
    this.#sinceMs = nowMs
    this.#scheduledBy = immediate()
    const end = this.#endOf(this.tick)
    atEndOfTick(end)
    // Like an immediate, a timer cannot fire in the middle of a turn. So a busy turn stays one turn.
    if (isLate) {
      this.#stopTimer()
      this.#cancelTimer = this.#clock.setTimeout(end, 0)
    }
  }

  /** Returns a function that ends the turn with this number, unless that turn has ended already. */
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
      // The callback may have published a message. If the turn was late, that message made `notice` set the timer.
      this.#stopTimer()
      this.tick++
      this.isAwaited = false
      // Items that the callback added belong to the next turn.
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
