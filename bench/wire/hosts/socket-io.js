// socket.io, whose clients are in a room.
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'
import { listenOnSocketIo } from './socket-io-server.js'

export async function listen() {
  const { io, facts } = await listenOnSocketIo()
  io.on('connection', (socket) => socket.join(SYMBOL))
  return {
    ...facts,
    connections: () => io.of('/').adapter.rooms.get(SYMBOL)?.size ?? 0,
    publish: (data) => io.to(SYMBOL).emit('message', envelopeOf(data)),
  }
}
