import type { Clock } from '../time/clock.ts'

// Where a macrotask can follow what is already due, and nothing else: Node, Bun and Deno.
declare const setImmediate: ((fn: () => void) => unknown) | undefined

/** If a turn lasts longer, it is busy, or its end was lost. Then the end is scheduled anew, which does a busy turn no harm. */
const LOST_AFTER_MS = 100

/** The turns of the event loop in which messages are delivered. */
export interface Ticks {
  /** The number of the running turn. Only turns whose end is awaited are counted. */
  readonly tick: number
  /** Whether the running turn's end was asked for. */
  readonly isAwaited: boolean
  /** Schedules the end of the running turn. */
  await(): void
}

/**
 * Counts the turns of the event loop in which messages are delivered, and calls back once at the end of each with all that was added in it.
 *
 * A turn ends with a `setImmediate`. So what one turn reads from its sockets is gathered, however many callbacks and awaits it takes, and an
 * idle loop waits for nothing. Without a `setImmediate`, a turn ends with a microtask. Fake timers can swallow the immediate; then `notice`
 * schedules the end anew.
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
  readonly #clock: Clock
  readonly #callback: (items: readonly TItem[]) => void

  constructor(clock: Clock, callback: (items: readonly TItem[]) => void) {
    this.#clock = clock
    this.#callback = callback
  }

  /** What was added in the running turn, until its end is over. */
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

  /** Takes note of the time, and schedules the end anew if it is so late that it may be lost. */
  notice(nowMs: number): void {
    this.#nowMs = nowMs
    if (!this.isAwaited) return
    const isLate = Math.abs(nowMs - this.#sinceMs) >= LOST_AFTER_MS
    if (!isLate && immediate() === this.#scheduledBy) return
    this.#sinceMs = nowMs
    this.#scheduledBy = immediate()
    const end = this.#endOf(this.tick)
    atEndOfTick(end)
    // A timer cannot fire in the middle of a turn either, so a busy turn stays one turn.
    if (isLate) {
      this.#cancelTimer?.()
      this.#cancelTimer = this.#clock.setTimeout(end, 0)
    }
  }

  /** Ends this turn, unless it has ended already. */
  #endOf(tick: number): () => void {
    return () => {
      if (this.isAwaited && this.tick === tick) this.#end()
    }
  }

  #end(): void {
    const items = this.#items
    this.#items = []
    this.#ending = items
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    try {
      this.#callback(items)
    } finally {
      this.#ending = []
      this.tick++
      this.isAwaited = false
      // What was added from within the callback belongs to the next turn.
      if (this.#items.length > 0) this.await()
    }
  }
}

function immediate(): unknown {
  return typeof setImmediate === 'function' ? setImmediate : undefined
}

function atEndOfTick(fn: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(fn)
  else void Promise.resolve().then(fn)
}
