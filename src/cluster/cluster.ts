import { ConnectionManagerError } from '../errors.ts'
import { asIdentifier } from '../model/identifier.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Revocation } from '../model/revocation.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { ReadyRequest } from '../ports/channel-log.ts'
import type { StreamSource } from '../model/source.ts'
import { assertListener, type ClusterEvents, type ClusterListeners } from './cluster-events.ts'
import type { ClusterManager } from './cluster-manager.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { CommandedStream } from './commands.ts'

/** Counts of what a node has done so far. */
export interface ClusterStats {
  /** Messages that this node published for the cluster, and commands that this node gave to all nodes. Messages of local types do not count. */
  readonly published: number
  /**
   * How many of the `published` messages and commands were handed to the broker's client when they were published. The other nodes ask for the rest
   * later.
   */
  readonly sent: number
  /** Messages and commands of other nodes that arrived through the broker. Includes `duplicates` and `unwanted`, but not `repaired`. */
  readonly received: number
  /** Messages of other nodes that this node already had, or had already skipped or reported as missing. */
  readonly duplicates: number
  /** Messages of other nodes in channels that nobody on this node wants any more, or in an epoch that belongs to this node. */
  readonly unwanted: number
  /**
   * How many times this node found that messages of another node were missing, and asked for them. Does not count a request to a node that still had
   * to report its last number, for example after an interruption.
   */
  readonly repairs: number
  /** Missing messages that another node sent again. */
  readonly repaired: number
  /** How many times subscribers on this node were told that messages of other nodes are missing. */
  readonly gaps: number
  /** How many messages of other nodes were reported to subscribers as missing. A gap of unknown size adds nothing. */
  readonly missing: number
  /** Texts from the broker that a node of a cluster cannot have sent. */
  readonly foreign: number
  /** Texts from the broker that a node with another version of the envelope format has sent. */
  readonly otherVersion: number
  /** How many times `status` became `down`. */
  readonly downs: number
  /** UTF-16 units that this node has sent to the broker without a proof that they arrived. */
  readonly unconfirmed: number
  /** Channels that this node wants now, including the channel of commands to all nodes. */
  readonly channels: number
}

/** One node of a cluster. Made by `joinCluster`. */
export class Cluster<in out TStreams extends StreamCatalogue = TradingStreams> {
  readonly #manager: ClusterManager<TStreams>
  readonly #node: ClusterNode
  readonly #listeners: ClusterListeners

  constructor(manager: ClusterManager<TStreams>, node: ClusterNode, listeners: ClusterListeners) {
    this.#manager = manager
    this.#node = node
    this.#listeners = listeners
  }

  /**
   * `up` while the messages that this node sends to itself come back from the broker. `down` after `close()`. Local delivery continues in both
   * states.
   */
  get status(): 'up' | 'down' {
    return this.#node.parts.link.isUp ? 'up' : 'down'
  }

  /**
   * Resolves when this node has reached a client's position in a channel, and has all messages after it, as far as the nodes that published them
   * still hold them. After that, subscribe the client with the same position. The promise resolves after `repairTimeoutMs` at the latest, even if the
   * broker cannot be reached. The promise resolves at once for a local type, for an invalid request, and after `close()`. The promise never rejects.
   */
  ready(request: ReadyRequest): Promise<void> {
    return this.#node.ready(request)
  }

  /**
   * Revokes streams on every node: see `manager.revoke`. Returns how many subscriptions ended on this node. A node that is cut off from the broker
   * revokes the streams when it is connected again, if this node still runs then and still has the command. A node keeps at most 1,000 of its
   * commands. When it gives a command, it removes those that are older than two minutes.
   *
   * @throws what `manager.revoke` throws; then nothing has changed
   */
  revoke(revocation: Revocation<TStreams>): number {
    // A copy, so that each field is read once. The manager refuses what makes no sense.
    const given = { ...revocation }
    const ended = this.#manager.revoke(given)
    const { userId = null, streamType = null, symbol = null } = given
    this.#node.command({ command: 'revoke', revocation: { userId, streamType, symbol } })
    return ended
  }

  /**
   * Removes all connections of a user on every node: see `manager.removeUser`. The promise resolves to the number of these connections on this node.
   *
   * @throws `ERR_INVALID_ID`; then nothing has changed
   */
  removeUser(userId: string): Promise<number> {
    const id = asIdentifier(userId, 'userId')
    this.#node.command({ command: 'removeUser', userId: id })
    return this.#manager.removeUser(id)
  }

  /**
   * Sets the status of a stream's source on every node: see `manager.setStreamStatus`. Returns false if nobody on this node is subscribed to the stream.
   *
   * @throws what `manager.setStreamStatus` throws; then nothing has changed
   */
  setStreamStatus(stream: StreamSource<TStreams>, status: StreamStatus): boolean {
    const given = { ...stream }
    const isChanged = this.#manager.setStreamStatus(given, status)
    this.#node.command({ command: 'setStreamStatus', stream: commanded(given), status })
    return isChanged
  }

  /**
   * Tells the subscribers of a stream on every node that messages are missing at the source: see `manager.notifyGap`. On other nodes, a message that
   * was published just before this call may arrive after the notice.
   *
   * @throws what `manager.notifyGap` throws; then nothing has happened
   */
  notifyGap(stream: StreamSource<TStreams>, dropped: number | undefined): void {
    const given = { ...stream }
    this.#manager.notifyGap(given, dropped)
    this.#node.command({ command: 'notifyGap', stream: commanded(given), dropped: dropped ?? null })
  }

  /**
   * Resolves to true if the user has a connection on any node. If the user is connected to this node, the broker is not asked.
   *
   * Rejects with `ERR_CLUSTER_DOWN` if the user is not connected to this node, and the broker cannot be reached or does not answer within
   * `repairTimeoutMs`. After `close()`, the broker counts as unreachable. Rejects with `ERR_INVALID_ID` for a bad user id.
   */
  async isOnline(userId: string): Promise<boolean> {
    const id = asIdentifier(userId, 'userId')
    if (this.#manager.userConnections.has(id)) return true
    let cause: unknown
    try {
      if (this.#node.parts.link.isUp) return await this.#node.parts.presence.isOnline(id)
    } catch (error) {
      cause = error
    }
    throw new ConnectionManagerError('ERR_CLUSTER_DOWN', 'The broker does not answer, so nobody knows whether the user is online on another node', { userId: id }, cause)
  }

  /**
   * Tells the nodes that follow the user's departures that the user has just left this node: see `followDepartures`. `watchAbsence` calls this method.
   * The announcement costs one text to the broker, even if nobody follows the user. It is lost if the broker cannot be reached, and is not repeated.
   *
   * @throws `ERR_INVALID_ID`
   */
  announceDeparture(userId: string): void {
    this.#node.parts.presence.announceDeparture(asIdentifier(userId, 'userId'))
  }

  /**
   * Calls `listener` each time that another node announces with `announceDeparture` that the user has left it. Returns a function that removes the
   * listener. While a user has such a listener, this node is subscribed to one more subject at the broker. An announcement is missed if this node
   * cannot reach the broker at that moment.
   *
   * If the listener throws, the cluster emits the error as its event `error`.
   *
   * @throws `ERR_INVALID_ID`, and `ERR_INVALID_ARGUMENT` if the listener is not a function
   */
  followDepartures(userId: string, listener: () => void): () => void {
    const id = asIdentifier(userId, 'userId')
    assertListener(listener)
    return this.#node.parts.presence.followDepartures(id, listener)
  }

  /**
   * Calls `listener` for each event of this name. Returns a function that removes the listener.
   *
   * The first listener of `streamActive` or `streamIdle` makes this node track the channels that any node wants. If this first listener is for
   * `streamActive`, it is also called for the channels that nodes want already. A later listener gets only later events.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an unknown event, or a listener that is not a function
   */
  on<TName extends keyof ClusterEvents>(event: TName, listener: (payload: ClusterEvents<keyof TStreams & string>[TName]) => void): () => void {
    const remove = this.#listeners.on(event, listener)
    if (event === 'streamActive' || event === 'streamIdle') this.#node.followDemand()
    return remove
  }

  /** Returns what this node has done so far. */
  stats(): ClusterStats {
    const { counts, parts: { interests, link, publications, receiving } } = this.#node
    const { published, sent } = publications.counts
    const { downs, unconfirmedUnits: unconfirmed } = link
    return { published, sent, ...receiving.counts, ...counts, downs, unconfirmed, channels: interests.count }
  }

  /**
   * Leaves the cluster. After that, the manager works without the other nodes. The connections of the backplane are closed, and your own client of
   * the broker stays open. Later calls return the same promise.
   */
  close(): Promise<void> {
    return this.#node.close()
  }
}

function commanded({ streamType, symbol, userId }: StreamSource<StreamCatalogue>): CommandedStream {
  return { streamType, symbol: symbol ?? null, userId: userId ?? null }
}
