// Bun's own server: its native publish, a loop over its sockets, and this library with its transport for Bun or without any.
import { libraryModule } from '../../library.js'
import { STREAM_TYPE, SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'

export async function listen({ way }) {
  const sockets = new Set()
  const audience = await AUDIENCES[way]()
  const server = globalThis.Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, server) => (server.upgrade(request, { data: {} }) ? undefined : new Response('', { status: 426 })),
    websocket: {
      idleTimeout: 0,
      open(socket) {
        sockets.add(socket)
        audience.join?.(socket)
      },
      message() {},
      drain: (socket) => socket.data.connection?.drained(),
      close: (socket) => void socket.data.connection?.remove({ close: false }),
    },
  })
  return {
    port: server.port,
    path: '/',
    protocol: 'ws',
    connections: () => sockets.size,
    publish: (data) => audience.publish(data, { server, sockets }),
  }
}

const AUDIENCES = {
  'native publish': () => ({
    join: (socket) => socket.subscribe(SYMBOL),
    publish: (data, { server }) => server.publish(SYMBOL, JSON.stringify(envelopeOf(data))),
  }),
  'send loop': () => ({
    publish(data, { sockets }) {
      const text = JSON.stringify(envelopeOf(data))
      for (const socket of sockets) socket.send(text)
    },
  }),
  'no hook': () => managed({}),
  bunTransport: async () => managed({ transport: (await libraryModule('transports/bun')).bunTransport() }),
}

async function managed(options) {
  const { ConnectionManager } = await libraryModule('index')
  const manager = new ConnectionManager(options)
  let next = 0
  return {
    join(socket) {
      const id = `c${next++}`
      socket.data.connection = manager.addConnection(id, socket, `u${id}`)
      socket.data.connection.subscribe({ streamType: STREAM_TYPE, symbol: SYMBOL })
    },
    publish: (data) => manager.publish({ streamType: STREAM_TYPE, symbol: SYMBOL, data }),
  }
}
