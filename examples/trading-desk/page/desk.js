import { parseServerMessage } from '../../../dist/index.js'
import { deskStreams } from '../streams.js'
import { ChartData } from './chart-data.js'
import { describeFeed, describeOrder } from './format.js'
import { Picks } from './picks.js'
import { Tally } from './tally.js'
import { Tape } from './tape.js'

/** @import { GapNotice, StatusNotice, StreamStatus } from '../../../dist/index.js' */
/** @import { Book, Connections, DeskMessage, DeskServerMessage, Figures, Order, OrderUpdate, Price, Welcome } from '../streams.js' */
/** @import { Command, Scope } from '../server/command.js' */
/** @import { OrderRequest } from '../orders/order.js' */
/** @import { Setup, Visit } from './setup.js' */

/**
 * @typedef {object} Quote
 * @property {Price} price
 * @property {'up' | 'down' | undefined} direction of its latest move
 * @property {number} moves how many there were
 *
 * @typedef {object} DeskHooks
 * @property {(command: Command) => void} send
 * @property {(picks: readonly string[]) => void} onPicks the symbols that this tab picked for itself are others
 */

const SLOW_CONSUMER = 'The server cut this tab off, as more waited for it than may: it read too slowly. Its new line is a quick one.'

/** All that the page shows, as far as the server told. */
export class Desk {
  setup
  user
  /** The symbol that the chart, the book, the tape and the order form are about. @type {string} */
  shown
  tally = new Tally()
  /** @type {Map<string, Quote>} */
  quotes = new Map()
  /** @type {Map<string, Book>} */
  books = new Map()
  /** @type {Map<string, Tape>} */
  tapes = new Map()
  /** @type {Map<string, ChartData>} */
  charts = new Map()
  /** @type {Map<number, Order>} */
  orders = new Map()
  /** The feeds that are not connected, by symbol. @type {Map<string, StreamStatus>} */
  feeds = new Map()
  /** What happened to a feed last, in words. */
  feedNews = ''
  /** @type {Figures | undefined} */
  figures = undefined
  /** @type {Connections | undefined} */
  connections = undefined
  /** The id of this tab's connection. @type {string | undefined} */
  connection = undefined
  /** What the server refused last, or why it cut this tab off. @type {string | undefined} */
  trouble = undefined
  /** What happened to an order last, in words. */
  orderNews = ''

  #hooks
  #streams
  #picks
  /** The symbols of which a history is on its way. @type {Set<string>} */
  #awaited = new Set()

  /**
   * @param {Setup} setup
   * @param {Visit} visit
   * @param {DeskHooks} hooks
   */
  constructor(setup, { user, picks }, hooks) {
    this.setup = setup
    this.user = user
    this.shown = picks[0] ?? setup.instruments[0].symbol
    this.#picks = new Picks(picks)
    this.#hooks = hooks
    this.#streams = deskStreams(setup.trades)
  }

  /** What this tab's connection is like, as the server sees it. */
  get ownFacts() {
    return this.connections?.connections.find(({ id }) => id === this.connection)
  }

  /** @param {string} symbol */
  definitionOf(symbol) {
    const known = this.setup.instruments.find((instrument) => instrument.symbol === symbol)
    return known ?? { symbol, decimals: 2, quantityDecimals: 2 }
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   */
  isPicked(symbol, scope) {
    return this.#picks.has(symbol, scope)
  }

  /** @param {string} symbol */
  isHeard(symbol) {
    return this.#picks.areHeard(symbol)
  }

  /**
   * Shows a symbol, and picks it where nothing is heard of it.
   *
   * @param {string} symbol
   */
  show(symbol) {
    this.shown = symbol
    if (!this.isHeard(symbol)) this.toggle(symbol, 'connection')
  }

  /**
   * Picks a symbol for this tab, or for all of the user's; or ends that.
   *
   * @param {string} symbol
   * @param {Scope} scope
   */
  toggle(symbol, scope) {
    const isWanted = !this.isPicked(symbol, scope)
    this.#picks.set(symbol, scope, isWanted)
    this.#tellOfPicks()
    this.#hooks.send({ type: isWanted ? 'subscribe' : 'unsubscribe', scope, symbol })
  }

  /**
   * Cuts the feed of a symbol, for everybody; or restores it.
   *
   * @param {string} symbol
   */
  flipFeed(symbol) {
    this.#hooks.send({ type: 'feed', symbol, on: this.feeds.get(symbol) === 'ERROR' })
  }

  /** The user has read what went wrong. */
  dismiss() {
    this.trouble = undefined
  }

  /** @param {boolean} on */
  beSlow(on) {
    this.#hooks.send({ type: 'slow', on })
  }

  /** @param {OrderRequest} order */
  place(order) {
    this.trouble = undefined
    this.#hooks.send({ type: 'place', order })
  }

  /** @param {number} id */
  cancel(id) {
    this.trouble = undefined
    this.#hooks.send({ type: 'cancel', id })
  }

  /**
   * Takes in what the server wrote.
   *
   * @param {string} text
   * @param {number} nowMs since the Unix epoch
   */
  hear(text, nowMs) {
    /** @type {DeskServerMessage} */
    const message = parseServerMessage(text, { streams: this.#streams })
    switch (message.type) {
      case undefined: return this.#take(message, nowMs)
      case 'gap': return this.#missed(message)
      case 'status': return this.#fed(message)
      // The server is newer than this page.
      case 'unknown':
    }
  }

  /** @param {GapNotice} gap */
  #missed(gap) {
    this.tally.noteGap(gap)
    const { streamType, symbol = '', dropped } = gap
    if (streamType === 'TRADES') this.#tapeOf(symbol).miss(dropped)
    // It is asked for again when it is needed.
    if (streamType === 'HISTORY') this.#awaited.delete(symbol)
  }

  /** @param {StatusNotice} notice */
  #fed({ streamType, symbol = '', status }) {
    // All streams of a symbol come from one feed, and each of them says so.
    if (streamType !== 'PRICE') return
    if (status === 'CONNECTED') this.feeds.delete(symbol)
    else this.feeds.set(symbol, status)
    this.feedNews = describeFeed(symbol, status)
  }

  /**
   * @param {DeskMessage} message
   * @param {number} nowMs
   */
  #take(message, nowMs) {
    this.tally.note(message, nowMs)
    switch (message.streamType) {
      case 'PRICE': return this.#priced(message.symbol, message.data)
      case 'ORDERBOOK': return void this.books.set(message.symbol, message.data)
      case 'TRADES': return this.#tapeOf(message.symbol).add(message.data, message.timestamp.getTime())
      case 'CANDLES': return this.#charted(message.symbol, message.data.candles)
      case 'HISTORY': return this.#begin(message.symbol, message.data.candles)
      case 'MANAGER': return void (this.figures = message.data)
      case 'CONNECTIONS': return this.#connected(message.data)
      case 'ORDER_UPDATES': return this.#ordered(message.data)
      case 'WELCOME': return this.#welcomed(message.data)
      case 'REFUSALS': return void (this.trouble = `Refused: ${message.data.reason}.`)
    }
  }

  /** @param {Welcome} welcome */
  #welcomed({ connection, isFirst, ended }) {
    this.connection = connection
    this.connections = undefined
    this.tally.forgetAll()
    this.feeds.clear()
    this.#awaited.clear()
    this.#picks.reconnected(isFirst)
    this.trouble = ended === 'slow-consumer' ? SLOW_CONSUMER : undefined
    for (const scope of /** @type {const} */ (['connection', 'user'])) {
      for (const symbol of this.#picks.of(scope)) this.#hooks.send({ type: 'subscribe', scope, symbol })
    }
  }

  /** @param {Connections} connections */
  #connected(connections) {
    this.connections = connections
    const hasEnded = this.#picks.follow({ connection: this.ownFacts?.symbols ?? [], user: connections.shared })
    this.#tellOfPicks()
    for (const { symbol } of this.setup.instruments) if (hasEnded.includes(symbol) || !this.isHeard(symbol)) this.#forget(symbol)
  }

  #tellOfPicks() {
    this.#hooks.onPicks(this.#picks.of('connection'))
  }

  /** @param {string} symbol */
  #forget(symbol) {
    for (const each of [this.quotes, this.books, this.tapes, this.charts, this.feeds]) each.delete(symbol)
    this.tally.forget(symbol)
    this.#awaited.delete(symbol)
  }

  /**
   * @param {string} symbol
   * @param {Price} price
   */
  #priced(symbol, price) {
    const before = this.quotes.get(symbol) ?? { price, direction: undefined, moves: 0 }
    const move = Math.sign(price.last - before.price.last)
    if (move === 0) return void this.quotes.set(symbol, { ...before, price })
    this.quotes.set(symbol, { price, direction: move > 0 ? 'up' : 'down', moves: before.moves + 1 })
  }

  /**
   * @param {string} symbol
   * @param {ChartData['candles']} candles
   */
  #charted(symbol, candles) {
    if (this.#chartOf(symbol).update(candles) || this.#awaited.has(symbol)) return
    this.#awaited.add(symbol)
    this.#hooks.send({ type: 'history', symbol })
  }

  /**
   * @param {string} symbol
   * @param {ChartData['candles']} candles
   */
  #begin(symbol, candles) {
    this.#awaited.delete(symbol)
    this.#chartOf(symbol).begin(candles)
  }

  /** @param {OrderUpdate} update */
  #ordered(update) {
    if (update.type === 'all') {
      this.orders = new Map(update.orders.map((order) => [order.id, order]))
    } else {
      const { order } = update
      this.orders.set(order.id, order)
      this.orderNews = describeOrder(order, this.definitionOf(order.symbol).decimals)
    }
  }

  /** @param {string} symbol */
  #tapeOf(symbol) {
    const tape = this.tapes.get(symbol) ?? new Tape()
    this.tapes.set(symbol, tape)
    return tape
  }

  /** @param {string} symbol */
  #chartOf(symbol) {
    const chart = this.charts.get(symbol) ?? new ChartData(this.setup.candleSeconds)
    this.charts.set(symbol, chart)
    return chart
  }
}
