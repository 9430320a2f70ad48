// A node of socket.io, without a network. It joins the others over an adapter, or is alone without one.
import { EventEmitter } from 'node:events'
import { Server } from 'socket.io'
import { SYMBOL } from '../market.js'

const CONNECT = '0'

/** Stands in for a connection of Engine.IO, the layer below socket.io. It hands over each text that socket.io writes to it. */
class EngineConnection extends EventEmitter {
  id = 'c'
  protocol = 4
  readyState = 'open'
  remoteAddress = '127.0.0.1'
  request = { headers: {}, connection: {}, url: '/', _query: {} }
  write

  constructor(/** @type {(text: string) => void} */ write) {
    super()
    this.write = write
  }

  close() {}
}

export class SocketIoNode {
  #engine = new EventEmitter()
  #io

  /** @param {Partial<import('socket.io').ServerOptions>} [options] */
  constructor(options = {}) {
    this.#io = new Server({ serveClient: false, ...options })
    this.#io.bind(/** @type {any} */ (this.#engine))
  }

  publish(/** @type {object} */ envelope) {
    this.#io.to(SYMBOL).emit('message', envelope)
  }

  /** Connects a client that joins the room. `receive` gets each text for it, when socket.io writes the text to Engine.IO. */
  join(/** @type {(text: string) => void} */ receive) {
    const joined = new Promise((resolve) => this.#io.once('connection', (socket) => resolve(socket.join(SYMBOL))))
    const connection = new EngineConnection((text) => { if (text.startsWith('2')) receive(text) })
    this.#engine.emit('connection', connection)
    connection.emit('data', CONNECT)
    return joined
  }
}
