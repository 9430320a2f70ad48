/** @import { Candle } from '../streams.js' */

/** How one price moved, interval by interval: the latest candles, oldest first, with none left out. */
export class CandleSeries {
  #intervalSeconds
  #count
  /** @type {Candle[]} */
  #candles = []

  /**
   * @param {number} intervalSeconds
   * @param {number} count how many candles are kept
   */
  constructor(intervalSeconds, count) {
    this.#intervalSeconds = intervalSeconds
    this.#count = count
  }

  /**
   * @param {number} price
   * @param {number} atMs since the Unix epoch; what comes late counts for the latest candle
   */
  add(price, atMs) {
    this.advance(atMs)
    const latest = this.#candles.pop()
    if (latest === undefined) return void this.#candles.push([this.#intervalAt(atMs), price, price, price, price])
    const [seconds, open, high, low] = latest
    this.#candles.push([seconds, open, Math.max(high, price), Math.min(low, price), price])
  }

  /**
   * Goes on to the interval of a moment: those in which nothing happened have a candle without a body.
   *
   * @param {number} atMs
   */
  advance(atMs) {
    const latest = this.#candles.at(-1)
    if (latest === undefined) return
    const [seconds, , , , close] = latest
    const now = this.#intervalAt(atMs)
    const first = Math.max(seconds + this.#intervalSeconds, now - (this.#count - 1) * this.#intervalSeconds)
    for (let each = first; each <= now; each += this.#intervalSeconds) this.#candles.push([each, close, close, close, close])
    this.#candles.splice(0, this.#candles.length - this.#count)
  }

  /** @param {number} [count] */
  latest(count = this.#count) {
    return this.#candles.slice(-count)
  }

  /** @param {number} atMs */
  #intervalAt(atMs) {
    const seconds = Math.floor(atMs / 1000)
    return seconds - (seconds % this.#intervalSeconds)
  }
}
