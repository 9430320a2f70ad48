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

/** Bytes of JSON → the levels of a book of that size. */
const books = new Map()

/** Returns the data of the next order book, whose envelope has about so many bytes. Its quantities compress as those of an exchange do. */
export function nextBook(/** @type {number} */ bytes, dueAtUs = nowUs()) {
  if (!books.has(bytes)) books.set(bytes, levelsOf(bytes))
  return { venue: 'exchange', n: n++, dueAtUs, levels: books.get(bytes) }
}

function levelsOf(/** @type {number} */ bytes) {
  const LEVEL_BYTES = '["64000.12","1.234567"],'.length
  let state = 1
  return Array.from({ length: Math.max(1, Math.round((bytes - 200) / LEVEL_BYTES)) }, (_, i) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return [(64_000 - i / 100).toFixed(2), (1 + state / 2 ** 32).toFixed(6)]
  })
}

/** Returns the envelope that the library sends, as an object. */
export function envelopeOf(/** @type {object} */ data) {
  return { stream_type: STREAM_TYPE, symbol: SYMBOL, data, timestamp: new Date().toISOString(), user_id: null }
}
