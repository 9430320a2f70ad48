import { once } from 'node:events'
import { request } from 'node:http'
import { WebSocket } from 'ws'

/** @import { IncomingMessage } from 'node:http' */

/**
 * What a client hears from the server, whichever way.
 *
 * @typedef {object} Ear
 * @property {(text: string) => void} onText
 * @property {(reason: string) => void} onClosed told once, whoever closed it
 * @property {(error: Error) => void} onError it could not be opened
 */

/**
 * A way to the server.
 *
 * @typedef {object} Wire
 * @property {(text: string) => void} send
 * @property {() => void} pause stops reading
 * @property {() => void} resume
 * @property {() => void} terminate ends it as a lost network would: without a word
 * @property {() => Promise<unknown>} closed
 */

const HANDSHAKE_TIMEOUT_MS = 20_000

/**
 * A WebSocket.
 *
 * @implements {Wire}
 */
export class SocketWire {
  #socket

  /**
   * @param {string} address host and port
   * @param {URLSearchParams} query
   * @param {Ear} ear
   */
  constructor(address, query, { onText, onClosed, onError }) {
    const url = `ws://${address}/?${query}`
    this.#socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: HANDSHAKE_TIMEOUT_MS })
    // Everything that the server has to say is text: the rest only fills the pipe.
    this.#socket.on('message', (data, isBinary) => isBinary || onText(data.toString()))
    this.#socket.on('error', onError)
    this.#socket.on('close', (code, reason) => onClosed(`${code} ${reason}`))
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text)
  }

  pause() {
    this.#socket.pause()
  }

  resume() {
    this.#socket.resume()
  }

  terminate() {
    this.#socket.terminate()
  }

  closed() {
    return once(this.#socket, 'close')
  }
}

/**
 * A stream of server-sent events.
 *
 * @implements {Wire}
 */
export class EventWire {
  #request
  /** @type {IncomingMessage | undefined} */
  #response
  #isPaused = false

  /**
   * @param {string} address host and port
   * @param {URLSearchParams} query
   * @param {Ear} ear
   */
  constructor(address, query, { onText, onClosed, onError }) {
    const events = new EventParser(onText)
    this.#request = request(`http://${address}/events?${query}`, { agent: false })
    this.#request.on('error', (error) => this.#response ?? onError(error))
    this.#request.on('response', (response) => {
      if (response.statusCode !== 200) return onError(new Error(`it answers ${response.statusCode}`))
      this.#response = response.setEncoding('utf8')
      response.on('data', (text) => events.read(text))
      // A response that is cut off is an error, too; `close` follows in any case.
      response.on('error', () => {})
      response.on('close', () => onClosed('the events ended'))
      if (this.#isPaused) response.pause()
    })
    this.#request.end()
  }

  /** @returns {never} */
  send() {
    throw new Error('Nothing can be sent over server-sent events')
  }

  pause() {
    this.#isPaused = true
    this.#response?.pause()
  }

  resume() {
    this.#isPaused = false
    this.#response?.resume()
  }

  terminate() {
    this.#request.destroy()
  }

  closed() {
    return once(this.#request, 'close')
  }
}

/** Takes the data out of an event stream, as far as this server writes one. */
export class EventParser {
  #onText
  #rest = ''
  /** @type {string[]} */
  #data = []

  /** @param {(text: string) => void} onText */
  constructor(onText) {
    this.#onText = onText
  }

  /** @param {string} chunk */
  read(chunk) {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#readLine(line)
  }

  /** @param {string} line */
  #readLine(line) {
    if (line.startsWith('data: ')) return void this.#data.push(line.slice('data: '.length))
    // Comments, and fields that this client has no use for.
    if (line !== '' || this.#data.length === 0) return
    const text = this.#data.join('\n')
    this.#data = []
    this.#onText(text)
  }
}
