// How long a message takes from the publish on one node, over a real broker, to a client on another node, at a pace at which nothing queues.
import { BROKERS, startedBroker } from '../brokers/broker.js'
import { CLIENTS } from '../brokers/clients.js'
import { NodePair } from '../brokers/node-pair.js'
import { ratios, spread } from '../measure/statistics.js'
import { inRounds, whileOpen } from '../wire/contest.js'

export const title = 'A message of 220 B from node to node'

const SOCKET_IO = 'socket.io'
const CLUSTERS = ['node-redis', 'NATS'].map((client) => ({ name: `cluster over ${client}`, kind: 'cluster', client }))
const CONTENDERS = [...CLUSTERS, { name: SOCKET_IO, kind: 'socket.io', client: 'node-redis' }]
const COLUMNS = ['p50', 'p99']

export function cases(/** @type {boolean} */ isQuick) {
  return [isQuick ? { rounds: 3, messages: 60, warmUps: 40, everyMs: 2 } : { rounds: 9, messages: 300, warmUps: 300, everyMs: 2 }]
}

/** @returns {Promise<Record<string, { p50: number[], p99: number[] }>>} by contender; those whose broker is not installed are missing */
export async function measure({ rounds, messages, warmUps, everyMs }) {
  const brokers = await startedBrokers()
  const present = CONTENDERS.filter(({ client }) => brokers[CLIENTS[client].broker] !== undefined)
  const opening = present.map((contender) => NodePair.open({ ...contender, port: brokers[CLIENTS[contender.client].broker].port }))
  try {
    return await whileOpen(opening.map((pair) => () => pair), async (pairs) => {
      await inRounds(pairs, 1, (pair) => pair.pace({ messages: warmUps, everyMs }))
      return columnsOf(await inRounds(pairs, rounds, (pair) => pair.pace({ messages, everyMs })))
    })
  } finally {
    for (const broker of Object.values(brokers)) await broker?.stop()
  }
}

async function startedBrokers() {
  const names = Object.keys(BROKERS)
  const brokers = await Promise.all(names.map((name) => startedBroker(BROKERS[name])))
  return Object.fromEntries(names.map((name, i) => [name, brokers[i]]))
}

function columnsOf(results) {
  return Object.fromEntries(Object.entries(results).map(([name, all]) => (
    [name, Object.fromEntries(COLUMNS.map((column) => [column, all.map((result) => result[column])]))]
  )))
}

export function rows(outcomes) {
  return outcomes.flatMap(({ outcome }) => CLUSTERS.flatMap(({ name, client }) => COLUMNS.map((column) => ({
    what: `over ${client}`, metric: `${column} latency`, facts: { client }, of: 'socket.io with its Redis adapter', ...compared(outcome, name, column),
  }))))
}

/** The missing broker of a row is that of the cluster, or Redis, which socket.io needs. */
function compared(outcome, name, column) {
  const missing = CONTENDERS.find((contender) => [name, SOCKET_IO].includes(contender.name) && outcome[contender.name] === undefined)
  if (missing !== undefined) return { costs: {}, remark: `not measured: ${BROKERS[CLIENTS[missing.client].broker].program} was not found` }
  const [mine, theirs] = [outcome[name][column], outcome[SOCKET_IO][column]]
  return { ...spread(ratios(mine, theirs)), costs: { [SOCKET_IO]: spread(theirs).value, [name]: spread(mine).value } }
}
