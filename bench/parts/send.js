// A message to one connection, beside what a server cannot do without: to stringify it, and to send it.
import { LIMIT_BYTES } from '../contenders/bare-loop.js'
import { population } from '../contenders/population.js'
import { libraryModule } from '../library.js'
import { message, stringified } from '../market.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'A message of 190 B to one connection'

const CONNECTIONS = 1_000
const BARE = 'stringify + send'
const WAYS = ['connection.send', 'manager.sendToConnection']

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 7, roundMs: 5 } : { populations: 4, rounds: 11, roundMs: 20 }
  return (isQuick ? [true] : [false, true]).map((isMetered) => ({ isMetered, connections: CONNECTIONS, ...effort }))
}

/** One time is a message to each connection, one after the other: a server does not talk to the same one all the time. */
export async function measure({ isMetered, connections, ...effort }) {
  const { ConnectionManager } = await libraryModule('index')
  return overPopulations(effort, () => {
    const newcomers = population({ connections, isMetered })
    const manager = new ConnectionManager()
    const members = newcomers.map(({ id, userId, socket }) => manager.addConnection(id, socket, userId))
    const toEach = (/** @type {string} */ name, /** @type {(n: number) => void} */ act) => deliverer(name, newcomers.map(({ socket }) => socket), (times) => {
      for (let i = 0; i < times; i++) for (let n = 0; n < connections; n++) act(n)
    })
    return [
      toEach(BARE, isMetered ? metered(newcomers) : (n) => newcomers[n].socket.send(stringified())),
      toEach('connection.send', (n) => { members[n].send(stringified()) }),
      toEach('manager.sendToConnection', (n) => { manager.sendToConnection(newcomers[n].id, message()) }),
    ]
  })
}

/** Reads each socket's pressure, as whoever sends to real ones must. */
function metered(newcomers) {
  return (/** @type {number} */ n) => {
    const { socket } = newcomers[n]
    if (socket.bufferedAmount <= LIMIT_BYTES) socket.send(stringified())
  }
}

export function rows(outcomes) {
  return outcomes.flatMap(({ facts: { isMetered, connections }, outcome }) => WAYS.map((way) => ({
    what: `${way}${isMetered ? ', bufferedAmount' : ''}`,
    metric: 'a message to one',
    facts: { way, isMetered },
    ...spread(ratios(outcome[way], outcome[BARE])),
    of: BARE,
    costs: Object.fromEntries([way, BARE].map((name) => [name, spread(outcome[name]).value / connections])),
  })))
}
