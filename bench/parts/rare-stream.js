// Ten subscribers among many: a publish must cost what its audience does, and nothing for everybody else.
import { CrosswsHub } from '../contenders/crossws.js'
import { ManagerHub } from '../contenders/manager.js'
import { population } from '../contenders/population.js'
import { SYMBOL, symbolOf, TEXT } from '../market.js'
import { deliverer } from '../measure/local.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'A rare stream: 10 subscribers among many connections'

const SUBSCRIBERS = 10
const SIZES = [1_000, 10_000, 100_000]
const HUBS = { ours: () => new ManagerHub(), crossws: () => new CrosswsHub() }

export function cases(/** @type {boolean} */ isQuick) {
  return [isQuick ? { rounds: 7, roundMs: 8 } : { rounds: 15, roundMs: 20 }]
}

/** All sizes in one process, in turns, so that they can be compared with each other. */
export async function measure(effort) {
  const contenders = SIZES.flatMap((connections) => Object.entries(HUBS).map(([name, makeHub]) => {
    const newcomers = population({ connections })
    const hub = makeHub()
    const members = newcomers.map((newcomer) => hub.join(newcomer))
    for (const [i, member] of members.entries()) hub.subscribe(member, [i < SUBSCRIBERS ? SYMBOL : symbolOf(i, 0)])
    const sockets = newcomers.slice(0, SUBSCRIBERS).map(({ socket }) => socket)
    return deliverer(`${name} ${connections}`, sockets, (times) => { for (let i = 0; i < times; i++) hub.publish(SYMBOL, TEXT) })
  }))
  return interleaved(contenders, effort)
}

export function rows([{ outcome }]) {
  return SIZES.flatMap((connections) => {
    const ours = outcome[`ours ${connections}`]
    const crossws = outcome[`crossws ${connections}`]
    const costs = { ours: spread(ours).value, crossws: spread(crossws).value }
    const what = `10 among ${connections.toLocaleString('en')}`
    return [
      ...(connections === SIZES[0] ? [] : [
        { what, metric: 'growth', facts: { connections }, ...spread(ratios(ours, outcome[`ours ${SIZES[0]}`])), of: '10 among 1,000', costs },
      ]),
      { what, metric: 'times as fast as crossws', facts: { connections }, ...spread(ratios(crossws, ours)), costs },
    ]
  })
}
