import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { describe } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { ConnectionManager, defineStreams } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { testBursts } from './bursts.js'
import { selfSigned } from './certificate.js'
import { open, versions } from './peers.js'

const tls = selfSigned()

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }

const kinds = [
  ['plain', { scheme: 'ws', createServer: createHttp }],
  ['TLS', { scheme: 'wss', createServer: () => createHttps(tls) }],
  ['permessage-deflate', { scheme: 'ws', createServer: createHttp, perMessageDeflate: { threshold: 0 } }],
]

/** Compressed once, with ws compressing whatever comes while it is busy. */
const compressedOnce = { scheme: 'ws', createServer: createHttp, perMessageDeflate: { threshold: 0, serverNoContextTakeover: true } }

/** What to start a server of this kind with. */
function serverOf({ WebSocketServer, WebSocket }, { scheme, createServer, perMessageDeflate }) {
  return async (onSocket) => {
    const httpServer = createServer()
    const server = new WebSocketServer({ server: httpServer, perMessageDeflate })
    server.on('connection', (socket) => socket.on('close', onSocket(socket)))
    httpServer.listen(0, '127.0.0.1')
    await once(httpServer, 'listening')
    return {
      connect: () => connect(`${scheme}://127.0.0.1:${httpServer.address().port}`, WebSocket),
      async close() {
        for (const socket of server.clients) socket.terminate()
        server.close()
        await new Promise((closed) => httpServer.close(closed))
      },
    }
  }
}

async function connect(url, WebSocket) {
  class Trusting extends WebSocket {
    constructor() {
      super(url, { ca: tls.cert })
    }
  }
  const { socket, received, closed } = await open(url, Trusting)
  const { _socket: tcp } = socket
  return { received: await received(0), closed, pause: () => tcp.pause(), destroy: () => tcp.destroy() }
}

for (const [version, ws] of versions) {
  for (const [kind, how] of kinds) {
    const serve = serverOf(ws, how)

    describe(`bursts on ${version}, ${kind}, with wsTransport`, options, () => {
      testBursts({ ConnectionManager, defineStreams, transport: wsTransport(), serve })
    })

    describe(`bursts on ${version}, ${kind}, without a transport`, options, () => {
      testBursts({ ConnectionManager, defineStreams, transport: undefined, serve })
    })
  }

  describe(`bursts on ${version}, compressed once, with wsTransport`, options, () => {
    const transport = wsTransport({ deflate: deflateRawSync, threshold: 0 })
    testBursts({ ConnectionManager, defineStreams, transport, serve: serverOf(ws, compressedOnce) })
  })
}
