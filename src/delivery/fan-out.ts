import { isThenable } from '../guards/user-code.ts'
import type { FanOutList, Overlap } from '../collections/fan-out-list.ts'
import type { MessageFields } from '../model/message-fields.ts'
import { OutgoingMessage } from '../model/outgoing-message.ts'
import type { WireData } from '../model/wire-data.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { Acceptance, SendQueue } from '../ports/sink.ts'
import { bufferedAmountOf } from './meter.ts'
import type { Recipients, Slot, SlotRange } from './recipients.ts'

/**
 * A skip is a text that a connection gets instead of a message, if the option `except` leaves the connection out of this message. A transport's
 * `frame` gets the text of the skip, and a `message` with this `data`.
 */
const SKIP_DATA = /* @__PURE__ */ Object.freeze({ type: 'skip' })

/** A connection whose sink threw, and the error. A sink is a socket, or the send queue in front of it. */
export interface SendFailure<TConnection> {
  readonly connection: TConnection
  readonly error: unknown
}

/** The functions of the delivery that a fan-out calls. */
export interface SendOutcomes<TConnection> {
  /** Called for each `send` that returned a promise. */
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>): void
  /** Called if a socket has buffered more than the limit. Returns true if the socket counts as having room anyway. */
  hasRoom(connection: TConnection, buffered: number): boolean
  /** Attaches a send queue to the connection, and queues the message there. Returns what happened to the message. */
  queue(connection: TConnection, message: OutgoingMessage): Acceptance
  /**
   * Returns true for an `ERR_PUBLISH_DEPTH` of this manager. If a socket's `send` calls `publish` and does not catch this error, the socket has not
   * failed.
   */
  isOwnRefusal(error: unknown): boolean
}

/** Returns true for connections that must not get a message any more. */
export type Exclusion<TConnection> = (connection: TConnection) => boolean

/**
 * One message on its way to its recipients. No recipient gets the message twice. If the sink of one recipient fails, the others still get the
 * message. A recipient that is removed or excluded before its turn does not get it. The fan-out counts the outcomes.
 */
export class FanOut<TConnection> implements Record<Exclude<Acceptance, 'sent'>, number> {
  readonly fields: MessageFields
  readonly matched: number
  readonly failures: SendFailure<TConnection>[] = []
  /** How many sockets and send queues the message was handed to, whether or not they sent it. */
  handed = 0
  batched = 0
  queued = 0
  conflated = 0
  dropped = 0
  failed = 0
  skipped = 0
  readonly #recipients: Recipients<TConnection>
  readonly #outcomes: SendOutcomes<TConnection>
  readonly #roomBytes: number | undefined
  /** The excluded connections, whose slots `end` unmasks. The set is kept, because `isExcluded` could return something else when `end` is called. */
  #excluded: Set<TConnection> | undefined
  #message: OutgoingMessage | undefined

  /**
   * If `roomBytes` is a number, the fan-out reads the `bufferedAmount` of each socket that has no send queue, before it sends. If the
   * `bufferedAmount` is more than `roomBytes`, the fan-out calls `hasRoom`.
   */
  constructor(
    fields: MessageFields,
    recipients: Recipients<TConnection>,
    outcomes: SendOutcomes<TConnection>,
    roomBytes: number | undefined,
  ) {
    this.fields = fields
    this.matched = recipients.matched
    this.#recipients = recipients
    this.#outcomes = outcomes
    this.#roomBytes = roomBytes
    for (const { list } of recipients.ranges) list.pin()
    if (recipients.leftOut !== undefined) for (const { list, slot } of recipients.leftOut) list.mask(slot)
  }

  /** Hands the message to its recipients. */
  serve(text: WireData, servedAtMs: number): void {
    const { overlaps, ranges } = this.#recipients
    for (const { list } of ranges) {
      list.servings++
      list.servedAtMs = servedAtMs
    }
    for (const overlap of overlaps) this.#maskBoth(overlap)
    for (const { list, from, to } of ranges) this.#serveSlots(list, from, to, text)
    for (const overlap of overlaps) this.#serveOverlap(overlap, text)
  }

  /**
   * Prepares a skip: a text for the connections that were left out, if they are still subscribed and not excluded. The skip is a fan-out with its own
   * counts. Pass the skip to `serveSkip`, and then call `end` on both fan-outs.
   */
  skip(text: WireData): FanOut<TConnection> {
    const fields = { ...this.fields, data: SKIP_DATA }
    const skip = new FanOut(fields, { matched: this.#leftOut().size, ranges: [], overlaps: [] }, this.#outcomes, this.#roomBytes)
    skip.#message = new OutgoingMessage(text, fields, 0, true)
    return skip
  }

  /** Hands a skip to the connections that were left out. While `serveSkip` runs, `exclude` also excludes connections from the skip. */
  serveSkip(skip: FanOut<TConnection>, text: WireData): void {
    for (const [connection, slots] of this.#leftOut()) {
      const handedBefore = skip.handed
      for (const { list, slot } of slots) {
        if (skip.handed > handedBefore || this.#excluded?.has(connection) === true) break
        // A slot that the connection has lost by now stays masked, and counts as a hole.
        list.unmask(slot)
        skip.#serveSlots(list, slot, slot + 1, text)
        list.mask(slot)
      }
    }
  }

  /** The connections for which `isExcluded` is true now do not get the message, unless they have got it already. */
  exclude(isExcluded: Exclusion<TConnection>): void {
    const excluded = (this.#excluded ??= new Set())
    for (const { list, slot, connection } of this.#slotsWhere(isExcluded)) {
      list.mask(slot)
      excluded.add(connection)
    }
  }

  /** Restores all lists, releases the caller's data, and returns what happened to the message. */
  end(): PublishResult {
    this.#message?.release()
    const excluded = this.#excluded
    if (excluded !== undefined) for (const { list, slot } of this.#slotsWhere((each) => excluded.has(each))) list.unmask(slot)
    for (const { list, slot } of this.#recipients.leftOut ?? []) list.unmask(slot)
    for (const { list } of this.#recipients.ranges) list.unpin()
    const { matched, handed, failures, queued, conflated, dropped, skipped } = this
    const failed = this.failed + failures.length
    const sent = handed - queued - conflated - dropped - failed - skipped
    return { matched, sent, queued, conflated, dropped, failed, skipped: skipped + matched - handed, deferred: false }
  }

  /** Returns the connections that were left out of the message and may still get the skip, each with its slots. */
  #leftOut(): Map<TConnection, Slot<TConnection>[]> {
    const leftOut = new Map<TConnection, Slot<TConnection>[]>()
    for (const each of this.#recipients.leftOut ?? []) {
      const connection = connectionIn(each.slot, each.list.connections)
      if (each.list.has(each.slot) && this.#excluded?.has(connection) !== true) leftOut.set(connection, [...(leftOut.get(connection) ?? []), each])
    }
    return leftOut
  }

  *#slotsWhere(isExcluded: Exclusion<TConnection>): Generator<{ list: FanOutList<TConnection>; slot: number; connection: TConnection }, undefined> {
    for (const { list, from, to } of this.#recipients.ranges) {
      for (let slot = from; slot < to; slot++) {
        const connection = list.connections[slot]
        if (connection !== undefined && isExcluded(connection)) yield { list, slot, connection }
      }
    }
  }

  /** The list of the whole type and the list of the exact stream. Read this only if there are overlaps: connections that are in both lists. */
  get #both(): { readonly whole: FanOutList<TConnection>; readonly exact: FanOutList<TConnection> } {
    const [whole, exact] = this.#recipients.ranges as [SlotRange<TConnection>, SlotRange<TConnection>]
    return { whole: whole.list, exact: exact.list }
  }

  #maskBoth({ exactSlot, wholeSlot }: Overlap): void {
    const { exact, whole } = this.#both
    exact.mask(exactSlot)
    whole.mask(wholeSlot)
  }

  #serveOverlap({ exactSlot, wholeSlot }: Overlap, text: WireData): void {
    const { exact, whole } = this.#both
    exact.unmask(exactSlot)
    whole.unmask(wholeSlot)
    const connection = connectionIn(exactSlot, exact.connections)
    if (this.#excluded?.has(connection) === true) return
    const handedBefore = this.handed
    // The connection may have lost one of its two slots by now, or may lose it while its `bufferedAmount` is read. Then the other slot serves the
    // connection.
    this.#serveSlots(exact, exactSlot, exactSlot + 1, text)
    if (this.handed === handedBefore) this.#serveSlots(whole, wholeSlot, wholeSlot + 1, text)
  }

  #serveSlots(list: FanOutList<TConnection>, from: number, to: number, text: WireData): void {
    if (this.#roomBytes === undefined) this.#sendToAll(list, from, to, text)
    else this.#sendIfThereIsRoom(list, from, to, text, this.#roomBytes)
  }

  // The next two methods need only one `try` each: if a sink throws, the inner loop ends, and the outer loop starts it again at the next slot. Both
  // methods count the holes and not the recipients, because there are hardly any holes.

  #sendToAll({ sockets, queues, connections }: FanOutList<TConnection>, from: number, to: number, text: WireData): void {
    let holes = 0
    for (let slot = from; slot < to; slot++) {
      try {
        for (; slot < to; slot++) {
          const socket = sockets[slot]
          if (socket === undefined) {
            if (!this.#enqueue(queues[slot], text)) holes++
            continue
          }
          const answer = socket.send(text)
          if (answer !== undefined && isThenable(answer)) this.#outcomes.answeredLate(connectionIn(slot, connections), answer)
        }
      } catch (error) {
        this.#noteThrow(connectionIn(slot, connections), error)
      }
    }
    this.handed += to - from - holes
  }

  #sendIfThereIsRoom(list: FanOutList<TConnection>, from: number, to: number, text: WireData, roomBytes: number): void {
    const { sockets, queues, connections } = list
    let holes = 0
    for (let slot = from; slot < to; slot++) {
      try {
        for (; slot < to; slot++) {
          const socket = sockets[slot]
          if (socket === undefined) {
            if (!this.#enqueue(queues[slot], text)) holes++
            continue
          }
          const buffered = bufferedAmountOf(socket)
          // Reading `bufferedAmount` runs user code, which may have removed the connection from the list.
          if (list.isDisturbed && sockets[slot] !== socket) {
            holes++
            continue
          }
          if (buffered > roomBytes && this.#enqueueUnlessRoom(connectionIn(slot, connections), buffered, text)) continue
          const answer = socket.send(text)
          if (answer !== undefined && isThenable(answer)) this.#outcomes.answeredLate(connectionIn(slot, connections), answer)
        }
      } catch (error) {
        this.#noteThrow(connectionIn(slot, connections), error)
      }
    }
    this.handed += to - from - holes
  }

  /** Hands the message to the send queue of a slot. Returns false if the slot has no send queue. */
  #enqueue(queue: SendQueue | undefined, text: WireData): boolean {
    if (queue === undefined) return false
    this.#note(queue.accept(this.#outgoing(text)))
    return true
  }

  /** Queues the message if the socket has no room. Returns false if the socket has room. */
  #enqueueUnlessRoom(connection: TConnection, buffered: number, text: WireData): boolean {
    if (this.#outcomes.hasRoom(connection, buffered)) return false
    this.#note(this.#outcomes.queue(connection, this.#outgoing(text)))
    return true
  }

  #note(acceptance: Acceptance): void {
    if (acceptance !== 'sent') this[acceptance]++
  }

  /** Returns the message in the form that send queues keep. The message gets this form when the first send queue needs it. */
  #outgoing(text: WireData): OutgoingMessage {
    return (this.#message ??= new OutgoingMessage(text, this.fields))
  }

  /** Records that a sink threw, unless the error is an `ERR_PUBLISH_DEPTH` of this manager: see `isOwnRefusal`. */
  #noteThrow(connection: TConnection, error: unknown): void {
    if (!this.#outcomes.isOwnRefusal(error)) this.failures.push({ connection, error })
  }
}

/**
 * Returns the connection of a slot. The loops call this function only when they need the connection, because reading the connection of each slot
 * makes the loops a quarter slower.
 */
function connectionIn<TConnection>(slot: number, connections: readonly (TConnection | undefined)[]): TConnection {
  return connections[slot] as TConnection
}
