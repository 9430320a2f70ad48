import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
// In a project of your own: 'stream-connection-manager' and 'stream-connection-manager/transports/ws'
import { ConnectionManager } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { deliveryLimits } from '../limits.js'
import { deskStreams, OWN_STREAMS } from '../streams.js'
import { Clerk } from './clerk.js'
import { Departures } from './departures.js'
import { authenticate, isOurs, urlOf } from './door.js'
import { Feeds } from './feeds.js'
import { Line } from './line.js'
import { PAGE_HEADERS } from './pages.js'
import { Panel } from './panel.js'
import { Picks } from './picks.js'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { AddressInfo, Socket } from 'node:net' */
/** @import { WebSocket } from 'ws' */
/** @import { Instrument, MarketMessage } from '../market/instrument.js' */
/** @import { Market } from '../market/market.js' */
/** @import { TradesPolicy } from '../streams.js' */
/** @import { Session } from './clerk.js' */
/** @import { Page } from './pages.js' */
/** @import { DeskConnection, Manager } from './picks.js' */

/**
 * Who comes in.
 *
 * @typedef {object} Visitor
 * @property {string} userId
 * @property {string | null} replaces the id of the connection that the same tab had before
 */

/** A command is short: more than this is no page of ours. */
const LARGEST_COMMAND_BYTES = 4 * 1024
const HEARTBEAT_MS = 15_000
const PANEL_MS = 500
const CLOSING_MS = 2_000
const TRY_AGAIN_LATER = 1013

/** Serves the page, and everything that it shows, through one `ConnectionManager`. */
export class DeskServer {
  /** @type {Manager} */
  manager

  #market
  #users
  #pageFor
  #panel
  #clerk
  #departures
  #feeds
  #http
  #webSockets
  /** @type {Map<string, Session>} */
  #sessions = new Map()
  /** @type {NodeJS.Timeout[]} */
  #timers = []

  /**
   * @param {object} parts
   * @param {Market} parts.market
   * @param {readonly string[]} parts.users who may sign in
   * @param {TradesPolicy} parts.trades
   * @param {(url: URL) => Page | undefined} parts.pageFor
   */
  constructor({ market, users, trades, pageFor }) {
    this.#market = market
    this.#users = users
    this.#pageFor = pageFor
    this.manager = new ConnectionManager({
      streams: deskStreams(trades),
      transport: wsTransport(),
      delivery: deliveryLimits(trades),
      quotas: { connections: 200, connectionsPerUser: 50 },
      authorize: ({ symbol }) => symbol === undefined || market.find(symbol) !== undefined,
    })
    this.manager.on('connectionRemoved', ({ connection }) => this.#sessions.delete(connection.id))
    this.manager.on('error', ({ error, stage, connection }) => {
      // A tab may go while something is on its way to it. Its connection is removed, and that is told as well.
      if (stage !== 'send') console.error(`Trouble with ${connection?.id ?? 'the server'} (${stage}):`, error)
    })
    const picks = new Picks(this.manager)
    this.#departures = new Departures(this.manager)
    this.#panel = new Panel(this.manager, picks, ({ id }) => this.#sessions.get(id)?.line.isSlow === true)
    this.#feeds = new Feeds(this.manager, market)
    this.#clerk = new Clerk({ manager: this.manager, market, picks, panel: this.#panel, feeds: this.#feeds })
    this.#webSockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_COMMAND_BYTES })
    this.#http = createServer((request, response) => this.#serve(request, response))
    this.#http.on('upgrade', (request, tcp, head) => this.#upgrade(request, /** @type {Socket} */ (tcp), head))
  }

  /**
   * Begins to listen, and answers at which port.
   *
   * @param {number} port any that is free, where it is 0
   */
  async listen(port) {
    this.#http.listen(port, '127.0.0.1')
    await once(this.#http, 'listening')
    this.#timers = [
      setInterval(() => this.#market.tellCandles(), PANEL_MS),
      setInterval(() => this.#panel.tellAll(), PANEL_MS),
      setInterval(() => this.#checkHeartbeats(), HEARTBEAT_MS),
    ]
    return /** @type {AddressInfo} */ (this.#http.address()).port
  }

  /** @param {MarketMessage} message */
  publish(message) {
    this.manager.publish(message)
  }

  /** @param {Instrument} instrument */
  quoted(instrument) {
    this.#clerk.quoted(instrument)
  }

  /** Closes every connection, stops listening, and answers how the sockets ended. */
  async close() {
    this.#timers.forEach(clearInterval)
    this.#feeds.close()
    const report = await this.manager.cleanup({ deadlineMs: CLOSING_MS })
    for (const socket of this.#webSockets.clients) socket.terminate()
    this.#http.close()
    this.#http.closeAllConnections()
    return report
  }

  /**
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  #serve(request, response) {
    const url = urlOf(request)
    const page = url && isOurs(request) && request.method === 'GET' ? this.#pageFor(url) : undefined
    if (!page) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such page\n')
    response.writeHead(200, { ...PAGE_HEADERS, 'content-type': page.type }).end(page.body)
  }

  /**
   * @param {IncomingMessage} request
   * @param {Socket} tcp
   * @param {Buffer} head
   */
  #upgrade(request, tcp, head) {
    const visitor = this.#admit(request)
    if (!visitor) {
      tcp.on('error', () => {})
      return void tcp.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    const line = new Line(tcp)
    this.#webSockets.handleUpgrade(request, line, head, (socket) => this.#accept(socket, line, visitor))
  }

  /**
   * @param {IncomingMessage} request
   * @returns {Visitor | undefined}
   */
  #admit(request) {
    const url = urlOf(request)
    if (url?.pathname !== '/stream' || !isOurs(request)) return undefined
    const userId = authenticate(url, this.#users)
    return userId === undefined ? undefined : { userId, replaces: url.searchParams.get('replaces') }
  }

  /**
   * @param {WebSocket} socket
   * @param {Line} line
   * @param {Visitor} visitor
   */
  #accept(socket, line, visitor) {
    // First of all: an `error` that nobody listens to ends the process. A `close` always follows it.
    socket.on('error', () => socket.terminate())
    const { userId } = visitor
    const ended = this.#replace(visitor)
    const isFirst = !this.manager.userConnections.has(userId)
    const connection = this.#connect(socket, userId)
    if (!connection) return
    const session = { connection, line, answered: true }
    this.#sessions.set(connection.id, session)
    socket.on('message', (data) => this.#clerk.obey(session, data.toString()))
    socket.on('pong', () => session.answered = true)
    socket.on('close', () => void connection.remove({ close: false }))
    this.manager.sendToConnection(connection.id, { streamType: 'WELCOME', data: { connection: connection.id, isFirst, ended } })
    this.#clerk.greet(connection)
  }

  /**
   * @param {WebSocket} socket
   * @param {string} userId
   * @returns {DeskConnection | undefined}
   */
  #connect(socket, userId) {
    try {
      const connection = this.manager.addConnection(randomUUID().slice(0, 8), socket, userId)
      for (const streamType of OWN_STREAMS) connection.subscribe({ streamType })
      return connection
    } catch {
      socket.close(TRY_AGAIN_LATER)
      return undefined
    }
  }

  /**
   * Ends the connection that a tab had before, which the server may not know to be gone, and answers why it ended.
   *
   * @param {Visitor} visitor
   */
  #replace({ userId, replaces }) {
    if (replaces === null) return undefined
    const connection = this.manager.getConnection(replaces)
    if (connection?.userId === userId) {
      void connection.remove({ close: false })
      connection.socket.terminate()
    }
    return this.#departures.reasonOf(replaces, userId)
  }

  #checkHeartbeats() {
    for (const session of this.#sessions.values()) {
      const { socket } = session.connection
      // What a slow tab has to answer may be behind what it has to read.
      if (session.answered || session.line.isSlow) socket.ping()
      else socket.terminate()
      session.answered = false
    }
  }
}
