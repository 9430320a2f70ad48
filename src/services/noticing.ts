import { eachOf, oneOf } from '../delivery/recipients.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { isStreamStatus, type Notice, type StreamStatus } from '../model/notices.ts'
import { readSource, type Source } from '../model/source.ts'
import type { WireData } from '../model/wire-data.ts'
import { noticeData } from '../model/wire-form.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord, SubscriptionRecord } from '../registry/records.ts'
import type { Subscriptions } from '../registry/subscriptions.ts'
import type { Gate } from './gate.ts'
import type { Publishing } from './publishing.ts'

export interface NoticingDependencies {
  readonly options: Pick<ResolvedOptions, 'streams' | 'serializeNotice'>
  readonly gate: Gate
  readonly changes: Changes
  readonly events: Events
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly publishing: Publishing
}

/** A connection that began to receive a stream whose source has failed. This connection must get a status notice. */
interface Newcomer {
  readonly connection: ConnectionRecord
  readonly subscription: SubscriptionRecord
}

/**
 * Sends the gap notices of `notifyGap`, and status notices, to clients. The send queues make the gap notices for dropped messages. A status describes
 * the source of a stream. A notice is sent in the same way as a text from `connection.send`.
 */
export class Noticing {
  readonly #dependencies: NoticingDependencies
  readonly #newcomers = new Set<Newcomer>()

  constructor(dependencies: NoticingDependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Sends a gap notice to all connections that receive a stream. Without a symbol, all connections that receive any stream of the type get the
   * notice. If the type is private, only connections of the given user get it.
   */
  notifyGap(stream: unknown, dropped: unknown): void {
    const { gate, options, subscriptions } = this.#dependencies
    gate.assertOpen()
    const { streamType, symbol, userId } = readSource(stream, options.streams, 'any symbol')
    if (dropped !== undefined && (!Number.isSafeInteger(dropped) || (dropped as number) < 1)) {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `The number of missing messages must be 1 or more, or undefined, got ${describe(dropped)}`)
    }
    // Reading the stream and making the notice may run the caller's code.
    const data = this.#dataOf({ type: 'gap', streamType, symbol, dropped: dropped as number | undefined })
    gate.assertOpen()
    this.#tell([...subscriptions.receivers(streamType, symbol, userId)], data, userId)
  }

  /**
   * Sets the status of a stream's source, and tells all connections that receive the stream through a subscription to exactly this stream. If the
   * source has this status already, nobody is told. If nobody is subscribed, sets nothing and returns false.
   */
  setStreamStatus(stream: unknown, status: unknown): boolean {
    const { changes, gate, options } = this.#dependencies
    return changes.make(() => {
      gate.assertOpen()
      const source = readSource(stream, options.streams)
      if (!isStreamStatus(status)) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Unknown status of a stream: ${describe(status)}`)
      gate.assertOpen()
      return this.#setStatus(source, { type: 'status', streamType: source.streamType, symbol: source.symbol, status })
    })
  }

  /**
   * Sends a status notice to a connection that began to receive a stream whose source has failed. The notice is sent when no delivery is running any
   * more.
   */
  tellNewcomer(connection: ConnectionRecord, subscription: SubscriptionRecord): void {
    const newcomer: Newcomer = { connection, subscription }
    this.#newcomers.add(newcomer)
    this.#dependencies.changes.afterwards(() => {
      if (this.#newcomers.delete(newcomer)) this.#tellStatus(newcomer)
    })
  }

  /** Tells a newcomer the status of the stream, unless the source works again or the newcomer does not receive the stream any more. */
  #tellStatus({ connection, subscription }: Newcomer): void {
    const { connections, events, publishing } = this.#dependencies
    const { streamType, symbol } = subscription
    const status = this.#statusFor(connection, subscription)
    if (status === 'CONNECTED') return
    try {
      const data = this.#dataOf({ type: 'status', streamType, symbol, status })
      // Making the notice may have run the caller's code. If that code changed the status, another notice reports it.
      if (this.#statusFor(connection, subscription) !== status) return
      this.#forgetNewcomers(connection, subscription)
      const owner = isToPrivateStream(subscription) ? connection.userId : undefined
      publishing.notifyNow(oneOf(connections.all, ConnectionRecord.slotOf(connection)), data, owner)
    } catch (error) {
      events.postError({ error, stage: 'send', connection })
    }
  }

  /**
   * Returns the status that a connection should know for exactly this stream. If the connection does not receive the stream, this is `CONNECTED`.
   * After a reassignment, the new user's subscription counts.
   */
  #statusFor(connection: ConnectionRecord, { streamType, symbol }: SubscriptionRecord): StreamStatus {
    const subscription = this.#dependencies.subscriptions.find(ConnectionRecord.userOf(connection), streamType, symbol)
    if (subscription === undefined || !SubscriptionRecord.connectionsOf(subscription).includes(connection)) return 'CONNECTED'
    return SubscriptionRecord.sourceStatusOf(subscription)
  }

  /**
   * Forgets that this connection must be told the status of this stream, because another notice tells it. So no connection gets the same status
   * twice.
   */
  #forgetNewcomers(connection: ConnectionRecord, { streamType, symbol }: SubscriptionRecord): void {
    for (const newcomer of this.#newcomers) {
      const { subscription } = newcomer
      if (newcomer.connection === connection && subscription.streamType === streamType && subscription.symbol === symbol) this.#newcomers.delete(newcomer)
    }
  }

  #dataOf(notice: Notice): WireData {
    return noticeData(this.#dependencies.options.serializeNotice, notice)
  }

  #setStatus({ streamType, symbol, userId }: Source, notice: Notice & { readonly type: 'status' }): boolean {
    const { subscriptions } = this.#dependencies
    const answer = answerWithout(subscriptions.subscriptionsTo(streamType, symbol, userId), notice.status)
    if (answer !== undefined) return answer
    const data = this.#dataOf(notice)
    // Making the notice may have run the caller's code. That code may have begun or ended subscriptions, or set the status.
    const affected = subscriptions.subscriptionsTo(streamType, symbol, userId)
    const newAnswer = answerWithout(affected, notice.status)
    if (newAnswer === undefined) this.#changeStatus(affected, notice.status, data, userId)
    return newAnswer ?? true
  }

  #changeStatus(affected: readonly SubscriptionRecord[], status: StreamStatus, data: WireData, userId: string | undefined): void {
    const { events, publishing } = this.#dependencies
    const connected = affected.filter((each) => SubscriptionRecord.isConnected(each))
    // This check may throw, so it comes before the first change.
    if (connected.length > 0) publishing.assertMayNotify()
    SubscriptionRecord.setSourceStatus(affected[0] as SubscriptionRecord, status)
    for (const subscription of connected) events.post('subscriptionChanged', { subscription, change: 'status' })
    for (const each of connected) for (const connection of SubscriptionRecord.connectionsOf(each)) this.#forgetNewcomers(connection, each)
    this.#tell(connected.flatMap((each) => SubscriptionRecord.connectionsOf(each)), data, userId)
  }

  /** Sends a notice to these connections. A connection that is removed before the notice is sent does not get it. */
  #tell(connections: readonly ConnectionRecord[], data: WireData, userId: string | undefined): void {
    const { connections: { all }, publishing } = this.#dependencies
    if (connections.length === 0) return
    publishing.notify(() => eachOf(all, connections.filter((each) => !each.removed).map(ConnectionRecord.slotOf)), data, userId)
  }
}

function isToPrivateStream(subscription: SubscriptionRecord): boolean {
  return SubscriptionRecord.streamOf(subscription).type.definition.audience === 'private'
}

/**
 * Returns the result of `setStreamStatus` if no status changes: `false` if nobody is subscribed, `true` if the status is set already. Returns
 * `undefined` if a status must change.
 */
function answerWithout([first]: readonly SubscriptionRecord[], status: StreamStatus): boolean | undefined {
  if (first === undefined) return false
  return SubscriptionRecord.sourceStatusOf(first) === status ? true : undefined
}
