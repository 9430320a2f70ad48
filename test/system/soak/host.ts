import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { ConnectionManager, type CloseReason, type Connection, type PublishResult, type Stats } from '../../../src/index.ts'
import type { Command } from './client.ts'
import { Collection } from './collection.ts'
import { CountingClock } from './counting-clock.ts'
import type { Channel } from './channel.ts'
import type { Ledger, Mark } from './ledger.ts'
import { Roster, type Listener } from './roster.ts'
import { streams, type MarketStreamType, type StreamName, type Streams } from './streams.ts'
import { witnessedTransport } from './witnessed-transport.ts'

/** A client that is behind is to be seen soon: what may wait is a quarter of the default. */
export const HARD_LIMIT_BYTES = 262_144
const MOST_COMPLAINTS = 20

interface Session {
  readonly listener: Listener
  readonly connection: Connection<WebSocket, Streams>
}

/** Whoever is told of those who come and go. */
export interface HostObserver {
  joined(listener: Listener): void
  left(listener: Listener, reason: CloseReason): void
}

/**
 * A server on real ws sockets, as the README shows one, which counts beside the library: what each socket accepted, and how many
 * were to receive each message.
 */
export class Host {
  readonly clock: CountingClock = new CountingClock()
  readonly manager: ConnectionManager<WebSocket, Streams>
  readonly roster: Roster
  /** Sockets and handles that were there. */
  readonly collection: Collection = new Collection()
  /** Recipients of all messages, by the roster. */
  expected = 0
  /** Messages that sockets accepted, and notices. */
  handed = 0
  notices = 0
  /** Messages that `gap` events say are missing. */
  missing = 0
  /** The longest text, in UTF-16 units. */
  largestUnits = 0
  /** How many connections ended for each reason. */
  readonly endings: Map<CloseReason, number> = new Map()
  readonly complaints: string[] = []
  readonly #server: WebSocketServer
  readonly #ledger: Ledger
  readonly #observer: HostObserver
  readonly #sessions = new Map<number, Session>()
  readonly #clientOf = new WeakMap<WebSocket, number>()
  readonly #terminated = new WeakSet<WebSocket>()
  /** Listeners to whom all has been handed that was published, at the moment at which they lose a channel. */
  #upToDate: ReadonlySet<Listener> = new Set()

  constructor(ledger: Ledger, observer: HostObserver) {
    this.#ledger = ledger
    this.#observer = observer
    this.roster = new Roster({
      covered: (listener, channel) => this.#noteCovered(listener, channel),
      uncovered: (listener, channel) => this.#noteUncovered(listener, channel),
    })
    this.manager = new ConnectionManager<WebSocket, Streams>({
      streams,
      clock: this.clock,
      transport: witnessedTransport({
        handed: (...handover) => this.#noteHanded(...handover),
        terminated: (socket) => void this.#terminated.add(socket),
      }),
      delivery: { hardLimitBytes: HARD_LIMIT_BYTES },
    })
    this.manager.on('connectionRemoved', ({ connection, reason }) => this.#forget(connection, reason))
    this.manager.on('gap', ({ dropped }) => void (this.missing += dropped))
    this.manager.on('error', ({ stage, error }) => this.complain(`the library reports trouble of ${stage}: ${String(error)}`))
    this.#server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    this.#server.on('connection', (socket, request) => this.#accept(socket, request))
  }

  /** Settles when clients can connect. */
  async listening(): Promise<void> {
    if (this.#server.address() === null) await once(this.#server, 'listening')
  }

  urlFor(client: number, userId: string): string {
    const { port } = this.#server.address() as AddressInfo
    return `ws://127.0.0.1:${port}/?client=${client}&user=${encodeURIComponent(userId)}`
  }

  /** Whether there is still a socket, of whatever state. */
  get hasSockets(): boolean {
    return this.#server.clients.size > 0
  }

  complain(what: string): void {
    if (this.complaints.length < MOST_COMPLAINTS) this.complaints.push(what)
  }

  // Publishing

  publishMarket(streamType: MarketStreamType, symbol: string, payload: object): PublishResult {
    const channel = this.roster.marketChannel({ streamType, symbol })
    return this.#deliver(channel, (n) => this.manager.publish({ streamType, symbol, data: { n, ...payload } }))
  }

  publishOrder(userId: string, symbol: string | undefined): PublishResult {
    const channel = this.roster.orderChannel(userId, symbol)
    return this.#deliver(channel, (n) => this.manager.publish({ streamType: 'ORDER_UPDATES', symbol, userId, data: { n, owner: userId } }))
  }

  sendAlert(userId: string): PublishResult {
    const data = { owner: userId }
    return this.#deliver(this.roster.alertChannel(userId), (n) => this.manager.sendToUser(userId, { streamType: 'RISK_ALERTS', data: { n, ...data } }))
  }

  sendStatus(listener: Listener): PublishResult {
    const data = { owner: listener.userId }
    return this.#deliver(listener.toItself, (n) => {
      return this.manager.sendToConnection(connectionId(listener.client), { streamType: 'BOT_STATUS', data: { n, ...data } })
    })
  }

  broadcastNews(): PublishResult {
    return this.#deliver(this.roster.news, (n) => this.manager.broadcast({ streamType: 'NEWS', data: { n } }))
  }

  #deliver(channel: Channel<Listener>, deliver: (n: number) => PublishResult): PublishResult {
    const expected = channel.audience.size
    const result = deliver(++channel.published)
    this.expected += expected
    if (result.matched !== expected) this.complain(`number ${channel.published} of ${channel.name} matched ${result.matched}, not ${expected}`)
    return result
  }

  // Subscribing, by a client's command or by the server

  subscribe(listener: Listener, holder: 'user' | 'connection', stream: StreamName): void {
    const { userId } = listener
    if (holder === 'user') {
      this.manager.addSubscription({ userId, ...stream })
      this.roster.holdForUser(userId, stream)
    } else {
      this.#session(listener).connection.subscribe(stream)
      this.roster.holdForConnection(listener, stream)
    }
  }

  /** Ends a hold of a connection's, or a subscription of the user's for all who hold it. `isFlushed`: what waits leaves before. */
  unsubscribe(listener: Listener, holder: 'user' | 'connection', stream: StreamName, isFlushed: boolean): void {
    const { userId } = listener
    this.#losing(isFlushed ? this.roster.listenersOf(userId) : [], () => {
      if (holder === 'user') {
        this.manager.removeSubscription({ userId, ...stream })
        this.roster.end(userId, stream)
      } else {
        this.#session(listener).connection.unsubscribe(stream)
        this.roster.release(listener, stream)
      }
    })
  }

  /** Takes a user's right to a stream away: to one of a market's, or to the orders of a symbol. */
  revoke(userId: string, { streamType, symbol }: StreamName): void {
    const revoked = this.manager.revoke({ userId, streamType, symbol })
    const ended = this.roster.endWhere(userId, (each) => {
      return each.streamType === streamType && (symbol === undefined || each.symbol === symbol || each.symbol === undefined)
    })
    if (revoked !== ended) this.complain(`revoke of ${streamType} ${symbol} of ${userId} ended ${revoked} subscriptions, not ${ended}`)
  }

  /** Removes a connection, as its client asked for; what it has to get leaves before. */
  remove(listener: Listener): void {
    this.#losing([listener], () => void this.manager.removeConnection(connectionId(listener.client)))
  }

  // Looking

  /** Whether everything is in order right now: the sums, and for each connection that is not behind all that it was to get. */
  check(): Stats {
    for (const { listener, connection } of this.#sessions.values()) if (connection.flush()) this.#noteComplete(listener)
    const stats = this.manager.stats()
    const { matched, sent, conflated, dropped, failed, skipped, purged, waiting } = stats
    const accounted = sent + conflated + dropped + failed + skipped + purged + waiting
    if (matched !== accounted) this.complain(`stats() has ${matched} recipients and accounts for ${accounted}`)
    if (matched !== this.expected) this.complain(`stats() has ${matched} recipients, there were ${this.expected}`)
    if (sent !== this.handed) this.complain(`stats() has ${sent} sent, sockets accepted ${this.handed}`)
    return stats
  }

  async close(): Promise<void> {
    await this.manager.cleanup({ deadlineMs: 0 })
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise((resolve) => void this.#server.close(resolve))
  }

  // One connection's life

  #accept(socket: WebSocket, request: IncomingMessage): void {
    socket.on('error', () => socket.terminate())
    const { searchParams } = new URL(request.url ?? '/', 'ws://localhost')
    const client = Number(searchParams.get('client'))
    const userId = searchParams.get('user') ?? ''
    this.#clientOf.set(socket, client)
    const connection = this.manager.addConnection(connectionId(client), socket, userId)
    const session = { listener: this.roster.join(client, userId), connection }
    this.#sessions.set(client, session)
    this.collection.watch('socket', socket)
    this.collection.watch('handle', connection)
    socket.on('message', (text) => this.#obey(session, String(text)))
    socket.on('close', () => {
      void connection.remove({ close: false })
      this.#ledger.note({ type: 'gone', client, isAbrupt: this.#terminated.has(socket) })
    })
    this.#observer.joined(session.listener)
  }

  #obey({ listener, connection }: Session, text: string): void {
    if (connection.removed) return
    const command = JSON.parse(text) as Command
    if (command.command === 'leave') return this.remove(listener)
    const stream = { streamType: command.streamType, symbol: command.symbol } as StreamName
    if (command.command === 'subscribe') this.subscribe(listener, command.holder, stream)
    // Every other number goes without, so that what waits is discarded.
    else this.unsubscribe(listener, command.holder, stream, listener.client % 2 === 0)
  }

  #forget({ id, socket, userId }: Connection<WebSocket, Streams>, reason: CloseReason): void {
    const client = this.#clientOf.get(socket) as number
    const session = this.#session({ client })
    if (id !== connectionId(client) || userId !== session.listener.userId) this.complain(`${id} was removed in the place of ${client}`)
    if (reason === 'slow-consumer' && !this.#terminated.has(socket)) this.complain(`${id} was too slow and was not terminated`)
    this.endings.set(reason, (this.endings.get(reason) ?? 0) + 1)
    this.roster.leave(session.listener)
    this.#sessions.delete(client)
    this.#observer.left(session.listener, reason)
  }

  #session({ client }: { readonly client: number }): Session {
    return this.#sessions.get(client) as Session
  }

  /** Does something that takes channels from listeners; those who have nothing waiting any more are to have got all of them. */
  #losing(flushed: readonly Listener[], act: () => void): void {
    this.#upToDate = new Set(flushed.filter((listener) => this.#session(listener).connection.flush()))
    act()
    this.#upToDate = new Set()
  }

  // What goes into the ledger

  #noteCovered({ client }: Listener, { name: channel, rule, published }: Channel<Listener>): void {
    this.#ledger.note({ type: 'covered', client, channel, rule, from: published + 1 })
  }

  #noteUncovered(listener: Listener, { name: channel, published: to }: Channel<Listener>): void {
    this.#ledger.note({ type: 'uncovered', client: listener.client, channel, to, isComplete: this.#upToDate.has(listener) })
  }

  #noteComplete({ client, covered }: Listener): void {
    const channels = Array.from(covered, ({ name, published }) => [name, published] as const)
    this.#ledger.note({ type: 'complete', client, channels })
  }

  #noteHanded(socket: WebSocket, marks: readonly Mark[], isClosing: boolean): void {
    const notices = marks.filter(({ gap }) => gap > 0).length
    this.notices += notices
    this.handed += marks.length - notices
    for (const { units } of marks) this.largestUnits = Math.max(this.largestUnits, units)
    this.#ledger.note({ type: 'handed', client: this.#clientOf.get(socket) as number, marks, isClosing })
  }
}

function connectionId(client: number): string {
  return `connection:${client}`
}
