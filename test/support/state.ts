import type { ConnectionManager, Socket, StreamCatalogue } from '../../src/index.ts'

/** All public state of a manager, as plain data to compare. */
export function stateOf<TSocket extends Socket, TStreams extends StreamCatalogue>(manager: ConnectionManager<TSocket, TStreams>) {
  return {
    activeConnections: [...manager.activeConnections.keys()],
    connectionUsers: Object.fromEntries(manager.connectionUsers),
    userConnections: Object.fromEntries(manager.userConnections),
    userSubscriptions: Array.from(manager.userSubscriptions, ([userId, held]) => [userId, held.map(({ key, status }) => [key, status])]),
    streamSubscriptions: Object.fromEntries(manager.streamSubscriptions),
    counts: {
      connections: manager.connectionCount,
      users: manager.userCount,
      subscriptions: manager.subscriptionCount,
      streams: manager.streamCount,
    },
  }
}

export const NOTHING = {
  activeConnections: [],
  connectionUsers: {},
  userConnections: {},
  userSubscriptions: [],
  streamSubscriptions: {},
  counts: { connections: 0, users: 0, subscriptions: 0, streams: 0 },
}
