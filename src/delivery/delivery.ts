import { ConnectionManagerError } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { adopted } from '../guards/user-code.ts'
import type { MessageFields } from '../model/message-fields.ts'
import type { Notice } from '../model/notices.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { AnyConnection, CloseReason } from '../ports/connection.ts'
import type { SendQueue } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'
import type { Timers } from '../time/clock.ts'
import { EndOfTick } from './end-of-tick.ts'
import { FanOut, type Exclusion, type SendOutcomes } from './fan-out.ts'
import { bufferedAmount, bufferedBytes, meterOf, type Measured } from './meter.ts'
import type { OutgoingMessage } from '../model/outgoing-message.ts'
import type { WireData } from '../model/wire-data.ts'
import { PlainPressure } from './plain-pressure.ts'
import type { Recipients } from './recipients.ts'
import { DrainWatch } from './send-queue/drain-watch.ts'
import { ConnectionSendQueue, type DeliveryLimits, type QueueConnection, type QueueContext } from './send-queue/send-queue.ts'
import { Totals, type Stats } from './totals.ts'

/** What the delivery needs of a connection. */
export type DeliveryConnection = QueueConnection & AnyConnection

/** The objects and functions that a delivery needs. Only `noticeData` may throw. */
export interface DeliveryDependencies<TConnection> {
  readonly limits: DeliveryLimits
  readonly clock: Timers
  readonly changes: Changes
  readonly events: Events
  /** Serializes a notice. */
  readonly noticeData: (notice: Notice) => WireData
  /** Returns the transport of a connection, if it has one. */
  transportOf(connection: TConnection): AnyTransport | undefined
  /** Puts a send queue in front of a connection's socket in all fan-out lists. With `undefined`, the socket itself gets the messages again. */
  attachQueue(connection: TConnection, queue: SendQueue | undefined): void
  /** Removes a connection whose socket failed, or whose client is a slow consumer. */
  remove(connection: TConnection, reason: CloseReason, failure?: { readonly error: unknown }): void
}

/**
 * Hands messages to sockets, at once or through a send queue, and counts the outcomes.
 *
 * A client may read more slowly than the server sends. Then the client's socket buffers more and more unread bytes, until the server runs out of
 * memory. The delivery prevents this in three steps:
 *
 * 1. A socket **has room** while it buffers at most `softLimitBytes`. Bytes that it got in this turn of the event loop do not count, because no
 *    client has had time to read them. If the socket was within the limit in the turn before, the bytes of that turn do not count either.
 * 2. If the socket has no room, the connection is **behind**: its messages wait in the backlog of its send queue. The stream type decides what
 *    happens to the waiting messages. With `delivery: 'latest'`, a newer message replaces the waiting message of its stream. With `overflow: 'drop'`,
 *    the oldest messages are dropped if too much waits, or if they have waited too long, and the client gets a gap notice. All other messages are
 *    kept.
 * 3. If more than `hardLimitBytes` must be kept, or a message that must be kept has waited for `maxLagMs`, the connection is a **slow consumer**: it
 *    is removed, and its socket is closed. Search for `slow-consumer` to find the code.
 *
 * Not every socket has a send queue:
 *
 * - A socket has a send queue from the start if its transport has a `write`, or if a function reads its buffer. This function is the transport's
 *   `bufferedBytes`, or the `getBufferedAmount()` of a socket that has no `bufferedAmount`.
 * - Otherwise, a socket with a `bufferedAmount` has a send queue only while its connection is behind. `PlainPressure` decides when the connection
 *   falls behind.
 * - Any other socket has no send queue, because its buffer cannot be read. Such a socket always counts as having room.
 */
export class Delivery<TConnection extends DeliveryConnection> {
  readonly #dependencies: DeliveryDependencies<TConnection>
  readonly #totals = new Totals()
  readonly #endOfTick: EndOfTick<ConnectionSendQueue<TConnection>>
  readonly #drainWatch: DrainWatch<ConnectionSendQueue<TConnection>>
  readonly #plain: PlainPressure<TConnection>
  readonly #queueContext: QueueContext<TConnection>
  /** The context of send queues that exist only while their connection is behind. */
  readonly #interimContext: QueueContext<TConnection>
  readonly #outcomes: SendOutcomes<TConnection>
  /**
   * The `ERR_PUBLISH_DEPTH` errors of this manager. If a socket's `send` calls `publish` and does not catch such an error, the socket has not failed.
   */
  readonly #refusals = new WeakSet<object>()
  /** The message that is being delivered. */
  #running: FanOut<TConnection> | undefined
  /**
   * If a socket without a send queue has buffered more bytes than this, `PlainPressure` decides whether the socket has room. `undefined` if no socket
   * needs to be measured.
   */
  #roomBytes: number | undefined

  constructor(dependencies: DeliveryDependencies<TConnection>) {
    const { clock, limits: { softLimitBytes, drainIntervalMs } } = dependencies
    this.#dependencies = dependencies
    this.#endOfTick = new EndOfTick(clock, (queues) => this.#endTick(queues))
    this.#drainWatch = new DrainWatch(clock, drainIntervalMs)
    this.#plain = new PlainPressure(softLimitBytes, this.#endOfTick)
    this.#queueContext = this.#makeQueueContext()
    this.#interimContext = {
      ...this.#queueContext,
      caughtUp: (connection, behindForMs) => {
        dependencies.attachQueue(connection, undefined)
        this.#caughtUp(connection, behindForMs)
      },
    }
    this.#outcomes = {
      answeredLate: (connection, answer) => this.#watchAnswer(connection, answer, 1),
      hasRoom: (connection, buffered) => this.#plain.hasRoom(connection, buffered),
      queue: (connection, message) => this.#attachInterimQueue(connection).queue(message),
      isOwnRefusal: (error) => this.#isOwnRefusal(error),
    }
  }

  /**
   * Returns a function that makes the connection's send queue. Returns `undefined` if the connection starts without a send queue: its socket then
   * gets the texts directly. Looking up the properties of the socket may run user code.
   */
  queueMaker(measured: Measured): ((connection: TConnection) => SendQueue) | undefined {
    const meter = meterOf(measured)
    const isWrittenTo = measured.transport?.write !== undefined
    if (!isWrittenTo && meter === undefined) return undefined
    if (isWrittenTo || meter !== bufferedAmount) return (connection) => new ConnectionSendQueue(connection, measured.transport, meter, this.#queueContext)
    // From now on, the fan-out measures all plain sockets. A socket without a `bufferedAmount` always has room. An infinite limit needs no measuring.
    const { softLimitBytes } = this.#dependencies.limits
    if (softLimitBytes !== Infinity) this.#roomBytes = softLimitBytes
    return undefined
  }

  /** Fixes the recipients of a message, which may not be serialized yet. The caller must then call `serve` or `abandon`. */
  begin(fields: MessageFields, recipients: Recipients<TConnection>, exclusions: readonly Exclusion<TConnection>[]): FanOut<TConnection> {
    const fanOut = new FanOut(fields, recipients, this.#outcomes, this.#roomBytes)
    for (const isExcluded of exclusions) fanOut.exclude(isExcluded)
    this.#running = fanOut
    return fanOut
  }

  /**
   * Hands a text to each recipient once. Then calls `skipText`, which returns the skip, or `undefined` if there is none. A skip is a text for the
   * connections that the option `except` left out. At the end, removes the connections whose sockets failed. Returns what happened to the message.
   */
  serve(fanOut: FanOut<TConnection>, text: WireData, servedAtMs: number, skipText?: () => WireData | undefined): PublishResult {
    this.#totals.begin(fanOut.matched)
    this.#endOfTick.notice(fanOut.fields.readAtMs)
    if (this.#drainWatch.all.size > 0) this.#drainWatch.renew()
    // Without a recipient, the streams have no new message.
    if (fanOut.matched > 0) fanOut.serve(text, servedAtMs)
    if (this.#roomBytes !== undefined) this.#plain.count(text)
    const skip = skipText && this.#serveSkip(fanOut, skipText())
    this.#running = undefined
    const result = fanOut.end()
    // Send queues count the messages in their batches themselves, when they leave.
    this.#totals.countServed(result.sent - fanOut.batched, fanOut.failures.length, result.skipped - fanOut.skipped)
    if (fanOut.failures.length > 0) this.#removeFailed(fanOut)
    if (skip !== undefined) this.#endSkip(skip)
    return result
  }

  /** Releases the recipients of a message that was not served, because it could not be serialized. */
  abandon(fanOut: FanOut<TConnection>): void {
    this.#running = undefined
    fanOut.end()
  }

  /** The message that is being delivered. */
  get running(): MessageFields | undefined {
    return this.#running?.fields
  }

  /** If `isMeant` is true for the message that is being delivered, the connections for which `isExcluded` is true do not get this message. */
  exclude(isMeant: (fields: MessageFields) => boolean, isExcluded: Exclusion<TConnection>): void {
    if (this.#running !== undefined && isMeant(this.#running.fields)) this.#running.exclude(isExcluded)
  }

  /** Counts a message that has to wait for another delivery to end. */
  noteDeferred(): void {
    this.#totals.note('deferred')
  }

  /** Remembers an `ERR_PUBLISH_DEPTH` that the manager is about to throw. */
  noteRefusal(refusal: ConnectionManagerError): void {
    this.#refusals.add(refusal)
  }

  /**
   * True if a connection's socket has buffered more than `softLimitBytes`, or if nothing tells how much it has buffered. If reading the number of
   * bytes throws, it counts as 0.
   */
  isStuck(connection: TConnection): boolean {
    const transport = this.#dependencies.transportOf(connection)
    const { socket } = connection
    const meter = meterOf({ socket, transport })
    return meter === undefined || bufferedBytes(meter, socket, transport) > this.#dependencies.limits.softLimitBytes
  }

  /** Releases the state of a removed connection. */
  release(connection: TConnection): void {
    this.#plain.release(connection)
  }

  /** Restarts each timer that may have been lost: see `Alarm`. */
  renewTimers(): void {
    this.#drainWatch.renew()
  }

  stats(): Stats {
    const behind = this.#drainWatch.all
    const queuedUnits = Array.from(new Set([...behind, ...this.#endOfTick.items]), (queue) => queue.queuedUnits)
    for (const units of queuedUnits) this.#totals.noteQueued(units)
    const waitingBytes = queuedUnits.reduce((sum, units) => sum + units, 0)
    return { ...this.#totals.read(), connectionsBehind: behind.size, waitingBytes }
  }

  /**
   * Hands a skip to the connections that `except` left out of the message. Meanwhile, `exclude` also excludes connections from the skip, because the
   * delivery of the message has not ended.
   */
  #serveSkip(fanOut: FanOut<TConnection>, text: WireData | undefined): FanOut<TConnection> | undefined {
    if (text === undefined) return undefined
    const skip = fanOut.skip(text)
    this.#totals.begin(skip.matched)
    fanOut.serveSkip(skip, text)
    if (this.#roomBytes !== undefined) this.#plain.count(text)
    return skip
  }

  #endSkip(skip: FanOut<TConnection>): void {
    const { sent, skipped } = skip.end()
    this.#totals.countServed(sent - skip.batched, skip.failures.length, skipped - skip.skipped)
    this.#removeFailed(skip)
  }

  /** Removes the connections whose sockets failed. */
  #removeFailed({ failures }: FanOut<TConnection>): void {
    for (const { connection, error } of failures) this.#dependencies.remove(connection, 'send-failed', { error })
  }

  #endTick(queues: readonly ConnectionSendQueue<TConnection>[]): void {
    this.#dependencies.changes.send(() => {
      for (const queue of queues) queue.flushBatch()
      this.#plain.review()
    })
  }

  #attachInterimQueue(connection: TConnection): ConnectionSendQueue<TConnection> {
    const queue = new ConnectionSendQueue(connection, this.#dependencies.transportOf(connection), bufferedAmount, this.#interimContext)
    this.#plain.release(connection)
    this.#dependencies.attachQueue(connection, queue)
    return queue
  }

  #watchAnswer(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void {
    adopted(answer).catch((error: unknown) => {
      if (this.#isOwnRefusal(error)) return
      this.#totals.note('rejected', deliveries)
      this.#dependencies.remove(connection, 'send-failed', { error })
    })
  }

  #isOwnRefusal(error: unknown): boolean {
    return error instanceof ConnectionManagerError && this.#refusals.has(error)
  }

  #tellOfGap(connection: TConnection, { gap: dropped, streamType, symbol }: OutgoingMessage): void {
    this.#totals.note('gapNotices')
    this.#dependencies.events.post('gap', { connection, streamType, symbol, dropped })
    this.#dependencies.changes.tellAfterwards()
  }

  #fellBehind(connection: TConnection): void {
    // While a connection is removed, its waiting messages may still be sent. For listeners, the connection is removed already, so they get no event.
    if (connection.removed) return
    this.#dependencies.events.post('connectionBehind', { connection })
    this.#dependencies.changes.tellAfterwards()
  }

  #caughtUp(connection: TConnection, behindForMs: number): void {
    if (connection.removed) return
    this.#dependencies.events.post('connectionCaughtUp', { connection, behindForMs })
    this.#dependencies.changes.tellAfterwards()
  }

  #hookFailed(connection: TConnection, error: unknown): void {
    this.#dependencies.events.postError({ error, stage: 'transport', connection })
    this.#dependencies.changes.tellAfterwards()
  }

  #makeQueueContext(): QueueContext<TConnection> {
    const { limits, clock, changes, remove } = this.#dependencies
    // Each property is written out, because an object with this many properties from a spread is slow to read.
    return {
      limits,
      clock,
      changes,
      totals: this.#totals,
      endOfTick: this.#endOfTick,
      drainWatch: this.#drainWatch,
      fellBehind: (connection) => this.#fellBehind(connection),
      caughtUp: (...facts) => this.#caughtUp(...facts),
      remove: (...removal) => changes.afterwards(() => remove(...removal)),
      hookFailed: (connection, error) => this.#hookFailed(connection, error),
      gapTold: (connection, notice) => this.#tellOfGap(connection, notice),
      answeredLate: (...answer) => this.#watchAnswer(...answer),
      isOwnRefusal: (error) => this.#isOwnRefusal(error),
      noticeData: this.#dependencies.noticeData,
    }
  }
}
