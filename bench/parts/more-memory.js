// What the rest takes of the heap: metadata, sessions of the protocol, and histories. The host's own do not count: sockets, ids, metadata objects.
import { population } from '../contenders/population.js'
import { libraryModule } from '../library.js'
import { symbolOf, trade } from '../market.js'
import { heapBytes } from '../measure/heap.js'

export const title = 'Memory of metadata, sessions and histories'

const KEPT = 256
const K = 10
const WARM_UP = { connections: 1_000, channels: 5 }

export function cases(/** @type {boolean} */ isQuick) {
  // Fills the engine's tables, which grow by doubling, as far as 100,000 do.
  const connections = isQuick ? 6_250 : 100_000
  return [{ kind: 'metadata', connections }, { kind: 'sessions', connections }, { kind: 'histories', channels: isQuick ? 100 : 1_000 }]
}

const KINDS = { metadata: ofMetadata, sessions: ofSessions, histories: ofHistories }

/** @returns {Promise<Record<string, number | boolean>>} bytes */
export async function measure({ kind, ...size }) {
  // Once before, so that code and caches do not count.
  await KINDS[kind](WARM_UP)
  return KINDS[kind](size)
}

async function ofMetadata({ connections }) {
  const { ConnectionManager } = await libraryModule('index')
  const newcomers = population({ connections })
  const metadata = newcomers.map((_, n) => ({ metadata: { tenant: 'acme', since: n } }))
  const bytesEach = async (/** @type {(n: number) => object | undefined} */ optionsOf) => {
    const manager = new ConnectionManager()
    const members = new Array(connections).fill(undefined)
    const before = await heapBytes()
    for (const [n, { id, socket, userId }] of newcomers.entries()) members[n] = manager.addConnection(id, socket, userId, optionsOf(n))
    const bytes = (await heapBytes()) - before
    await manager.cleanup()
    return bytes / connections
  }
  return { without: await bytesEach(() => undefined), with: await bytesEach((n) => metadata[n]) }
}

async function ofSessions({ connections }) {
  const { ConnectionManager } = await libraryModule('index')
  const { createCommandServer } = await libraryModule('protocol')
  const newcomers = population({ connections })
  const manager = new ConnectionManager()
  const commands = createCommandServer(manager)
  const empty = await heapBytes()
  const members = newcomers.map(({ id, socket, userId }) => manager.addConnection(id, socket, userId))
  const connected = await heapBytes()
  // As in a host, which keeps a session for what its client sends.
  const sessions = members.map((connection) => commands.open(connection))
  const opened = await heapBytes()
  for (const [n, session] of sessions.entries()) session.receive(commandsOf(n))
  const subscribed = await heapBytes()
  if (manager.subscriptionCount !== connections * K) throw new Error(`There are ${manager.subscriptionCount} subscriptions`)
  for (const member of members) void member.remove({ close: false })
  sessions.fill(undefined)
  members.fill(undefined)
  const after = await heapBytes()
  if (commands.sessions !== 0) throw new Error(`${commands.sessions} sessions are left`)
  return {
    session: (opened - connected) / connections,
    subscription: (subscribed - opened) / (connections * K),
    afterwards: after - empty,
    // Live until here: they were there when nobody was connected.
    isAlive: newcomers.length > 0,
  }
}

function commandsOf(/** @type {number} */ n) {
  return JSON.stringify(Array.from({ length: K }, (_, i) => ({ command: 'subscribe', id: i, stream_type: 'TRADES', symbol: symbolOf(n, i) })))
}

/** Each channel has a ring that is full. */
async function ofHistories({ channels }) {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const recovery = createRecovery({ history: { count: KEPT, units: Infinity, totalUnits: Infinity } })
  const manager = new ConnectionManager({ recorder: recovery })
  const symbols = Array.from({ length: channels }, (_, i) => `SYM${i}`)
  // A socket that reads its texts, as a real one does. The engine then keeps a text as one piece.
  const connection = manager.addConnection('c', { send: (/** @type {string} */ text) => void Buffer.byteLength(text), close() {} }, 'u')
  for (const symbol of symbols) connection.subscribe({ streamType: 'TRADES', symbol })
  const publish = (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) for (const symbol of symbols) manager.publish({ ...trade(), symbol })
  }
  publish(1)
  const begun = await heapBytes()
  publish(KEPT - 1)
  const full = await heapBytes()
  const { messages, units } = recovery.stats()
  if (messages !== channels * KEPT) throw new Error(`${messages} messages are kept`)
  return { message: (full - begun) / (channels * (KEPT - 1)), units: units / messages }
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts, outcome }) => ROWS[facts.kind](facts, outcome).map(({ value, ...row }) => (
    { facts, ...row, value, low: value, high: value, unit: 'B', costs: {} }
  )))
}

const ROWS = {
  metadata: ({ connections }, { without, with: value }) => [
    { what: `${count(connections)} connections with metadata`, metric: 'bytes per connection', value, remark: `${Math.round(without)} B without` },
  ],
  sessions: ({ connections }, { session, subscription, afterwards }) => [
    { what: `${count(connections)} sessions of the protocol`, metric: 'bytes per session', value: session, remark: 'beside its connection' },
    { what: `by ${K} commands of each`, metric: 'bytes per subscription', value: subscription, remark: 'with what the manager has of it' },
    { what: `${count(connections)} sessions that have ended, with their connections`, metric: 'bytes afterwards', value: afterwards },
  ],
  histories: ({ channels }, { message, units }) => [
    { what: `${KEPT} messages in each of ${count(channels)} channels`, metric: 'bytes per message kept', value: message, remark: `a text of ${Math.round(units)} units` },
  ],
}

function count(/** @type {number} */ number) {
  return number.toLocaleString('en')
}
