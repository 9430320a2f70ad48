import { ConnectionManagerError } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { adopted } from '../guards/user-code.ts'
import type { MessageFields } from '../model/message-fields.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { AnyConnection, CloseReason } from '../ports/connection.ts'
import type { SendQueue } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'
import type { ManagerClock } from '../time/clock.ts'
import { EndOfTick } from './end-of-tick.ts'
import { FanOut, type Exclusion, type SendOutcomes } from './fan-out.ts'
import { bufferedAmount, meterOf, type Measured } from './meter.ts'
import type { OutgoingMessage } from '../model/outgoing-message.ts'
import { PlainPressure } from './plain-pressure.ts'
import type { Recipients } from './recipients.ts'
import { DrainWatch } from './send-queue/drain-watch.ts'
import { ConnectionSendQueue, type QueueConnection, type QueueContext } from './send-queue/send-queue.ts'
import { Totals, type Stats } from './totals.ts'

/** A connection as the delivery sees it. */
export type DeliveryConnection = QueueConnection & AnyConnection

/** What a delivery needs of the others. None of it may throw. */
export interface DeliveryDependencies<TConnection> {
  readonly clock: ManagerClock
  readonly changes: Changes
  readonly events: Events
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly maxLagMs: number
  readonly drainIntervalMs: number
  /** Returns the transport of a connection, if it has one. */
  transportOf(connection: TConnection): AnyTransport | undefined
  /** Puts a send queue in front of a connection's socket, wherever the connection is listed, or takes it away again. */
  attachQueue(connection: TConnection, queue: SendQueue | undefined): void
  /** Removes a connection that cannot be served any more. */
  endService(connection: TConnection, reason: CloseReason, failure?: { readonly error: unknown }): void
}

/**
 * Hands messages to sockets, at once or by way of a send queue, and knows what became of each.
 *
 * A **slow consumer** is a connection whose client reads less than it is sent. Sockets buffer what the client has not read, without a limit,
 * so a server that goes on sending runs out of memory. This room bounds that:
 *
 * 1. A socket **has room** while it buffers at most `softLimitBytes`. That is decided once a turn of the event loop.
 * 2. Without room, the connection is **behind**: its messages wait in its send queue. The stream's policy says what becomes of them: a newer
 *    message replaces an older one (`latest`), the oldest ones are dropped and the client is told of the gap (`drop`), or all are kept.
 * 3. If more than `hardLimitBytes` must be kept, or something has waited for `maxLagMs`, the connection is removed as a slow consumer.
 *
 * A plain socket that cannot be asked what it buffers always has room. One that tells a `bufferedAmount` gets a send queue only while it is
 * behind (`PlainPressure`). One whose transport has a `write`, or tells by a function what it buffers, has a send queue from the start.
 */
export class Delivery<TConnection extends DeliveryConnection> {
  readonly #dependencies: DeliveryDependencies<TConnection>
  readonly #totals = new Totals()
  readonly #endOfTick: EndOfTick<ConnectionSendQueue<TConnection>>
  readonly #drainWatch: DrainWatch<ConnectionSendQueue<TConnection>>
  readonly #plain: PlainPressure<TConnection>
  readonly #queueContext: QueueContext<TConnection>
  /** For the send queues that are there only while something waits. */
  readonly #interimContext: QueueContext<TConnection>
  readonly #outcomes: SendOutcomes<TConnection>
  /** What publishes were refused with. A socket that lets it pass through its `send` has not failed. */
  readonly #refusals = new WeakSet<object>()
  /** What is going out to its recipients. */
  #running: FanOut<TConnection> | undefined
  /** What a plain socket may have buffered before it is looked at. `undefined` until a socket can tell, so that none is asked. */
  #roomBytes: number | undefined

  constructor(dependencies: DeliveryDependencies<TConnection>) {
    const { clock, softLimitBytes, drainIntervalMs } = dependencies
    this.#dependencies = dependencies
    this.#endOfTick = new EndOfTick(clock, (queues) => this.#endTick(queues))
    this.#drainWatch = new DrainWatch(clock, drainIntervalMs)
    this.#plain = new PlainPressure(softLimitBytes, this.#endOfTick)
    this.#queueContext = this.#contextOfQueues()
    this.#interimContext = { ...this.#queueContext, caughtUp: ({ connection }) => dependencies.attachQueue(connection, undefined) }
    this.#outcomes = {
      answeredLate: (connection, answer) => this.#watch(connection, answer, 1),
      hasRoom: (connection, buffered) => this.#plain.hasRoom(connection, buffered),
      keep: (connection, message) => this.#attachInterimQueue(connection).keep(message),
      isOwnRefusal: (error) => this.#isOwnRefusal(error),
    }
  }

  /**
   * Looks at a socket and its transport, which is user code, and returns what makes the connection's send queue; `undefined` if texts go to
   * the socket itself.
   */
  queueMaker(measured: Measured): ((connection: TConnection) => SendQueue) | undefined {
    const meter = meterOf(measured)
    const isWrittenTo = measured.transport?.write !== undefined
    if (!isWrittenTo && meter === undefined) return undefined
    if (isWrittenTo || meter !== bufferedAmount) return (connection) => new ConnectionSendQueue(connection, measured.transport, meter, this.#queueContext)
    // From now on all plain sockets are asked, unless nothing is too much; those that tell nothing have room.
    const { softLimitBytes } = this.#dependencies
    if (softLimitBytes !== Infinity) this.#roomBytes = softLimitBytes
    return undefined
  }

  /** Fixes the recipients of a message, before it is serialized. To be served, or abandoned. */
  begin(fields: MessageFields, recipients: Recipients<TConnection>, exclusions: readonly Exclusion<TConnection>[]): FanOut<TConnection> {
    const fanOut = new FanOut(fields, recipients, this.#outcomes, this.#roomBytes)
    for (const isExcluded of exclusions) fanOut.exclude(isExcluded)
    this.#running = fanOut
    return fanOut
  }

  /** Hands a text to the recipients, each once, removes the connections whose sockets failed, and returns what became of the message. */
  serve(fanOut: FanOut<TConnection>, text: string, servedAtMs: number): PublishResult {
    const { failures, fields, matched } = fanOut
    this.#totals.begin(matched)
    this.#endOfTick.notice(fields.readAtMs)
    if (this.#drainWatch.all.size > 0) this.#drainWatch.renew()
    fanOut.serve(text, servedAtMs)
    if (this.#roomBytes !== undefined) this.#plain.count(text)
    this.#running = undefined
    const result = fanOut.end()
    // A send queue counts what it took, sooner or later.
    this.#totals.served(result.sent - fanOut.batched, failures.length, result.skipped - fanOut.skipped)
    for (const { connection, error } of failures) this.#dependencies.endService(connection, 'send-failed', { error })
    return result
  }

  /** Lets go of the recipients of a message. */
  abandon(fanOut: FanOut<TConnection>): void {
    this.#running = undefined
    fanOut.end()
  }

  /** Keeps the running message from those who have lost the right to it. */
  exclude(isMeant: (fields: MessageFields) => boolean, isExcluded: Exclusion<TConnection>): void {
    if (this.#running !== undefined && isMeant(this.#running.fields)) this.#running.exclude(isExcluded)
  }

  /** Notes that a message has to wait for another delivery to end. */
  noteDeferred(): void {
    this.#totals.note('deferred')
  }

  /** Notes an error that a publish was refused with. */
  noteRefusal(refusal: ConnectionManagerError): void {
    this.#refusals.add(refusal)
  }

  /** Keeps nothing of a connection that was removed. */
  release(connection: TConnection): void {
    this.#plain.forget(connection)
  }

  /** Sets timers anew that may be lost. */
  renewTimers(): void {
    this.#drainWatch.renew()
  }

  stats(): Stats {
    const behind = this.#drainWatch.all
    const waitingUnits = Array.from(new Set([...behind, ...this.#endOfTick.items]), (queue) => queue.waitingUnits)
    for (const units of waitingUnits) this.#totals.noteWaiting(units)
    const waitingBytes = waitingUnits.reduce((sum, units) => sum + units, 0)
    return { ...this.#totals.read(), connectionsBehind: behind.size, waitingBytes }
  }

  #endTick(queues: readonly ConnectionSendQueue<TConnection>[]): void {
    this.#dependencies.changes.send(() => {
      for (const queue of queues) queue.flushBatch()
      this.#plain.review()
    })
  }

  #attachInterimQueue(connection: TConnection): ConnectionSendQueue<TConnection> {
    const queue = new ConnectionSendQueue(connection, this.#dependencies.transportOf(connection), bufferedAmount, this.#interimContext)
    this.#plain.forget(connection)
    this.#dependencies.attachQueue(connection, queue)
    return queue
  }

  #watch(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void {
    adopted(answer).catch((error: unknown) => {
      if (this.#isOwnRefusal(error)) return
      this.#totals.note('rejected', deliveries)
      this.#dependencies.endService(connection, 'send-failed', { error })
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

  #hookFailed(connection: TConnection, error: unknown): void {
    this.#dependencies.events.postError({ error, stage: 'transport', connection })
    this.#dependencies.changes.tellAfterwards()
  }

  #contextOfQueues(): QueueContext<TConnection> {
    const { clock, changes, endService, softLimitBytes, hardLimitBytes, maxLagMs } = this.#dependencies
    return {
      softLimitBytes,
      hardLimitBytes,
      maxLagMs,
      clock,
      changes,
      totals: this.#totals,
      endOfTick: this.#endOfTick,
      drainWatch: this.#drainWatch,
      caughtUp: () => {},
      endService: (...end) => changes.afterwards(() => endService(...end)),
      hookFailed: (connection, error) => this.#hookFailed(connection, error),
      gapTold: (connection, notice) => this.#tellOfGap(connection, notice),
      answeredLate: (...answer) => this.#watch(...answer),
      isOwnRefusal: (error) => this.#isOwnRefusal(error),
    }
  }
}
