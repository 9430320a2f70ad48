import { eachOf, oneOf } from '../delivery/recipients.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { isStreamStatus, type Notice } from '../model/notices.ts'
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

/** Sends notices to clients: that messages are missing, and the status of a stream's source. A notice is sent as a text of `connection.send` is. */
export class Noticing {
  readonly #dependencies: NoticingDependencies

  constructor(dependencies: NoticingDependencies) {
    this.#dependencies = dependencies
  }

  /** Sends a gap notice to all connections that receive a stream. Without a symbol, to all that receive any stream of the type. */
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

  /** Sets the status of a stream's source, and tells all connections that receive exactly this stream. False if nobody is subscribed to it. */
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
   * Sends a status notice to a connection that begins to receive a stream whose source has failed. Waits until no message is being handed to a
   * socket.
   */
  tellNewcomer(connection: ConnectionRecord, subscription: SubscriptionRecord): void {
    const { changes, connections, events, publishing } = this.#dependencies
    changes.afterwards(() => {
      const status = SubscriptionRecord.sourceStatusOf(subscription)
      if (status === 'CONNECTED' || !SubscriptionRecord.connectionsOf(subscription).includes(connection)) return
      const { streamType, symbol } = subscription
      try {
        const data = this.#dataOf({ type: 'status', streamType, symbol, status })
        publishing.notifyNow(oneOf(connections.all, ConnectionRecord.slotOf(connection)), data, ownerOf(subscription))
      } catch (error) {
        events.postError({ error, stage: 'send', connection })
      }
    })
  }

  #dataOf(notice: Notice): WireData {
    return noticeData(this.#dependencies.options.serializeNotice, notice)
  }

  #setStatus({ streamType, symbol, userId }: Source, notice: Notice & { readonly type: 'status' }): boolean {
    const { events, subscriptions } = this.#dependencies
    const affected = subscriptions.subscriptionsTo(streamType, symbol, userId)
    const [first] = affected
    if (first === undefined) return false
    if (SubscriptionRecord.sourceStatusOf(first) === notice.status) return true
    const data = this.#dataOf(notice)
    // Making the notice may have run the caller's code, which may have ended the subscription.
    if (affected.every((each) => each.status === 'DISCONNECTED')) return false
    SubscriptionRecord.setSourceStatus(first, notice.status)
    const connected = affected.filter((each) => SubscriptionRecord.isConnected(each))
    for (const subscription of connected) events.post('subscriptionChanged', { subscription, change: 'status' })
    this.#tell(connected.flatMap((each) => SubscriptionRecord.connectionsOf(each)), data, userId)
    return true
  }

  /** Hands a notice to these connections, except for those that are removed before its turn. */
  #tell(connections: readonly ConnectionRecord[], data: WireData, userId: string | undefined): void {
    const { connections: { all }, publishing } = this.#dependencies
    if (connections.length === 0) return
    publishing.notify(() => eachOf(all, connections.filter((each) => !each.removed).map(ConnectionRecord.slotOf)), data, userId)
  }
}

/** Returns the user of a private stream, `undefined` for a public one. */
function ownerOf(subscription: SubscriptionRecord): string | undefined {
  return SubscriptionRecord.streamOf(subscription).type.definition.audience === 'private' ? subscription.userId : undefined
}
