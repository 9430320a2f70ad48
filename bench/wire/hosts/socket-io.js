// socket.io, whose clients are in a room.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'

/** No heartbeat in the middle of a round. */
const PING_INTERVAL_MS = 1_000_000_000

export async function listen() {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: PING_INTERVAL_MS })
  io.on('connection', (socket) => socket.join(SYMBOL))
  http.listen({ host: '127.0.0.1', port: 0, backlog: 2_048 })
  await once(http, 'listening')
  return {
    port: http.address().port,
    path: '/socket.io/?EIO=4&transport=websocket',
    protocol: 'socket.io',
    connections: () => io.of('/').adapter.rooms.get(SYMBOL)?.size ?? 0,
    publish: (data) => io.to(SYMBOL).emit('message', envelopeOf(data)),
  }
}
