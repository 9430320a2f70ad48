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
import { buildPages, PAGE_HEADERS } from './pages.js'
import { TabsPanel } from './tabs-panel.js'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { AddressInfo, Socket } from 'node:net' */
/** @import { DrainOptions } from '../../../dist/protocol.js' */
/** @import { Setup } from '../page/setup.js' */
/** @import { Calls } from './calls.js' */
/** @import { DeskRecovery, Manager } from './manager.js' */

/** @typedef {{ name: string, manager: Manager, recovery: DeskRecovery, exchange: Calls, setup: Setup }} NodeParts */

const LARGEST_TEXT_BYTES = 16 * 1024
const HEARTBEAT_MS = 15_000
const PANEL_MS = 500
const CLOSING_MS = 2_000

/** Serves the page, and the connections of those who have it open. There may be several nodes, which share one exchange. */
export class DeskNode {
  #manager
  #setup
  #panel
  #http = createServer((request, response) => this.#serve(request, response))
  #webSockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_TEXT_BYTES })
  #host
  /** The line of each WebSocket, by the request that it came with. @type {WeakMap<IncomingMessage, Line>} */
  #lines = new WeakMap()
  /** @type {Awaited<ReturnType<typeof buildPages>>} */
  #pageFor = () => undefined
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined

  /** @param {NodeParts} parts */
  constructor({ name, manager, recovery, exchange, setup }) {
    this.#manager = manager
    this.#setup = setup
    this.#panel = new TabsPanel(name, manager, exchange)
    this.#host = serveWebSockets(this.#webSockets, {
      manager,
      commands: createCommandServer(manager, { recovery, commands: deskCommands(name, exchange, this.#panel) }),
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
    this.#timer = setInterval(() => this.#panel.tellAll(), PANEL_MS)
    return /** @type {AddressInfo} */ (this.#http.address()).port
  }

  /**
   * Lets nobody in any more, and asks those who are there to go to another node.
   *
   * @param {DrainOptions} options
   */
  async drain(options) {
    this.#http.close()
    await this.#host.close(options)
  }

  /** Closes every connection, stops listening, and answers how the sockets ended. */
  async close() {
    clearInterval(this.#timer)
    const report = await this.#manager.cleanup({ deadlineMs: CLOSING_MS })
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
    if (urlOf(request)?.pathname !== '/stream' || !isOurs(request)) {
      tcp.on('error', () => {})
      return void tcp.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    const line = new Line(tcp)
    this.#lines.set(request, line)
    this.#webSockets.handleUpgrade(request, line, head, (socket) => this.#webSockets.emit('connection', socket, request))
  }

  /** @param {IncomingMessage} request */
  #authenticate(request) {
    const userId = authenticate(request, this.#setup.users)
    const line = this.#lines.get(request)
    return userId && line ? { userId, metadata: { line } } : undefined
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
