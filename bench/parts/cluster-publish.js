// What a publish costs a node of a cluster, over a real broker: beside the same publish with a recovery and a publish of the same text by the
// broker's own client, one after the other, as a server does that relays its messages by hand. Over Redis, also beside socket.io with its adapter.
import { fileURLToPath } from 'node:url'
import { BROKERS, startedBroker } from '../brokers/broker.js'
import { CLIENTS } from '../brokers/clients.js'
import { assertEachReceived, PlainSocket } from '../contenders/sockets.js'
import { libraryModule } from '../library.js'
import { trade, tradeEnvelope, TRADES } from '../market.js'
import { cpuSince } from '../measure/cpu.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'
import { Talker } from '../wire/lines.js'

export const title = 'Publish of 190 B in a cluster'

const LISTENER = fileURLToPath(new URL('../brokers/listener-process.js', import.meta.url))
const SUBJECT = 'bench'
const PREFIX = 'bench'
const PER_TURN = 10
/** So many turns may pass until the broker has to have everything. */
const MOST_TURNS = 100
/** One, and some more. */
const SUBSCRIBERS = [1, 11]

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { rounds: 3, roundMs: 30 } : { rounds: 9, roundMs: 100 }
  const messages = isQuick ? 5_000 : 20_000
  const nodes = Object.keys(CLIENTS).flatMap((client) => (isQuick ? [false] : [false, true]).map((hasSubscriber) => ({ kind: 'node', client, hasSubscriber, ...effort })))
  return [...nodes, ...['ioredis', 'NATS'].map((client) => ({ kind: 'broker', client, messages }))]
}

/** @returns {Promise<object | null>} nothing if there is no broker here */
export async function measure({ kind, client, ...effort }) {
  const broker = await startedBroker(BROKERS[CLIENTS[client].broker])
  if (broker === undefined) return null
  try {
    return await (kind === 'node' ? publishCosts(client, broker.port, effort) : brokerCosts(client, broker, effort))
  } finally {
    await broker.stop()
  }
}

async function publishCosts(client, port, { hasSubscriber, ...effort }) {
  const listener = await listening(client, port, 1, PREFIX)
  const own = await CLIENTS[client].open(port)
  const text = await recordedText()
  const recorded = await node(hasSubscriber)
  const clustered = await node(hasSubscriber, await own.backplane())
  const relay = () => {
    recorded.publish()
    own.publish(SUBJECT, text)
  }
  const socketIo = hasSubscriber ? undefined : await socketIoNode(own)
  try {
    return await interleaved([
      viaBroker('by hand', listener, { sockets: recorded.sockets, publish: relay, settled: own.settled }),
      viaBroker('cluster', listener, clustered),
      ...(socketIo === undefined ? [] : [viaBroker('socket.io', listener, socketIo)]),
    ], effort)
  } finally {
    listener.end()
    await clustered.close()
    await socketIo?.close()
    await own.close()
  }
}

async function listening(client, port, subscribers, ...prefix) {
  return new Talker('The listener', [process.execPath, LISTENER, client, port, SUBJECT, subscribers, ...prefix].map(String)).ready()
}

/** A server with a recovery and one subscriber or none, which joins the cluster if there is a backplane. */
async function node(hasSubscriber, backplane) {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const { joinCluster } = await libraryModule('cluster')
  const recovery = createRecovery()
  const manager = new ConnectionManager({ recorder: recovery })
  const sockets = hasSubscriber ? [new PlainSocket()] : []
  for (const socket of sockets) manager.addConnection('c', socket, 'u').subscribe(TRADES)
  const publish = () => { manager.publish(trade()) }
  if (backplane === undefined) return { sockets, publish }
  const cluster = await joinCluster(manager, recovery, { backplane, prefix: PREFIX })
  // A look-up goes over the same connection as what was published before it.
  return { sockets, publish, settled: () => backplane.subscribers('nobody'), close: () => cluster.close() }
}

/** A server of socket.io without clients. Nothing if socket.io has no adapter for the broker. */
async function socketIoNode(own) {
  if (own.socketIoAdapter === undefined) return undefined
  const { SocketIoNode } = await import('../brokers/socket-io-node.js')
  const { adapter, settled, close } = await own.socketIoAdapter()
  const node = new SocketIoNode({ adapter })
  await settled()
  return { sockets: [], publish: () => node.publish(tradeEnvelope()), settled, close }
}

/** The text that a recovery makes of the message. */
async function recordedText() {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const texts = []
  const manager = new ConnectionManager({ recorder: createRecovery() })
  manager.addConnection('c', { send: (text) => texts.push(text), close() {} }, 'u').subscribe(TRADES)
  manager.publish(trade())
  return texts[0]
}

/** A contender whose messages go to the broker, some in each turn of the event loop, and are counted by the listener. */
function viaBroker(name, listener, { sockets, publish, settled }) {
  let total = 0
  return {
    name,
    async time(times) {
      for (const socket of sockets) socket.received = 0
      const before = process.cpuUsage()
      await inTurns(times, publish, settled)
      const microseconds = cpuSince(before)
      total += times
      assertEachReceived(name, sockets, times)
      await assertListened(listener, name, total)
      return microseconds
    },
  }
}

async function inTurns(times, publish, settled) {
  for (let turn = 1, sent = 0; sent < times; turn++) {
    for (let i = 0; i < PER_TURN && sent < times; i++, sent++) publish()
    await new Promise((resolve) => setImmediate(resolve))
    if (turn % MOST_TURNS === 0) await settled()
  }
  await settled()
}

async function assertListened(listener, of, expected) {
  const count = await listener.ask('count', { of, expected })
  if (count !== expected) throw new Error(`${of}: the other end got ${count} messages instead of ${expected}`)
}

/** Returns microseconds of the broker's CPU for a message, by the number of its subscribers. `null` where they cannot be read. */
async function brokerCosts(client, broker, { messages }) {
  const own = await CLIENTS[client].open(broker.port)
  const text = await recordedText()
  const costs = []
  for (const subscribers of SUBSCRIBERS) {
    const listener = await listening(client, broker.port, subscribers)
    const before = broker.cpuUs
    await inTurns(messages, () => own.publish(SUBJECT, text), own.settled)
    await assertListened(listener, 'by hand', messages * subscribers)
    costs.push(before === undefined ? null : (broker.cpuUs - before) / messages)
    listener.end()
  }
  await own.close()
  return costs
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts, outcome }) => (facts.kind === 'node' ? nodeRows(facts, outcome) : brokerRows(facts, outcome)))
}

function nodeRows({ client, hasSubscriber }, outcome) {
  const row = (metric, of, than) => ({
    what: `over ${client}, ${hasSubscriber ? 'one subscriber' : 'no subscriber'} on the node`, metric, facts: { client, hasSubscriber }, of,
    ...(outcome === null ? { costs: {}, remark: notFound(client) } : compared(outcome, than)),
  })
  const byHand = row('cluster publish', 'a recorded publish and the client\'s own publish', 'by hand')
  const isBesideSocketIo = !hasSubscriber && CLIENTS[client].broker === 'redis'
  return isBesideSocketIo ? [byHand, row('publish beside socket.io', 'socket.io with its Redis adapter', 'socket.io')] : [byHand]
}

function compared(outcome, than) {
  const costs = { [than]: spread(outcome[than]).value, cluster: spread(outcome.cluster).value }
  return { ...spread(ratios(outcome.cluster, outcome[than])), costs }
}

function brokerRows({ client }, outcome) {
  const { program } = BROKERS[CLIENTS[client].broker]
  const [one, more] = outcome ?? [null, null]
  const [fewest, most] = SUBSCRIBERS
  const row = (what, value) => ({
    what: `${program}, ${what}`, metric: 'broker CPU per message', facts: { program }, costs: {}, unit: 'µs',
    ...(value === null ? { remark: outcome === null ? notFound(client) : 'not measured: the CPU time of another process is read from /proc' } : spread([value])),
  })
  return [row('1 subscriber', one), row('each further subscriber', one === null ? null : (more - one) / (most - fewest))]
}

function notFound(/** @type {string} */ client) {
  return `not measured: ${BROKERS[CLIENTS[client].broker].program} was not found`
}
