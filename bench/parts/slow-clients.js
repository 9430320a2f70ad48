// One client in ten reads nothing any more. Those who read must hardly notice.
import { ratios, spread } from '../measure/statistics.js'
import { inRounds, withSites } from '../wire/contest.js'

export const title = 'Slow clients: one in ten is stuck'

const SERVERS = [
  { name: 'wsTransport', host: 'manager', options: { hasTransport: true } },
  { name: 'plain loop', host: 'ws-loop' },
]
const LOAD = { messagesPerTick: 1, bytes: 2_000 }
const EVERY_MS = 10

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { sockets: 50, rounds: 5, ticks: 15 } : { sockets: 300, rounds: 15, ticks: 40 }
  return (isQuick ? SERVERS.slice(0, 1) : SERVERS).map(({ name }) => ({ name, ...effort }))
}

/** Two servers of a kind in turns, with stuck clients and without. What is published before fills the buffers of those who are stuck. */
export function measure({ name, sockets, rounds, ticks }) {
  const server = SERVERS.find((each) => each.name === name)
  const stuck = sockets / 10
  return withSites([{ ...server, name: 'none' }, { ...server, name: 'stuck' }], sockets, async ([none, some]) => {
    await none.stick(0, LOAD)
    await some.stick(stuck, LOAD)
    const behind = await some.connectionsBehind()
    if (name === 'wsTransport' && behind !== stuck) throw new Error(`${behind} connections are behind instead of ${stuck}`)
    const paces = await inRounds([none, some], rounds, (site) => site.pace({ ...LOAD, ticks, everyMs: EVERY_MS }))
    return Object.fromEntries(Object.entries(paces).map(([who, latencies]) => [who, latencies.map(({ p99 }) => p99)]))
  })
}

export function rows(outcomes) {
  return outcomes.map(({ facts: { name, sockets }, outcome: { none, stuck } }) => ({
    what: `${sockets} sockets, ${name}`,
    metric: 'p99 latency',
    facts: { contender: name },
    ...spread(ratios(stuck, none)),
    of: 'none stuck',
    costs: { 'one in ten stuck': spread(stuck).value, 'none stuck': spread(none).value },
  }))
}
