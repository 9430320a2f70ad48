import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { wsTransport } from '../../../../src/transports/ws.ts'
import { STREAM_NAMES, type StreamName } from '../../../support/pressured-socket.ts'
import { accountOf } from '../accounts.ts'
import { Client, keyOf } from '../client.ts'
import { Market, type Options } from '../market.ts'
import type { Trial } from '../trial.ts'
import { openIntervals } from './open-intervals.ts'
import type { Peer, ServerEnd } from './peer.ts'
import { Proxy } from './proxy.ts'
import { Pulse } from './pulse.ts'
import { RawPeer } from './raw-peer.ts'
import { WsPeer } from './ws-peer.ts'

export type HostOptions = Options<WebSocket> & {
  /** Without the transport: `ws.send` and `ws.close`, as they are. */
  readonly isPlain?: boolean
  readonly isDeflating?: boolean
}

export interface Arrival {
  readonly userId?: string
  /** Which it subscribes to, of symbol A; all unless they are named. */
  readonly streams?: readonly StreamName[]
  readonly proxy?: Proxy
}

interface ExpectedClient extends Required<Omit<Arrival, 'proxy'>> {
  readonly client: Client
  serverEnd: ServerEnd | undefined
}

const SOFT_LIMIT_BYTES = 65_536
const HARD_LIMIT_BYTES = 262_144
/** A few of these fill what the system buffers for a peer that does not read. */
const JAM_UNITS = 100_000
/** What a newcomer is refused with once the manager is closed. */
export const TRY_AGAIN_LATER = 1013
const CLEANUP_MS = 5_000

/** A server as the README writes it: each socket is a connection, its end is told, and a heartbeat finds those that are gone. */
export class Host extends Market<WebSocket> {
  /** Called with each socket before the manager has it. */
  beforeAdmission: (name: string, socket: WebSocket) => void = () => {}
  readonly peers: (WsPeer | RawPeer)[] = []
  readonly #http = createServer()
  readonly #server: WebSocketServer
  readonly #tcpSockets = new Set<TcpSocket>()
  readonly #expected = new Map<string, ExpectedClient>()
  readonly #proxies: Proxy[] = []
  readonly #answered = new WeakSet<WebSocket>()
  readonly #pulse = new Pulse()
  readonly #isPlain: boolean

  constructor(trial: Trial, { isPlain = false, isDeflating = false, delivery, ...options }: HostOptions = {}) {
    super(trial, {
      ...(!isPlain && { transport: wsTransport<WebSocket>() }),
      delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes: HARD_LIMIT_BYTES, ...delivery },
      ...options,
    })
    this.#isPlain = isPlain
    this.#server = new WebSocketServer({ server: this.#http, perMessageDeflate: isDeflating && { threshold: 0 } })
    this.#server.on('connection', (socket, request) => this.#admit(socket, request))
    this.#http.on('connection', (tcp) => {
      this.#tcpSockets.add(tcp)
      tcp.on('close', () => {
        this.#tcpSockets.delete(tcp)
        this.noticed()
      })
    })
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  get report(): string {
    const received = this.peers.reduce((sum, { client }) => sum + client.received.length, 0)
    const due = this.peers.reduce((sum, { client }) => sum + client.due.length, 0)
    const timers = this.clock.pendingTimers + openIntervals()
    const left = `${this.manager.connectionCount} connections, ${this.#tcpSockets.size} sockets, ${timers} timers`
    return `ws: ${accountOf(this.stats)}; ${this.peers.length} clients received ${received} of ${due}; left: ${left}`
  }

  /** Sockets of clients that ws has not given up. */
  get openSockets(): number {
    return this.#server.clients.size
  }

  async listen(): Promise<void> {
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
  }

  /** A client of ws, connected and subscribed. */
  async join(name: string, arrival: Arrival = {}): Promise<WsPeer> {
    const peer = this.knock(name, arrival)
    peer.serverEnd = await this.#arrived(name)
    await peer.open()
    return peer
  }

  /** A client of ws that is about to connect. */
  knock(name: string, arrival: Arrival = {}): WsPeer {
    const { client, url } = this.#expectPeer(name, arrival)
    const peer = new WsPeer(client, url, () => this.noticed())
    this.peers.push(peer)
    return peer
  }

  /** A client on bare TCP, connected and subscribed. Nothing is owed to it. */
  async joinRaw(name: string, arrival: Arrival = {}): Promise<RawPeer> {
    const peer = this.approach(name, arrival)
    peer.shakeHands()
    peer.serverEnd = await this.#arrived(name)
    await this.until(() => peer.isOpen)
    return peer
  }

  /** A client on bare TCP that has not said anything yet. */
  approach(name: string, arrival: Arrival = {}): RawPeer {
    const { client, url } = this.#expectPeer(name, arrival)
    client.condition = 'faulty'
    const peer = new RawPeer(client, url, () => this.noticed())
    this.peers.push(peer)
    return peer
  }

  /** Several clients of ws, of a user each or of one. */
  async crowd(name: string, count: number): Promise<WsPeer[]> {
    const users = [`${name} 1`, `${name} 2`, `${name} 3`]
    const peers: WsPeer[] = []
    for (let i = 1; i <= count; i++) peers.push(await this.join(`${name} ${i}`, { userId: this.trial.one(users) }))
    this.subscribeUser((peers[0] as WsPeer).client.userId, this.trial.one(STREAM_NAMES))
    return peers
  }

  async proxy(): Promise<Proxy> {
    const proxy = new Proxy((this.#http.address() as AddressInfo).port)
    this.#proxies.push(proxy)
    await proxy.listen()
    return proxy
  }

  /** Resolves once a condition holds. It is looked at whenever something happened at a socket or in the manager. */
  until(condition: () => boolean): Promise<void> {
    return this.#pulse.until(condition)
  }

  /** Lets the event loop turn once: a tick ends, and what the system has is read. */
  async turn(): Promise<void> {
    await new Promise((resolve) => void setImmediate(resolve))
  }

  /** Publishes something each turn until a condition holds. */
  async publishUntil(condition: () => boolean, publish: () => unknown = () => this.publish()): Promise<void> {
    while (!condition()) {
      publish()
      await this.turn()
    }
  }

  /** Lets a client read nothing, and sends to it alone until something waits for it. */
  async jam(peer: Peer): Promise<void> {
    const before = this.stats.connectionsBehind
    peer.pause()
    const isJammed = (): boolean => this.stats.connectionsBehind > before || peer.serverEnd.connection.removed
    await this.publishUntil(isJammed, () => this.sendTo(peer.client, 'PRICE', { symbol: 'JAM', padding: JAM_UNITS }))
  }

  /** How many messages wait for those who are behind, once all others have their batch. */
  async waitingForThoseBehind(): Promise<number> {
    await this.turn()
    return this.stats.waiting
  }

  /** Terminates those that did not answer the last time, and pings all others. */
  heartbeat(): void {
    for (const { socket } of this.manager.connections()) {
      if (this.#answered.delete(socket)) socket.ping()
      else socket.terminate()
    }
  }

  /** Resolves when this client has answered the last ping. */
  async pong(peer: Peer): Promise<void> {
    await this.until(() => this.#answered.has(peer.serverEnd.socket))
  }

  async finish(): Promise<void> {
    if (!this.manager.closed) await this.#readToTheEnd()
    this.assertExpected()
    this.#assertCounts()
    await this.#close()
    this.assertEmpty()
    assert.equal(openIntervals(), 0, 'intervals of transports that are left')
  }

  async abandon(): Promise<void> {
    void this.manager.cleanup({ deadlineMs: 0 })
    this.#endAll()
    await this.turn()
  }

  protected override noticed(): void {
    this.#pulse.beat()
  }

  /** A client of which the server is to know what it wants when it comes. */
  #expectPeer(name: string, { userId = name, streams = STREAM_NAMES, proxy }: Arrival): { client: Client; url: string } {
    const client = this.ledger.add(new Client(name, userId))
    this.#expected.set(name, { client, userId, streams, serverEnd: undefined })
    return { client, url: `${proxy?.url ?? this.url}/?name=${encodeURIComponent(name)}` }
  }

  #admit(socket: WebSocket, { url = '', socket: tcp }: IncomingMessage): void {
    const name = new URL(url, 'ws://host').searchParams.get('name') as string
    const expected = this.#expected.get(name) as ExpectedClient
    const { client, userId, streams } = expected
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.noticed())
    this.beforeAdmission(name, socket)
    if (this.manager.closed) return socket.close(TRY_AGAIN_LATER)
    client.isGone = false
    const connection = this.manager.addConnection(name, socket, userId)
    expected.serverEnd = { socket, tcp, connection }
    this.#answered.add(socket)
    socket.on('pong', () => {
      this.#answered.add(socket)
      this.noticed()
    })
    socket.on('close', () => {
      void connection.remove({ close: false })
      this.noticed()
    })
    for (const streamType of streams) this.subscribe({ client, serverEnd: expected.serverEnd }, streamType)
    socket.on('message', (text) => this.obey({ client, serverEnd: expected.serverEnd as ServerEnd }, String(text)))
    this.noticed()
  }

  subscribe({ client, serverEnd }: Pick<Peer, 'client' | 'serverEnd'>, streamType: StreamName, symbol = 'A'): void {
    if (serverEnd.connection.removed) return
    client.streams.add(keyOf(streamType, symbol))
    serverEnd.connection.subscribe({ streamType, symbol })
  }

  /** A command of a client's: the name of a stream type, of symbol B, to subscribe to. */
  obey(peer: Pick<Peer, 'client' | 'serverEnd'>, streamType: string): void {
    this.subscribe(peer, streamType as StreamName, 'B')
    this.noticed()
  }

  async #arrived(name: string): Promise<ServerEnd> {
    const expected = this.#expected.get(name) as ExpectedClient
    await this.until(() => expected.serverEnd !== undefined)
    return expected.serverEnd as ServerEnd
  }

  /** Sends each client that is owed something a last message, and waits for it: nothing can come behind that. */
  async #readToTheEnd(): Promise<void> {
    const owed = this.peers.filter(({ client }) => client.condition !== 'faulty' && !client.isGone)
    for (const { client, serverEnd } of owed) {
      await this.until(() => client.isGone || serverEnd.connection.flush())
      const before = client.due.length
      this.sendTo(client)
      const last = client.due[before]?.n
      await this.until(() => client.isGone || client.numbers.includes(last as number))
    }
  }

  /** To the healthy ones as much was sent as they have; the faulty ones have no more than what was sent to them. */
  #assertCounts(): void {
    const received = (conditions: readonly string[]): number =>
      this.peers.filter(({ client }) => conditions.includes(client.condition)).reduce((sum, { client }) => sum + client.received.length, 0)
    const toFaulty = this.stats.sent - received(['healthy', 'slow'])
    assert.ok(received(['faulty']) <= toFaulty, `the faulty have ${received(['faulty'])} of ${toFaulty} that were sent to them`)
    const owedToFaulty = this.peers.filter(({ client }) => client.condition === 'faulty').reduce((sum, { client }) => sum + client.due.length, 0)
    assert.ok(toFaulty <= owedToFaulty, `${toFaulty} were sent to the faulty, who were to get ${owedToFaulty}`)
  }

  async #close(): Promise<void> {
    const polite = this.peers.filter(({ client }) => client.condition !== 'faulty' && !client.isGone)
    const cleanup = this.manager.cleanup()
    const codes = await Promise.all(polite.map(({ closed }) => closed))
    for (const code of codes) assert.equal(code, this.#isPlain ? 1005 : 1001)
    this.clock.advance(CLEANUP_MS)
    await cleanup
    // A transport has terminated by now whoever did not close; a plain ws waits for its peer.
    if (!this.#isPlain) await this.until(() => this.openSockets === 0)
    this.#endAll()
    await this.until(() => this.#tcpSockets.size === 0)
  }

  #endAll(): void {
    for (const peer of this.peers) peer.reset()
    for (const proxy of this.#proxies) proxy.close()
    for (const socket of this.#server.clients) socket.terminate()
    this.#server.close()
    this.#http.close()
  }
}

