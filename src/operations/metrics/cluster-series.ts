import type { ClusterStats } from '../../cluster/cluster.ts'
import { counter, upDownCounter, type Series } from './series.ts'

/** What is read from a cluster at one collection. */
export interface ClusterReading {
  readonly status: 'up' | 'down'
  readonly stats: ClusterStats
}

export const CLUSTER_SERIES: readonly Series<ClusterReading>[] = [
  upDownCounter('cluster.up', '{node}', 'Nodes whose broker is proven to work: 1 or 0 on each node.', ({ status }) => (status === 'up' ? 1 : 0)),
  counter('cluster.outages', '{outage}', 'How often the cluster went down.', ({ stats }) => stats.downs),
  counter('cluster.published.messages', '{message}', 'Messages and commands that this node published for the cluster.', ({ stats }) => stats.published),
  counter('cluster.sent.messages', '{message}', 'Published ones that were handed to the client of the broker at once.', ({ stats }) => stats.sent),
  counter('cluster.received.messages', '{message}', 'Messages and commands of other nodes that came through the broker.', ({ stats }) => stats.received),
  counter('cluster.duplicate.messages', '{message}', 'Received ones that this node had already.', ({ stats }) => stats.duplicates),
  counter('cluster.unwanted.messages', '{message}', 'Received ones that nobody on this node wants any more.', ({ stats }) => stats.unwanted),
  counter('cluster.foreign.messages', '{message}', 'Texts from the broker that no node of a cluster has sent.', ({ stats }) => stats.foreign),
  counter('cluster.other_version.messages', '{message}', 'Texts from nodes whose envelopes have another version.', ({ stats }) => stats.otherVersion),
  counter('cluster.repairs', '{repair}', 'How often this node asked another one for missing messages.', ({ stats }) => stats.repairs),
  counter('cluster.repaired.messages', '{message}', 'Missing messages that another node sent again.', ({ stats }) => stats.repaired),
  counter('cluster.gaps', '{gap}', 'How often subscribers on this node were told that messages are missing.', ({ stats }) => stats.gaps),
  counter('cluster.missing.messages', '{message}', 'Messages that subscribers were told are missing.', ({ stats }) => stats.missing),
  upDownCounter('cluster.unconfirmed.size', '{code_unit}', 'UTF-16 units that are on their way to the broker.', ({ stats }) => stats.unconfirmed),
  upDownCounter('cluster.channel.count', '{channel}', 'Channels that this node wants.', ({ stats }) => stats.channels),
]
