import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { io as connect } from 'socket.io-client'
import { Client } from './client.js'

/** @import { AddressInfo } from 'node:net' */
/** @import { ServerOptions, Socket } from 'socket.io' */

/** A socket.io server on 127.0.0.1, and its clients. Each client has a name. */
export class TestServer {
  /** @type {Server} */
  io
  #port = 0
  /** @type {Client[]} */
  #clients = []
  #http = createServer()

  /** @param {Partial<ServerOptions>} options */
  constructor(options) {
    this.io = new Server(this.#http, options)
  }

  async start() {
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    this.#port = /** @type {AddressInfo} */ (this.#http.address()).port
  }

  /**
   * Connects a client, and waits until the server has it.
   *
   * @param {string} name
   * @param {string} namespace
   * @param {string[]} transports
   */
  async connect(name, namespace = '/', transports = ['websocket']) {
    const socket = connect(`http://127.0.0.1:${this.#port}${namespace}`, { auth: { name }, autoConnect: false, forceNew: true, reconnection: false, transports })
    const client = new Client(name, socket, () => this.socketOf(name, namespace))
    this.#clients.push(client)
    await client.connect()
    return client
  }

  /**
   * The server's socket of a client.
   *
   * @param {string} name
   * @param {string} namespace
   * @returns {Socket}
   */
  socketOf(name, namespace = '/') {
    const found = [...this.io.of(namespace).sockets.values()].find(({ handshake }) => handshake.auth.name === name)
    if (found === undefined) throw new Error(`The server has no socket of ${name}`)
    return found
  }

  async stop() {
    for (const client of this.#clients) client.leave()
    await this.io.close()
  }
}
