import type { StreamCatalogue } from '../../model/catalogue.ts'
import type { AnyConnection, Socket } from '../../ports/connection.ts'
import { Alarm } from '../../time/alarm.ts'
import { Beats } from '../../time/beats.ts'
import { assertManager, followConnections, type AnyManager, type OperatedManager } from '../operated-manager.ts'
import { heartOf, type BeatingSocket, type Heart } from './beating-socket.ts'
import { resolvedOptions, type HeartbeatOptions, type ResolvedHeartbeatOptions } from './options.ts'

/** A running heartbeat. `startHeartbeat` returns it. */
export interface Heartbeat {
  /** How many sockets were terminated because their peers did not answer pings. Event streams that a comment ended do not count. */
  readonly ended: number
  /** Stops the heartbeat, and removes its timer and its listeners. The connections stay. A second call does nothing. */
  stop(): void
}

/** A socket and its heartbeat. Usually the socket belongs to one connection. */
interface Peer {
  readonly socket: object
  readonly heart: Heart
  readonly connections: Set<AnyConnection>
}

class RunningHeartbeat implements Heartbeat {
  ended = 0
  readonly #options: ResolvedHeartbeatOptions
  readonly #beats: Beats<Peer>
  /** Socket → its peer. A socket has one heartbeat and one listener, even if it has been added for several connections. */
  readonly #peers = new Map<object, Peer>()
  readonly #peerOf = new Map<AnyConnection, Peer>()
  /**
   * Peers that have not answered. The next turn of the event loop decides whether they have gone: after a pause of the process, their answers may
   * have arrived without having been read yet.
   */
  readonly #silent = new Set<Peer>()
  readonly #judgement: Alarm
  readonly #unfollow: () => void

  constructor(manager: AnyManager, options: ResolvedHeartbeatOptions) {
    this.#options = options
    this.#judgement = new Alarm(options.clock, () => this.#judge())
    this.#beats = new Beats(options.clock, options.intervalMs, (peer) => this.#beat(peer))
    this.#unfollow = followConnections(manager, { added: (connection) => this.#add(connection), removed: (connection) => this.#remove(connection) })
  }

  stop(): void {
    this.#unfollow()
    this.#beats.clear()
    this.#judgement.cancel()
    this.#silent.clear()
    for (const { heart } of this.#peers.values()) this.#attempt(() => heart.release())
    this.#peers.clear()
    this.#peerOf.clear()
  }

  #add(connection: AnyConnection): void {
    this.#attempt(() => {
      const peer = this.#peerWith(this.#options.socketOf(connection.socket))
      if (peer === undefined) return
      this.#peerOf.set(connection, peer)
      peer.connections.add(connection)
      this.#beats.add(peer)
    })
  }

  #peerWith(socket: unknown): Peer | undefined {
    if (socket === undefined) return undefined
    const existing = this.#peers.get(socket as object)
    if (existing !== undefined) return existing
    const peer = { socket: socket as object, heart: heartOf(socket, this.#options.mostMissed), connections: new Set<AnyConnection>() }
    this.#peers.set(peer.socket, peer)
    return peer
  }

  #remove(connection: AnyConnection): void {
    const peer = this.#peerOf.get(connection)
    if (peer === undefined) return
    this.#peerOf.delete(connection)
    peer.connections.delete(connection)
    if (peer.connections.size > 0) return
    this.#peers.delete(peer.socket)
    this.#beats.delete(peer)
    this.#silent.delete(peer)
    this.#attempt(() => peer.heart.release())
  }

  #beat(peer: Peer): void {
    this.#attempt(() => {
      if (peer.heart.beat()) return
      this.#silent.add(peer)
      this.#judgement.set(0)
    })
  }

  #judge(): void {
    for (const peer of this.#silent) {
      this.#silent.delete(peer)
      this.#attempt(() => {
        if (!peer.heart.beat()) this.#end(peer)
      })
    }
  }

  /** The peer has gone, so its socket is not closed but terminated. */
  #end({ heart, connections }: Peer): void {
    this.ended++
    this.#attempt(() => heart.end())
    for (const connection of [...connections]) void connection.remove({ close: false })
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.reports.tell(error)
    }
  }
}

/**
 * Ends connections whose peers have gone without a word, such as a phone without a network. Such a connection stays open for hours, because TCP does
 * not notice.
 *
 * A WebSocket gets a ping in each interval. If the last two pings have no answer when the next one is due, the WebSocket is terminated, and its
 * connection is removed with the reason `peer-closed`. The option `timeoutMs` changes this. An event stream gets a comment in each interval, and
 * `sseSocket` ends the stream if the comments stay unsent for too long.
 *
 * `serveWebSockets` and `serveEvents` have a heartbeat of their own, and so have uWebSockets.js, Bun, Deno, crossws and socket.io. Use
 * `startHeartbeat` for other hosts. One timer serves all connections. It does not keep the process alive.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `manager` is not a manager, and `ERR_INVALID_OPTION` naming the option that is unknown or out of range
 *
 * @example
 * import { startHeartbeat } from 'stream-connection-manager/operations'
 * import type { WebSocket } from 'ws'
 *
 * const manager = new ConnectionManager<WebSocket>()
 * const heartbeat = startHeartbeat(manager, { intervalMs: 30_000 })
 *
 * heartbeat.stop() // in a test. In a server, `manager.cleanup()` is enough
 */
export function startHeartbeat<TSocket extends Socket & BeatingSocket, TStreams extends StreamCatalogue, TMetadata>(
  manager: OperatedManager<TSocket, TStreams, TMetadata>,
  options?: HeartbeatOptions<TSocket>,
): Heartbeat
/** Sockets that can send neither pings nor comments need `socketOf`. */
export function startHeartbeat<TSocket extends Socket, TStreams extends StreamCatalogue, TMetadata>(
  manager: OperatedManager<TSocket, TStreams, TMetadata>,
  options: HeartbeatOptions<TSocket> & { readonly socketOf: (socket: TSocket) => BeatingSocket | undefined },
): Heartbeat
export function startHeartbeat(manager: unknown, options: unknown = {}): Heartbeat {
  assertManager(manager)
  return new RunningHeartbeat(manager as AnyManager, resolvedOptions(options))
}
