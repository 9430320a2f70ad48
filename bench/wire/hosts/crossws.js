// crossws on Node, whose peers are subscribed to a topic.
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'
import { listenOnCrossws } from './crossws-server.js'

export async function listen() {
  let connections = 0
  const { adapter, facts } = await listenOnCrossws({
    open(peer) {
      peer.subscribe(SYMBOL)
      connections++
    },
  })
  return {
    ...facts,
    connections: () => connections,
    publish: (data) => adapter.publish(SYMBOL, JSON.stringify(envelopeOf(data))),
  }
}
