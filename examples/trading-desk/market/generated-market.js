import { Dice } from '../../market-feed/dice.js'

/** @import { Level, Side } from '../streams.js' */
/** @import { InstrumentDefinition, MarketEvent } from './instrument.js' */
/** @import { MarketSource, TimedEvent } from './market.js' */

/**
 * @typedef {InstrumentDefinition & Walking} Kind
 *
 * @typedef {object} Walking
 * @property {number} price that the market begins with
 * @property {number} tick the least that a price moves by
 * @property {number} share of all that happens, compared with the others
 */

/** @type {readonly Kind[]} */
const KINDS = [
  { symbol: 'BTCUSDT', price: 84_120.5, tick: 0.5, decimals: 1, quantityDecimals: 4, share: 3 },
  { symbol: 'ETHUSDT', price: 2_710.25, tick: 0.05, decimals: 2, quantityDecimals: 3, share: 2.5 },
  { symbol: 'SOLUSDT', price: 118.4, tick: 0.01, decimals: 2, quantityDecimals: 2, share: 2 },
  { symbol: 'BNBUSDT', price: 861.7, tick: 0.05, decimals: 2, quantityDecimals: 2, share: 1 },
  { symbol: 'XRPUSDT', price: 1.742, tick: 0.0001, decimals: 4, quantityDecimals: 0, share: 1.5 },
  { symbol: 'ADAUSDT', price: 0.325, tick: 0.0001, decimals: 4, quantityDecimals: 0, share: 1 },
  { symbol: 'DOGEUSDT', price: 0.1153, tick: 0.00001, decimals: 5, quantityDecimals: 0, share: 1 },
  { symbol: 'AVAXUSDT', price: 10.87, tick: 0.001, decimals: 3, quantityDecimals: 1, share: 1 },
]

const MEAN_GAP_MS = 12
/** How often what happens is a trade; else the book moves. */
const TRADES_SHARE = 0.45
/** How often an order is so large that it takes several others with it. */
const SWEEPS_SHARE = 0.07
const MOST_IN_A_SWEEP = 14
const LEVELS = 8
/** How far the price moves in one step, to either side, as a share of it. */
const VOLATILITY = 0.00005
/** How much of a trend is left after one step. */
const PERSISTENCE = 0.995
/** What is worth a trade of the usual size. */
const USUAL_WORTH = 4_000

/**
 * A market that the seed makes, without an end.
 *
 * @param {number} seed
 * @returns {MarketSource}
 */
export function generatedMarket(seed) {
  const instruments = KINDS.map(({ symbol, decimals, quantityDecimals }) => ({ symbol, decimals, quantityDecimals }))
  return { instruments, events: generate(new Dice(seed, 'desk')) }
}

/**
 * @param {Dice} dice
 * @returns {Generator<TimedEvent, never>}
 */
function* generate(dice) {
  const walks = KINDS.map((kind) => new Walk(kind, dice))
  // Each as often as its share says.
  const turns = walks.flatMap((walk, index) => Array(KINDS[index].share * 2).fill(walk))
  for (const walk of walks) yield { atMs: 0, symbol: walk.symbol, event: walk.book() }
  for (let atMs = 0; ; atMs -= Math.log(1 - dice.next()) * MEAN_GAP_MS) {
    const walk = dice.pick(turns)
    for (const event of walk.step()) yield { atMs, symbol: walk.symbol, event }
  }
}

/** The price of one symbol, which walks at random, with a trend that comes and goes. */
class Walk {
  symbol
  #kind
  #dice
  #price
  #trend = 0
  /** What is offered at the levels of the book, by their number of ticks. */
  #sizes = new Map()

  /**
   * @param {Kind} kind
   * @param {Dice} dice
   */
  constructor(kind, dice) {
    this.symbol = kind.symbol
    this.#kind = kind
    this.#price = kind.price
    this.#dice = dice
  }

  /**
   * What happens next.
   *
   * @returns {MarketEvent[]}
   */
  step() {
    if (this.#dice.next() >= TRADES_SHARE) {
      this.#move()
      return [this.book()]
    }
    const side = this.#dice.pick(/** @type {const} */ (['buy', 'sell']))
    const isSweep = this.#dice.next() < SWEEPS_SHARE
    return isSweep ? this.#sweep(side) : [this.#trade(side, 0)]
  }

  /** @returns {MarketEvent} */
  book() {
    const sizes = new Map()
    const bids = this.#side(-1, sizes)
    const asks = this.#side(1, sizes)
    this.#sizes = sizes
    return { type: 'book', bids, asks }
  }

  #move() {
    // The sum of a few throws is as good as a bell.
    const step = this.#dice.next() + this.#dice.next() + this.#dice.next() - 1.5
    this.#trend = this.#trend * PERSISTENCE + step * 0.02
    // What has gone far from where it began comes back in time.
    const homesick = Math.log(this.#kind.price / this.#price) * 2
    this.#price *= Math.exp((step * 2 + this.#trend + homesick) * VOLATILITY)
  }

  /**
   * Trades through several levels, and the book that is left.
   *
   * @param {Side} side
   * @returns {MarketEvent[]}
   */
  #sweep(side) {
    const count = 4 + this.#dice.below(MOST_IN_A_SWEEP - 3)
    const trades = Array.from({ length: count }, (_, index) => this.#trade(side, Math.floor(index / 3)))
    this.#price = trades[count - 1].price
    return [...trades, this.book()]
  }

  /**
   * @param {Side} side
   * @param {number} depth how many levels into the book
   */
  #trade(side, depth) {
    const [price] = this.#level(side === 'buy' ? 1 : -1, depth, this.#sizes)
    return { type: /** @type {const} */ ('trade'), side, price, quantity: this.#quantity(1) }
  }

  /**
   * @param {1 | -1} direction
   * @param {Map<number, number>} sizes takes what is offered
   */
  #side(direction, sizes) {
    return Array.from({ length: LEVELS }, (_, depth) => this.#level(direction, depth, sizes))
  }

  /**
   * @param {1 | -1} direction up to the asks, or down to the bids
   * @param {number} depth
   * @param {Map<number, number>} sizes
   * @returns {Level}
   */
  #level(direction, depth, sizes) {
    const { tick, decimals } = this.#kind
    const best = direction === 1 ? Math.floor(this.#price / tick) + 1 : Math.ceil(this.#price / tick) - 1
    const ticks = best + direction * depth
    // Most of what is offered stays as it is from one book to the next.
    const isKept = this.#sizes.has(ticks) && this.#dice.next() > 0.1
    const size = isKept ? this.#sizes.get(ticks) : this.#quantity(2 + depth)
    sizes.set(ticks, size)
    return [Number((ticks * tick).toFixed(decimals)), size]
  }

  /** @param {number} factor */
  #quantity(factor) {
    const worth = USUAL_WORTH * factor * (0.2 + -Math.log(1 - this.#dice.next()))
    const { price, quantityDecimals } = this.#kind
    return Math.max(Number((worth / price).toFixed(quantityDecimals)), 10 ** -quantityDecimals)
  }
}
