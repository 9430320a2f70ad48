import { nowUs } from './clock.js'
import { RawSocket } from './raw-socket.js'

const DUE_AT = Buffer.from('"dueAtUs":')
const [ZERO, NINE] = [0x30, 0x39]

/**
 * A client that costs as little as one can, whatever the server is: it counts frames. What it does not do, its machine has for the server.
 */
export class Client {
  received = 0
  #socket
  #onMessage
  /** Told once the server takes it for connected. @type {() => void} */
  #opened = () => {}
  #protocol

  /**
   * @param {{ port: number, path: string, protocol: string, extensions?: string }} server what it asks for, with these extensions
   * @param {(latencyUs: () => number) => void} onMessage
   */
  constructor({ protocol, ...server }, onMessage) {
    this.#protocol = protocol
    this.#onMessage = onMessage
    this.#socket = new RawSocket(server, {
      onOpen: () => { if (protocol === 'ws') this.#opened() },
      onFrame: (bytes, from) => this.#read(bytes, from),
    })
  }

  opened() {
    return new Promise((resolve) => { this.#opened = () => resolve(undefined) })
  }

  /** Reads no more, until the server's buffers are full. */
  stick() {
    this.#socket.pause()
  }

  unstick() {
    this.#socket.resume()
  }

  #read(/** @type {Buffer} */ bytes, /** @type {number} */ from) {
    if (this.#protocol === 'socket.io' && bytes[from + 1] !== '2'.charCodeAt(0)) return this.#shakeHands(bytes[from])
    this.received++
    this.#onMessage(() => nowUs() - dueAtUs(bytes, from))
  }

  /** Engine.IO opens with a packet of type 0; Socket.IO connects with 40, which is answered by 40. */
  #shakeHands(/** @type {number} */ type) {
    if (type === '0'.charCodeAt(0)) this.#socket.send('40')
    else this.#opened()
  }
}

function dueAtUs(/** @type {Buffer} */ bytes, /** @type {number} */ from) {
  let at = bytes.indexOf(DUE_AT, from) + DUE_AT.length
  let us = 0
  for (; bytes[at] >= ZERO && bytes[at] <= NINE; at++) us = us * 10 + bytes[at] - ZERO
  return us
}
