// crossws on Node, whose peers are subscribed to a topic.
import { once } from 'node:events'
import { createServer } from 'node:http'
import nodeAdapter from 'crossws/adapters/node'
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'

export async function listen() {
  let connections = 0
  const adapter = nodeAdapter({
    idleTimeout: 0,
    hooks: {
      open(peer) {
        peer.subscribe(SYMBOL)
        connections++
      },
    },
  })
  const http = createServer()
  http.on('upgrade', adapter.handleUpgrade)
  http.listen({ host: '127.0.0.1', port: 0, backlog: 2_048 })
  await once(http, 'listening')
  return {
    port: http.address().port,
    path: '/',
    protocol: 'ws',
    connections: () => connections,
    publish: (data) => adapter.publish(SYMBOL, JSON.stringify(envelopeOf(data))),
  }
}
