import { CandleSeries } from './candle-series.js'
import { OrderBook } from './order-book.js'

/** @import { PublicMessage } from '../../../dist/index.js' */
/** @import { DeskStreams, Level, Side } from '../streams.js' */

/**
 * What happens in a market, whoever tells of it.
 *
 * @typedef {object} TradeEvent
 * @property {'trade'} type
 * @property {Side} side
 * @property {number} price
 * @property {number} quantity
 *
 * @typedef {{ type: 'quote' } & Quote} QuoteEvent
 *
 * @typedef {object} Quote what one can sell and buy at
 * @property {number} bid
 * @property {number} ask
 * @property {number | undefined} bidSize `undefined` where it is not known
 * @property {number | undefined} askSize
 *
 * @typedef {object} BookEvent
 * @property {'book' | 'levels'} type a whole book, or changes of single levels
 * @property {readonly Level[]} bids
 * @property {readonly Level[]} asks
 *
 * @typedef {TradeEvent | QuoteEvent | BookEvent} MarketEvent
 *
 * @typedef {object} InstrumentDefinition
 * @property {string} symbol
 * @property {number} decimals of its prices
 * @property {number} quantityDecimals
 *
 * @typedef {PublicMessage<DeskStreams>} MarketMessage
 */

export const CANDLE_SECONDS = 2
export const CANDLES_KEPT = 60
const BOOK_DEPTH = 8

/** One symbol: it makes of what happens the messages that tell of it, and keeps the candles that were. */
export class Instrument {
  definition

  /** @type {Quote | undefined} */
  quote = undefined

  #book = new OrderBook()
  #candles = new CandleSeries(CANDLE_SECONDS, CANDLES_KEPT)
  /** @type {number | undefined} */
  #lastTrade = undefined
  /** @type {number | undefined} */
  #opening = undefined
  #trades = 0
  #priceSequence = 0
  #bookSequence = 0
  #candlesSequence = 0
  #shownPrice = ''
  #shownBook = ''
  #shownCandles = ''

  /** @param {InstrumentDefinition} definition */
  constructor(definition) {
    this.definition = definition
  }

  get symbol() {
    return this.definition.symbol
  }

  /**
   * Takes in what happened, and answers the messages that tell of it.
   *
   * @param {MarketEvent} event
   * @param {number} atMs since the Unix epoch
   * @returns {MarketMessage[]}
   */
  apply(event, atMs) {
    switch (event.type) {
      case 'trade': return this.#trade(event, atMs)
      case 'quote': return this.#quoted(event, atMs)
      case 'book':
        this.#book.replace(event.bids, event.asks)
        return this.#bookChanged(atMs)
      case 'levels':
        this.#book.change(event.bids, event.asks)
        return this.#bookChanged(atMs)
    }
  }

  /**
   * The latest candles, if they changed since they were last asked for.
   *
   * @param {number} atMs
   * @returns {MarketMessage[]}
   */
  candlesChanged(atMs) {
    this.#candles.advance(atMs)
    const candles = this.#candles.latest(2)
    const shown = JSON.stringify(candles)
    if (candles.length === 0 || shown === this.#shownCandles) return []
    this.#shownCandles = shown
    return [{ streamType: 'CANDLES', symbol: this.symbol, data: { sequence: ++this.#candlesSequence, candles } }]
  }

  /**
   * The messages that tell how it stands.
   *
   * @returns {MarketMessage[]}
   */
  standing() {
    return this.#last === undefined ? [] : [this.#priceMessage(this.#last), this.#bookMessage()]
  }

  /** All candles that are kept, oldest first. */
  get history() {
    return this.#candles.latest()
  }

  get #last() {
    if (this.#lastTrade !== undefined || this.quote === undefined) return this.#lastTrade
    return round((this.quote.bid + this.quote.ask) / 2, this.definition.decimals)
  }

  /**
   * @param {TradeEvent} trade
   * @param {number} atMs
   * @returns {MarketMessage[]}
   */
  #trade({ side, price, quantity }, atMs) {
    this.#lastTrade = price
    const data = { id: ++this.#trades, side, price, quantity }
    return [{ streamType: 'TRADES', symbol: this.symbol, data }, ...this.#priceChanged(atMs)]
  }

  /**
   * @param {Quote} quote
   * @param {number} atMs
   */
  #quoted({ bid, ask, bidSize, askSize }, atMs) {
    this.quote = { bid, ask, bidSize, askSize }
    return this.#priceChanged(atMs)
  }

  /** @param {number} atMs */
  #bookChanged(atMs) {
    const { bids, asks } = this.#book.top(BOOK_DEPTH)
    const shown = JSON.stringify([bids, asks])
    if (shown === this.#shownBook) return []
    this.#shownBook = shown
    this.#bookSequence++
    const [bid] = bids
    const [ask] = asks
    const quoted = bid && ask && this.#quoted({ bid: bid[0], ask: ask[0], bidSize: bid[1], askSize: ask[1] }, atMs)
    return [this.#bookMessage(), ...(quoted ?? [])]
  }

  /** @param {number} atMs */
  #priceChanged(atMs) {
    const last = this.#last
    const shown = JSON.stringify([last, this.quote?.bid, this.quote?.ask])
    if (last === undefined || shown === this.#shownPrice) return []
    this.#shownPrice = shown
    this.#opening ??= last
    this.#candles.add(last, atMs)
    this.#priceSequence++
    return [this.#priceMessage(last)]
  }

  /**
   * @param {number} last
   * @returns {MarketMessage}
   */
  #priceMessage(last) {
    const change = round((last / (this.#opening ?? last) - 1) * 100, 2)
    const data = { sequence: this.#priceSequence, last, bid: this.quote?.bid, ask: this.quote?.ask, change }
    return { streamType: 'PRICE', symbol: this.symbol, data }
  }

  /** @returns {MarketMessage} */
  #bookMessage() {
    return { streamType: 'ORDERBOOK', symbol: this.symbol, data: { sequence: this.#bookSequence, ...this.#book.top(BOOK_DEPTH) } }
  }
}

/**
 * @param {number} value
 * @param {number} decimals
 */
function round(value, decimals) {
  return Number(value.toFixed(decimals))
}
