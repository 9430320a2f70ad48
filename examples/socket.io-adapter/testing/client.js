/** @import { Socket as ServerSocket } from 'socket.io' */
/** @import { Socket } from 'socket.io-client' */

/** A client that keeps what it gets. If the server asks for an answer, that is the client's name. */
export class Client {
  /** @type {unknown[][]} the events that came, with their arguments */
  received = []
  #socket
  #findPeer
  #fences = 0

  /**
   * @param {string} name
   * @param {Socket} socket
   * @param {() => ServerSocket} findPeer finds the server's socket
   */
  constructor(name, socket, findPeer) {
    this.name = name
    this.#socket = socket
    this.#findPeer = findPeer
    socket.onAny((event, ...args) => this.#note(event, args))
    socket.on('disconnect', (reason) => this.received.push(['disconnect', reason]))
  }

  /** The server's socket. */
  get peer() {
    return this.#findPeer()
  }

  get isConnected() {
    return this.#socket.connected
  }

  /** Connects, again if need be. @throws what the server refuses it with */
  async connect() {
    const connected = new Promise((resolve, reject) => this.#socket.once('connect', () => resolve(undefined)).once('connect_error', reject))
    this.#socket.connect()
    await connected
  }

  /** Waits until the server has disconnected it. */
  async disconnected() {
    if (this.#socket.connected) await this.#next('disconnect')
  }

  /** Disconnects, and does not wait for the server to learn it. */
  leave() {
    this.#socket.disconnect()
  }

  /** Waits until all that the server wrote before has come. */
  async settled() {
    const fence = `fence ${++this.#fences}`
    const arrival = this.#next(fence)
    this.peer.emit(fence)
    await arrival
  }

  /** Waits in the same way, and returns what came since the last time. */
  async takeReceived() {
    await this.settled()
    return this.received.splice(0)
  }

  /** @param {string} event */
  #next(event) {
    return new Promise((resolve) => this.#socket.once(event, () => resolve(undefined)))
  }

  /** @param {string} event @param {unknown[]} args */
  #note(event, args) {
    if (event.startsWith('fence ')) return
    const answer = args.at(-1)
    if (typeof answer === 'function') {
      args.pop()
      answer(this.name)
    }
    this.received.push([event, ...args])
  }
}
