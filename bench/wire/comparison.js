import { ratios, spread } from '../measure/statistics.js'
import { inRounds, withSites } from './contest.js'

/** What a delivery is given while latency is measured, so that a plain loop leaves its machine idle most of the time: all is waiting otherwise. */
const MS_PER_DELIVERY = 0.02

/** What servers are compared under: messages of two sizes, many in each turn of the event loop and one. */
export const LOADS = [200, 2_000].flatMap((bytes) => [10, 1].map((messagesPerTick) => ({ bytes, messagesPerTick })))

/** Short messages alone, and blasts of half of what fits into the sockets. */
export const QUICK_LOADS = [10, 1].map((messagesPerTick) => ({ bytes: 200, messagesPerTick, mostTicks: 120 / messagesPerTick }))

/**
 * @typedef {object} WireEffort
 * @property {number} rounds
 * @property {number} deliveries of a server in a round
 * @property {number} latencyRounds
 * @property {number} ticks in a round of latency
 *
 * @typedef {{ cpuUs: number[], perSecond: number[], p50: number[], p99: number[] }} WireFigures of one server, round by round
 */

/**
 * What servers cost for a delivery, how many deliveries they manage, and how late these are.
 *
 * @param {readonly import('./contest.js').Description[]} descriptions
 * @param {{ sockets: number, loads: readonly import('./contest.js').Load[] } & WireEffort} facts
 * @returns {Promise<Record<string, WireFigures>[]>} for each load, by name
 */
export function compared(descriptions, { sockets, loads, ...effort }) {
  return withSites(descriptions, sockets, async (sites) => {
    const outcomes = []
    for (const load of loads) outcomes.push(await comparedUnder(load, sites, effort))
    return outcomes
  })
}

async function comparedUnder(load, sites, { rounds, deliveries, latencyRounds, ticks }) {
  const everyMs = Math.ceil(sites[0].sockets * load.messagesPerTick * MS_PER_DELIVERY)
  // Only warms up.
  await inRounds(sites, 1, (site) => site.blast(load, deliveries / 2))
  const blasts = await inRounds(sites, rounds, (site) => site.blast(load, deliveries))
  const paces = await inRounds(sites, latencyRounds, (site) => site.pace({ ...load, ticks, everyMs }))
  return Object.fromEntries(sites.map(({ name }) => [name, { ...columns(blasts[name]), ...columns(paces[name]) }]))
}

/** Rows of records → one record of columns. */
function columns(/** @type {readonly Record<string, number>[]} */ records) {
  return Object.fromEntries(Object.keys(records[0]).map((key) => [key, records.map((record) => record[key])]))
}

/**
 * Returns the row of one contender beside another.
 *
 * @param {Record<string, any>} outcome of `compared`
 * @param {string} what
 * @param {{ contender: string, than: string }} pair
 * @param {'cpuUs' | 'p99'} column
 * @param {object} facts
 */
export function wireRow(outcome, what, { contender, than }, column, facts) {
  const [mine, theirs] = [outcome[contender], outcome[than]]
  return {
    what: `${what}, ${contender}`,
    metric: column === 'cpuUs' ? 'CPU per delivery' : 'p99 latency',
    facts: { ...facts, contender, than },
    ...spread(ratios(mine[column], theirs[column])),
    of: than,
    costs: { [contender]: spread(mine[column]).value, [than]: spread(theirs[column]).value },
  }
}

/** Returns rows that have no goal: deliveries a second, and the latency in the middle. */
export function wireRemarks(outcome) {
  return Object.entries(outcome).map(([name, { perSecond, p50, p99 }]) => (
    `${name} ${Math.round(spread(perSecond).value / 1_000)} k/s, p50 ${ms(p50)}, p99 ${ms(p99)}`
  )).join(' · ')
}

function ms(/** @type {readonly number[]} */ microseconds) {
  return `${(spread(microseconds).value / 1_000).toFixed(1)} ms`
}
