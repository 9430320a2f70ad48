// An order book as bytes that the host makes itself, beside the same book as JSON.
import { SYMBOL } from '../market.js'
import { libraryModule } from '../library.js'
import { deliverer } from '../measure/local.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'An order book as bytes'

const LEVELS = 40
const HEAD_BYTES = 12
const LEVEL_BYTES = 16

export function cases(/** @type {boolean} */ isQuick) {
  return [{ levels: LEVELS, ...(isQuick ? { rounds: 7, roundMs: 10 } : { rounds: 21, roundMs: 30 }) }]
}

export async function measure({ levels, ...effort }) {
  const { ConnectionManager } = await libraryModule('index')
  const data = levelsOf(levels)
  const publisher = (name, options) => {
    const socket = new CopyingSocket()
    const manager = new ConnectionManager(options)
    manager.addConnection('c', socket, 'u').subscribe({ streamType: 'ORDERBOOK', symbol: SYMBOL })
    return deliverer(name, [socket], (times) => {
      for (let i = 0; i < times; i++) manager.publish({ streamType: 'ORDERBOOK', symbol: SYMBOL, data })
    })
  }
  return interleaved([publisher('bytes', { serialize: bytesOf }), publisher('JSON', {})], effort)
}

/** Returns the levels as a market data handler has them: numbers. */
function levelsOf(/** @type {number} */ count) {
  return Array.from({ length: count }, (_, i) => ({ price: (6_400_000 - i) / 100, size: (1_000_000 + i) / 1_000_000 }))
}

/** As for SBE: a head with the time and the number of levels, then two doubles for each. A new array each time, as a message has to have. */
function bytesOf({ data, timestamp }) {
  const bytes = new Uint8Array(HEAD_BYTES + data.length * LEVEL_BYTES)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, timestamp.getTime(), true)
  view.setUint32(8, data.length, true)
  let at = HEAD_BYTES
  for (const { price, size } of data) {
    view.setFloat64(at, price, true)
    view.setFloat64(at + 8, size, true)
    at += LEVEL_BYTES
  }
  return bytes
}

/** One that does what every transport has to: it encodes a text as UTF-8, and copies bytes behind a header. */
class CopyingSocket {
  received = 0
  #bytes = Buffer.alloc(65_536)

  send(message) {
    if (typeof message === 'string') this.#bytes.write(message)
    else this.#bytes.set(message)
    this.received = (this.received + 1) & 0xfffffff
  }

  close() {}
}

export function rows(outcomes) {
  return outcomes.map(({ facts: { levels }, outcome: { bytes, JSON: json } }) => ({
    what: `${levels} levels`,
    metric: 'times as fast as JSON',
    facts: { levels },
    ...spread(ratios(json, bytes)),
    costs: { bytes: spread(bytes).value, JSON: spread(json).value },
  }))
}
