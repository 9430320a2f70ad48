import { STREAM_TYPE, SYMBOL } from '../market.js'
import { nowUs } from './clock.js'

const LEVEL = '64000.12'
let n = 100_000_000

/** Returns the data of the next message, whose envelope has about so many bytes. It says since when it is due. */
export function nextData(/** @type {number} */ bytes, dueAtUs = nowUs()) {
  const levels = Math.max(0, Math.round((bytes - 200) / (LEVEL.length + 3)))
  const data = { bid: 64_000.1, ask: 64_000.2, venue: 'exchange', n: n++, dueAtUs }
  return levels === 0 ? data : { ...data, levels: Array.from({ length: levels }, () => LEVEL) }
}

/** Returns the envelope that the library sends, as an object. */
export function envelopeOf(/** @type {object} */ data) {
  return { stream_type: STREAM_TYPE, symbol: SYMBOL, data, timestamp: new Date().toISOString(), user_id: null }
}
