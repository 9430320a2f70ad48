// What is simulated, and the tables of docs/sizing.md.
import { CHANNELS, SimulatedCluster } from './simulated-cluster.js'
import { textsOf, unitsOf } from './traffic.js'

export const NODES = [2, 8, 32, 100, 300, 1_000]
/** Channels that each node wants, of 1,000: 0.1, 1 and 10 %. */
export const INTERESTS = [1, 10, 100]
/** Of a channel in a second. */
export const MESSAGES_EACH = 4
/** Every node wants every channel only in clusters up to this size, or the memory would not suffice. */
const MOST_NODES_FOR_ALL = 8
/** The second table is about these. */
const CHANNELS_EACH = 10

/** @returns {Promise<string[]>} a row: what a node gets within a second in which 4,000 messages are published */
export async function interestRow(/** @type {number} */ nodes) {
  const all = nodes <= MOST_NODES_FOR_ALL ? await textsInASecond({ nodes, channelsEach: CHANNELS }) : undefined
  const some = []
  for (const channelsEach of INTERESTS) some.push(number(await textsInASecond({ nodes, channelsEach })))
  return [number(nodes), ...some, all === undefined ? `not simulated: ${number(CHANNELS * MESSAGES_EACH + 1)}` : number(all)]
}

/** Messages and probes. All nodes get the same number, because interest is spread evenly. */
async function textsInASecond(/** @type {import('./simulated-cluster.js').Size} */ size) {
  const { cluster } = await SimulatedCluster.joined(size)
  // The nodes repeat their first questions.
  await cluster.quiet(5_000)
  const { received } = await cluster.second(MESSAGES_EACH)
  for (const delivered of cluster.deliveries()) assertEqual(delivered, size.channelsEach * MESSAGES_EACH, 'messages that a subscriber got')
  await cluster.close()
  return mean(received.map((tally) => textsOf(tally)))
}

/** @returns {Promise<string[]>} a row: what follows the number of nodes, and not the interest */
export async function controlRow(/** @type {number} */ nodes) {
  const { cluster } = await SimulatedCluster.joined({ nodes, channelsEach: CHANNELS_EACH })
  await cluster.second(MESSAGES_EACH)
  const { gained, left } = await cluster.changeOfInterest()
  const { received } = await cluster.interruption()
  await cluster.close()
  const given = (/** @type {import('./traffic.js').Tally[]} */ tallies, /** @type {string[]} */ ...kinds) => tallies.reduce((sum, tally) => sum + textsOf(tally, kinds), 0)
  const again = given(received, 'sync', 'progress')
  return [nodes, given(gained.received, 'sync'), given(gained.received, 'progress'), given(left.received, 'left'), again / nodes, again].map(number)
}

/** Returns the units of a text of each kind, on average, in a cluster of eight nodes. A `sync`, a `progress` and a `left` are about one channel. */
export async function unitsOfKinds() {
  const { cluster } = await SimulatedCluster.joined({ nodes: 8, channelsEach: CHANNELS_EACH })
  const second = await cluster.second(MESSAGES_EACH)
  const quiet = await cluster.quiet(4_000)
  const { gained, left } = await cluster.changeOfInterest()
  await cluster.close()
  const sentIn = { message: second, probe: quiet, tail: quiet, sync: gained, progress: gained, left }
  return Object.fromEntries(Object.entries(sentIn).map(([kind, { sent }]) => [kind, unitsOf(sent, [kind]) / textsOf(sent, [kind])]))
}

/** @returns {string[]} lines of Markdown */
export function table(/** @type {readonly string[]} */ head, /** @type {readonly (readonly string[])[]} */ rows) {
  return [head, head.map(() => '---:'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

export const INTEREST_HEAD = ['nodes', 'each wants 0.1 %', '1 %', '10 %', 'everything']
export const CONTROL_HEAD = ['nodes', 'a node begins to want a channel', 'the answers', 'it stops', 'the broker is back: to each node', 'to all']

export function number(/** @type {number} */ value) {
  return (Number.isInteger(value) ? value : Math.round(value * 10) / 10).toLocaleString('en')
}

function mean(/** @type {readonly number[]} */ values) {
  return values.reduce((sum, each) => sum + each, 0) / values.length
}

function assertEqual(/** @type {number} */ actual, /** @type {number} */ expected, /** @type {string} */ what) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`)
}
