/** @import { Trade } from '../streams.js' */

/**
 * @typedef {{ type: 'trade', atMs: number } & Trade} TradeRow
 * @typedef {{ type: 'gap', missed: number | undefined }} GapRow `undefined`: nobody knows how many
 * @typedef {TradeRow | GapRow} TapeRow
 */

const ROWS_KEPT = 40

/** The latest trades of one symbol, newest first, with a row where some are missing. */
export class Tape {
  /** @type {readonly TapeRow[]} */
  rows = []

  /**
   * @param {Trade} trade
   * @param {number} atMs since the Unix epoch
   */
  add(trade, atMs) {
    this.#prepend({ type: 'trade', atMs, ...trade })
  }

  /** @param {number | undefined} count of trades that are missing here; `undefined` if nobody knows it */
  miss(count) {
    const [newest, ...older] = this.rows
    if (newest?.type === 'gap') this.rows = [{ ...newest, missed: sum(newest.missed, count) }, ...older]
    else this.#prepend({ type: 'gap', missed: count })
  }

  /** @param {TapeRow} row */
  #prepend(row) {
    this.rows = [row, ...this.rows.slice(0, ROWS_KEPT - 1)]
  }
}

/**
 * @param {number | undefined} one
 * @param {number | undefined} other
 */
function sum(one, other) {
  return one === undefined || other === undefined ? undefined : one + other
}
