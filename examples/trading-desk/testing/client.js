import { once } from 'node:events'
import { WebSocket } from 'ws'
import { createClient } from '../../../dist/client.js'
import { until } from './until.js'

/** @import { DeskClient, DeskMessage, DeskUpdate, Greeting } from '../streams.js' */

/** A client of the desk without a page. */
export class Client {
  /** @type {DeskUpdate[]} */
  received = []
  /** @type {DeskClient} */
  #client
  /** @type {WebSocket | undefined} */
  #socket

  /** @param {string} url */
  constructor(url) {
    this.#client = createClient({ connect: () => (this.#socket = new WebSocket(url)), shouldReconnect: () => false, lazy: false })
  }

  /** Waits until it is connected, and answers who it is. @returns {Promise<Greeting>} */
  async greeted() {
    await until('a welcome', () => this.#client.state === 'connected')
    return /** @type {Greeting} */ (await this.request('hello'))
  }

  /**
   * Answers a subscription, which says whether it is `live`.
   *
   * @param {DeskMessage['streamType']} streamType
   * @param {string} [symbol]
   */
  subscribe(streamType, symbol) {
    return this.#client.subscribe(/** @type {any} */ ({ streamType, symbol }), (update) => void this.received.push(update))
  }

  /**
   * @param {string} command
   * @param {unknown} [data]
   * @returns {Promise<any>}
   */
  request(command, data) {
    return this.#client.request(command, data)
  }

  /**
   * Waits for a message of a stream, and answers its data.
   *
   * @param {DeskMessage['streamType']} streamType
   * @param {(data: any) => boolean} [isMeant]
   * @returns {Promise<any>}
   */
  hears(streamType, isMeant = () => true) {
    return until(`${streamType} at a client`, () => {
      const message = this.received.find((each) => each.type === undefined && each.streamType === streamType && isMeant(each.data))
      return message && 'data' in message && message.data
    })
  }

  /** Sends what no client would. @param {string} text */
  say(text) {
    this.#socket?.send(text)
  }

  close() {
    this.#client.close()
    return this.#socket?.readyState === WebSocket.CLOSED ? undefined : once(/** @type {WebSocket} */ (this.#socket), 'close')
  }
}

/**
 * @param {number} port
 * @param {string} query
 */
export async function connect(port, query) {
  const client = new Client(`ws://127.0.0.1:${port}/stream?${query}`)
  return { client, ...await client.greeted() }
}

/**
 * The status with which the server refuses a WebSocket.
 *
 * @param {number} port
 * @param {string} query
 * @param {Record<string, string>} [headers]
 * @returns {Promise<number | undefined>}
 */
export function refusal(port, query, headers = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/stream?${query}`, { headers })
    socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
    socket.on('open', () => reject(new Error('It was let in')))
    socket.on('error', () => {})
  })
}

/**
 * The code with which the server closes a WebSocket.
 *
 * @param {number} port
 * @param {string} query
 * @returns {Promise<number>}
 */
export async function closeCode(port, query) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/stream?${query}`)
  const [code] = await once(socket, 'close')
  return code
}
