import adapter from 'socket.io-adapter'

/** What socket.io's adapter has of a client: the way to the engine. */
class EngineClient {
  constructor(socket) {
    this.socket = socket
  }

  writeToEngine(packets) {
    for (const packet of packets) this.socket.send(packet)
  }
}

/** socket.io's own in-memory adapter, on a namespace that has of socket.io what the adapter asks for. */
export class SocketIoAdapterHub {
  #namespace
  #adapter

  /** @param {{ encode(packet: object): unknown[] }} [encoder] the text is the packet's data, unless socket.io's own encoder is given */
  constructor(encoder = { encode: ({ data }) => [data] }) {
    this.#namespace = { name: '/', sockets: new Map(), server: { encoder } }
    this.#adapter = new adapter.Adapter(this.#namespace)
  }

  join({ id, socket }) {
    const member = { id, client: new EngineClient(socket) }
    this.#namespace.sockets.set(id, member)
    return member
  }

  /** As `socket.join(room)` does for one after the other. */
  subscribe({ id }, symbols) {
    for (const symbol of symbols) this.#adapter.addAll(id, new Set([symbol]))
  }

  /** As `socket.join(rooms)` does for all of them at once. */
  subscribeAtOnce({ id }, symbols) {
    this.#adapter.addAll(id, new Set(symbols))
  }

  leave({ id }) {
    this.#adapter.delAll(id)
    this.#namespace.sockets.delete(id)
  }

  publish(symbol, data) {
    this.#adapter.broadcast({ type: 2, data }, { rooms: new Set([symbol]), except: new Set(), flags: {} })
  }
}

/** The same for a client that asks for all of its rooms at once. */
export class SocketIoAtOnceHub extends SocketIoAdapterHub {
  subscribe(member, symbols) {
    this.subscribeAtOnce(member, symbols)
  }
}
