/** @import { MarketStreamType } from '../../market-feed/feed.js' */
/** @import { Level, Side } from '../streams.js' */
/** @import { MarketEvent } from './instrument.js' */

/** @typedef {Record<string, any>} Payload as an exchange sent it */

/** @typedef {[matches: (payload: Payload) => boolean, read: (payload: Payload) => MarketEvent[]]} Reader */

/** How each exchange says each thing. The last three are nobody's: the shortest form that says it. */
const READERS = /** @type {Record<MarketStreamType, readonly Reader[]>} */ ({
  PRICE: [
    [({ type }) => type === 'ticker', ({ best_bid, best_ask }) => quote(best_bid, best_ask)],
    [({ e }) => e === 'bookTicker', ({ b, a, B, A }) => quote(b, a, B, A)],
    [({ bid, ask }) => bid !== undefined && ask !== undefined, ({ bid, ask }) => quote(bid, ask)],
  ],
  TRADES: [
    // Both name the side of the order that was there first; a trade is named after the one that came.
    [({ type }) => type === 'match' || type === 'last_match', ({ side, price, size }) => trade(side === 'sell', price, size)],
    [({ e }) => e === 'aggTrade' || e === 'trade', ({ m, p, q }) => trade(!m, p, q)],
    [({ price }) => price !== undefined, ({ side, price, quantity }) => trade(side === 'buy', price, quantity)],
  ],
  ORDERBOOK: [
    [({ type }) => type === 'snapshot', ({ bids, asks }) => levels('book', bids, asks)],
    [({ type }) => type === 'l2update', ({ changes }) => levels('levels', changesOf(changes, 'buy'), changesOf(changes, 'sell'))],
    [({ e }) => e === 'depthUpdate', ({ b, a }) => levels('levels', b, a)],
    [({ bids, asks }) => Array.isArray(bids) && Array.isArray(asks), ({ bids, asks }) => levels('book', bids, asks)],
  ],
})

/**
 * What a payload tells of, or nothing where its form is not known.
 *
 * @param {MarketStreamType} streamType
 * @param {unknown} data
 * @returns {MarketEvent[]}
 */
export function readPayload(streamType, data) {
  if (typeof data !== 'object' || data === null) return []
  const reader = READERS[streamType].find(([matches]) => matches(data))
  return reader?.[1](data) ?? []
}

/**
 * @param {unknown} bid
 * @param {unknown} ask
 * @param {unknown} [bidSize]
 * @param {unknown} [askSize]
 * @returns {MarketEvent[]}
 */
function quote(bid, ask, bidSize, askSize) {
  if (!isAmount(bid) || !isAmount(ask)) return []
  return [{ type: 'quote', bid: Number(bid), ask: Number(ask), bidSize: sizeOf(bidSize), askSize: sizeOf(askSize) }]
}

/**
 * @param {boolean} isBuy
 * @param {unknown} price
 * @param {unknown} quantity
 * @returns {MarketEvent[]}
 */
function trade(isBuy, price, quantity) {
  if (!isAmount(price) || !isAmount(quantity)) return []
  /** @type {Side} */
  const side = isBuy ? 'buy' : 'sell'
  return [{ type: 'trade', side, price: Number(price), quantity: Number(quantity) }]
}

/**
 * @param {'book' | 'levels'} type
 * @param {unknown} bids
 * @param {unknown} asks
 * @returns {MarketEvent[]}
 */
function levels(type, bids, asks) {
  return [{ type, bids: levelsOf(bids), asks: levelsOf(asks) }]
}

/**
 * @param {unknown} pairs
 * @returns {Level[]}
 */
function levelsOf(pairs) {
  if (!Array.isArray(pairs)) return []
  return pairs.filter((pair) => Array.isArray(pair) && isAmount(pair[0]) && isAmount(pair[1])).map(([price, quantity]) => {
    return /** @type {Level} */ ([Number(price), Number(quantity)])
  })
}

/**
 * @param {unknown} changes
 * @param {Side} side
 */
function changesOf(changes, side) {
  if (!Array.isArray(changes)) return []
  return changes.filter((change) => change?.[0] === side).map(([, price, quantity]) => [price, quantity])
}

/** @param {unknown} value */
function sizeOf(value) {
  return isAmount(value) ? Number(value) : undefined
}

/** @param {unknown} value exchanges write amounts as texts, so that no digit is lost */
function isAmount(value) {
  return (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) && Number(value) >= 0
}
