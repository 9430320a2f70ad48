import { once } from 'node:events'
import { connect } from 'node:http2'
import { get } from 'node:https'
import { WebSocket } from 'ws'

/** @import { IncomingMessage } from 'node:http' */
/** @import { Readable } from 'node:stream' */
/** @import { Nginx } from './nginx.ts' */

const STREAM = /** @type {const} */ ({ streamType: 'TRADES', symbol: 'A' })
const SUBSCRIBE = [{ command: 'subscribe', id: 1, stream_type: STREAM.streamType, symbol: STREAM.symbol }]
const EVENTS = `/?user=alice&commands=${encodeURIComponent(JSON.stringify(SUBSCRIBE))}`

/** A plain client of one stream, which sends nothing by itself. */
export class Peer {
  /** The ids of the messages that came. @type {number[]} */
  ids = []
  isSubscribed = false
  /** How many pings or comments came. */
  heartbeats = 0
  hasEnded = false

  /** @param {string} text */
  receive(text) {
    const { type, data } = JSON.parse(text)
    if (type === 'subscribed') this.isSubscribed = true
    if (data !== undefined) this.ids.push(data.id)
  }
}

/** Opens each kind of connection. */
export const openers = {
  'a WebSocket': openWebSocket,
  'an event stream over HTTP/1.1': openEvents,
  'an event stream over HTTP/2': openEventsOverHttp2,
}

/** @param {Nginx} nginx */
export function openWebSocket({ port, certificate }) {
  const peer = new Peer()
  const socket = new WebSocket(`wss://127.0.0.1:${port}/?user=alice`, { ca: certificate })
  socket.on('open', () => socket.send(JSON.stringify(SUBSCRIBE)))
  socket.on('message', (text) => peer.receive(String(text)))
  socket.on('ping', () => peer.heartbeats++)
  for (const event of ['error', 'close']) socket.on(event, () => (peer.hasEnded = true))
  return peer
}

/** @param {Nginx} nginx */
export function openEvents({ port, certificate }) {
  const peer = new Peer()
  const request = get({ host: '127.0.0.1', port, ca: certificate, path: EVENTS, agent: false }, (response) => void readEvents(response, peer))
  request.on('error', () => (peer.hasEnded = true))
  return peer
}

/** @param {Nginx} nginx */
export function openEventsOverHttp2({ port, certificate }) {
  const peer = new Peer()
  const session = connect(`https://127.0.0.1:${port}`, { ca: certificate })
  session.on('error', () => (peer.hasEnded = true))
  const stream = session.request({ ':path': EVENTS })
  void readEvents(stream, peer).then(() => session.close())
  return peer
}

/**
 * Asks for an event stream with so many commands in its URL, and returns the status.
 *
 * @param {Nginx} nginx
 * @param {number} count
 */
export async function statusWithCommands({ port, certificate }, count) {
  const commands = Array.from({ length: count }, (_, id) => ({ command: 'subscribe', id, stream_type: 'TRADES', symbol: `SYMBOL${id}` }))
  const path = `/?user=alice&commands=${encodeURIComponent(JSON.stringify(commands))}`
  const request = get({ host: '127.0.0.1', port, ca: certificate, path, agent: false })
  const [response] = /** @type {[IncomingMessage]} */ (await once(request, 'response'))
  response.destroy()
  return response.statusCode
}

/**
 * @param {Readable} body
 * @param {Peer} peer
 */
async function readEvents(body, peer) {
  let rest = ''
  try {
    for await (const chunk of body) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('data: ')) peer.receive(line.slice('data: '.length))
        if (line.startsWith(':')) peer.heartbeats++
      }
    }
  } catch {
    // It was cut.
  }
  peer.hasEnded = true
}
