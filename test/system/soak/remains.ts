import type { ConnectionManager, Socket, StreamCatalogue } from '../../../src/index.ts'

/** What a manager still has of a past that should have left nothing: counts, mappings, send queues, active streams; each that is not 0. */
export function remainsOf<TSocket extends Socket, TStreams extends StreamCatalogue>(manager: ConnectionManager<TSocket, TStreams>): string[] {
  const { connectionCount, userCount, subscriptionCount, streamCount } = manager
  const { activeConnections, connectionUsers, userConnections, userSubscriptions, streamSubscriptions } = manager
  const { waiting, connectionsBehind, waitingBytes } = manager.stats()
  const mappings = { activeConnections, connectionUsers, userConnections, userSubscriptions, streamSubscriptions }
  const counts: [what: string, count: number][] = [
    ...Object.entries({ connectionCount, userCount, subscriptionCount, streamCount, waiting, connectionsBehind, waitingBytes }),
    ...Object.entries(mappings).flatMap(([name, map]): [string, number][] => [[`${name}.size`, map.size], [`entries of ${name}`, [...map].length]]),
    ['connections()', [...manager.connections()].length],
    ['activeStreams()', manager.activeStreams().length],
  ]
  return counts.filter(([, count]) => count !== 0).map(([what, count]) => `${what}: ${count}`)
}
