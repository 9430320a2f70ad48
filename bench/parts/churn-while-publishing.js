// One leaves and comes again between publishes, beside publishes to an audience that never changes.
import { stringifyingLoop } from '../contenders/bare-loop.js'
import { Churner, inTurns } from '../contenders/churner.js'
import { FiveMapsHub } from '../contenders/five-maps.js'
import { population } from '../contenders/population.js'
import { SocketIoAdapterHub } from '../contenders/socket-io-adapter.js'
import { assertEachReceived } from '../contenders/sockets.js'
import { libraryModule } from '../library.js'
import { message, STREAM_TYPE, stringified, SYMBOL } from '../market.js'
import { cpuSince } from '../measure/cpu.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Churn while publishing'

const PACES = [1, 100]
const SIZES = [100, 1_000, 10_000]

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 5, roundMs: 10, warmUpMs: 100 } : { populations: 3, rounds: 7, roundMs: 30, warmUpMs: 200 }
  return (isQuick ? [1_000] : SIZES).flatMap((subscribers) => PACES.flatMap((publishesEach) => ['ours', 'peers'].map((kind) => (
    { kind, subscribers, publishesEach, ...effort }
  ))))
}

export function measure({ kind, subscribers, publishesEach, ...effort }) {
  return overPopulations(effort, async () => {
    const newcomers = population({ connections: subscribers })
    const sockets = newcomers.map(({ socket }) => socket)
    const bare = deliverer('bare', sockets, stringifyingLoop(sockets, stringified))
    const hubs = kind === 'ours' ? { ours: await publishingManager() } : peers()
    const churning = Object.entries(hubs).map(([name, hub]) => {
      const churner = new Churner(hub, newcomers, () => [SYMBOL])
      const publish = kind === 'ours' ? () => hub.publish() : () => hub.publish(SYMBOL, stringified())
      return churningDeliverer(name, sockets, (i) => {
        if (i % publishesEach === 0) churner.churn()
        publish()
      })
    })
    return [bare, ...churning]
  })
}

function peers() {
  return { 'five maps': new FiveMapsHub(), 'socket.io-adapter': new SocketIoAdapterHub() }
}

/** It serializes by itself. */
async function publishingManager() {
  const { ConnectionManager } = await libraryModule('index')
  const manager = new ConnectionManager()
  return {
    join: ({ id, socket, userId }) => manager.addConnection(id, socket, userId),
    subscribe: (connection, [symbol]) => connection.subscribe({ streamType: STREAM_TYPE, symbol }),
    leave: (connection) => void connection.remove({ close: false }),
    publish: () => manager.publish(message()),
  }
}

function churningDeliverer(name, sockets, act) {
  return {
    name,
    async time(times) {
      for (const socket of sockets) socket.received = 0
      const before = process.cpuUsage()
      await inTurns(times, act)
      const microseconds = cpuSince(before)
      assertEachReceived(name, sockets, times)
      return microseconds
    },
  }
}

export function rows(outcomes) {
  return outcomes.filter(({ facts }) => facts.kind === 'ours').map(({ facts: { subscribers, publishesEach }, outcome: { ours, bare } }) => {
    const isSame = ({ facts }) => facts.kind === 'peers' && facts.subscribers === subscribers && facts.publishesEach === publishesEach
    const { bare: theirBare, ...others } = outcomes.find(isSame).outcome
    return {
      what: `${publishesEach} : 1, to ${subscribers.toLocaleString('en')}`,
      metric: 'publish with churn',
      facts: { subscribers, publishesEach },
      ...spread(ratios(ours, bare)),
      of: 'stringify once + the bare loop, without churn',
      costs: { ours: spread(ours).value, 'bare publish': spread(bare).value },
      peers: Object.fromEntries(Object.entries(others).map(([name, costs]) => [name, spread(ratios(costs, theirBare)).value])),
    }
  })
}
