// crossws on Node, whose peers ask for their topics.
import { SYMBOL } from '../../market.js'
import { envelopeOf } from '../quotes.js'
import { listenOnCrossws } from './crossws-server.js'

export async function listen() {
  let connections = 0
  const { adapter, facts } = await listenOnCrossws({
    open: () => { connections++ },
    message(peer, message) {
      for (const { symbol } of message.json()) peer.subscribe(symbol)
      peer.send('{"type":"subscribed"}')
    },
    close: () => { connections-- },
  })
  return {
    ...facts,
    answers: 'one',
    connections: () => connections,
    publish: (data) => adapter.publish(SYMBOL, JSON.stringify(envelopeOf(data))),
  }
}
