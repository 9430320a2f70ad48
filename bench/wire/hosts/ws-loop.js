// The plain loop: what a server on ws does that has its sockets at hand.
import { envelopeOf } from '../quotes.js'
import { listenOnWs } from './ws-server.js'

export async function listen() {
  const server = await listenOnWs()
  return {
    ...server.facts,
    connections: () => server.clients.size,
    publish(data) {
      const text = JSON.stringify(envelopeOf(data))
      for (const socket of server.clients) socket.send(text)
    },
  }
}
