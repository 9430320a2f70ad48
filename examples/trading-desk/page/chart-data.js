/** @import { Candle } from '../streams.js' */

const CANDLES_KEPT = 240

/** The candles of one symbol, oldest first, without a hole. */
export class ChartData {
  /** @type {readonly Candle[]} */
  candles = []
  /** How many times a history took the place of what was there: then a chart has to be drawn anew. */
  histories = 0
  #candleSeconds

  /** @param {number} candleSeconds */
  constructor(candleSeconds) {
    this.#candleSeconds = candleSeconds
  }

  /** @param {readonly Candle[]} candles */
  begin(candles) {
    this.candles = candles
    this.histories++
  }

  /**
   * Takes in the latest candles; false where they do not follow on what is there, so that a history is needed.
   *
   * @param {readonly Candle[]} latest
   */
  update(latest) {
    const first = latest[0]?.[0] ?? Infinity
    const end = this.candles.at(-1)?.[0] ?? -Infinity
    if (first > end + this.#candleSeconds) return false
    this.candles = [...this.candles.filter(([seconds]) => seconds < first), ...latest].slice(-CANDLES_KEPT)
    return true
  }
}
