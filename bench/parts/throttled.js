// A price that changes a thousand times a second, for people who see ten of the changes: through a throttle, and published change by change.
import { population } from '../contenders/population.js'
import { libraryModule } from '../library.js'
import { message, STREAM_TYPE, SYMBOL } from '../market.js'
import { deliverer } from '../measure/local.js'
import { overPopulations } from '../measure/populations.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'A price that changes 1,000 times a second, through a throttle'

const SIZES = [1, 100, 1_000]
const CHANGE_EVERY_MS = 1
const INTERVAL_MS = 100
const CHANGES = INTERVAL_MS / CHANGE_EVERY_MS

export function cases(/** @type {boolean} */ isQuick) {
  const effort = isQuick ? { populations: 1, rounds: 7, roundMs: 8 } : { populations: 4, rounds: 11, roundMs: 20 }
  return (isQuick ? [100] : SIZES).map((subscribers) => ({ subscribers, ...effort }))
}

export async function measure({ subscribers, ...effort }) {
  const { ConnectionManager } = await libraryModule('index')
  const { throttled } = await libraryModule('throttle')
  return overPopulations(effort, () => {
    const newcomers = population({ connections: subscribers })
    const sockets = newcomers.map(({ socket }) => socket)
    const managed = () => {
      const manager = new ConnectionManager()
      for (const { id, userId, socket } of newcomers) manager.addConnection(id, socket, userId).subscribe({ streamType: STREAM_TYPE, symbol: SYMBOL })
      return manager
    }
    const plain = managed()
    const slow = managed()
    const clock = new MarketClock()
    const publish = throttled((change) => slow.publish(change), { intervalsMs: { [STREAM_TYPE]: INTERVAL_MS }, clock })
    // The first change of all is published at once. After it, each interval ends with one.
    publish(message())
    // One time is an interval, and all changes in it.
    return [
      deliverer('every change', sockets, (times) => { for (let i = 0; i < times * CHANGES; i++) plain.publish(message()) }, CHANGES),
      deliverer('throttled', sockets, (times) => {
        for (let i = 0; i < times * CHANGES; i++) {
          publish(message())
          clock.advance(CHANGE_EVERY_MS)
        }
      }),
    ]
  })
}

/**
 * A clock that goes on by as much as the market does from one change to the next, so that a second of changes takes no second. Reading it costs as
 * much as reading the runtime's own.
 */
class MarketClock {
  #ms = 0
  /** The throttle has one timer. @type {{ dueMs: number, ring: () => void } | undefined} */
  #timer

  now() {
    return Date.now()
  }

  monotonic() {
    return this.#ms + Math.min(performance.now(), 0)
  }

  setTimeout(/** @type {() => void} */ ring, /** @type {number} */ ms) {
    const timer = { dueMs: this.#ms + ms, ring }
    this.#timer = timer
    return () => { if (this.#timer === timer) this.#timer = undefined }
  }

  advance(/** @type {number} */ ms) {
    this.#ms += ms
    const timer = this.#timer
    if (timer === undefined || timer.dueMs > this.#ms) return
    this.#timer = undefined
    timer.ring()
  }
}

export function rows(outcomes) {
  return outcomes.map(({ facts: { subscribers }, outcome: { throttled: slow, 'every change': plain } }) => ({
    what: `to ${subscribers.toLocaleString('en')}, one of ${CHANGES} changes`,
    metric: 'throttled publish',
    facts: { subscribers },
    ...spread(ratios(slow, plain)),
    of: 'a publish of each change',
    costs: { 'a throttled change': spread(slow).value / CHANGES, 'a published change': spread(plain).value / CHANGES },
  }))
}
