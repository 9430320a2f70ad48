import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
// In a project of your own: 'stream-connection-manager/hosts/ws' and 'stream-connection-manager/protocol'
import { serveWebSockets } from '../../../dist/hosts/ws.js'
import { createCommandServer } from '../../../dist/protocol.js'
import { SYMBOL_STREAMS } from '../streams.js'
import { deskCommands } from './commands.js'
import { authenticate, isOurs, urlOf } from './door.js'
import { Line } from './line.js'
import { Operations } from './operations.js'
import { buildPages, PAGE_HEADERS } from './pages.js'
import { TabsPanel } from './tabs-panel.js'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { AddressInfo, Socket } from 'node:net' */
/** @import { Cluster } from '../../../dist/cluster.js' */
/** @import { Setup } from '../page/setup.js' */
/** @import { DeskStreams } from '../streams.js' */
/** @import { Calls } from './calls.js' */
/** @import { DeskRecovery, Manager, Metadata } from './manager.js' */

/** @typedef {{ name: string, manager: Manager, recovery: DeskRecovery, cluster?: Cluster<DeskStreams>, exchange: Calls, setup: Setup }} NodeParts */

const LARGEST_TEXT_BYTES = 16 * 1024
/** Each tab gets a ping so often: more often than a server would, so that one sees the answers. */
const HEARTBEAT_MS = 10_000
const PANEL_MS = 500
const METRICS_MS = 1_000

/** Serves the page, and the connections of those who have it open. There may be several nodes, which share one exchange. */
export class DeskNode {
  #manager
  #setup
  #panel
  #operations
  #http = createServer((request, response) => this.#serve(request, response))
  #webSockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_TEXT_BYTES })
  #host
  /** What is known of each WebSocket, by the request that it came with. @type {WeakMap<IncomingMessage, Metadata>} */
  #metadata = new WeakMap()
  /** @type {Awaited<ReturnType<typeof buildPages>>} */
  #pageFor = () => undefined
  /** @type {NodeJS.Timeout[]} */
  #timers = []

  /** @param {NodeParts} parts */
  constructor({ name, manager, recovery, cluster, exchange, setup }) {
    this.#manager = manager
    this.#setup = setup
    this.#panel = new TabsPanel(name, manager, exchange)
    const commands = createCommandServer(manager, { recovery, commands: deskCommands(name, exchange, this.#panel) })
    this.#operations = new Operations({ node: name, manager, recovery, commands, cluster, exchange, limits: setup.limits })
    this.#host = serveWebSockets(this.#webSockets, {
      manager,
      commands,
      authenticate: (request) => this.#authenticate(request),
      heartbeatMs: HEARTBEAT_MS,
    })
    this.#http.on('upgrade', (request, tcp, head) => this.#upgrade(request, /** @type {Socket} */ (tcp), head))
    tellStatuses(manager, exchange)
  }

  /**
   * Begins to listen, and answers at which port.
   *
   * @param {number} port any that is free, where it is 0
   */
  async listen(port) {
    this.#pageFor = await buildPages(this.#setup)
    this.#http.listen(port, '127.0.0.1')
    await once(this.#http, 'listening')
    this.#timers = [this.#repeat(PANEL_MS, () => this.#panel.tellAll()), this.#repeat(METRICS_MS, () => this.#operations.tellMetrics())]
    return /** @type {AddressInfo} */ (this.#http.address()).port
  }

  /** Sends everybody to another node, and then stops. Answers how the connections ended. */
  async close() {
    // The other nodes share the port, so whoever comes now gets to one of them.
    this.#http.close()
    const report = await this.#operations.drain()
    for (const timer of this.#timers) clearInterval(timer)
    await this.#host.close()
    for (const socket of this.#webSockets.clients) socket.terminate()
    this.#http.closeAllConnections()
    return report
  }

  /**
   * @param {number} everyMs
   * @param {() => void} act
   */
  #repeat(everyMs, act) {
    // A drain ends with the manager.
    return setInterval(() => this.#manager.closed || act(), everyMs)
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
    if (urlOf(request)?.pathname !== '/stream' || !isOurs(request)) {
      tcp.on('error', () => {})
      return void tcp.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    /** @type {Metadata} */
    const metadata = { line: new Line(tcp), pongAtMs: undefined }
    this.#metadata.set(request, metadata)
    this.#webSockets.handleUpgrade(request, metadata.line, head, (socket) => {
      socket.on('pong', () => (metadata.pongAtMs = Date.now()))
      this.#webSockets.emit('connection', socket, request)
    })
  }

  /** @param {IncomingMessage} request */
  #authenticate(request) {
    const userId = authenticate(request, this.#setup.users)
    const metadata = this.#metadata.get(request)
    return userId && metadata ? { userId, metadata } : undefined
  }
}

/**
 * Tells whoever begins to hear of a symbol that its feed is down. The manager forgets the status of a stream with its last subscription.
 *
 * @param {Manager} manager
 * @param {Calls} exchange
 */
function tellStatuses(manager, exchange) {
  manager.on('subscriptionAdded', async ({ subscription: { streamType, symbol = '' } }) => {
    const ofSymbol = SYMBOL_STREAMS.find((each) => each === streamType)
    const status = ofSymbol && await exchange.feedStatusOf(symbol)
    if (status && status !== 'CONNECTED' && !manager.closed) manager.setStreamStatus({ streamType: ofSymbol, symbol }, status)
  })
}
