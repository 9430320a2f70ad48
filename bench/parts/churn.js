// One connection leaves, comes again and subscribes to k streams, while all others stay: at a thousand connections and at a million.
import { Churner, inTurns } from '../contenders/churner.js'
import { ManagerHub } from '../contenders/manager.js'
import { population } from '../contenders/population.js'
import { SocketIoAdapterHub, SocketIoAtOnceHub } from '../contenders/socket-io-adapter.js'
import { symbolOf } from '../market.js'
import { cpuSince } from '../measure/cpu.js'
import { withRemotes } from '../measure/remote.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Churn: leave, join and k subscriptions'

const HUBS = {
  ours: () => new ManagerHub(),
  'socket.io-adapter': () => new SocketIoAdapterHub(),
  'socket.io-adapter, all rooms at once': () => new SocketIoAtOnceHub(),
}
const FULL = { 1: [1_000, 10_000, 100_000, 1_000_000], 10: [1_000, 10_000, 100_000, 1_000_000], 100: [1_000, 10_000, 100_000] }
const QUICK = { 1: [1_000, 10_000, 100_000], 10: [1_000, 10_000] }

/** So many and the engine has compiled everything for good. */
const WARM_UP_SUBSCRIPTIONS = 20_000

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { rounds: 5, roundMs: 15 } : { rounds: 9, roundMs: 80 }
  const hubs = Object.keys(HUBS).slice(0, isQuick ? 2 : undefined)
  return Object.entries(isQuick ? QUICK : FULL).map(([k, sizes]) => ({ k: Number(k), sizes, hubs, ...effort }))
}

/** Each in a process of its own: nobody pays for the collection of another's garbage. */
export function measure({ k, sizes, hubs, ...effort }) {
  const descriptions = sizes.flatMap((connections) => hubs.map((hub) => (
    { part: 'churn', name: `${hub} ${connections}`, facts: { hub, connections, k } }
  )))
  return withRemotes(descriptions, (contenders) => interleaved(contenders, effort))
}

export async function contender({ hub, connections, k }) {
  const symbolsOf = (n) => Array.from({ length: k }, (_, i) => symbolOf(n, i))
  const churner = new Churner(HUBS[hub](), population({ connections }), symbolsOf)
  await inTurns(Math.round(WARM_UP_SUBSCRIPTIONS / k), () => churner.churn())
  churner.verify(hub, symbolOf(0, 0))
  return {
    async time(times) {
      const before = process.cpuUsage()
      await inTurns(times, () => churner.churn())
      const microseconds = cpuSince(before)
      churner.verify(hub, symbolOf(0, 0))
      return microseconds
    },
  }
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { k, sizes, hubs }, outcome }) => sizes.flatMap((connections) => {
    const ours = outcome[`ours ${connections}`]
    const theirs = outcome[`socket.io-adapter ${connections}`]
    const what = `k = ${k} at ${connections.toLocaleString('en')}`
    const costs = Object.fromEntries(hubs.map((hub) => [hub, spread(outcome[`${hub} ${connections}`]).value]))
    return [
      { what, metric: 'times as fast as socket.io-adapter', facts: { connections, k }, ...spread(ratios(theirs, ours)), costs },
      ...(connections === sizes[0] || connections !== sizes.at(-1) ? [] : [
        { what, metric: 'growth', facts: { connections, k }, ...spread(ratios(ours, outcome[`ours ${sizes[0]}`])), of: '1,000 connections', costs },
      ]),
    ]
  }))
}
