// What a node and a channel take of the heap, measured.
import { heapBytes } from '../measure/heap.js'
import { PlainSocket } from '../contenders/sockets.js'
import { libraryModule } from '../library.js'

const { ConnectionManager } = await libraryModule('index')
const { createRecovery } = await libraryModule('recovery')
const { joinCluster } = await libraryModule('cluster')

const NODES = 100
const CHANNELS = 1_000
const USERS = 10_000
const KEPT = 256
const ANSWER_MS = 200
const DATA = { bid: 64_000.1, ask: 64_000.2, last: 64_000.1, volume: 1_234.5678, venue: 'XCHG', n: 123 }

/** Returns bytes of the heap. `perMessage` is of a message of 190 B that is kept in a history. */
export async function memory() {
  // Once before, so that code does not count.
  await grown()
  return { ...(await grown()), perNode: await perNode() }
}

async function perNode() {
  const before = await heapBytes()
  const nodes = []
  for (let i = 0; i < NODES; i++) nodes.push(await node())
  const bytes = (await heapBytes()) - before
  for (const { cluster } of nodes) await cluster.close()
  return bytes / NODES
}

async function grown() {
  const { cluster, connection, manager } = await node()
  const symbols = Array.from({ length: CHANNELS }, (_, i) => `SYM${i}`)
  const empty = await heapBytes()
  for (const symbol of symbols) connection.subscribe({ streamType: 'TRADES', symbol })
  // The other nodes have this long to answer, and until then the question is remembered.
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
  const wanted = await heapBytes()
  const publishAll = (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) for (const symbol of symbols) manager.publish({ streamType: 'TRADES', symbol, data: DATA })
  }
  publishAll(1)
  const begun = await heapBytes()
  publishAll(KEPT - 1)
  const full = await heapBytes()
  for (let i = 0; i < USERS; i++) manager.addConnection(`c${i}`, new PlainSocket(), `u${i}`)
  const online = await heapBytes()
  await cluster.close()
  return {
    perWantedChannel: (wanted - empty) / CHANNELS,
    perFirstMessage: (begun - wanted) / CHANNELS,
    perMessage: (full - begun) / CHANNELS / (KEPT - 1),
    perOnlineUser: (online - full) / USERS,
  }
}

async function node() {
  const recovery = createRecovery({ history: { units: Infinity, totalUnits: Infinity } })
  const manager = new ConnectionManager({ recorder: recovery })
  // A socket that reads its texts, as a real one does. The engine then keeps a text as one piece.
  const connection = manager.addConnection('c', { send: (/** @type {string} */ text) => void Buffer.byteLength(text), close() {} }, 'u')
  const cluster = await joinCluster(manager, recovery, { backplane: new LoneBackplane(), prefix: 'sizing' })
  return { cluster, connection, manager }
}

/** A broker with one node, of which it remembers nothing, so that the broker's own memory does not count. */
class LoneBackplane {
  #receive = (/** @type {string} */ _subject, /** @type {string} */ _text) => {}

  async open(receive, status) {
    this.#receive = receive
    status(true)
  }

  /** A probe comes back, so that the link is up. */
  publish(subject, text) {
    if (text.startsWith('[1,"probe"')) queueMicrotask(() => this.#receive(subject, text))
  }

  async subscribe() {}

  async unsubscribe() {}

  async subscribers() {
    return 0
  }

  async close() {}
}
