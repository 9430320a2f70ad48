// Everybody leaves one stream, one after the other: what a leaver costs must not depend on how many there are.
import { inTurns } from '../contenders/churner.js'
import { ManagerHub } from '../contenders/manager.js'
import { PEERS } from '../contenders/peers.js'
import { population } from '../contenders/population.js'
import { counted } from '../contenders/sockets.js'
import { SYMBOL, TEXT } from '../market.js'
import { cpuSince } from '../measure/cpu.js'
import { withRemotes } from '../measure/remote.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'A hot stream that everybody leaves, one by one'

const HUBS = { ours: () => new ManagerHub(), ...PEERS }
const [FEW, MANY] = [10_000, 100_000]
/** The engine has compiled everything for good by then. */
const WARM_UPS = 5
const WARM_UP_CONNECTIONS = 2_000
/** Those whose leavers cost as much as there are others: with 100,000 they take minutes. */
const QUADRATIC = ['EventEmitter', 'mitt', 'nanoevents']

export function cases(/** @type {boolean} */ isQuick) {
  const peers = Object.keys(HUBS).filter((hub) => !isQuick || hub === 'ours')
  return peers.map((hub) => ({ hub, sizes: QUADRATIC.includes(hub) ? [1_000, FEW] : [FEW, MANY], rounds: isQuick ? 3 : 9, roundMs: 0 }))
}

export function measure({ hub, sizes, ...effort }) {
  const descriptions = sizes.map((connections) => ({ part: 'hot-stream', name: String(connections), facts: { hub, connections }, isOneShot: true }))
  return withRemotes(descriptions, (contenders) => interleaved(contenders, effort))
}

export async function contender({ hub: name, connections }) {
  const newcomers = population({ connections })
  for (let i = 0; i < WARM_UPS; i++) await leaveOneByOne(name, newcomers.slice(0, WARM_UP_CONNECTIONS))
  // One time is all of them; each population anew.
  return { time: async () => (await leaveOneByOne(name, newcomers)) / connections }
}

/** Returns the microseconds that all leavers take together. */
async function leaveOneByOne(/** @type {string} */ name, /** @type {import('../contenders/population.js').Newcomer[]} */ newcomers) {
  const hub = HUBS[name]()
  const members = newcomers.map((newcomer) => hub.join(newcomer))
  for (const member of members) hub.subscribe(member, [SYMBOL])
  globalThis.gc?.()
  const before = process.cpuUsage()
  await inTurns(members.length, (i) => hub.leave(members[i]))
  const microseconds = cpuSince(before)
  counted(name, newcomers.map(({ socket }) => socket), 0, () => hub.publish(SYMBOL, TEXT))
  return microseconds
}

export function rows(outcomes) {
  const growth = ({ facts: { sizes }, outcome }) => spread(ratios(outcome[sizes[1]], outcome[sizes[0]]))
  const mine = outcomes.find(({ facts }) => facts.hub === 'ours')
  const others = outcomes.filter((each) => each !== mine)
  const costs = ({ facts: { hub, sizes }, outcome }) => (
    sizes.map((size) => [`${hub}: a leaver of ${size.toLocaleString('en')}`, spread(outcome[size]).value])
  )
  return [{
    what: `a leaver of ${MANY.toLocaleString('en')}`,
    metric: 'growth',
    facts: { connections: MANY },
    ...growth(mine),
    of: 'a leaver of 10,000',
    costs: Object.fromEntries(outcomes.flatMap(costs)),
    peers: Object.fromEntries(others.map((each) => [peerName(each.facts.hub), growth(each).value])),
  }]
}

function peerName(/** @type {string} */ hub) {
  return QUADRATIC.includes(hub) ? `${hub} (10,000 to 1,000)` : hub
}
