import { Dice } from './dice.js'

/** @import { MarketMessage, MarketStreamType } from './feed.js' */

const MESSAGES = 5_000
/** At speed 1 the market is over after about seven seconds. */
const MEAN_GAP_MS = 1.4
const OPENS_AT_MS = Date.UTC(2026, 0, 31, 12)
const BOOK_LEVELS = 5

/** A price that each market of a symbol starts from. */
const OPENING_PRICES = /** @type {const} */ ([
  ['BTCUSDT', 84_120.5], ['ETHUSDT', 2_710.25], ['SOLUSDT', 118.4], ['BNBUSDT', 861.7],
  ['XRPUSDT', 1.742], ['ADAUSDT', 0.325], ['DOGEUSDT', 0.1153], ['AVAXUSDT', 10.87],
])

/** How often each kind of message comes, out of ten. */
const MIX = /** @type {readonly MarketStreamType[]} */ ([
  'PRICE', 'PRICE', 'PRICE', 'PRICE', 'TRADES', 'TRADES', 'ORDERBOOK', 'ORDERBOOK', 'ORDERBOOK', 'ORDERBOOK',
])

/**
 * A market that the seed makes: the same messages at the same moments, wherever it is generated.
 *
 * @param {number} seed
 * @returns {MarketMessage[]}
 */
export function generateMarket(seed) {
  const dice = new Dice(seed, 'market')
  const instruments = OPENING_PRICES.map(([symbol, price]) => new Instrument(symbol, price, dice))
  let elapsedMs = 0
  return Array.from({ length: MESSAGES }, () => {
    elapsedMs -= Math.log(1 - dice.next()) * MEAN_GAP_MS
    return dice.pick(instruments).message(dice.pick(MIX), Math.round(OPENS_AT_MS + elapsedMs))
  })
}

/** One symbol whose price walks at random. */
class Instrument {
  #symbol
  #price
  #tick
  #dice
  #sequence = 0

  /**
   * @param {string} symbol
   * @param {number} price
   * @param {Dice} dice
   */
  constructor(symbol, price, dice) {
    this.#symbol = symbol
    this.#price = price
    this.#tick = price / 10_000
    this.#dice = dice
  }

  /**
   * @param {MarketStreamType} streamType
   * @param {number} timestampMs
   * @returns {MarketMessage}
   */
  message(streamType, timestampMs) {
    this.#price = Math.max(this.#tick, this.#price + (this.#dice.next() - 0.5) * this.#tick * 4)
    this.#sequence++
    return { streamType, symbol: this.#symbol, data: this.#payload(streamType), timestampMs }
  }

  /** @param {MarketStreamType} streamType */
  #payload(streamType) {
    switch (streamType) {
      case 'PRICE': return this.#quote()
      case 'TRADES': return this.#trade()
      case 'ORDERBOOK': return this.#book()
    }
  }

  #quote() {
    return { bid: this.#level(-1), ask: this.#level(1), last: this.#level(0), volume: this.#quantity() }
  }

  #trade() {
    const side = this.#dice.pick(['buy', 'sell'])
    return { id: this.#sequence, side, price: this.#level(0), quantity: this.#quantity() }
  }

  #book() {
    const depth = Array.from({ length: BOOK_LEVELS }, (_, level) => level + 1)
    return {
      sequence: this.#sequence,
      bids: depth.map((level) => [this.#level(-level), this.#quantity()]),
      asks: depth.map((level) => [this.#level(level), this.#quantity()]),
    }
  }

  /** @param {number} ticks from the current price */
  #level(ticks) {
    return (this.#price + ticks * this.#tick).toPrecision(7)
  }

  #quantity() {
    return (this.#dice.next() * 10).toFixed(3)
  }
}
