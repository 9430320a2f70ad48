import type { Socket } from '../connection.ts'
import { splitStreamKey, streamKey } from '../streams/keys.ts'
import type { Subscription } from '../streams/subscription.ts'
import type { Connections } from './connections.ts'
import { MapView } from './map-view.ts'
import type { ConnectionRecord, StreamRecord, UserRecord } from './records.ts'
import { viewOf } from './subscription-view.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Users } from './users.ts'

/** The five mappings: live, read-only views of the registry. */
export interface Mappings<TSocket extends Socket = Socket> {
  /** connectionId → socket */
  readonly activeConnections: ReadonlyMap<string, TSocket>
  /** connectionId → userId */
  readonly connectionUsers: ReadonlyMap<string, string>
  /** userId → connectionIds, oldest first */
  readonly userConnections: ReadonlyMap<string, string[]>
  /** userId → subscriptions, oldest first */
  readonly userSubscriptions: ReadonlyMap<string, Subscription[]>
  /** stream key → userIds, in the order in which they subscribed */
  readonly streamSubscriptions: ReadonlyMap<string, string[]>
}

export function mappingsOf(users: Users, connections: Connections, subscriptions: Subscriptions): Mappings {
  return {
    activeConnections: byConnection(connections, ({ socket }) => socket),
    connectionUsers: byConnection(connections, ({ user }) => user.id),
    userConnections: userConnections(users, connections),
    userSubscriptions: userSubscriptions(users, subscriptions),
    streamSubscriptions: streamSubscriptions(subscriptions),
  }
}

function userConnections(users: Users, connections: Connections): ReadonlyMap<string, string[]> {
  return new MapView({
    size: () => connections.userCount,
    has: (userId) => hasConnection(users.find(userId)),
    get: (userId) => connectionIdsOf(users.find(userId)),
    *entries() {
      for (const user of users.all()) if (hasConnection(user)) yield [user.id, connectionIdsOf(user) ?? []]
    },
  })
}

function userSubscriptions(users: Users, subscriptions: Subscriptions): ReadonlyMap<string, Subscription[]> {
  return new MapView({
    size: () => subscriptions.userCount,
    has: (userId) => hasSubscription(users.find(userId)),
    get: (userId) => subscriptionsOf(users.find(userId)),
    *entries() {
      for (const user of users.all()) if (hasSubscription(user)) yield [user.id, subscriptionsOf(user) ?? []]
    },
  })
}

function streamSubscriptions(subscriptions: Subscriptions): ReadonlyMap<string, string[]> {
  const find = (key: unknown): StreamRecord | undefined => {
    const stream = splitStreamKey(key)
    return stream && subscriptions.stream(stream.streamType, stream.symbol)
  }
  return new MapView({
    size: () => subscriptions.streamCount,
    has: (key) => find(key) !== undefined,
    get: (key) => subscribersOf(find(key)),
    *entries() {
      for (const stream of subscriptions.streams()) {
        yield [streamKey(stream.type.name, stream.symbol), subscribersOf(stream) ?? []]
      }
    },
  })
}

/** A user's subscriptions, oldest first; `undefined` for none. */
export function subscriptionsOf(user: UserRecord | undefined): Subscription[] | undefined {
  return hasSubscription(user) ? Array.from(user.subscriptions.values(), viewOf) : undefined
}

/** The ids of a stream's subscribers; `undefined` for none. */
export function subscribersOf(stream: StreamRecord | undefined): string[] | undefined {
  return stream && Array.from(stream.subscriptions, ({ user }) => user.id)
}

function connectionIdsOf(user: UserRecord | undefined): string[] | undefined {
  return hasConnection(user) ? Array.from(user.connections.connections(), ({ id }) => id) : undefined
}

function hasConnection(user: UserRecord | undefined): user is UserRecord {
  return user !== undefined && user.connections.size > 0
}

function hasSubscription(user: UserRecord | undefined): user is UserRecord {
  return user !== undefined && user.subscriptions.size > 0
}

function byConnection<TValue>(
  { byId }: Connections,
  valueOf: (connection: ConnectionRecord) => TValue,
): ReadonlyMap<string, TValue> {
  return new MapView({
    size: () => byId.size,
    has: (connectionId) => byId.has(connectionId),
    get: (connectionId) => {
      const connection = byId.get(connectionId)
      return connection && valueOf(connection)
    },
    *entries() {
      for (const [connectionId, connection] of byId) yield [connectionId, valueOf(connection)]
    },
  })
}
