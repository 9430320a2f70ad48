import type { MessageOrigin } from '../../model/message-fields.ts'
import { noticeText } from '../../model/notices.ts'
import { OutgoingMessage } from '../../model/outgoing-message.ts'

/** An entry of the backlog: a message, or a gap notice that stands for dropped messages. */
interface Entry {
  message: OutgoingMessage
  /** The size of the message, as the limits count it. `0` for a gap notice. */
  units: number
  readonly streamQueue: StreamQueue
  /**
   * The order of sending. The backlog compares the first entry of `#kept` with the first entry of `#droppable`, and sends the one with the lower
   * position.
   */
  readonly position: number
  previous: Entry | undefined
  next: Entry | undefined
  nextOfStream: Entry | undefined
}

/** The entries of one stream, oldest first. Only the first entry can be a gap notice. */
interface StreamQueue {
  readonly list: EntryList
  first: Entry | undefined
  last: Entry | undefined
}

/** A linked list of entries. Any entry can be removed in constant time. */
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
 * The waiting messages of one connection that is behind, in the order in which the messages will be sent.
 *
 * There are three lists: private messages, messages that may be dropped, and all other messages. The next message to send is always the first one of
 * a list. If too much waits, the first message of the second list is dropped. Only gap notices can stand before it. `dropSince` can drop any message
 * of the second list. The entries of each stream also form a stream queue. If the stream is `latest`, a new message replaces the older message in the
 * stream queue.
 *
 * The cost of adding, taking or dropping one message does not depend on the length of the backlog. The cost of purging a stream grows with the number
 * of messages that it discards. `dropSince` and `purgeWhere` go through all streams.
 */
export class Backlog {
  /** How many messages there are, without gap notices. */
  size = 0
  /**
   * The size of the messages. Gap notices do not count: a gap notice is short, there is at most one for each stream, and a gap notice must not
   * displace a message.
   */
  units = 0
  /** No message of the backlog began to wait before this moment, in milliseconds of the monotonic clock. */
  oldestSinceMs: number = Infinity
  /** When the connection fell behind, in milliseconds of the monotonic clock. */
  readonly sinceMs: number
  readonly #unitsOf: (message: OutgoingMessage) => number
  readonly #private = new EntryList()
  readonly #kept = new EntryList()
  readonly #droppable = new EntryList()
  /** The first message in the droppable list. Only gap notices stand before this message. */
  #oldestDroppable: Entry | undefined
  readonly #streamQueues = new Map<string, Map<string | undefined, StreamQueue>>()
  #firstPosition = 0
  #lastPosition = 0

  /** @param unitsOf returns the size of a message, as the limits count it */
  constructor(sinceMs = 0, unitsOf: (message: OutgoingMessage) => number = ({ text }) => text.length) {
    this.sinceMs = sinceMs
    this.#unitsOf = unitsOf
  }

  get isEmpty(): boolean {
    return this.#streamQueues.size === 0
  }

  /**
   * Appends a message or a gap notice. If the stream is `latest` and a message of the stream is in the backlog, the new message replaces the older
   * one. Returns true if a message was replaced.
   *
   * A message that a recorder sends again does not replace a direct message (from `sendToUser`, for example). The direct message may be newer, and
   * cannot be sent again.
   *
   * A skip is what a client gets instead of a message that it was left out of. A skip replaces only an older skip, because the client must still get
   * the message that waits before the skip. The next message of the stream replaces both.
   */
  add(message: OutgoingMessage): boolean {
    this.oldestSinceMs = Math.min(this.oldestSinceMs, message.waitsSinceMs)
    const streamQueue = this.#streamQueueFor(message)
    const replaced = message.definition.delivery === 'latest' ? this.#replacedBy(message, streamQueue) : undefined
    if (replaced !== undefined) {
      this.#uncount(replaced)
      replaced.message = message
      this.#count(replaced)
      return true
    }
    const { last } = streamQueue
    const entry = this.#entry(message, streamQueue, ++this.#lastPosition)
    streamQueue.list.append(entry)
    if (last === undefined) streamQueue.first = entry
    else last.nextOfStream = entry
    streamQueue.last = entry
    if (streamQueue.list === this.#droppable && message.gap === 0) this.#oldestDroppable ??= entry
    return false
  }

  /** Puts back messages that were taken, but that the socket did not accept. They go to the front of their lists, in the same order as before. */
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

  /**
   * Takes messages until their size exceeds `roomUnits`, including the message that exceeds it. Takes at least one message. Private messages come
   * first.
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

  /**
   * Drops the oldest message that may be dropped, and returns the message. A gap notice takes the place of the message, or the gap notice that the
   * stream already has counts one more. Returns `undefined` if no message may be dropped.
   */
  dropOldest(): OutgoingMessage | undefined {
    return this.#oldestDroppable && this.#drop(this.#oldestDroppable)
  }

  /**
   * Drops the messages that began to wait at `sinceMs` or before. The method stops at the first of these messages that must be kept. `mustEnd` is
   * then true: the connection must be removed.
   *
   * In a list, an old message may stand behind a newer message, because a new message takes the place of the message that it replaces. So the method
   * looks at the oldest message of every stream.
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

  /** Returns the entry that a new message of a `latest` stream replaces. If a skip stands behind the replaced message, the skip is removed. */
  #replacedBy({ isSkip, origin }: OutgoingMessage, streamQueue: StreamQueue): Entry | undefined {
    const { last } = streamQueue
    if (last === undefined || last.message.gap > 0 || (isSkip && !last.message.isSkip)) return undefined
    if (!isSkip && last.message.isSkip && last !== oldestMessage(streamQueue)) this.#removeWhere(streamQueue, (each) => each === last.message)
    const replaced = streamQueue.last
    return origin === 'again' && replaced?.message.origin === 'direct' ? undefined : replaced
  }

  #drop(entry: Entry): OutgoingMessage {
    const { streamQueue, message } = entry
    const { first } = streamQueue
    if (first !== undefined && first !== entry) {
      first.message = noticeOf(message, first.message.gap + 1, first.message.origin)
      this.#removeBehind(first, entry)
    } else {
      this.#uncount(entry)
      entry.message = noticeOf(message, 1, message.origin)
      if (entry === this.#oldestDroppable) this.#oldestDroppable = nextMessage(entry)
    }
    return message
  }

  /**
   * Purges the messages and the gap notice of a stream, or of all streams of a type if `symbol` is `undefined`. Streams for which `isCovered` is true
   * are not purged. Returns how many messages were purged.
   */
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

  /** Purges the messages and gap notices that are unwanted. Returns how many messages were purged. */
  purgeWhere(isUnwanted: (message: OutgoingMessage) => boolean): number {
    const sizeBefore = this.size
    for (const streamQueue of [...this.#allStreamQueues()]) this.#removeWhere(streamQueue, isUnwanted)
    return sizeBefore - this.size
  }

  /** Returns the first entry of each stream, which is a message or a gap notice. */
  streams(): OutgoingMessage[] {
    return Array.from(this.#allStreamQueues(), ({ first }) => (first as Entry).message)
  }

  /** Yields all messages and gap notices, one stream after the other. */
  *messages(): Generator<OutgoingMessage, undefined> {
    for (const { first } of this.#allStreamQueues()) for (let entry = first; entry !== undefined; entry = entry.nextOfStream) yield entry.message
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

  /** Removes all entries of a stream queue. `first` is the first entry of the stream queue. */
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

  /** Removes an entry that is not the first one of its stream queue. `before` is the entry before the removed entry. */
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

/** The oldest message of a stream queue. If the stream queue has a gap notice, the oldest message stands behind the notice. */
function oldestMessage({ first }: StreamQueue): Entry | undefined {
  return first !== undefined && first.message.gap > 0 ? first.nextOfStream : first
}

/** The next message after this entry in the same list. Gap notices are skipped. */
function nextMessage({ next }: Entry): Entry | undefined {
  let entry = next
  while (entry !== undefined && entry.message.gap > 0) entry = entry.next
  return entry
}

/** @param before the origin of the messages that were dropped before this message */
function noticeOf({ streamType, symbol, definition, timestampMs, userId, origin }: OutgoingMessage, dropped: number, before: MessageOrigin): OutgoingMessage {
  const fields = { streamType, symbol, definition, data: { type: 'gap', dropped }, timestampMs, userId, origin: before === 'direct' ? before : origin }
  return new OutgoingMessage(noticeText({ type: 'gap', streamType, symbol, dropped }), fields, dropped)
}
