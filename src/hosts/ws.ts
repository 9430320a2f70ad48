import type { Connection, Socket } from '../ports/connection.ts'
import { drainOf } from '../ports/drain.ts'
import type { ManagerTransport } from '../ports/transport.ts'
import { refusedText } from '../protocol/answers.ts'
import type { DrainOptions } from '../protocol/draining.ts'
import { Beats } from '../time/beats.ts'
import { Pulse } from '../time/pulse.ts'
import type { TcpSocket } from '../transports/ws/internals.ts'
import { wsTransport, type WsSocket } from '../transports/ws.ts'
import { Faults } from './faults.ts'
import { identify, refusedBy, type Identified, type Refused } from './identity.ts'
import { resolvedOptions, type HostOptions, type ResolvedHostOptions } from './options.ts'

// Every runtime that runs ws has it.
declare const crypto: { randomUUID(): string }
declare function setImmediate(fn: () => void): void

/** The members of a socket that this host uses. The `WebSocket` of ws 8 has them all. */
export interface HostedWebSocket extends WsSocket {
  /** Sends a ping frame. */
  ping(): void
  /** Calls the listener with each text or bytes that the client sends, and at each pong, error and close. */
  on(event: 'message' | 'pong' | 'error' | 'close', listener: (data: unknown) => void): unknown
}

/** The members of a WebSocket server that this host uses. The `WebSocketServer` of ws 8 has them all. */
export interface HostedWebSocketServer<TSocket extends HostedWebSocket, TRequest> {
  /** Calls the listener with each new socket, and with the HTTP request of the socket. */
  on(event: 'connection', listener: (socket: TSocket, request: TRequest) => void): unknown
  /** Stops accepting sockets. */
  close(): unknown
}

/** The event of ws that comes before the answer to an upgrade is written. Other servers need not have it. */
interface UpgradingServer {
  on(event: 'headers', listener: (headers: unknown, request: { readonly socket?: Partial<TcpSocket> }) => void): unknown
}

/** The options of `serveWebSockets`. `manager`, `authenticate` and `commands` are required. */
export interface ServeWebSocketsOptions<TSocket extends Socket, TRequest, TMetadata = unknown> extends HostOptions<TSocket, TRequest, TMetadata> {
  /**
   * The transport that writes to the sockets.
   *
   * @default `wsTransport()`
   */
  readonly transport?: ManagerTransport<TSocket> | undefined
}

/** A running host. */
export interface WebSocketHost {
  /**
   * Asks all clients of the command server to move to another server, and waits until they have gone, at the latest until half a second after
   * `withinMs`. Then closes the remaining sockets of this host with the code 1001, and closes the WebSocket server. A socket that comes after that is
   * refused with `ERR_CLOSED`. Call `close()` at SIGTERM, before `manager.cleanup()`. The promise resolves to the number of sockets that the host
   * closed. A second call returns the same promise.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an option that is out of range
   */
  close(options?: DrainOptions): Promise<number>
}

/**
 * How much a client may send before it is welcomed. If the client sends more, its socket is closed. `texts` is the number of texts, and `units` is
 * the sum of their UTF-16 units or bytes.
 */
const MOST_EARLY = { texts: 100, units: 65_536 }

/** Code of a refusal → close code. Any other code has the close code 1008. */
const CLOSE_CODES: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([
  ['ERR_UNAUTHENTICATED', 4401],
  ['ERR_QUOTA_EXCEEDED', 4429],
  ['ERR_CLOSED', 1001],
  ['ERR_TIMEOUT', 1013],
  ['ERR_FAILED', 1011],
])
const REFUSED = 1008

/** A socket, and what the host knows about it. */
interface Peer {
  readonly socket: HostedWebSocket
  /** The texts that came before the client was welcomed. */
  readonly early: unknown[]
  earlyUnits: number
  readonly pulse: Pulse
  /** True once the host has refused the client or begun to close its socket, or the socket has closed. */
  isOver: boolean
  connection: Connection | undefined
  receive: ((text: unknown) => void) | undefined
}

class Host implements WebSocketHost {
  readonly #options: ResolvedHostOptions
  readonly #transport: unknown
  readonly #faults: Faults
  readonly #beats: Beats<Peer>
  readonly #peers = new Set<Peer>()
  readonly #closeServer: () => unknown
  #closed: Promise<number> | undefined
  /**
   * True once the host has closed all sockets. A socket may still come, because its upgrade was in progress, or because the server still accepts
   * sockets.
   */
  #hasClosed = false

  constructor(options: ResolvedHostOptions, closeServer: () => unknown) {
    this.#options = options
    this.#transport = options.transport ?? wsTransport()
    this.#faults = new Faults(options.onError)
    this.#beats = new Beats(options.clock, options.heartbeatMs, beat)
    this.#closeServer = closeServer
  }

  accept(socket: HostedWebSocket, request: unknown): void {
    const peer: Peer = { socket, early: [], earlyUnits: 0, pulse: new Pulse(() => socket.ping()), isOver: false, connection: undefined, receive: undefined }
    this.#peers.add(peer)
    this.#beats.add(peer)
    // Without this listener, a bad frame ends the process.
    socket.on('error', () => socket.terminate())
    socket.on('message', (data) => receive(peer, data))
    socket.on('pong', () => peer.pulse.heard())
    socket.on('close', () => this.#forget(peer))
    const { authenticate, authenticateTimeoutMs: timeoutMs, clock } = this.#options
    if (this.#refusesNewcomer(peer)) return
    if (this.#hasClosed) return this.#refuse(peer, { refusal: { code: 'ERR_CLOSED' } })
    identify(authenticate, request, { clock, timeoutMs, faults: this.#faults }, (answer) => this.#admit(peer, answer))
  }

  close(options?: DrainOptions): Promise<number> {
    return (this.#closed ??= this.#options.commands.drain(options).then(() => this.#closeAll()))
  }

  #admit(peer: Peer, answer: Identified): void {
    if ('refusal' in answer) return this.#refuse(peer, answer)
    // The client may have left meanwhile, or the manager may have begun to drain.
    if (peer.isOver || this.#refusesNewcomer(peer)) return
    try {
      this.#open(peer, answer.identity.userId, answer.identity.metadata)
    } catch (error) {
      this.#refuse(peer, refusedBy(error))
    }
  }

  /** True if the manager drains. Then the client is told so, and when to come back. */
  #refusesNewcomer(peer: Peer): boolean {
    const draining = drainOf(this.#options.manager)?.refusal()
    if (draining !== undefined) turnAway(peer, draining)
    return draining !== undefined
  }

  #open(peer: Peer, userId: string, metadata: unknown): void {
    const { commands, manager } = this.#options
    const connection = manager.addConnection(crypto.randomUUID(), peer.socket, userId, { transport: this.#transport, metadata })
    peer.connection = connection
    const session = commands.open(connection)
    peer.receive = (text) => session.receive(text)
    for (const text of peer.early.splice(0)) session.receive(text)
  }

  /** Tells the client why it is refused, and then closes its socket. */
  #refuse(peer: Peer, refused: Refused): void {
    const { refusal } = refused
    this.#faults.tellOf(refused)
    turnAway(peer, { text: refusedText(undefined, refusal), code: CLOSE_CODES.get(refusal.code) ?? REFUSED, reason: refusal.code })
  }

  #forget(peer: Peer): void {
    peer.isOver = true
    this.#peers.delete(peer)
    this.#beats.delete(peer)
  }

  #closeAll(): number {
    this.#hasClosed = true
    const left = [...this.#peers]
    for (const peer of left) sendAway(peer)
    Faults.attempt(() => this.#closeServer())
    return left.length
  }
}

function turnAway(peer: Peer, { text, code, reason }: { readonly text: string; readonly code: number; readonly reason: string }): void {
  if (peer.isOver) return
  peer.isOver = true
  Faults.attempt(() => peer.socket.send(text))
  Faults.attempt(() => peer.socket.close(code, reason))
}

function sendAway(peer: Peer): void {
  const { connection, socket } = peer
  // The client may still be authenticated later. Then it must not be added.
  peer.isOver = true
  if (connection === undefined || connection.removed) Faults.attempt(() => socket.close(1001, 'going away'))
  else void connection.remove({ code: 1001, reason: 'going away' })
}

function receive(peer: Peer, data: unknown): void {
  peer.pulse.heard()
  if (peer.receive !== undefined) return peer.receive(data)
  if (peer.isOver) return
  peer.early.push(data)
  peer.earlyUnits += sizeOf(data)
  if (peer.early.length <= MOST_EARLY.texts && peer.earlyUnits <= MOST_EARLY.units) return
  peer.isOver = true
  peer.early.length = 0
  Faults.attempt(() => peer.socket.close(4429, 'flood'))
}

function sizeOf(data: unknown): number {
  return typeof data === 'string' ? data.length : ((data as { readonly byteLength?: number }).byteLength ?? Infinity)
}

function beat({ pulse, socket }: Peer): void {
  Faults.attempt(() => pulse.beat() || socket.terminate())
}

/** Lets the answer to an upgrade and the welcome leave in one write: the TCP socket keeps the answer until the end of the event loop's turn. */
function joinFirstWrites(server: UpgradingServer): void {
  server.on('headers', (_headers, { socket }) => {
    socket?.cork?.()
    setImmediate(() => socket?.uncork?.())
  })
}

/**
 * Serves the sockets of a WebSocket server: authenticates each client, adds it to the manager, welcomes it, and carries out its commands. A refused
 * client gets the reason in a frame, and in the close code. If a client sends nothing after two pings in a row, not even a pong, its socket is
 * terminated when the next ping is due.
 *
 * Texts that a client sends before its welcome wait until the welcome. At most 100 texts, with 65,536 UTF-16 units or bytes in all, can wait. A
 * client that sends more is closed with 4429.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range
 *
 * @example
 * import { serveWebSockets } from 'stream-connection-manager/hosts/ws'
 * import { createCommandServer } from 'stream-connection-manager/protocol'
 * import { WebSocketServer, type WebSocket } from 'ws'
 *
 * const manager = new ConnectionManager<WebSocket>()
 * const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 16 * 1_024 })
 *
 * const host = serveWebSockets(server, {
 *   manager,
 *   authenticate: ({ url = '' }) => (url.includes('user=alice') ? { userId: 'alice' } : undefined), // a placeholder
 *   commands: createCommandServer(manager),
 * })
 *
 * process.once('SIGTERM', () => void host.close().then(() => manager.cleanup()))
 */
export function serveWebSockets<TSocket extends HostedWebSocket & Socket, TRequest, TMetadata = unknown>(
  webSocketServer: HostedWebSocketServer<TSocket, TRequest>,
  options: ServeWebSocketsOptions<TSocket, TRequest, TMetadata>,
): WebSocketHost {
  const host = new Host(resolvedOptions(options), () => webSocketServer.close())
  joinFirstWrites(webSocketServer as unknown as UpgradingServer)
  webSocketServer.on('connection', (socket, request) => host.accept(socket, request))
  return host
}
