// Data that arrives as JSON text: passed on as it is, beside parsed and stringified again.
import { book } from '../market.js'
import { libraryModule } from '../library.js'
import { deliverer } from '../measure/local.js'
import { interleaved } from '../measure/rounds.js'
import { ratios, spread } from '../measure/statistics.js'

export const title = 'Data that is serialized already'

const SIZES = [100, 1_000, 10_000]

export function cases(/** @type {boolean} */ isQuick) {
  return SIZES.map((bytes) => ({ bytes, ...(isQuick ? { rounds: 7, roundMs: 10 } : { rounds: 21, roundMs: 30 }) }))
}

export async function measure({ bytes, ...effort }) {
  const { ConnectionManager, rawJson } = await libraryModule('index')
  const text = JSON.stringify(book(bytes))
  const publisher = (name, data) => {
    const socket = new EncodingSocket()
    const manager = new ConnectionManager()
    manager.addConnection('c', socket, 'u').subscribe({ streamType: 'ORDERBOOK', symbol: 'BTCUSDT' })
    return deliverer(name, [socket], (times) => {
      for (let i = 0; i < times; i++) manager.publish({ streamType: 'ORDERBOOK', symbol: 'BTCUSDT', data: data() })
    })
  }
  return interleaved([publisher('rawJson', () => rawJson(text)), publisher('parsed', () => JSON.parse(text))], effort)
}

/** One that does what every transport has to: it encodes the text as UTF-8. */
class EncodingSocket {
  received = 0
  #bytes = Buffer.alloc(65_536)

  send(text) {
    if (this.#bytes.write(text) > 0) this.received = (this.received + 1) & 0xfffffff
  }

  close() {}
}

export function rows(outcomes) {
  return outcomes.map(({ facts: { bytes }, outcome: { rawJson, parsed } }) => ({
    what: `${bytes / 1_000} kB`,
    metric: 'times as fast as parsing',
    facts: { bytes },
    ...spread(ratios(parsed, rawJson)),
    costs: { rawJson: spread(rawJson).value, 'parse and publish': spread(parsed).value },
  }))
}
