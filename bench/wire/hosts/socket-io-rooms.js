// socket.io, whose clients ask for their rooms, all at once. It recovers the state of their connections if they are to resume.
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'
import { listenOnSocketIo } from './socket-io-server.js'

export async function listen({ recovers = false }) {
  const { io, facts } = await listenOnSocketIo(recovers ? { connectionStateRecovery: {} } : {})
  io.on('connection', (socket) => {
    socket.on('subscribe', (symbols, answer) => {
      socket.join(symbols)
      answer()
    })
  })
  return {
    ...facts,
    recovers,
    connections: () => io.of('/').sockets.size,
    publish: (data) => io.to(SYMBOL).emit('message', envelopeOf(data)),
  }
}
