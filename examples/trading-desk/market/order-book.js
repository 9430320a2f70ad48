/** @import { Level } from '../streams.js' */

/** The bids and asks of one symbol, as far as they are known. */
export class OrderBook {
  #bids = new BookSide((one, other) => other - one)
  #asks = new BookSide((one, other) => one - other)

  /**
   * Takes a whole book in the place of what was known.
   *
   * @param {readonly Level[]} bids
   * @param {readonly Level[]} asks
   */
  replace(bids, asks) {
    this.#bids.clear()
    this.#asks.clear()
    this.change(bids, asks)
  }

  /**
   * Takes changes of single levels; a quantity of 0 takes one away.
   *
   * @param {readonly Level[]} bids
   * @param {readonly Level[]} asks
   */
  change(bids, asks) {
    for (const level of bids) this.#set(this.#bids, this.#asks, level)
    for (const level of asks) this.#set(this.#asks, this.#bids, level)
  }

  /**
   * The best levels of both sides, best first.
   *
   * @param {number} depth
   */
  top(depth) {
    return { bids: this.#bids.best(depth), asks: this.#asks.best(depth) }
  }

  /**
   * @param {BookSide} side
   * @param {BookSide} opposite
   * @param {Level} level
   */
  #set(side, opposite, level) {
    side.set(level)
    // Nobody bids what somebody asks: an older level that says so is one whose end was not told.
    if (level[1] > 0) opposite.removeAllThatMeet(level[0])
  }
}

/** The levels of one side, best first. */
class BookSide {
  /** @type {Level[]} */
  #levels = []
  #compare

  /** @param {(one: number, other: number) => number} compare below 0 where the first price is better */
  constructor(compare) {
    this.#compare = compare
  }

  clear() {
    this.#levels = []
  }

  /** @param {Level} level */
  set(level) {
    const [price, quantity] = level
    const place = this.#placeOf(price)
    const found = this.#levels[place]?.[0] === price ? 1 : 0
    if (quantity > 0) this.#levels.splice(place, found, level)
    else this.#levels.splice(place, found)
  }

  /** @param {number} price of the other side */
  removeAllThatMeet(price) {
    const count = this.#levels.findIndex(([own]) => this.#compare(own, price) > 0)
    this.#levels.splice(0, count === -1 ? this.#levels.length : count)
  }

  /** @param {number} depth */
  best(depth) {
    return this.#levels.slice(0, depth)
  }

  /**
   * Where a price stands, or would stand.
   *
   * @param {number} price
   */
  #placeOf(price) {
    let low = 0
    let high = this.#levels.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#levels[middle][0], price) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
