// A client connects, subscribes to ten streams, gets its first message, and goes: what that costs a server on real ws sockets.
import { ratios, spread } from '../measure/statistics.js'
import { inRounds, whileOpen } from '../wire/contest.js'
import { VisitedSite } from '../wire/visited-site.js'

export const title = 'Reconnects over real ws sockets'

const OURS = 'protocol'
const BY_HAND = 'by hand'
const CONTENDERS = [
  { name: OURS, host: 'protocol' },
  { name: BY_HAND, host: 'by-hand' },
  { name: 'socket.io', host: 'socket-io-rooms' },
  { name: 'crossws', host: 'crossws-topics' },
]
const PAIRS = [[OURS, 'socket.io'], [OURS, 'crossws'], [OURS, BY_HAND], [BY_HAND, 'socket.io'], [BY_HAND, 'crossws']]

export function cases(/** @type {boolean} */ isQuick) {
  return [{ streams: 10, ...(isQuick ? { clients: 200, warmUps: 2, rounds: 3 } : { clients: 1_000, warmUps: 3, rounds: 9 }) }]
}

export function measure({ clients, streams, warmUps, rounds }) {
  return whileOpen(CONTENDERS.map((each) => () => VisitedSite.open(each, { clients, streams })), async (sites) => {
    await inRounds(sites, warmUps, (site) => site.reconnect())
    return inRounds(sites, rounds, (site) => site.reconnect())
  })
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { streams }, outcome }) => PAIRS.map(([contender, than]) => ({
    what: `connect, ${streams} subscriptions, a message, gone: ${contender}`,
    metric: 'CPU per reconnect',
    facts: { streams, contender, than },
    ...spread(ratios(outcome[contender], outcome[than])),
    of: than,
    costs: Object.fromEntries([contender, than].map((name) => [name, spread(outcome[name]).value])),
  })))
}
