// Clients come back to what they missed: what that costs a server on real ws sockets, for each client and for each message.
import { ratios, spread } from '../measure/statistics.js'
import { inRounds, whileOpen } from '../wire/contest.js'
import { VisitedSite } from '../wire/visited-site.js'

export const title = 'Resume: clients that come back to messages they missed'

const OURS = 'recovery'
const THEIRS = 'socket.io'
const CONTENDERS = [
  { name: OURS, host: 'protocol', options: { recovers: true } },
  { name: THEIRS, host: 'socket-io-rooms', options: { recovers: true } },
]
const [NONE, MANY] = [0, 100]

export function cases(/** @type {boolean} */ isQuick) {
  return [isQuick ? { clients: 200, warmUps: 1, rounds: 3 } : { clients: 1_000, warmUps: 2, rounds: 9 }]
}

/** @returns {Promise<Record<number, Record<string, number[]>>>} by the number of missed messages */
export function measure({ clients, warmUps, rounds }) {
  return whileOpen(CONTENDERS.map((each) => () => VisitedSite.open(each, { clients, streams: 1 })), async (sites) => {
    await inRounds(sites, 1, (site) => site.meet())
    await inRounds(sites, warmUps, (site) => site.resume(MANY))
    const outcome = {}
    for (const missed of [NONE, MANY]) outcome[missed] = await inRounds(sites, rounds, (site) => site.resume(missed))
    return outcome
  })
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { clients }, outcome }) => {
    const row = (/** @type {string} */ what, /** @type {string} */ metric, /** @type {Record<string, number[]>} */ costs, facts = {}) => ({
      what, metric, facts: { clients, ...facts }, ...spread(ratios(costs[OURS], costs[THEIRS])), of: THEIRS,
      costs: { [OURS]: spread(costs[OURS]).value, [THEIRS]: spread(costs[THEIRS]).value },
    })
    return [
      row(`${MANY} missed messages`, 'CPU per resumed client', outcome[MANY], { missed: MANY }),
      row('nothing missed', 'CPU per resumed client', outcome[NONE], { missed: NONE }),
      row(`each of ${MANY}`, 'CPU per missed message', perMessage(outcome), { missed: MANY }),
    ]
  })
}

/** Returns what a client with messages costs more than one without, shared among the messages. */
function perMessage(/** @type {Record<number, Record<string, number[]>>} */ { [NONE]: without, [MANY]: withMessages }) {
  return Object.fromEntries(Object.entries(withMessages).map(([name, costs]) => (
    [name, costs.map((cost, round) => (cost - without[name][round]) / (MANY - NONE))]
  )))
}
