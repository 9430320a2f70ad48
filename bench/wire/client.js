import { connect } from 'node:net'
import { nowUs } from './clock.js'
import { FrameReader } from './frame-reader.js'

const HEADERS_END = '\r\n\r\n'
const DUE_AT = Buffer.from('"dueAtUs":')
const [ZERO, NINE] = [0x30, 0x39]
const CHUNK_BYTES = 65_536

/**
 * A client that costs as little as one can, whatever the server is: it counts frames. What it does not do, its machine has for the server.
 */
export class Client {
  received = 0
  #reader = new FrameReader()
  #socket
  #headers = ''
  #isOpen = false
  #onMessage
  /** Told once the server takes it for connected. @type {() => void} */
  #opened = () => {}
  #protocol

  /**
   * @param {{ port: number, path: string, protocol: string, extensions?: string }} server what it asks for, with these extensions
   * @param {(latencyUs: () => number) => void} onMessage
   */
  constructor({ port, path, protocol, extensions }, onMessage) {
    this.#protocol = protocol
    this.#onMessage = onMessage
    const buffer = Buffer.alloc(CHUNK_BYTES)
    this.#socket = connect({ host: '127.0.0.1', port, onread: { buffer, callback: (length) => this.#read(buffer.subarray(0, length)) } })
    this.#socket.on('error', () => {})
    this.#socket.write([
      `GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...(extensions ? [`Sec-WebSocket-Extensions: ${extensions}`] : []), '', '',
    ].join('\r\n'))
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

  #read(/** @type {Buffer} */ chunk) {
    if (this.#isOpen) this.#readFrames(chunk)
    else this.#readHeaders(chunk)
    return true
  }

  #readHeaders(/** @type {Buffer} */ chunk) {
    this.#headers += chunk.toString('latin1')
    const end = this.#headers.indexOf(HEADERS_END)
    if (end === -1) return
    if (!this.#headers.startsWith('HTTP/1.1 101')) throw new Error(`The server answers ${this.#headers.slice(0, this.#headers.indexOf('\r\n'))}`)
    const rest = Buffer.from(this.#headers.slice(end + HEADERS_END.length), 'latin1')
    this.#isOpen = true
    if (this.#protocol === 'ws') this.#opened()
    this.#readFrames(rest)
  }

  #readFrames(/** @type {Buffer} */ chunk) {
    this.#reader.read(chunk, (bytes, from, to) => {
      if (this.#protocol === 'socket.io' && bytes[from + 1] !== '2'.charCodeAt(0)) return this.#shakeHands(bytes[from])
      this.received++
      this.#onMessage(() => nowUs() - dueAtUs(bytes, from))
    })
  }

  /** Engine.IO opens with a packet of type 0; Socket.IO connects with 40, which is answered by 40. */
  #shakeHands(/** @type {number} */ type) {
    if (type === '0'.charCodeAt(0)) this.#socket.write(masked('40'))
    else this.#opened()
  }
}

/** A text in a client's frame, with a mask that changes nothing. */
function masked(/** @type {string} */ text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

function dueAtUs(/** @type {Buffer} */ bytes, /** @type {number} */ from) {
  let at = bytes.indexOf(DUE_AT, from) + DUE_AT.length
  let us = 0
  for (; bytes[at] >= ZERO && bytes[at] <= NINE; at++) us = us * 10 + bytes[at] - ZERO
  return us
}
