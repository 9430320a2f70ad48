import { connect } from 'node:net'
import { FrameReader } from './frame-reader.js'

const HEADERS_END = '\r\n\r\n'
const CHUNK_BYTES = 65_536
/** A longer payload has its length in two more bytes. */
const MOST_SHORT_BYTES = 125

/** A WebSocket of a client that costs as little as it can: it reads frames and does not decode them. */
export class RawSocket {
  #reader = new FrameReader()
  #socket
  #headers = ''
  #isOpen = false
  #onOpen
  #onFrame

  /**
   * @param {{ port: number, path: string, extensions?: string }} server what it asks for, with these extensions
   * @param {{ onOpen(): void, onFrame(bytes: Buffer, from: number, to: number): void, onClose?(): void }} listeners the bytes are valid during
   * the call alone
   */
  constructor({ port, path, extensions }, { onOpen, onFrame, onClose }) {
    this.#onOpen = onOpen
    this.#onFrame = onFrame
    const buffer = Buffer.alloc(CHUNK_BYTES)
    this.#socket = connect({ host: '127.0.0.1', port, onread: { buffer, callback: (length) => this.#read(buffer.subarray(0, length)) } })
    this.#socket.on('error', () => {})
    if (onClose !== undefined) this.#socket.on('close', onClose)
    this.#socket.write([
      `GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...(extensions ? [`Sec-WebSocket-Extensions: ${extensions}`] : []), '', '',
    ].join('\r\n'))
  }

  send(/** @type {string} */ text) {
    this.#socket.write(masked(text))
  }

  /** Reads no more, until the server's buffers are full. */
  pause() {
    this.#socket.pause()
  }

  resume() {
    this.#socket.resume()
  }

  /** Leaves without a word, as a client whose network is gone. */
  destroy() {
    this.#socket.destroy()
  }

  #read(/** @type {Buffer} */ chunk) {
    if (this.#isOpen) this.#reader.read(chunk, this.#onFrame)
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
    this.#onOpen()
    this.#reader.read(rest, this.#onFrame)
  }
}

/** A text in a client's frame, with a mask that changes nothing. */
function masked(/** @type {string} */ text) {
  const payload = Buffer.from(text)
  const { length } = payload
  const lengthBytes = length <= MOST_SHORT_BYTES ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...lengthBytes, 0, 0, 0, 0]), payload])
}
