import type { Authorization } from '../access/authorization.ts'
import type { Quotas } from '../access/quotas.ts'
import { membersOf } from '../collections/small-set.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { AnyEvents, Events } from '../events/events.ts'
import { disown } from '../guards/user-code.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import { HOST_TEXT, type MessageFields } from '../model/message-fields.ts'
import { isOfRevoked, readRevocation, type Revoked } from '../model/revocation.ts'
import { readReference, readRequest, readUserRequest, SubscriptionStatus, type StreamRequest, type Subscription } from '../model/subscription.ts'
import type { ResolvedOptions } from '../options.ts'
import type { SendQueue } from '../ports/sink.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord, SubscriptionRecord, type StreamRecord } from '../registry/records.ts'
import type { SubscriptionNews, Subscriptions } from '../registry/subscriptions.ts'
import type { Users } from '../registry/users.ts'
import type { ExpiringSet } from '../time/expiring-set.ts'
import type { Gate } from './gate.ts'
import type { Publishing } from './publishing.ts'

export interface SubscribingDependencies {
  readonly options: Pick<ResolvedOptions, 'streams' | 'pendingTtlMs' | 'recorder'>
  readonly gate: Gate
  readonly changes: Changes
  readonly events: Events
  readonly quotas: Quotas
  readonly authorization: Authorization
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly pending: ExpiringSet<SubscriptionRecord>
  readonly publishing: Publishing
  readonly delivery: Delivery<ConnectionRecord>
  /** Removed connections whose send queues are not yet completely flushed or purged. */
  readonly leaving: ReadonlySet<ConnectionRecord>
  /** Replaces overdue timers, which may have been lost. */
  renewTimers(): void
}

/** A stream whose messages a recorder can send again. Without a symbol, all streams of the type. */
interface RepeatableStream {
  readonly streamType: string
  readonly symbol: string | undefined
}

/** The fields that a waiting message and a message in delivery have in common. */
type WaitingFields = Pick<MessageFields, 'definition' | 'streamType' | 'symbol' | 'userId' | 'origin'>

/** Begins, ends and revokes the subscriptions of users and connections. */
export class Subscribing {
  readonly #dependencies: SubscribingDependencies
  /** True while `withdraw` ends a subscription. */
  #isWithdrawing = false

  constructor(dependencies: SubscribingDependencies) {
    this.#dependencies = dependencies
  }

  /** Subscribes a user. Until the subscription ends, all current and new connections of the user receive the stream. */
  subscribeUser(request: unknown): Subscription {
    const { changes, gate, options, subscriptions } = this.#dependencies
    return changes.make(() => {
      gate.assertOpen()
      const { userId, ...stream } = readUserRequest(request, options.streams)
      this.#assertFiltersFit(userId, undefined, stream)
      // Reading and measuring the request may have run the caller's code.
      gate.assertOpen()
      this.#assertMayHold(userId, undefined, stream)
      return subscriptions.holdForUser(userId, stream.streamType, stream.symbol, stream.filters)
    })
  }

  /** Subscribes one connection. */
  subscribe(connection: ConnectionRecord, request: unknown): Subscription {
    const { changes, gate, options, subscriptions } = this.#dependencies
    return changes.make(() => {
      gate.assertOpen()
      const { userId } = connection
      const stream = readRequest(request, userId, options.streams)
      this.#assertFiltersFit(userId, connection, stream)
      gate.assertOpen()
      this.#assertMayHold(userId, connection, stream)
      return subscriptions.holdForConnection(connection, stream.streamType, stream.symbol, stream.filters)
    })
  }

  /** Ends a connection's own subscription. Returns false if the connection does not hold it. */
  unsubscribe(connection: ConnectionRecord, reference: unknown): boolean {
    const { changes, subscriptions } = this.#dependencies
    return changes.make(() => {
      const { streamType, symbol } = readReference(reference, 'streamType')
      return subscriptions.release(connection, streamType, symbol)
    })
  }

  /** Returns the filters of a connection's own subscription to a stream, or `undefined` if the connection has no such subscription. */
  ownSubscription(connection: ConnectionRecord, { streamType, symbol }: RepeatableStream): { readonly filters: SubscriptionFilters | undefined } | undefined {
    const own = this.#dependencies.subscriptions.ownOf(connection, streamType, symbol)
    return own && { filters: SubscriptionRecord.filtersOf(own, connection) }
  }

  /**
   * Ends a connection's own subscription. Called if a request began the subscription, and a later step of the same request failed. Unlike
   * `unsubscribe`, this method keeps the waiting messages of `sendToUser`, `sendToConnection` and `broadcast`, because nobody can send them again.
   */
  withdraw(connection: ConnectionRecord, { streamType, symbol }: RepeatableStream): void {
    const { changes, subscriptions } = this.#dependencies
    changes.make(() => {
      this.#isWithdrawing = true
      subscriptions.release(connection, streamType, symbol)
      this.#isWithdrawing = false
    })
  }

  /**
   * Ends a subscription for all of its holders: the user, and the connections that subscribed themselves. Returns false if there is no such
   * subscription.
   */
  end(reference: unknown): boolean {
    const { changes, subscriptions, users } = this.#dependencies
    const { userId, streamType, symbol } = readReference(reference, 'userId', 'streamType')
    const found = subscriptions.find(users.find(userId), streamType, symbol)
    if (found !== undefined) changes.make(() => subscriptions.end(found, 'unsubscribed'))
    return found !== undefined
  }

  /**
   * Ends the subscriptions that the revocation selects, and purges the queued messages of the revoked streams for the users who lost access. Returns
   * how many subscriptions ended.
   */
  revoke(revocation: unknown): number {
    const { changes, events, options, subscriptions } = this.#dependencies
    const revoked = readRevocation(revocation, options.streams)
    const ended = subscriptions.revoked(revoked)
    const event = Object.freeze({ ...revoked })
    changes.make(() => {
      events.post('revoked', event)
      for (const subscription of ended) subscriptions.end(subscription, 'revoked')
      this.#purgeRevoked(revoked)
      if (options.recorder?.revoked !== undefined) changes.send(() => this.#tellRecorder(event))
    })
    return ended.length
  }

  /**
   * Tells the recorder of a revocation. The recorder is user code: messages that it publishes are deferred, and errors that it throws are reported.
   */
  #tellRecorder(revoked: Revoked): void {
    const { changes, events, options: { recorder } } = this.#dependencies
    try {
      disown(recorder?.revoked?.(revoked))
    } catch (error) {
      events.postError({ error, stage: 'recorder' })
      changes.tellAfterwards()
    }
  }

  /** Ends subscriptions that have been pending for `pendingTtlMs`: their users had no connection in this time. */
  expire(expired: readonly SubscriptionRecord[]): void {
    const { changes, subscriptions } = this.#dependencies
    changes.make(() => {
      for (const subscription of expired) subscriptions.end(subscription, 'expired')
    })
  }

  /**
   * Posts the event of a change of a subscription. Also starts the timer that ends a pending subscription, or stops this timer if the subscription is
   * not pending. `holder` is the connection whose own subscription caused the change, if there is one.
   */
  note(news: SubscriptionNews, record: SubscriptionRecord, holder: ConnectionRecord | undefined): void {
    const { events, pending } = this.#dependencies
    if (record.status === SubscriptionStatus.PENDING) pending.add(record)
    else pending.delete(record)
    if (!events.areHeard(news.event)) return
    const { event, ...what } = news
    events.post(event, { subscription: record, ...what, ...(holder && { connection: holder }) } as AnyEvents[typeof event])
  }

  /**
   * Purges a stream from the queue of a connection that stopped receiving it. Messages that the connection still receives through another
   * subscription stay. Does nothing for a removed connection, because the removal itself flushes or purges the whole queue.
   */
  purge(connection: ConnectionRecord, { type, symbol }: StreamRecord): void {
    const { subscriptions } = this.#dependencies
    if (connection.removed) return
    const sendQueue = ConnectionRecord.sendQueueOf(connection)
    const isCovered = (each: string | undefined): boolean => subscriptions.covers(connection, type.name, each)
    if (!this.#isWithdrawing) return sendQueue?.purge(type.name, symbol, isCovered)
    sendQueue?.purgeWhere((fields) => isRepeatable(fields, { streamType: type.name, symbol }) && !isCovered(fields.symbol))
  }

  /**
   * Purges a stream from a connection's send queue at the host's request. If a message of the stream is being delivered, this connection does not get
   * it. Returns false if no message of the stream waits for the connection, and none is being delivered.
   */
  purgeOwn(connection: ConnectionRecord, reference: unknown): boolean {
    const { streamType, symbol } = readReference(reference, 'streamType')
    const stream = { userId: undefined, streamType: streamType as string, symbol: (symbol ?? undefined) as string | undefined }
    const isMeant = ofUser(connection, (fields) => fields.definition !== HOST_TEXT && isOfRevoked(fields, stream))
    return this.#purgeFor(connection, isMeant, (sendQueue) => sendQueue.purge(stream.streamType, stream.symbol, () => false))
  }

  /**
   * Purges a stream from a connection's send queue before the messages of the stream are sent again. Messages of `sendToUser`, `sendToConnection` and
   * `broadcast` stay, because nobody can send them again. Gap notices that stand for such messages stay too. Returns false if no message that can be
   * sent again waits for the connection, and none is being delivered.
   */
  purgeRepeatable(connection: ConnectionRecord, stream: RepeatableStream): boolean {
    const isMeant = ofUser(connection, (fields) => isRepeatable(fields, stream))
    return this.#purgeFor(connection, isMeant, (sendQueue) => sendQueue.purgeWhere(isMeant))
  }

  #purgeFor(connection: ConnectionRecord, isMeant: (fields: WaitingFields) => boolean, purge: (sendQueue: SendQueue) => void): boolean {
    const { changes, delivery } = this.#dependencies
    const sendQueue = ConnectionRecord.sendQueueOf(connection)
    const { running } = delivery
    return changes.make(() => {
      const hasSome = (running !== undefined && isMeant(running)) || sendQueue?.hasSome(isMeant) === true
      delivery.exclude(isMeant, (each) => each === connection)
      if (sendQueue !== undefined) purge(sendQueue)
      return hasSome
    })
  }

  /** Throws if the filters are too long. Measuring the filters may run the caller's code. */
  #assertFiltersFit(userId: string, connection: ConnectionRecord | undefined, { streamType, symbol, filters }: StreamRequest): void {
    if (filters === undefined) return
    this.#dependencies.quotas.assertFilters(filters, { userId, connectionId: connection?.id, streamType, symbol })
  }

  /** Calls `authorize`, then checks the state again, because the hook may have changed it. */
  #assertMayHold(userId: string, connection: ConnectionRecord | undefined, stream: StreamRequest): void {
    const { authorization, gate, renewTimers } = this.#dependencies
    renewTimers()
    this.#assertPresent(userId, stream, connection)
    authorization.assertAllowed(userId, stream, connection)
    gate.assertOpen()
    this.#assertPresent(userId, stream, connection)
  }

  #assertPresent(userId: string, stream: StreamRequest, connection: ConnectionRecord | undefined): void {
    const { options, users } = this.#dependencies
    if (connection?.removed === true) {
      const message = `Connection ${describe(connection.id)} was removed`
      throw new ConnectionManagerError('ERR_UNKNOWN_CONNECTION', message, { connectionId: connection.id })
    }
    if (connection !== undefined) return assertStillOf(userId, connection, stream)
    if (options.pendingTtlMs === 0 && users.find(userId)?.connections === undefined) {
      throw new ConnectionManagerError('ERR_UNKNOWN_USER', `User ${describe(userId)} has no connection`, { userId })
    }
  }

  /**
   * Ensures that the users who lost access get no earlier message of the revoked streams. Messages of these streams are purged from the send queues
   * of these users. If a message of these streams is still to be delivered, or its delivery is running, these users are excluded from it.
   */
  #purgeRevoked(revoked: Revoked): void {
    const { options, publishing } = this.#dependencies
    const isConcerned = ({ userId }: ConnectionRecord): boolean => revoked.userId === undefined || userId === revoked.userId
    const streamTypes = revoked.streamType === undefined ? Object.keys(options.streams) : [revoked.streamType]
    publishing.exclude((fields) => fields.definition !== HOST_TEXT && isOfRevoked(fields, revoked), isConcerned)
    for (const connection of this.#presentAndLeaving(revoked).filter(isConcerned)) {
      const sendQueue = ConnectionRecord.sendQueueOf(connection)
      for (const streamType of streamTypes) sendQueue?.purge(streamType, revoked.symbol, () => false)
    }
  }

  #presentAndLeaving({ userId }: Revoked): ConnectionRecord[] {
    const { connections, leaving, users } = this.#dependencies
    const present = userId === undefined ? connections.byId.values() : membersOf(users.find(userId)?.connections)
    return [...present, ...leaving]
  }
}

/**
 * True for a message of the stream that a recorder can send again. Messages of `sendToUser`, `sendToConnection` and `broadcast` cannot be sent again.
 */
function isRepeatable(fields: WaitingFields, { streamType, symbol }: RepeatableStream): boolean {
  return fields.origin !== 'direct' && isOfRevoked(fields, { streamType, symbol, userId: undefined })
}

/** Returns a condition that is true if `isMeant` is true, and the message is not private to another user. */
function ofUser(connection: ConnectionRecord, isMeant: (fields: WaitingFields) => boolean): (fields: WaitingFields) => boolean {
  return (fields) => isMeant(fields) && (fields.userId ?? connection.userId) === connection.userId
}

/** Throws if user code has moved the connection to another user meanwhile, because the permission was granted to the old user only. */
function assertStillOf(userId: string, connection: ConnectionRecord, { streamType, symbol }: StreamRequest): void {
  if (connection.userId === userId) return
  const facts = { userId, connectionId: connection.id, streamType, ...(symbol !== undefined && { symbol }) }
  throw new ConnectionManagerError('ERR_FORBIDDEN', `Connection ${describe(connection.id)} was given to another user meanwhile`, facts)
}
