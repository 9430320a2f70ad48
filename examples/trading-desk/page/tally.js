/** @import { Gap } from '../../../dist/client.js' */
/** @import { DeskMessage } from '../streams.js' */

/** What this tab received, and what it did not. */
export class Tally {
  received = 0
  /** Messages that a newer one took the place of, before they could be sent. */
  conflated = 0
  /** Trades that are missing, as the server told. */
  told = 0
  /** Trades that are missing, or told to be, and that the numbers of the others do not agree with: 0, or there is a bug. */
  unexplained = 0
  /** How old the latest price was when it came, if the clocks agree. @type {number | undefined} */
  delayMs = undefined
  /** How many came in the latest whole second. */
  perSecond = 0

  /** The latest number of each stream. @type {Map<string, number>} */
  #numbers = new Map()
  /** Of each stream, how many the server told to be missing since the latest that came. @type {Map<string, number>} */
  #owed = new Map()
  #receivedBefore = 0

  /**
   * @param {DeskMessage} message
   * @param {number} nowMs since the Unix epoch
   */
  note(message, nowMs) {
    this.received++
    switch (message.streamType) {
      case 'PRICE':
        this.delayMs = Math.max(0, nowMs - message.timestamp.getTime())
        this.conflated += this.#skipped(keyOf(message), message.data.sequence)
        return
      case 'ORDERBOOK':
      case 'CANDLES':
        this.conflated += this.#skipped(keyOf(message), message.data.sequence)
        return
      case 'TRADES':
        this.#noteTrade(keyOf(message), message.data.id)
    }
  }

  /** @param {Gap} gap */
  noteGap({ streamType, symbol, dropped }) {
    const key = keyOf({ streamType, symbol })
    // Nobody knows how many: what comes next begins anew.
    if (dropped === undefined) return void this.#numbers.delete(key)
    if (streamType !== 'TRADES') return
    this.told += dropped
    this.#owed.set(key, (this.#owed.get(key) ?? 0) + dropped)
  }

  /** A second has passed. */
  tick() {
    this.perSecond = this.received - this.#receivedBefore
    this.#receivedBefore = this.received
  }

  /**
   * Forgets how far a symbol was, as it is listened to no more: what comes of it later begins anew.
   *
   * @param {string} symbol
   */
  forget(symbol) {
    for (const streamType of ['PRICE', 'ORDERBOOK', 'CANDLES', 'TRADES']) {
      this.#numbers.delete(keyOf({ streamType, symbol }))
      this.#owed.delete(keyOf({ streamType, symbol }))
    }
  }

  /**
   * @param {string} key
   * @param {number} id
   */
  #noteTrade(key, id) {
    const isFirst = !this.#numbers.has(key)
    const skipped = this.#skipped(key, id)
    if (!isFirst) this.unexplained += Math.abs(skipped - (this.#owed.get(key) ?? 0))
    this.#owed.delete(key)
  }

  /**
   * How many numbers there are between a message and the one before it. A snapshot has the number of a message that was, or is
   * to come.
   *
   * @param {string} key
   * @param {number} number
   */
  #skipped(key, number) {
    const before = this.#numbers.get(key)
    this.#numbers.set(key, Math.max(number, before ?? number))
    return before === undefined ? 0 : Math.max(0, number - before - 1)
  }
}

/** @param {{ streamType: string, symbol: string | undefined }} stream */
function keyOf({ streamType, symbol }) {
  return `${streamType}:${symbol}`
}
