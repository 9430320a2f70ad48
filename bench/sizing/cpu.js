// What it costs a node to receive, measured: microseconds of CPU, the memory backplane's delivery included.
import { assertEachReceived, PlainSocket } from '../contenders/sockets.js'
import { libraryModule } from '../library.js'
import { trade, TRADES } from '../market.js'
import { cpuSince } from '../measure/cpu.js'
import { interleaved } from '../measure/rounds.js'
import { median } from '../measure/statistics.js'

const { ConnectionManager } = await libraryModule('index')
const { createRecovery } = await libraryModule('recovery')
const { joinCluster } = await libraryModule('cluster')
const { createMemoryBus, memoryBackplane } = await libraryModule('backplanes/memory')

const PREFIX = 'sizing'
const EFFORT = { rounds: 9, roundMs: 100 }
const PER_TURN = 10

/** @returns {Promise<{ perMessage: number, perSync: number }>} of a message with one subscriber, and of a `sync` of one channel */
export async function cpu() {
  const heard = await publisher(1)
  const unheard = await publisher(0)
  const asking = await asker()
  const costs = await interleaved([{ name: 'heard', ...heard }, { name: 'unheard', ...unheard }, { name: 'sync', ...asking }], EFFORT)
  for (const each of [heard, unheard, asking]) await each.close()
  return { perMessage: median(costs.heard.map((cost, round) => cost - costs.unheard[round])), perSync: median(costs.sync) }
}

/** A node that publishes, and so many others with one subscriber each. */
async function publisher(/** @type {number} */ others) {
  const bus = createMemoryBus()
  const first = await node(bus, [])
  const sockets = Array.from({ length: others }, () => new PlainSocket())
  const rest = []
  for (const socket of sockets) rest.push(await node(bus, [socket]))
  await turn()
  return {
    async time(/** @type {number} */ times) {
      for (const socket of sockets) socket.received = 0
      const microseconds = await timed(times, () => first.manager.publish(trade()))
      assertEachReceived('heard', sockets, times)
      return microseconds
    },
    async close() {
      for (const { cluster } of [first, ...rest]) await cluster.close()
    },
  }
}

/** Somebody who says to a node again and again that a channel is wanted. */
async function asker() {
  const bus = createMemoryBus()
  const { cluster } = await node(bus, [])
  const driver = memoryBackplane(bus)
  await driver.open(() => {}, () => {})
  const control = `${Buffer.from(PREFIX).toString('base64url')}.a`
  const text = JSON.stringify([1, 'sync', 'somebody', [[TRADES.streamType, TRADES.symbol, null]]])
  return {
    time: (/** @type {number} */ times) => timed(times, () => driver.publish(control, text)),
    async close() {
      await driver.close()
      await cluster.close()
    },
  }
}

async function node(bus, sockets) {
  const recovery = createRecovery()
  const manager = new ConnectionManager({ recorder: recovery })
  const cluster = await joinCluster(manager, recovery, { backplane: memoryBackplane(bus), prefix: PREFIX })
  for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, 'u').subscribe(TRADES)
  return { cluster, manager }
}

async function timed(/** @type {number} */ times, /** @type {() => void} */ act) {
  const before = process.cpuUsage()
  for (let done = 0; done < times; done++) {
    act()
    if (done % PER_TURN === 0) await turn()
  }
  await turn()
  return cpuSince(before)
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve))
}
