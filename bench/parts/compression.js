// The same order book to all clients: compressed once for all of them, for each of them by ws, or not at all.
import { ratios, spread } from '../measure/statistics.js'
import { inRounds, withSites } from '../wire/contest.js'

export const title = 'Compression: an order book to all clients'

const perMessageDeflate = { serverNoContextTakeover: true }
const OURS = 'compressed once'
const CONTENDERS = [
  { name: OURS, host: 'manager', options: { hasTransport: true, deflatesOnce: true, perMessageDeflate } },
  { name: 'uncompressed', host: 'manager', options: { hasTransport: true } },
  { name: 'ws compresses', host: 'manager', options: { hasTransport: true, perMessageDeflate } },
]
const LOAD = { messagesPerTick: 1, bytes: 48_000, isBook: true }

/** `messages` are those of a round. */
export function cases(/** @type {boolean} */ isQuick) {
  return [{ sockets: 500, ...(isQuick ? { messages: 2, rounds: 3 } : { messages: 10, rounds: 7 }) }]
}

export function measure({ sockets, messages, rounds }) {
  return withSites(CONTENDERS, sockets, async (sites) => {
    const before = await memoryOf(sites)
    await inRounds(sites, 1, (site) => site.blast(LOAD, sockets))
    const blasts = await inRounds(sites, rounds, (site) => site.blast(LOAD, sockets * messages))
    const after = await memoryOf(sites)
    return Object.fromEntries(sites.map(({ name }, i) => [name, { cpuUs: blasts[name].map(({ cpuUs }) => cpuUs), moreBytes: after[i] - before[i] }]))
  })
}

function memoryOf(/** @type {readonly import('../wire/contest.js').Site[]} */ sites) {
  return Promise.all(sites.map((site) => site.memory()))
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { sockets, messages }, outcome }) => {
    const row = (/** @type {string} */ than) => ({
      what: `${sockets.toLocaleString('en')} sockets, ${messages} × 48 kB, ${OURS}`,
      metric: 'CPU per delivery',
      facts: { sockets, contender: OURS, than },
      ...spread(ratios(outcome[OURS].cpuUs, outcome[than].cpuUs)),
      of: than,
      costs: Object.fromEntries([OURS, than].map((name) => [name, spread(outcome[name].cpuUs).value])),
    })
    return [{ ...row('uncompressed'), remark: remark(outcome, sockets * messages) }, row('ws compresses')]
  })
}

/** Returns the CPU of a round, and how much the server's memory grew. */
function remark(/** @type {Record<string, { cpuUs: number[], moreBytes: number }>} */ outcome, /** @type {number} */ deliveries) {
  return Object.entries(outcome).map(([name, { cpuUs, moreBytes }]) => (
    `${name} ${Math.round((spread(cpuUs).value * deliveries) / 1_000).toLocaleString('en')} ms, ${Math.round(moreBytes / 1e6)} MB more memory`
  )).join(' · ')
}
