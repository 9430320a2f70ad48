import type { ErrorReports } from '../guards/error-reports.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { StreamCatalogue } from '../model/catalogue.ts'
import { readMessage, type MessageFields } from '../model/message-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { Clock } from '../time/clock.ts'

/** The state of a stream that has published its first message of the current interval. */
interface Slot {
  /** The newest message that came after the first message of the interval. This held message is published when the interval ends. */
  held: MessageFields | undefined
}

const NONE: readonly Slot[] = []

/** A stream type, and its current interval. */
interface ThrottledType {
  readonly intervalMs: number
  /** When the current interval ends. `Infinity` if no stream of the type has had a message in this interval. */
  endMs: number
  /** Symbol → slot. Each interval begins with a new map, so that streams without new messages are dropped. */
  slots: Map<string | undefined, Slot>
}

export interface ThrottleDependencies {
  readonly intervalsMs: ReadonlyMap<string, number>
  readonly streams: StreamCatalogue
  readonly clock: Clock
  readonly reports: ErrorReports<[message: never]>
}

/**
 * Holds the newest message of each stream until the interval of its type ends.
 *
 * `publish` is user code, and may call any method of this class. So each method changes the state before it calls `publish`. A held message leaves
 * its slot before it is published, so no message is published twice. Each round of publishing visits each slot once. So if `publish` itself offers a
 * message of the stream that it publishes, that message is held until the type's current interval ends.
 */
export class Throttle {
  #heldCount = 0
  readonly #publish: (message: never) => unknown
  readonly #types = new Map<unknown, ThrottledType>()
  readonly #streams: StreamCatalogue
  readonly #clock: Clock
  readonly #reports: ErrorReports<[message: never]>
  /** The time at which the next interval ends. The timer is set for this time. `Infinity` if there is no timer. */
  #dueMs = Infinity
  #cancelTimer: (() => void) | undefined

  constructor(publish: (message: never) => unknown, { intervalsMs, streams, clock, reports }: ThrottleDependencies) {
    this.#publish = publish
    this.#streams = streams
    this.#clock = clock
    this.#reports = reports
    for (const [streamType, intervalMs] of intervalsMs) this.#types.set(streamType, { intervalMs, endMs: Infinity, slots: new Map() })
  }

  get held(): number {
    return this.#heldCount
  }

  offer(message: unknown): unknown {
    const type = this.#types.get((message as { readonly streamType?: unknown } | null | undefined)?.streamType)
    const fields = type && readMessage(message, this.#streams, this.#clock)
    // The timer may be late or lost, so this call ends the intervals that are over. It publishes the offered message first, and held messages second.
    // Otherwise `publish` could offer a newer message of the stream, and the newer message would overtake the offered one.
    const due = this.#dueMs === Infinity ? NONE : this.#endIntervals(this.#clock.monotonic())
    try {
      if (type === undefined || fields === undefined) return this.#publish(message as never)
      const slot = type.slots.get(fields.symbol)
      if (slot === undefined) return this.#publishFirst(type, fields.symbol, message)
      if (slot.held === undefined) this.#heldCount++
      slot.held = fields
      return undefined
    } finally {
      this.#publishHeld(due)
    }
  }

  flush(): void {
    const slots: Slot[] = []
    for (const type of this.#types.values()) for (const slot of type.slots.values()) if (slot.held !== undefined) slots.push(slot)
    this.#publishHeld(slots)
  }

  stop(): void {
    for (const type of this.#types.values()) {
      // A round of publishing may be running. It must not find the held messages any more.
      for (const slot of type.slots.values()) this.#take(slot)
      type.slots = new Map()
      type.endMs = Infinity
    }
    this.#setTimer()
  }

  /** Publishes the first message of a stream in an interval. */
  #publishFirst(type: ThrottledType, symbol: string | undefined, message: unknown): unknown {
    const { slots } = type
    const slot: Slot = { held: undefined }
    slots.set(symbol, slot)
    if (type.endMs === Infinity) {
      type.endMs = endOfInterval(this.#clock.monotonic(), type.intervalMs)
      this.#setTimer()
    }
    try {
      return this.#publish(message as never)
    } catch (error) {
      // Nothing was published, so the next message becomes the first one of the interval.
      if (slot.held === undefined) slots.delete(symbol)
      throw error
    }
  }

  /**
   * Ends the intervals that are over at `nowMs`. Returns slots with the messages that were held in these intervals. The caller must publish these
   * messages.
   */
  #endIntervals(nowMs: number): readonly Slot[] {
    if (nowMs < this.#dueMs) return NONE
    const due: Slot[] = []
    for (const type of this.#types.values()) {
      if (type.endMs > nowMs) continue
      beginInterval(type, nowMs)
      for (const slot of type.slots.values()) due.push(slot)
    }
    this.#setTimer()
    return due
  }

  #publishHeld(slots: readonly Slot[]): void {
    for (const slot of slots) {
      const fields = this.#take(slot)
      if (fields !== undefined) this.#publishLater(messageOf(fields))
    }
  }

  #take(slot: Slot): MessageFields | undefined {
    const { held } = slot
    if (held === undefined) return undefined
    slot.held = undefined
    this.#heldCount--
    return held
  }

  /** Publishes a held message. The call that offered the message has returned, so errors go to `onError`. */
  #publishLater(message: StreamMessage<unknown, string>): void {
    try {
      const answer = this.#publish(message as never)
      if (isThenable(answer)) adopted(answer).catch((error) => this.#reports.tell(error, message as never))
    } catch (error) {
      this.#reports.tell(error, message as never)
    }
  }

  /** Sets the timer for the interval that ends next. */
  #setTimer(): void {
    let dueMs = Infinity
    for (const { endMs } of this.#types.values()) dueMs = Math.min(dueMs, endMs)
    if (dueMs === this.#dueMs) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#dueMs = dueMs
    if (dueMs === Infinity) return
    // A timer may fire slightly early by its own clock. The interval that the timer was set for ends anyway.
    const ring = (): void => this.#publishHeld(this.#endIntervals(Math.max(dueMs, this.#clock.monotonic())))
    this.#cancelTimer = this.#clock.setTimeout(ring, Math.max(0, dueMs - this.#clock.monotonic()))
  }
}

/**
 * Begins the interval that contains `nowMs`. If a stream has a held message, the caller publishes that message next. The message is then the stream's
 * first message in the new interval, so the stream gets a slot in this interval.
 */
function beginInterval(type: ThrottledType, nowMs: number): void {
  const ended = type.slots
  type.slots = new Map()
  for (const [symbol, slot] of ended) {
    if (slot.held === undefined) continue
    // Make a new slot. A round of publishing may still be running for an earlier interval, and must not take messages from the new interval.
    type.slots.set(symbol, { held: slot.held })
    slot.held = undefined
  }
  type.endMs = type.slots.size === 0 ? Infinity : endOfInterval(nowMs, type.intervalMs)
}

/** Returns the end of the interval that contains `nowMs`. Intervals begin at multiples of their length, so intervals of equal length end together. */
function endOfInterval(nowMs: number, intervalMs: number): number {
  const endMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs
  // Rounding may make the quotient slightly less than a whole number.
  return endMs > nowMs ? endMs : endMs + intervalMs
}

function messageOf({ streamType, symbol, data, timestampMs }: MessageFields): StreamMessage<unknown, string> {
  return { streamType, symbol, data, timestamp: new Date(timestampMs) }
}
