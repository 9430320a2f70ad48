import { once } from 'node:events'
import { WebSocket } from 'ws'
import { parseServerMessage } from '../../../dist/index.js'
import { deskStreams } from '../streams.js'
import { until } from './until.js'

/** @import { Command } from '../server/command.js' */
/** @import { DeskMessage, DeskServerMessage } from '../streams.js' */

const STREAMS = deskStreams('drop')

/** A client of the desk without a page. */
export class Client {
  /** @type {DeskServerMessage[]} */
  received = []
  #socket

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket
    socket.on('message', (data) => this.received.push(parseServerMessage(String(data), { streams: STREAMS })))
  }

  /** @param {Command | string} command */
  say(command) {
    this.#socket.send(typeof command === 'string' ? command : JSON.stringify(command))
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

  close() {
    this.#socket.close()
    return once(this.#socket, 'close')
  }
}

/**
 * @param {number} port
 * @param {string} query
 */
export async function connect(port, query) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/stream?${query}`)
  const client = new Client(socket)
  await once(socket, 'open')
  return client
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
