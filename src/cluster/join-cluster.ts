import { ConnectionManagerError } from '../errors.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { ChannelLog } from '../ports/channel-log.ts'
import { ClusterListeners } from './cluster-events.ts'
import type { ClusterManager } from './cluster-manager.ts'
import { ClusterNode } from './cluster-node.ts'
import { Cluster } from './cluster.ts'
import { resolvedOptions, type ClusterOptions } from './options.ts'

/** The part of a recovery that a cluster needs. You can pass a `Recovery`. */
export interface ClusterRecovery {
  /** The last messages of all channels, with their numbers. Reading `log` throws if the recovery has no manager yet. */
  readonly log: ChannelLog
}

/**
 * Makes a manager a node of a cluster. From then on, the messages that the manager publishes also reach the subscribers of the other nodes, except
 * messages of `localTypes` and messages that are published as a `text`.
 *
 * Local delivery does not wait for the broker. Each message of another node arrives once. Within a stream, the messages of a node arrive in the order
 * in which that node published them. A message that was lost on the way is sent again. If the publishing node cannot send it again, subscribers are
 * told that it is missing, unless its type is `latest` and a newer message has replaced it.
 *
 * The promise resolves when the broker's client is open, and after `repairTimeoutMs` at the latest. The cluster's status stays `down` until a message
 * that this node sends to itself has come back from the broker. The promise rejects with `ERR_CLUSTER_DOWN` if the client reports before
 * `repairTimeoutMs` that it cannot be opened.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range. The same code if the recovery has no manager.
 * `ERR_INVALID_BACKPLANE` if `backplane` is not an object with the methods of `Backplane`. `ERR_INVALID_ARGUMENT` if the recovery is the `recorder`
 * of another manager, or is in a cluster already. All these errors reject the promise. After `cluster.close()`, the recovery may join a cluster again
 */
export async function joinCluster<TStreams extends StreamCatalogue = TradingStreams>(
  manager: ClusterManager<TStreams>,
  recovery: ClusterRecovery,
  options: ClusterOptions<TStreams>,
): Promise<Cluster<TStreams>> {
  const { log } = recovery
  log.assertMayJoin(manager)
  const listeners = new ClusterListeners()
  const node = new ClusterNode(manager as unknown as ClusterManager<StreamCatalogue>, log, resolvedOptions(options, log.streams), listeners)
  try {
    await node.open()
  } catch (cause) {
    await node.close().catch(() => {})
    throw new ConnectionManagerError('ERR_CLUSTER_DOWN', 'The client of the broker could not be opened', {}, cause)
  }
  return new Cluster<TStreams>(manager, node, listeners)
}
