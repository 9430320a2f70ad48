// The message that most parts publish, and what a server without any library makes of it.

export const STREAM_TYPE = 'PRICE'
export const SYMBOL = 'BTCUSDT'

const DATA = { bid: 64_000.1, ask: 64_000.2, last: 64_000.1, volume: 1_234.5678, venue: 'XCHG', n: 123 }

/** Returns a message as a server writes it. (To spread a constant into it costs about as much as the publish.) */
export function message(symbol = SYMBOL) {
  return { streamType: STREAM_TYPE, symbol, data: DATA }
}

export const TRADES = { streamType: 'TRADES', symbol: SYMBOL }

/** Returns the same as a trade. Every trade counts, so a recovery keeps more than the last one. */
export function trade() {
  return { streamType: 'TRADES', symbol: SYMBOL, data: DATA }
}

/** Returns the envelope of a trade as an object, its timestamp included. */
export function tradeEnvelope(data = DATA) {
  return { stream_type: TRADES.streamType, symbol: SYMBOL, data, timestamp: new Date().toISOString(), user_id: null }
}

/** Stringifies the envelope of the same message, its timestamp included: 190 B. */
export function stringified() {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ stream_type: STREAM_TYPE, symbol: SYMBOL, data: DATA, timestamp, user_id: null })
}

/** A text that is at hand already, for what measures delivery alone. */
export const TEXT = stringified()

const SYMBOLS = Array.from({ length: 1_000 }, (_, i) => `SYM${i}`)

/** Returns the `i`-th stream of the `n`-th connection: each has others, and every stream about as many. */
export function symbolOf(/** @type {number} */ n, /** @type {number} */ i) {
  return SYMBOLS[(n * 31 + i * 97) % SYMBOLS.length]
}

/** How many streams there are for `symbolOf`. */
export const SYMBOL_COUNT = SYMBOLS.length

/** Returns an order book as an exchange sends it, of about so many bytes of JSON. */
export function book(/** @type {number} */ bytes) {
  const count = Math.max(1, Math.round((bytes - 60) / 24))
  const levels = Array.from({ length: count }, (_, i) => [(64_000 - i / 100).toFixed(2), (1 + i / 1_000).toFixed(6)])
  return { e: 'depth', E: 1_769_860_800_000, s: SYMBOL, b: levels }
}
