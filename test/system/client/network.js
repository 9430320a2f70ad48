// A network between clients and a server. It can be cut, and it can lose all that is sent without telling anybody.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class Network {
  #server = createServer({ pauseOnConnect: true }, (near) => this.#join(near))
  /** Both ends of each connection. */
  #sockets = new Set()
  #isSilent = false
  #portOf

  /** Starts a network that leads to a port of this machine. It asks for the port at each new connection. */
  static async to(/** @type {() => number} */ portOf) {
    const network = new Network(portOf)
    network.#server.listen(0, '127.0.0.1')
    await once(network.#server, 'listening')
    return network
  }

  constructor(/** @type {() => number} */ portOf) {
    this.#portOf = portOf
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port
  }

  /** Nothing passes any more on the connections that are there: each is half-open at both ends. New ones work. */
  halfOpen() {
    for (const socket of this.#sockets) socket.pause()
  }

  /** Nothing passes any more, also on new connections: as if the server were frozen. */
  silence() {
    this.#isSilent = true
    this.halfOpen()
  }

  /** Everything passes again, also what was sent meanwhile. */
  resume() {
    this.#isSilent = false
    for (const socket of this.#sockets) socket.resume()
  }

  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close() {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #join(near) {
    const far = connect(this.#portOf(), '127.0.0.1').pause()
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from)
      from.on('data', (data) => to.write(data))
      from.on('end', () => to.end())
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (!this.#isSilent) from.resume()
    }
  }
}
