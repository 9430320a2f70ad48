import { EventEmitter } from 'node:events'
import nodeAdapter from 'crossws/adapters/node'

/** What crossws's adapter has of a ws socket. */
class WsSocket extends EventEmitter {
  constructor(socket) {
    super()
    this.socket = socket
  }

  send(text) {
    this.socket.send(text)
  }
}

/** crossws's own adapter for Node, on a server that has of ws what the adapter asks for. */
export class CrosswsHub {
  #server = new EventEmitter()
  #opened
  #adapter = nodeAdapter({ wss: this.#server, idleTimeout: 0, hooks: { open: (peer) => { this.#opened = peer } } })

  join({ socket }) {
    const ws = new WsSocket(socket)
    this.#server.emit('connection', ws, { headers: {}, url: '/', _namespace: '/' })
    return { ws, peer: this.#opened }
  }

  subscribe({ peer }, symbols) {
    for (const symbol of symbols) peer.subscribe(symbol)
  }

  leave({ ws }) {
    ws.emit('close', 1000, undefined)
  }

  publish(symbol, text) {
    this.#adapter.publish(symbol, text)
  }
}
