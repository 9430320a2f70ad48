// A whole publish that a recovery numbers and keeps, beside the same publish without one.
import { population } from '../contenders/population.js'
import { libraryModule } from '../library.js'
import { trade, TRADES } from '../market.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Publish of 190 B with a recovery'

const SIZES = [1, 100, 1_000]
const PLAIN = 'plain'

/** Name → how many messages of a channel are kept. */
const HISTORIES = { 'numbers alone': 0, 'numbers and the last 256': 256 }

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 9, roundMs: 5 } : { populations: 4, rounds: 11, roundMs: 20 }
  return SIZES.map((subscribers) => ({ subscribers, ...effort }))
}

export async function measure({ subscribers, ...effort }) {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  return overPopulations(effort, () => {
    const newcomers = population({ connections: subscribers })
    const publisher = (/** @type {string} */ name, /** @type {object} */ options) => published(name, new ConnectionManager(options), newcomers)
    return [
      publisher(PLAIN, {}),
      ...Object.entries(HISTORIES).map(([name, count]) => publisher(name, { recorder: createRecovery({ history: { count } }) })),
    ]
  })
}

function published(name, manager, newcomers) {
  for (const { id, userId, socket } of newcomers) manager.addConnection(id, socket, userId).subscribe(TRADES)
  const sockets = newcomers.map(({ socket }) => socket)
  return deliverer(name, sockets, (times) => { for (let i = 0; i < times; i++) manager.publish(trade()) })
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { subscribers }, outcome }) => Object.entries(HISTORIES).map(([name, kept]) => ({
    what: `to ${subscribers.toLocaleString('en')}, ${name}`,
    metric: 'recorded publish',
    facts: { subscribers, kept },
    ...spread(ratios(outcome[name], outcome[PLAIN])),
    of: 'the same without a recovery',
    costs: { recorded: spread(outcome[name]).value, plain: spread(outcome[PLAIN]).value },
  })))
}
