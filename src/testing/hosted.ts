import type { Connection, ConnectionManager } from '../index.ts'
import type { HostedManager } from './host.ts'

/** The members of a `ConnectionManager` that `hosted` uses, for any kind of socket and any catalogue. */
export type Hostable = Pick<
  ConnectionManager,
  | 'publish' | 'sendToUser' | 'stats' | 'removeUser' | 'cleanup'
  | 'userConnections' | 'connectionCount' | 'userCount' | 'subscriptionCount' | 'streamCount'
> & {
  /** Returns the connection with this id. `hosted` uses it to remove the connection. */
  getConnection(connectionId: string): Pick<Connection, 'remove'> | undefined
}

/** Wraps a manager of this process as the `HostedManager` that the host suite needs. */
export function hosted(manager: Hostable): HostedManager {
  return {
    publish: (messages) => messages.map((message) => manager.publish(message)),
    sendToUser: (userId, message) => manager.sendToUser(userId, message),
    counts: () => ({
      connections: manager.connectionCount,
      users: manager.userCount,
      subscriptions: manager.subscriptionCount,
      streams: manager.streamCount,
    }),
    stats: () => manager.stats(),
    connectionIds: (userId) => [...(manager.userConnections.get(userId) ?? [])],
    removeUser: (userId) => manager.removeUser(userId),
    removeConnection: async (connectionId, why) => (await manager.getConnection(connectionId)?.remove(why)) ?? false,
    cleanup(last = []) {
      for (const message of last) manager.publish(message)
      return manager.cleanup()
    },
  }
}
