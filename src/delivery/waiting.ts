import { gapNoticeText } from '../streams/gap-notice.ts'
import { OutgoingMessage } from './outgoing-message.ts'

/** A place in the queue: a message, or the notice of those that were dropped there. */
interface Entry {
  message: OutgoingMessage
  /** What counts against the limits; `0` for a notice. */
  units: number
  readonly lane: Lane
  /** Where it stands among all that waits, whatever its line. */
  readonly position: number
  previous: Entry | undefined
  next: Entry | undefined
  nextOfStream: Entry | undefined
}

/** What waits of one stream, oldest first. A notice of dropped messages can only be the first. */
interface Lane {
  readonly line: Line
  first: Entry | undefined
  last: Entry | undefined
}

/** Those that leave one after the other. */
class Line {
  first: Entry | undefined
  last: Entry | undefined

  append(entry: Entry): void {
    entry.previous = this.last
    if (this.last === undefined) this.first = entry
    else this.last.next = entry
    this.last = entry
  }

  prepend(entry: Entry): void {
    entry.next = this.first
    if (this.first === undefined) this.last = entry
    else this.first.previous = entry
    this.first = entry
  }

  remove({ previous, next }: Entry): void {
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
  }
}

/**
 * What waits for one connection that is behind, in the order in which it is to leave.
 *
 * Private messages stand in a line of their own, and so do those that may be dropped, so that each question has its answer
 * at the head of a line: what leaves next, and what is dropped first. Every operation costs the same however
 * much waits; a purge costs as much as it discards.
 */
export class Waiting {
  /** Messages, notices not included. */
  size = 0
  /** Units of the messages. Notices do not count: they are short, one a stream, and must not displace a message. */
  units = 0
  readonly #unitsOf: (message: OutgoingMessage) => number
  readonly #private = new Line()
  readonly #kept = new Line()
  readonly #droppable = new Line()
  /** The first message in the droppable line: before it there are only notices. */
  #oldestDroppable: Entry | undefined
  readonly #lanes = new Map<string, Map<string | undefined, Lane>>()
  #firstPosition = 0
  #lastPosition = 0

  /** @param unitsOf how much a message counts against the limits */
  constructor(unitsOf: (message: OutgoingMessage) => number = ({ text }) => text.length) {
    this.#unitsOf = unitsOf
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }

  /** Appends a message or a notice, or puts it in the place of the older one of its stream. Returns true for the latter. */
  add(message: OutgoingMessage): boolean {
    const lane = this.#laneFor(message)
    const { last } = lane
    if (message.definition.delivery === 'latest' && last !== undefined && last.message.gap === 0) {
      this.#uncount(last)
      last.message = message
      this.#count(last)
      return true
    }
    const entry = this.#entry(message, lane, ++this.#lastPosition)
    lane.line.append(entry)
    if (last === undefined) lane.first = entry
    else last.nextOfStream = entry
    lane.last = entry
    if (lane.line === this.#droppable && message.gap === 0) this.#oldestDroppable ??= entry
    return false
  }

  /** Puts back what was taken and not accepted, in front of all that waits of its kind. */
  putBack(messages: readonly OutgoingMessage[]): void {
    for (const message of [...messages].reverse()) {
      const lane = this.#laneFor(message)
      const entry = this.#entry(message, lane, --this.#firstPosition)
      lane.line.prepend(entry)
      entry.nextOfStream = lane.first
      lane.first = entry
      lane.last ??= entry
      if (lane.line === this.#droppable && message.gap === 0) this.#oldestDroppable = entry
    }
  }

  /**
   * Takes the next message, and those after it as long as no more than `roomUnits` were taken before: private ones first.
   * At least one.
   */
  take(roomUnits: number): OutgoingMessage[] {
    const taken: OutgoingMessage[] = []
    let units = 0
    for (let entry = this.#next(); entry !== undefined && (taken.length === 0 || units <= roomUnits); entry = this.#next()) {
      units += entry.message.gap > 0 ? entry.message.text.length : entry.units
      taken.push(entry.message)
      this.#remove(entry)
    }
    return taken
  }

  /** Gives up the oldest message that may be dropped, and leaves a notice in its place; `undefined` when there is none. */
  dropOldest(): OutgoingMessage | undefined {
    return this.#oldestDroppable && this.#drop(this.#oldestDroppable)
  }

  /**
   * Drops the droppable messages that began to wait at `sinceMs` or before. They need not be the first of their line: a newer message may
   * have taken an older place.
   */
  dropSince(sinceMs: number): { readonly dropped: number; readonly mustEnd: boolean } {
    let dropped = 0
    for (const lane of this.#allLanes()) {
      for (let entry = oldestMessage(lane); entry !== undefined && entry.message.waitsSinceMs <= sinceMs; entry = oldestMessage(lane)) {
        if (lane.line !== this.#droppable) return { dropped, mustEnd: true }
        this.#drop(entry)
        dropped++
      }
    }
    return { dropped, mustEnd: false }
  }

  /** When the oldest waiting message began to wait; `Infinity` if none waits. */
  get oldestSinceMs(): number {
    let sinceMs = Infinity
    for (const lane of this.#allLanes()) sinceMs = Math.min(sinceMs, oldestMessage(lane)?.message.waitsSinceMs ?? Infinity)
    return sinceMs
  }

  #drop(entry: Entry): OutgoingMessage {
    const { lane, message } = entry
    const { first } = lane
    if (first !== undefined && first !== entry) {
      first.message = noticeOf(message, first.message.gap + 1)
      this.#removeSecond(first, entry)
    } else {
      this.#uncount(entry)
      entry.message = noticeOf(message, 1)
      if (entry === this.#oldestDroppable) this.#oldestDroppable = nextMessage(entry)
    }
    return message
  }

  /** Discards what waits of a stream, or of all streams of a type but those that are covered; how many messages. */
  purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): number {
    const sizeBefore = this.size
    const symbols = symbol === undefined ? [...(this.#lanes.get(streamType)?.keys() ?? [])] : [symbol]
    for (const each of symbols) {
      const lane = this.#lanes.get(streamType)?.get(each)
      if (lane === undefined || isCovered(each)) continue
      for (let entry = lane.first; entry !== undefined; entry = lane.first) this.#remove(entry)
    }
    return sizeBefore - this.size
  }

  *#allLanes(): Generator<Lane, undefined> {
    for (const ofType of this.#lanes.values()) yield* ofType.values()
  }

  #next(): Entry | undefined {
    if (this.#private.first !== undefined) return this.#private.first
    const kept = this.#kept.first
    const droppable = this.#droppable.first
    if (kept === undefined || droppable === undefined) return kept ?? droppable
    return kept.position < droppable.position ? kept : droppable
  }

  #laneFor({ streamType, symbol, definition: { audience, overflow } }: OutgoingMessage): Lane {
    const ofType = this.#lanes.get(streamType) ?? new Map<string | undefined, Lane>()
    let lane = ofType.get(symbol)
    if (lane === undefined) {
      const line = audience === 'private' ? this.#private : overflow === 'drop' ? this.#droppable : this.#kept
      lane = { line, first: undefined, last: undefined }
      this.#lanes.set(streamType, ofType.set(symbol, lane))
    }
    return lane
  }

  #entry(message: OutgoingMessage, lane: Lane, position: number): Entry {
    const entry: Entry = { message, units: 0, lane, position, previous: undefined, next: undefined, nextOfStream: undefined }
    if (message.gap === 0) this.#count(entry)
    return entry
  }

  #count(entry: Entry): void {
    entry.units = this.#unitsOf(entry.message)
    this.size++
    this.units += entry.units
  }

  #uncount(entry: Entry): void {
    this.size--
    this.units -= entry.units
    entry.units = 0
  }

  /** Removes the first of a lane. */
  #remove(entry: Entry): void {
    const { lane, message } = entry
    this.#unlink(entry)
    lane.first = entry.nextOfStream
    if (lane.first === undefined) this.#dropLane(message)
  }

  /** Removes the one behind a lane's notice. */
  #removeSecond(notice: Entry, entry: Entry): void {
    this.#unlink(entry)
    notice.nextOfStream = entry.nextOfStream
    if (entry.nextOfStream === undefined) entry.lane.last = notice
  }

  #unlink(entry: Entry): void {
    if (entry === this.#oldestDroppable) this.#oldestDroppable = nextMessage(entry)
    entry.lane.line.remove(entry)
    if (entry.message.gap === 0) this.#uncount(entry)
  }

  #dropLane({ streamType, symbol }: OutgoingMessage): void {
    const ofType = this.#lanes.get(streamType)
    ofType?.delete(symbol)
    if (ofType?.size === 0) this.#lanes.delete(streamType)
  }
}

/** The oldest message of a lane, behind its notice if there is one. */
function oldestMessage({ first }: Lane): Entry | undefined {
  return first !== undefined && first.message.gap > 0 ? first.nextOfStream : first
}

/** The next entry of the same line that is a message. */
function nextMessage({ next }: Entry): Entry | undefined {
  let entry = next
  while (entry !== undefined && entry.message.gap > 0) entry = entry.next
  return entry
}

function noticeOf({ streamType, symbol, definition, timestampMs, userId }: OutgoingMessage, dropped: number): OutgoingMessage {
  const fields = { streamType, symbol, definition, data: { type: 'gap', dropped }, timestampMs, userId }
  return new OutgoingMessage(gapNoticeText({ streamType, symbol, dropped }), fields, dropped)
}
