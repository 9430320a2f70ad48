// A real server of the clients' protocol: over WebSockets, and over event streams with commands by URL or by POST. It has the page of the browser tests.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { serveEvents } from '../../../dist/hosts/sse.js'
import { serveWebSockets } from '../../../dist/hosts/ws.js'
import { ConnectionManager } from '../../../dist/index.js'
import { createCommandServer } from '../../../dist/protocol.js'
import { createRecovery } from '../../../dist/recovery.js'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { SseSocket } from '../../../dist/transports/sse.js' */

export const TRADES = /** @type {const} */ ({ streamType: 'TRADES', symbol: 'A' })

/** @type {Record<string, URL>} path → the file that a page loads from there */
const FILES = {
  '/page.js': new URL('page.js', import.meta.url),
  '/kinds.js': new URL('kinds.js', import.meta.url),
  '/client.js': new URL('../../../dist/client.js', import.meta.url),
}

/** So often, an event stream gets a heartbeat. Milliseconds. */
const HEARTBEAT_MS = 300

const authenticate = () => ({ userId: 'alice' })

/** A server in this process. */
export class Server {
  /** Stays known when the server has ended: who comes then is refused. */
  port = 0
  #http = createServer((request, response) => void this.#answer(request, response))
  #sockets = new WebSocketServer({ server: this.#http, maxPayload: 16_384 })
  #recovery
  #host
  /** True: what is posted is not answered. */
  isDeaf = false

  /**
   * Starts a server on a port of this machine, or on any.
   *
   * @param {{ port?: number, recovers?: boolean, restore?: string }} [options] `restore`: the history of the server before this one
   */
  static async start({ port = 0, ...options } = {}) {
    const server = new Server(options)
    server.#http.listen(port, '127.0.0.1')
    await once(server.#http, 'listening')
    server.port = /** @type {import('node:net').AddressInfo} */ (server.#http.address()).port
    return server
  }

  /** @param {{ recovers?: boolean, restore?: string | undefined }} options */
  constructor({ recovers = true, restore }) {
    this.#recovery = recovers ? createRecovery({ restore }) : undefined
    /** @type {ConnectionManager<import('ws').WebSocket | SseSocket>} */
    this.manager = new ConnectionManager({ recorder: this.#recovery })
    this.commands = createCommandServer(this.manager, {
      recovery: this.#recovery,
      heartbeatMs: HEARTBEAT_MS,
      commands: {
        echo: ({ data }) => data,
        publish: ({ data }) => this.publish(.../** @type {unknown[]} */ (data)),
        /** Cuts the connection, and publishes what it misses. */
        cut: ({ connection, data }) => {
          connection.socket.terminate()
          this.publish(.../** @type {unknown[]} */ (data))
        },
      },
    })
    this.#host = serveWebSockets(this.#sockets, { manager: this.manager, commands: this.commands, authenticate })
  }

  /** All that was recorded, for the next server. */
  get history() {
    return this.#recovery?.export()
  }

  publish(/** @type {unknown[]} */ ...trades) {
    for (const data of trades) this.manager.publish({ ...TRADES, data })
  }

  /** Cuts all connections, and stays. */
  cut() {
    this.#http.closeAllConnections()
    for (const socket of this.#sockets.clients) socket.terminate()
  }

  /** Ends at once, as a process that is killed. */
  async kill() {
    const closed = this.#http.listening && once(this.#http, 'close')
    this.#http.close()
    this.cut()
    await closed
    await this.manager.cleanup()
  }

  /** Asks all clients to come back, and ends. They come back to the next server, or find none. */
  async close() {
    await this.#host.close({ withinMs: 0 })
    await this.kill()
  }

  async #answer(/** @type {IncomingMessage} */ request, /** @type {ServerResponse} */ response) {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (request.method === 'POST') return this.#receive(request, response)
    if (pathname === '/events') return void serveEvents(request, response, { manager: this.manager, commands: this.commands, authenticate })
    const file = FILES[pathname]
    if (file) return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(file))
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title><script type="module" src="/page.js"></script>')
  }

  /** Carries out commands by POST. The path has the id of the connection. */
  async #receive(/** @type {IncomingMessage} */ request, /** @type {ServerResponse} */ response) {
    if (this.isDeaf) return
    let text = ''
    for await (const chunk of request) text += chunk
    const session = this.commands.find((request.url ?? '').slice(1), authenticate().userId)
    session?.receive(text)
    response.writeHead(session ? 204 : 404).end()
  }
}
