import { CommandTalk } from './command-talk.js'
import { RawSocket } from './raw-socket.js'
import { SocketIoTalk } from './socket-io-talk.js'

/** A client that comes, subscribes, and goes, again and again. It is the same on every server but for what it says. */
export class Visitor {
  received = 0
  isReady = false
  #server
  #talk
  /** @type {RawSocket | undefined} */
  #socket

  /**
   * @param {{ port: number, path: string, protocol: string, answers: 'each' | 'one', hasWelcome?: boolean, recovers?: boolean }} server
   * @param {readonly string[]} symbols of its streams
   */
  constructor(server, symbols) {
    this.#server = server
    this.#talk = server.protocol === 'socket.io' ? new SocketIoTalk(server, symbols) : new CommandTalk(server, symbols)
  }

  come(/** @type {() => void} */ onChange) {
    const socket = new RawSocket(this.#server, {
      onOpen: () => this.#say(this.#talk.begin()),
      onFrame: (bytes, from, to) => this.#hear(bytes.utf8Slice(from, to), onChange),
      onClose: () => { if (this.#socket === socket) throw new Error('The server closed a connection') },
    })
    this.#socket = socket
  }

  /** Counts anew. */
  leave() {
    const socket = this.#socket
    this.#socket = undefined
    this.received = 0
    this.isReady = false
    socket?.destroy()
  }

  #say(/** @type {string | undefined} */ text) {
    if (text !== undefined) this.#socket?.send(text)
  }

  #hear(/** @type {string} */ text, /** @type {() => void} */ onChange) {
    const heard = this.#talk.hear(text, (answer) => this.#say(answer))
    if (heard === undefined) return
    if (heard === 'ready') this.isReady = true
    else this.received++
    onChange()
  }
}
