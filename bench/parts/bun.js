// Bun's own server, whose native publish is the limit there.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compared, LOADS, QUICK_LOADS, wireRemarks, wireRow } from '../wire/comparison.js'

export const title = 'Bun'

const WAYS = ['native publish', 'send loop', 'no hook', 'bunTransport']
const PLACES = ['../node_modules/bun/bin/bun.exe', '../../test/node_modules/bun/bin/bun.exe']

/** Returns Bun's program where its npm package is installed, here or with the tests on other runtimes. */
export function installedBun() {
  return PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path))
}

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick
    ? { rounds: 3, deliveries: 30_000, latencyRounds: 1, ticks: 3 }
    : { rounds: 7, deliveries: 120_000, latencyRounds: 3, ticks: 8 }
  return [{ sockets: isQuick ? 200 : 500, loads: isQuick ? QUICK_LOADS : LOADS, ...effort }]
}

export function measure(facts) {
  const program = installedBun()
  if (program === undefined) return facts.loads.map(() => null)
  return compared(WAYS.map((way) => ({ name: way, host: 'bun', options: { way }, program })), facts)
}

export function rows(outcomes) {
  const each = outcomes.flatMap(({ facts: { sockets, loads }, outcome }) => loads.map((load, i) => ({ ...load, sockets, outcome: outcome[i] })))
  return each.flatMap(({ sockets, bytes, messagesPerTick, outcome }) => {
    const what = `${sockets} sockets, ${bytes} B, ${messagesPerTick} a tick`
    const facts = { sockets, bytes, messagesPerTick }
    const contender = 'bunTransport'
    if (outcome === null) {
      const remark = 'the npm package "bun" is not installed, neither here nor in test'
      return [{ what: `${what}, ${contender}`, metric: 'CPU per delivery', facts: { ...facts, contender }, of: 'native publish', costs: {}, remark }]
    }
    return [
      { ...wireRow(outcome, what, { contender, than: 'native publish' }, 'cpuUs', facts), remark: wireRemarks(outcome) },
      wireRow(outcome, what, { contender: 'no hook', than: 'native publish' }, 'cpuUs', facts),
      wireRow(outcome, what, { contender: 'send loop', than: 'native publish' }, 'cpuUs', facts),
    ]
  })
}
