import { noticeText } from '../../model/notices.ts'
import { OutgoingMessage } from '../../model/outgoing-message.ts'

/** A place in the backlog: a message, or the gap notice of messages that were dropped there. */
interface Entry {
  message: OutgoingMessage
  /** What it counts against the limits: `0` for a gap notice. */
  units: number
  readonly streamQueue: StreamQueue
  /** Its place in the order of the whole backlog. */
  readonly position: number
  previous: Entry | undefined
  next: Entry | undefined
  nextOfStream: Entry | undefined
}

/** The entries of one stream, oldest first. Only the first one can be a gap notice. */
interface StreamQueue {
  readonly list: EntryList
  first: Entry | undefined
  last: Entry | undefined
}

/** Entries that leave one after the other. */
class EntryList {
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
 * The messages that wait for one connection that is behind, in the order in which they will be sent.
 *
 * There are three lists: private messages, messages that may be dropped, and the others. So the next message to leave, and the first one to
 * drop, are each at the head of a list. Each stream's entries also form a stream queue. There a new message of a `latest` stream finds the
 * older one that it replaces.
 *
 * Adding, taking and dropping one message cost the same, however long the backlog is. The cost of a purge grows with what it discards.
 */
export class Backlog {
  /** How many messages there are, without gap notices. */
  size = 0
  /** The size of the messages. Gap notices do not count: they are short, there is one for each stream, and they must not displace a message. */
  units = 0
  /** No message of the backlog began to wait before this moment. */
  oldestSinceMs: number = Infinity
  /** When the connection fell behind, in milliseconds of the monotonic clock. */
  readonly sinceMs: number
  readonly #unitsOf: (message: OutgoingMessage) => number
  readonly #private = new EntryList()
  readonly #kept = new EntryList()
  readonly #droppable = new EntryList()
  /** The first message in the droppable list. Only gap notices stand before it. */
  #oldestDroppable: Entry | undefined
  readonly #streamQueues = new Map<string, Map<string | undefined, StreamQueue>>()
  #firstPosition = 0
  #lastPosition = 0

  /** @param unitsOf how much a message counts against the limits */
  constructor(sinceMs = 0, unitsOf: (message: OutgoingMessage) => number = ({ text }) => text.length) {
    this.sinceMs = sinceMs
    this.#unitsOf = unitsOf
  }

  get isEmpty(): boolean {
    return this.#streamQueues.size === 0
  }

  /**
   * Appends a message or a gap notice. If the stream is `latest` and a message of it is in the backlog, the new message replaces that one.
   * Returns true if it did.
   */
  add(message: OutgoingMessage): boolean {
    this.oldestSinceMs = Math.min(this.oldestSinceMs, message.waitsSinceMs)
    const streamQueue = this.#streamQueueFor(message)
    const { last } = streamQueue
    if (message.definition.delivery === 'latest' && last !== undefined && last.message.gap === 0) {
      this.#uncount(last)
      last.message = message
      this.#count(last)
      return true
    }
    const entry = this.#entry(message, streamQueue, ++this.#lastPosition)
    streamQueue.list.append(entry)
    if (last === undefined) streamQueue.first = entry
    else last.nextOfStream = entry
    streamQueue.last = entry
    if (streamQueue.list === this.#droppable && message.gap === 0) this.#oldestDroppable ??= entry
    return false
  }

  /** Puts back messages that were taken and not accepted. Each comes first in its list again. */
  putBack(messages: readonly OutgoingMessage[]): void {
    for (const message of [...messages].reverse()) {
      this.oldestSinceMs = Math.min(this.oldestSinceMs, message.waitsSinceMs)
      const streamQueue = this.#streamQueueFor(message)
      const entry = this.#entry(message, streamQueue, --this.#firstPosition)
      streamQueue.list.prepend(entry)
      entry.nextOfStream = streamQueue.first
      streamQueue.first = entry
      streamQueue.last ??= entry
      if (streamQueue.list === this.#droppable && message.gap === 0) this.#oldestDroppable = entry
    }
  }

  /** Takes at least one message, and goes on until more than `roomUnits` are taken. Private messages come first. */
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

  /** Drops the oldest message that may be dropped, and leaves a gap notice in its place. `undefined` if there is no such message. */
  dropOldest(): OutgoingMessage | undefined {
    return this.#oldestDroppable && this.#drop(this.#oldestDroppable)
  }

  /**
   * Drops the messages that began to wait at `sinceMs` or before. If one of them must be kept, it stops, and `mustEnd` is true.
   *
   * An old message may stand behind a newer one in its list, because a message that replaces an older one takes its place.
   */
  dropSince(sinceMs: number): { readonly dropped: number; readonly mustEnd: boolean } {
    let dropped = 0
    for (const streamQueue of this.#allStreamQueues()) {
      for (let entry = oldestMessage(streamQueue); entry !== undefined && entry.message.waitsSinceMs <= sinceMs; entry = oldestMessage(streamQueue)) {
        if (streamQueue.list !== this.#droppable) return { dropped, mustEnd: true }
        this.#drop(entry)
        dropped++
      }
    }
    this.oldestSinceMs = this.#readOldestSinceMs()
    return { dropped, mustEnd: false }
  }

  #readOldestSinceMs(): number {
    let sinceMs = Infinity
    for (const streamQueue of this.#allStreamQueues()) sinceMs = Math.min(sinceMs, oldestMessage(streamQueue)?.message.waitsSinceMs ?? Infinity)
    return sinceMs
  }

  #drop(entry: Entry): OutgoingMessage {
    const { streamQueue, message } = entry
    const { first } = streamQueue
    if (first !== undefined && first !== entry) {
      first.message = noticeOf(message, first.message.gap + 1)
      this.#removeBehind(first, entry)
    } else {
      this.#uncount(entry)
      entry.message = noticeOf(message, 1)
      if (entry === this.#oldestDroppable) this.#oldestDroppable = nextMessage(entry)
    }
    return message
  }

  /** Purges a stream, or all streams of a type if `symbol` is `undefined`, except for covered ones. Returns how many messages it purged. */
  purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): number {
    const sizeBefore = this.size
    const symbols = symbol === undefined ? [...(this.#streamQueues.get(streamType)?.keys() ?? [])] : [symbol]
    for (const each of symbols) {
      const streamQueue = this.#streamQueues.get(streamType)?.get(each)
      if (streamQueue === undefined || isCovered(each)) continue
      this.#removeFrom(streamQueue.first)
    }
    return sizeBefore - this.size
  }

  /** Purges the messages and gap notices that are unwanted. Returns how many messages it purged. */
  purgeWhere(isUnwanted: (message: OutgoingMessage) => boolean): number {
    const sizeBefore = this.size
    for (const streamQueue of [...this.#allStreamQueues()]) this.#removeWhere(streamQueue, isUnwanted)
    return sizeBefore - this.size
  }

  /** Returns the first message, or the gap notice, of each stream. */
  streams(): OutgoingMessage[] {
    return Array.from(this.#allStreamQueues(), ({ first }) => (first as Entry).message)
  }

  *#allStreamQueues(): Generator<StreamQueue, undefined> {
    for (const ofType of this.#streamQueues.values()) yield* ofType.values()
  }

  #next(): Entry | undefined {
    if (this.#private.first !== undefined) return this.#private.first
    const kept = this.#kept.first
    const droppable = this.#droppable.first
    if (kept === undefined || droppable === undefined) return kept ?? droppable
    return kept.position < droppable.position ? kept : droppable
  }

  #streamQueueFor({ streamType, symbol, definition: { audience, overflow } }: OutgoingMessage): StreamQueue {
    const ofType = this.#streamQueues.get(streamType) ?? new Map<string | undefined, StreamQueue>()
    let streamQueue = ofType.get(symbol)
    if (streamQueue === undefined) {
      const list = audience === 'private' ? this.#private : overflow === 'drop' ? this.#droppable : this.#kept
      streamQueue = { list, first: undefined, last: undefined }
      this.#streamQueues.set(streamType, ofType.set(symbol, streamQueue))
    }
    return streamQueue
  }

  #entry(message: OutgoingMessage, streamQueue: StreamQueue, position: number): Entry {
    const entry: Entry = { message, units: 0, streamQueue, position, previous: undefined, next: undefined, nextOfStream: undefined }
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

  /** Removes an entry and all that follow it in its stream queue. It must be the first one there. */
  #removeFrom(first: Entry | undefined): void {
    for (let entry = first; entry !== undefined; entry = entry.nextOfStream) this.#remove(entry)
  }

  #removeWhere(streamQueue: StreamQueue, isUnwanted: (message: OutgoingMessage) => boolean): void {
    let before: Entry | undefined
    for (let entry = streamQueue.first; entry !== undefined; entry = entry.nextOfStream) {
      if (!isUnwanted(entry.message)) before = entry
      else if (before === undefined) this.#remove(entry)
      else this.#removeBehind(before, entry)
    }
  }

  /** Removes the first entry of a stream queue. */
  #remove(entry: Entry): void {
    const { streamQueue, message } = entry
    this.#unlink(entry)
    streamQueue.first = entry.nextOfStream
    if (streamQueue.first === undefined) this.#releaseStreamQueue(message)
  }

  /** Removes the entry behind another one of its stream queue. */
  #removeBehind(before: Entry, entry: Entry): void {
    this.#unlink(entry)
    before.nextOfStream = entry.nextOfStream
    if (entry.nextOfStream === undefined) entry.streamQueue.last = before
  }

  #unlink(entry: Entry): void {
    if (entry === this.#oldestDroppable) this.#oldestDroppable = nextMessage(entry)
    entry.streamQueue.list.remove(entry)
    if (entry.message.gap === 0) this.#uncount(entry)
  }

  #releaseStreamQueue({ streamType, symbol }: OutgoingMessage): void {
    const ofType = this.#streamQueues.get(streamType)
    ofType?.delete(symbol)
    if (ofType?.size === 0) this.#streamQueues.delete(streamType)
  }
}

/** The oldest message of a stream queue. It stands behind the gap notice, if there is one. */
function oldestMessage({ first }: StreamQueue): Entry | undefined {
  return first !== undefined && first.message.gap > 0 ? first.nextOfStream : first
}

/** The next entry of the same list that is a message. */
function nextMessage({ next }: Entry): Entry | undefined {
  let entry = next
  while (entry !== undefined && entry.message.gap > 0) entry = entry.next
  return entry
}

function noticeOf({ streamType, symbol, definition, timestampMs, userId }: OutgoingMessage, dropped: number): OutgoingMessage {
  const fields = { streamType, symbol, definition, data: { type: 'gap', dropped }, timestampMs, userId }
  return new OutgoingMessage(noticeText({ type: 'gap', streamType, symbol, dropped }), fields, dropped)
}
