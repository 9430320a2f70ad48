// What a subject takes at the broker, and in a node with its client, measured. A node is subscribed to one for each channel that it wants, and
// for each user who is online there.
import { BROKERS, startedBroker } from '../brokers/broker.js'
import { CLIENTS } from '../brokers/clients.js'
import { heapBytes } from '../measure/heap.js'

const SUBJECTS = 50_000
/** A cluster subscribes to so many at once. */
const AT_ONCE = 500

/** @returns {Promise<string[]>} a line for each client */
export async function subjectLines() {
  const lines = []
  for (const [name, { broker, open }] of Object.entries(CLIENTS)) {
    const started = await startedBroker(BROKERS[broker])
    lines.push(started === undefined ? `${name}: not measured: ${BROKERS[broker].program} was not found` : await line(name, started, open))
    await started?.stop()
  }
  return lines
}

async function line(name, broker, open) {
  const client = await open(broker.port)
  const driver = await client.backplane()
  await driver.open(() => {}, () => {})
  await driver.subscribe(subjects(0))
  const heap = await heapBytes()
  const memory = broker.memoryBytes
  for (let from = AT_ONCE; from < SUBJECTS; from += AT_ONCE) await driver.subscribe(subjects(from))
  const each = (/** @type {number} */ bytes) => Math.round(bytes / (SUBJECTS - AT_ONCE))
  const inNode = each((await heapBytes()) - heap)
  const atBroker = memory === undefined ? 'unknown' : each(broker.memoryBytes - memory)
  await driver.close()
  await client.close()
  return `${name}: ${atBroker} at the broker, ${inNode} in the node`
}

/** Those of users, as a cluster names them. */
function subjects(/** @type {number} */ from) {
  return Array.from({ length: AT_ONCE }, (_, i) => `c2l6aW5n.u.${Buffer.from(`user-${1_000_000 + from + i}`).toString('base64url')}`)
}
