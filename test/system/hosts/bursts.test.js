import { once } from 'node:events'
import { createServer as createHttp, get as getHttp } from 'node:http'
import { createServer as createHttps, get as getHttps } from 'node:https'
import { connect as connectSession, createSecureServer as createHttp2s, createServer as createHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { ConnectionManager, defineStreams } from 'stream-connection-manager'
import { sseHeaders, sseSocket, sseTransport } from 'stream-connection-manager/transports/sse'
import { testBursts } from '../ws/bursts.js'
import { selfSigned } from '../ws/certificate.js'
import { onEvent } from './clients/events.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'

const tls = selfSigned()

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }

/**
 * Told of each client's socket; answers what is to be called when that is over.
 *
 * @typedef {(socket: import('stream-connection-manager/transports/sse').SseSocket) => () => unknown} OnSocket
 */

/** @typedef {{ received: string[], closed: Promise<unknown>, pause(): void, destroy(): void }} Client */

/** @param {OnSocket} onSocket */
function answerWith(onSocket) {
  return (/** @type {any} */ _request, /** @type {any} */ response) => {
    response.writeHead(200, sseHeaders)
    response.flushHeaders()
    serveEvents(response, onSocket)
  }
}

/**
 * @param {import('stream-connection-manager/transports/sse').SseTarget} target
 * @param {OnSocket} onSocket
 */
function serveEvents(target, onSocket) {
  const socket = sseSocket(target)
  void socket.closed.then(onSocket(socket))
}

/** @param {OnSocket} onSocket */
function honoServer(onSocket) {
  const app = new Hono()
  app.get('/', () => {
    const { readable, writable } = new TransformStream()
    serveEvents(writable.getWriter(), onSocket)
    return new Response(readable, { headers: sseHeaders })
  })
  return createAdaptorServer({ fetch: app.fetch })
}

/** @param {OnSocket} onSocket */
function http2StreamServer(onSocket) {
  return createHttp2().on('stream', (stream) => {
    stream.respond({ ':status': 200, ...sseHeaders })
    serveEvents(stream, onSocket)
  })
}

/**
 * @param {typeof getHttp | typeof getHttps} get
 * @param {number} port
 * @returns {Promise<Client>}
 */
async function connectHttp1(get, port) {
  const response = await new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, ca: tls.cert, agent: false }, resolve).on('error', reject)
  })
  const { socket } = response
  return clientOf(response, () => socket.destroy())
}

/**
 * @param {'http' | 'https'} scheme
 * @param {number} port
 * @returns {Promise<Client>}
 */
async function connectHttp2(scheme, port) {
  const host = '127.0.0.1'
  const tcp = scheme === 'http' ? connectTcp(port, host) : connectTls({ host, port, ca: tls.cert, ALPNProtocols: ['h2'] })
  const session = connectSession(`${scheme}://${host}:${port}`, { createConnection: () => tcp }).on('error', () => {})
  const stream = session.request({ ':path': '/' })
  await once(stream, 'response')
  return clientOf(stream, () => tcp.destroy())
}

/**
 * @param {import('node:stream').Readable} response
 * @param {() => void} destroy
 * @returns {Client}
 */
function clientOf(response, destroy) {
  /** @type {string[]} */
  const received = []
  response.on('error', () => {})
  onEvent(response, (text) => received.push(text))
  return { received, closed: new Promise((resolve) => response.once('close', resolve)), pause: () => void response.pause(), destroy }
}

/** @type {[string, (onSocket: OnSocket) => import('node:net').Server, (port: number) => Promise<Client>][]} */
const kinds = [
  ['HTTP/1.1', (onSocket) => createHttp(answerWith(onSocket)), (port) => connectHttp1(getHttp, port)],
  ['https', (onSocket) => createHttps(tls, answerWith(onSocket)), (port) => connectHttp1(getHttps, port)],
  ['HTTP/2 without TLS', (onSocket) => createHttp2(answerWith(onSocket)), (port) => connectHttp2('http', port)],
  ['HTTP/2 without TLS, its stream', http2StreamServer, (port) => connectHttp2('http', port)],
  ['HTTP/2', (onSocket) => createHttp2s(tls, answerWith(onSocket)), (port) => connectHttp2('https', port)],
  ['a web stream of Hono', honoServer, (port) => connectHttp1(getHttp, port)],
]

for (const [kind, createServer, connect] of kinds) {
  const serve = async (/** @type {OnSocket} */ onSocket) => {
    const server = createServer(onSocket)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    return { connect: () => connect(port), close: () => new Promise((closed) => server.close(closed)) }
  }

  describe(`bursts of events on ${kind}, with sseTransport`, options, () => {
    testBursts({ ConnectionManager, defineStreams, transport: sseTransport(), serve })
  })

  describe(`bursts of events on ${kind}, without a transport`, options, () => {
    testBursts({ ConnectionManager, defineStreams, transport: undefined, serve })
  })
}

expectNothingLeftOpen()
