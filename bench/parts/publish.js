// A whole publish, from the message's object to its subscribers, beside what a server cannot do without: to stringify the same envelope
// once, its timestamp included, and to loop over the sockets.
import { stringifyingLoop } from '../contenders/bare-loop.js'
import { FiveMapsHub } from '../contenders/five-maps.js'
import { population } from '../contenders/population.js'
import { SocketIoAdapterHub } from '../contenders/socket-io-adapter.js'
import { libraryModule } from '../library.js'
import { message, stringified, SYMBOL } from '../market.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Publish of 190 B, serialization included'

const SIZES = [1, 10, 100, 1_000]

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 9, roundMs: 5 } : { populations: 4, rounds: 11, roundMs: 20 }
  return SIZES.flatMap((subscribers) => ['ours', 'peers'].map((kind) => ({ kind, subscribers, ...effort })))
}

export function measure({ kind, subscribers, ...effort }) {
  return overPopulations(effort, async () => {
    const newcomers = population({ connections: subscribers })
    const sockets = newcomers.map(({ socket }) => socket)
    const bare = deliverer('bare', sockets, stringifyingLoop(sockets, stringified))
    return [bare, ...(kind === 'ours' ? [await ours(newcomers, sockets)] : await peers(newcomers, sockets))]
  })
}

async function ours(newcomers, sockets) {
  const { ConnectionManager } = await libraryModule('index')
  const manager = new ConnectionManager()
  for (const { id, userId, socket } of newcomers) manager.addConnection(id, socket, userId).subscribe({ streamType: 'PRICE', symbol: SYMBOL })
  return deliverer('ours', sockets, (times) => { for (let i = 0; i < times; i++) manager.publish(message()) })
}

async function peers(newcomers, sockets) {
  const { Encoder } = await import('socket.io-parser')
  const fiveMaps = filled(new FiveMapsHub(), newcomers)
  const socketIo = filled(new SocketIoAdapterHub(new Encoder()), newcomers)
  return [
    deliverer('five maps', sockets, (times) => { for (let i = 0; i < times; i++) fiveMaps.publish(SYMBOL, stringified()) }),
    deliverer('socket.io-adapter', sockets, (times) => {
      for (let i = 0; i < times; i++) socketIo.publish(SYMBOL, ['message', { ...message(), timestamp: new Date().toISOString() }])
    }),
    deliverer('stringify per socket', sockets, (times) => {
      for (let i = 0; i < times; i++) for (const socket of sockets) socket.send(stringified())
    }),
  ]
}

function filled(hub, newcomers) {
  for (const newcomer of newcomers) hub.subscribe(hub.join(newcomer), [SYMBOL])
  return hub
}

export function rows(outcomes) {
  return outcomes.filter(({ facts }) => facts.kind === 'ours').map(({ facts: { subscribers }, outcome: { ours, bare } }) => {
    const { bare: theirBare, ...others } = outcomes.find(({ facts }) => facts.kind === 'peers' && facts.subscribers === subscribers).outcome
    return {
      what: `to ${subscribers.toLocaleString('en')}`,
      metric: 'publish',
      facts: { subscribers },
      ...spread(ratios(ours, bare)),
      of: 'stringify once + the bare loop',
      costs: { publish: spread(ours).value, 'bare publish': spread(bare).value },
      peers: Object.fromEntries(Object.entries(others).map(([name, costs]) => [name, spread(ratios(costs, theirBare)).value])),
    }
  })
}
