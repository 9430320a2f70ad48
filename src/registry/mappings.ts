import type { Socket } from '../ports/connection.ts'
import { splitStreamKey, streamKey } from '../model/keys.ts'
import type { Subscription } from '../model/subscription.ts'
import type { Connections } from './connections.ts'
import { membersOf } from '../collections/small-set.ts'
import { MapView } from './map-view.ts'
import type { ConnectionRecord, StreamRecord, UserRecord } from './records.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Users } from './users.ts'

/**
 * The five maps that hand-written connection managers usually have, as live, read-only views.
 *
 * The views exist for code that was written for such a manager. A view stores nothing: each call reads the registry.
 */
export interface Mappings {
  /** connectionId → socket */
  readonly activeConnections: ReadonlyMap<string, Socket>
  /** connectionId → userId */
  readonly connectionUsers: ReadonlyMap<string, string>
  /** userId → connectionIds, oldest first */
  readonly userConnections: ReadonlyMap<string, string[]>
  /** userId → subscriptions, oldest first */
  readonly userSubscriptions: ReadonlyMap<string, Subscription[]>
  /** stream key → userIds, in the order in which the users subscribed */
  readonly streamSubscriptions: ReadonlyMap<string, string[]>
}

export function mappingsOf(users: Users, connections: Connections, subscriptions: Subscriptions): Mappings {
  return {
    activeConnections: byConnection(connections, ({ socket }) => socket),
    connectionUsers: byConnection(connections, ({ userId }) => userId),
    userConnections: byUser(users, {
      size: () => connections.userCount,
      has: (user) => user.connections !== undefined,
      valueOf: (user) => membersOf(user.connections).map(({ id }) => id),
    }),
    userSubscriptions: byUser(users, {
      size: () => subscriptions.userCount,
      has: (user) => user.subscriptions !== undefined,
      valueOf: (user) => [...membersOf(user.subscriptions)],
    }),
    streamSubscriptions: byStream(subscriptions),
  }
}

/** Returns the user ids of a stream's subscribers, in the order in which the users subscribed. */
export function subscribersOf({ subscriptions }: StreamRecord): string[] {
  return Array.from(subscriptions, ({ userId }) => userId)
}

function byConnection<TValue>({ byId }: Connections, valueOf: (connection: ConnectionRecord) => TValue): ReadonlyMap<string, TValue> {
  return new MapView({ size: () => byId.size, find: (connectionId) => byId.get(connectionId), entries: () => byId, valueOf })
}

/** Returns a map from each user to a list. A user whose list would be empty is not in the map. */
function byUser<TItem>(
  users: Users,
  listed: { size(): number; has(user: UserRecord): boolean; valueOf(user: UserRecord): TItem[] },
): ReadonlyMap<string, TItem[]> {
  return new MapView({
    size: () => listed.size(),
    find(userId: string) {
      const user = users.find(userId)
      return user !== undefined && listed.has(user) ? user : undefined
    },
    *entries() {
      for (const user of users.all()) if (listed.has(user)) yield [user.id, user]
    },
    valueOf: (user) => listed.valueOf(user),
  })
}

function byStream(subscriptions: Subscriptions): ReadonlyMap<string, string[]> {
  return new MapView({
    size: () => subscriptions.streamCount,
    find(key: string) {
      const stream = splitStreamKey(key)
      return stream && subscriptions.stream(stream.streamType, stream.symbol)
    },
    *entries() {
      for (const stream of subscriptions.streams()) yield [streamKey(stream.type.name, stream.symbol), stream]
    },
    valueOf: subscribersOf,
  })
}
