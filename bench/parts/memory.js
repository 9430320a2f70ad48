// What a connection and a subscription take of the heap, and what is left of them when everybody has gone. The sockets and the ids are
// the host's own, and do not count.
import { ManagerHub, UserManagerHub } from '../contenders/manager.js'
import { PEERS } from '../contenders/peers.js'
import { population } from '../contenders/population.js'
import { symbolOf } from '../market.js'
import { heapBytes } from '../measure/heap.js'

export const title = 'Memory'

const HUBS = { 'per connection': () => new ManagerHub(), 'per user': () => new UserManagerHub(), ...PEERS }
const KS = [1, 2, 10]
const QUICK_KS = [1, 10]

export function cases(/** @type {boolean} */ isQuick) {
  // Fills the engine's tables, which grow by doubling, as far as 100,000 and a million do.
  const few = 12_500
  const ours = (isQuick ? [few] : [100_000, 1_000_000]).flatMap((connections) => (isQuick ? QUICK_KS : KS).flatMap((k) => [
    { hub: 'per connection', connections, connectionsPerUser: 1, k },
    ...(isQuick ? [] : [{ hub: 'per user', connections, connectionsPerUser: 1, k }]),
    { hub: 'per user', connections, connectionsPerUser: 3, k },
  ]))
  const metered = { hub: 'per connection', connections: isQuick ? few : 100_000, connectionsPerUser: 1, k: 1, isMetered: true }
  const others = isQuick ? ['five maps', 'socket.io-adapter'] : Object.keys(PEERS)
  const peers = others.map((hub) => ({ hub, connections: isQuick ? few : 100_000, connectionsPerUser: 1, k: 10 }))
  return [...ours, metered, ...peers]
}

export async function measure({ hub: name, k, ...crowd }) {
  const newcomers = population(crowd)
  const symbols = newcomers.map((_, n) => Array.from({ length: k }, (_, i) => symbolOf(Math.floor(n / crowd.connectionsPerUser), i)))
  // Once before, so that code and caches do not count.
  comeAndGo(HUBS[name](), newcomers.slice(0, 1_000), symbols)
  const hub = HUBS[name]()
  // The host's own list of what it was given.
  const members = new Array(newcomers.length).fill(undefined)
  const before = await heapBytes()
  for (const [n, newcomer] of newcomers.entries()) members[n] = hub.join(newcomer)
  const connected = await heapBytes()
  for (const [n, member] of members.entries()) hub.subscribe(member, symbols[n])
  const subscribed = await heapBytes()
  for (const member of members) hub.leave(member)
  members.fill(undefined)
  const after = await heapBytes()
  const subscriptions = (newcomers.length / crowd.connectionsPerUser) * k
  return {
    bytesPerConnection: (connected - before) / newcomers.length,
    bytesPerSubscription: (subscribed - connected) / subscriptions,
    bytesAfterwards: after - before,
    // Lives until here, or there would be nothing to measure.
    isAlive: hub !== undefined && symbols.length > 0,
  }
}

function comeAndGo(hub, newcomers, symbols) {
  const members = newcomers.map((newcomer) => hub.join(newcomer))
  for (const [n, member] of members.entries()) hub.subscribe(member, symbols[n])
  for (const member of members) hub.leave(member)
}

const LABELS = { 'per connection': 'connection.subscribe', 'per user': 'addSubscription' }

export function rows(outcomes) {
  const described = ({ hub, connections, connectionsPerUser, k, isMetered }) => [
    LABELS[hub] ?? hub,
    `${connections.toLocaleString('en')} connections`,
    ...(connectionsPerUser === 1 ? [] : [`${connectionsPerUser} a user`]),
    `k = ${k}`,
    ...(isMetered ? ['bufferedAmount'] : []),
  ].join(', ')
  const row = ({ facts }, metric, value) => ({
    what: described(facts), metric, facts: { ...facts, isOurs: facts.hub in LABELS }, value, low: value, high: value, unit: 'B', costs: {},
  })
  return outcomes.flatMap((each) => [
    ...(each.facts.k === 1 || !(each.facts.hub in LABELS) ? [row(each, 'bytes per connection', each.outcome.bytesPerConnection)] : []),
    row(each, 'bytes per subscription', each.outcome.bytesPerSubscription),
    ...(each.facts.hub in LABELS ? [row(each, 'bytes afterwards', each.outcome.bytesAfterwards)] : []),
  ])
}
