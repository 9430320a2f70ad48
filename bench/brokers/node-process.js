// A node in a process of its own: of a cluster of this library, or of socket.io with its adapter. It publishes at a pace, or has a client and
// notes how long each message took from the publish to the client.
import { libraryModule } from '../library.js'
import { trade, tradeEnvelope, TRADES } from '../market.js'
import { quantile } from '../measure/statistics.js'
import { nowUs } from '../wire/clock.js'
import { answerRequests } from '../wire/lines.js'
import { CLIENTS } from './clients.js'

const [kind, client, port] = process.argv.slice(2)
const PREFIX = 'bench'
const PATIENCE_MS = 30_000
const LOOK_AGAIN_MS = 2
const PUBLISHED_AT = /"publishedAtUs":(\d+)/

const own = await CLIENTS[client].open(Number(port))
const node = await (kind === 'cluster' ? clusterNode() : socketIoNode())
/** @type {number[]} */
let latencies = []

await answerRequests({
  /** Adds the client. Returns when the broker sends it what others publish. */
  join: () => node.join(note),

  /** Publishes so many messages, one at a time. */
  async pace({ messages, everyMs }) {
    for (let i = 0; i < messages; i++) {
      node.publish({ ...trade().data, publishedAtUs: nowUs() })
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  },

  /** Waits until exactly so many messages have come since the last time; returns microseconds. */
  async latency({ messages }) {
    const end = performance.now() + PATIENCE_MS
    while (latencies.length < messages && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    const taken = latencies
    latencies = []
    if (taken.length !== messages) throw new Error(`${taken.length} messages arrived instead of ${messages}`)
    return { p50: quantile(taken, 0.5), p99: quantile(taken, 0.99) }
  },
})

function note(/** @type {string} */ text) {
  const atUs = nowUs()
  const [, publishedAtUs] = PUBLISHED_AT.exec(text) ?? []
  if (publishedAtUs !== undefined) latencies.push(atUs - Number(publishedAtUs))
}

async function clusterNode() {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const { joinCluster } = await libraryModule('cluster')
  const recovery = createRecovery()
  const manager = new ConnectionManager({ recorder: recovery })
  const cluster = await joinCluster(manager, recovery, { backplane: await own.backplane(), prefix: PREFIX })
  return {
    publish: (/** @type {object} */ data) => manager.publish({ ...trade(), data }),
    async join(/** @type {(text: string) => void} */ send) {
      const connection = manager.addConnection('c', { send, close() {} }, 'u')
      await cluster.ready(TRADES)
      recovery.subscribe(connection, TRADES)
    },
  }
}

async function socketIoNode() {
  const { adapter, settled } = await own.socketIoAdapter()
  const { SocketIoNode } = await import('./socket-io-node.js')
  const io = new SocketIoNode({ adapter })
  return {
    publish: (/** @type {object} */ data) => io.publish(tradeEnvelope(data)),
    async join(/** @type {(text: string) => void} */ receive) {
      await io.join(receive)
      await settled()
    },
  }
}
