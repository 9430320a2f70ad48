import type { Authorization } from '../access/authorization.ts'
import type { Quotas } from '../access/quotas.ts'
import { countOf, membersOf } from '../collections/small-set.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { asIdentifier } from '../model/identifier.ts'
import type { StreamRequest } from '../model/subscription.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord, SUBSCRIPTIONS, SubscriptionRecord, type UserRecord } from '../registry/records.ts'
import type { Subscriptions } from '../registry/subscriptions.ts'
import type { Users } from '../registry/users.ts'
import type { Gate } from './gate.ts'
import type { Publishing } from './publishing.ts'

export interface ReassigningDependencies {
  readonly gate: Gate
  readonly changes: Changes
  readonly events: Events
  readonly quotas: Quotas
  readonly authorization: Authorization
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly publishing: Publishing
  /** Replaces overdue timers, which may have been lost. */
  renewTimers(): void
}

/** A message, or a subscription: something that belongs to a stream. */
interface OfStream {
  readonly streamType: string
  readonly symbol: string | undefined
}

/** A message that is queued or is being delivered. */
interface Addressed extends OfStream {
  readonly definition: { readonly audience: string }
  /** The user of a private message. `undefined` for a public message, and for a notice about a public stream. */
  readonly userId: string | undefined
}

/** Key of a public stream → whether the new user may have it. */
type Permissions = ReadonlyMap<string, boolean>

/**
 * Gives connections to other users.
 *
 * A queued message stays if the new user may get it. A private message, or a text from `connection.send`, is only for the old user. A message of a
 * public stream is the same for all users, so it stays if `authorize` allows the stream to the new user. A notice about a public stream also stays.
 * But a gap notice for dropped messages stays only if `authorize` allows the stream.
 */
export class Reassigning {
  readonly #dependencies: ReassigningDependencies

  constructor(dependencies: ReassigningDependencies) {
    this.#dependencies = dependencies
  }

  reassign(connection: ConnectionRecord, userId: unknown): void {
    const { changes, renewTimers } = this.#dependencies
    renewTimers()
    const newUserId = asIdentifier(userId, 'userId')
    this.#assertCanMove(connection, newUserId)
    if (connection.userId === newUserId) return
    changes.make(() => {
      ConnectionRecord.sendQueueOf(connection)?.flush()
      const permissions = this.#permissionsFor(newUserId, connection)
      // `flush` and `authorize` ran user code. That code may have removed the connection, or moved it to the new user already.
      this.#assertCanMove(connection, newUserId)
      if (connection.userId !== newUserId) this.#move(connection, newUserId, permissions)
    })
  }

  /**
   * Calls `authorize` for each stream that `#publicStreams` returns. `authorize` is user code and may add streams. So the loop ends only when
   * `authorize` has answered for all streams.
   */
  #permissionsFor(userId: string, connection: ConnectionRecord): Permissions {
    const { authorization } = this.#dependencies
    const permissions = new Map<string, boolean>()
    const isNew = (stream: OfStream): boolean => !permissions.has(keyOf(stream))
    for (let open = this.#publicStreams(connection); open.length > 0; open = this.#publicStreams(connection).filter(isNew)) {
      for (const stream of open) if (isNew(stream)) permissions.set(keyOf(stream), authorization.allows(userId, stream, connection))
    }
    return permissions
  }

  /**
   * Returns the public streams of the connection's own subscriptions, of the messages in its send queue, and of all messages whose delivery has not
   * ended.
   */
  #publicStreams(connection: ConnectionRecord): StreamRequest[] {
    const own = membersOf(ConnectionRecord.ownSubscriptionsOf(connection)).filter(isToPublicStream)
    const held = own.map((each) => requestOf(each, SubscriptionRecord.filtersOf(each, connection)))
    const waiting = [...(ConnectionRecord.sendQueueOf(connection)?.waitingStreams() ?? []), ...this.#dependencies.publishing.underWay()]
    return [...held, ...waiting.filter(({ definition }) => definition.audience === 'public').map((message) => requestOf(message, undefined))]
  }

  #assertCanMove(connection: ConnectionRecord, userId: string): void {
    const { gate, quotas, users } = this.#dependencies
    gate.assertOpen()
    if (connection.removed) {
      throw new ConnectionManagerError('ERR_UNKNOWN_CONNECTION', `Connection ${describe(connection.id)} was removed`, { connectionId: connection.id })
    }
    if (connection.userId === userId) return
    quotas.assertRoom('connectionsPerUser', countOf(users.find(userId)?.connections), { connectionId: connection.id, userId })
  }

  #move(connection: ConnectionRecord, userId: string, permissions: Permissions): void {
    const { connections, events, publishing, subscriptions, users } = this.#dependencies
    const isKept = (each: SubscriptionRecord): boolean => isToPublicStream(each) && permissions.get(keyOf(each)) === true
    this.#assertSubscriptionsFit(connection, userId, isKept)
    const isUnwanted = (message: Addressed): boolean =>
      message.definition.audience === 'private' ? message.userId !== undefined && message.userId !== userId : permissions.get(keyOf(message)) !== true
    publishing.exclude(isUnwanted, (each) => each === connection)
    ConnectionRecord.sendQueueOf(connection)?.purgeWhere(isUnwanted)
    const from = ConnectionRecord.userOf(connection)
    const to = users.obtain(userId)
    events.post('connectionReassigned', { connection, from: from.id })
    if (to.connections === undefined) events.post('userOnline', { userId })
    subscriptions.reassign(connection, to, isKept, () => connections.reassign(connection, to))
    if (from.connections === undefined) events.post('userOffline', { userId: from.id, reason: 'reassigned' })
  }

  /** Throws if the new user would have too many subscriptions. */
  #assertSubscriptionsFit(connection: ConnectionRecord, userId: string, isKept: (subscription: SubscriptionRecord) => boolean): void {
    const { quotas, users } = this.#dependencies
    const to = users.find(userId)
    const own = membersOf(ConnectionRecord.ownSubscriptionsOf(connection))
    const added = own.filter((each) => isKept(each) && !has(to, each)).length
    quotas.assertRoom('subscriptionsPerUser', countOf(to?.subscriptions) + added - 1, { connectionId: connection.id, userId })
  }
}

function has(user: UserRecord | undefined, subscription: SubscriptionRecord): boolean {
  return SUBSCRIPTIONS.find(user?.subscriptions, SubscriptionRecord.streamOf(subscription)) !== undefined
}

function isToPublicStream(subscription: SubscriptionRecord): boolean {
  return SubscriptionRecord.streamOf(subscription).type.definition.audience === 'public'
}

function requestOf({ streamType, symbol }: OfStream, filters: StreamRequest['filters']): StreamRequest {
  return { streamType, symbol, filters }
}

/** Returns the key of a stream. A stream type contains no colon, so each stream has its own key. */
function keyOf({ streamType, symbol }: OfStream): string {
  return symbol === undefined ? streamType : `${streamType}:${symbol}`
}
