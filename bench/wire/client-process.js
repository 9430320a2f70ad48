// So many clients in a process of their own.
import { quantile } from '../measure/statistics.js'
import { Client } from './client.js'
import { nowUs } from './clock.js'
import { answerRequests } from './lines.js'

const LOST_AFTER_MS = 60_000
const AT_A_TIME = 100

const [server, count] = process.argv.slice(2)
/** @type {number[]} */
let latencies = []
let isTimed = false
/** @type {Set<Client>} */
let stuck = new Set()
let total = 0
let look = () => {}

const clients = await connected(JSON.parse(server), Number(count))
/** Those that read, and what each of them has to have received by now. */
let reading = clients
let expectedEach = 0

await answerRequests({
  /** Waits until each client that reads has so many messages more; returns when that was. */
  async receive({ messages }) {
    expectedEach += messages
    await until(() => total >= expectedEach * reading.length)
    const atUs = nowUs()
    const received = reading.map((client) => client.received)
    const [fewest, most] = [Math.min(...received), Math.max(...received)]
    if (fewest === expectedEach && most === expectedEach) return atUs
    throw new Error(`Each client is to have ${expectedEach} messages, but they have ${fewest} to ${most}`)
  },

  /** From now on the latency of each message counts. */
  time() {
    latencies = []
    isTimed = true
  },

  latency() {
    isTimed = false
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), messages: latencies.length }
  },

  /** The first of them read no more. What the others have received counts anew. */
  stick(/** @type {number} */ count) {
    stuck = new Set(clients.slice(0, count))
    for (const client of stuck) client.stick()
    reading = clients.slice(count)
    for (const client of reading) client.received = 0
    expectedEach = 0
    total = 0
  },

  received: () => total,
})

async function connected(/** @type {any} */ facts, /** @type {number} */ count) {
  /** @type {Client[]} */
  const clients = []
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(AT_A_TIME, count - clients.length) }, () => newClient(facts))
    await Promise.all(some.map((client) => client.opened()))
    clients.push(...some)
  }
  return clients
}

function newClient(/** @type {any} */ facts) {
  /** @type {Client} */
  const client = new Client(facts, (latencyUs) => {
    if (stuck.has(client)) return
    total++
    if (isTimed) latencies.push(latencyUs())
    look()
  })
  return client
}

/** @returns {Promise<void>} */
function until(/** @type {() => boolean} */ isSo) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Messages are lost: ${total} arrived of ${expectedEach * reading.length}`)), LOST_AFTER_MS)
    look = () => {
      if (!isSo()) return
      look = () => {}
      clearTimeout(timer)
      resolve()
    }
    look()
  })
}
