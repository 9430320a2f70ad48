import { OWN_STREAMS } from '../streams.js'
import { ChartData } from './chart-data.js'
import { describeFeed, describeOrder } from './format.js'
import { Picks } from './picks.js'
import { wordsFor } from './refusals.js'
import { Subscriptions } from './subscriptions.js'
import { Tally } from './tally.js'
import { Tape } from './tape.js'

/** @import { Ended, Gap, Status } from '../../../dist/client.js' */
/** @import { StreamStatus } from '../../../dist/index.js' */
/** @import { Book, Departure, DeskClient, DeskMessage, DeskUpdate, Figures, Metrics, NodeFacts, Order, Price, Tabs } from '../streams.js' */
/** @import { OrderRequest } from '../orders/order.js' */
/** @import { Ending } from '../server/exchange.js' */
/** @import { Link } from './link.js' */
/** @import { Scope } from './picks.js' */
/** @import { Setup, Visit } from './setup.js' */

/**
 * @typedef {object} Quote
 * @property {Price} price
 * @property {'up' | 'down' | undefined} direction of its latest move
 * @property {number} moves how many there were
 *
 * @typedef {object} DeskParts
 * @property {Pick<DeskClient, 'on' | 'request' | 'subscribe'>} client
 * @property {Link} link
 * @property {(picks: readonly string[]) => void} onPicks the symbols that this tab picked for itself are others
 * @property {() => void} onChange
 * @property {() => number} [now] in milliseconds since the Unix epoch
 */

const SLOW_CONSUMER = 'The server cut this tab off, as more waited for it than may: it read too slowly. Its new line is a quick one.'

/** All that the page shows, as far as the server told. */
export class Desk {
  setup
  user
  link
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
  /** Those of the node that serves this tab, while somebody looks at them. @type {Metrics} */
  metrics = {}
  /** @type {readonly NodeFacts[]} */
  nodes = []
  /** The user's tabs, by the node that they are on. @type {Map<string, Tabs>} */
  tabs = new Map()
  /** What was refused last, or why the server cut this tab off. @type {string | undefined} */
  trouble = undefined
  /** What happened to an order last, in words. */
  orderNews = ''

  #client
  #onPicks
  #onChange
  #now
  #picks
  #subscriptions
  /** The symbols of which a history is on its way. @type {Set<string>} */
  #awaited = new Set()
  /** @type {{ unsubscribe: () => void } | undefined} */
  #metricsSubscription = undefined

  /**
   * @param {Setup} setup
   * @param {Visit} visit
   * @param {DeskParts} parts
   */
  constructor(setup, { user, picks }, { client, link, onPicks, onChange, now = Date.now }) {
    this.setup = setup
    this.user = user
    this.link = link
    this.shown = picks[0] ?? setup.instruments[0].symbol
    this.#picks = new Picks(picks)
    this.#client = client
    this.#subscriptions = new Subscriptions(client, (update) => this.#hear(update))
    this.#onPicks = onPicks
    this.#onChange = onChange
    this.#now = now
    // A feed may be back meanwhile. Whoever subscribes is told of one that is down.
    client.on('state', ({ state }) => state === 'connected' && this.feeds.clear())
    client.on('subscribed', ({ streamType, recovered }) => recovered !== true && this.#fetchState(streamType))
    this.#follow()
    for (const streamType of OWN_STREAMS) client.subscribe({ streamType }, (update) => this.#hear(update))
  }

  /** All of the user's connections, on whichever node. */
  get connections() {
    return [...this.tabs].flatMap(([node, { connections }]) => connections.map((facts) => ({ ...facts, node })))
  }

  /** The symbols that are picked for all tabs. */
  get shared() {
    return this.#picks.of('user')
  }

  /** What this tab's connection is like, as the server sees it. */
  get ownFacts() {
    return this.connections.find(({ id }) => id === this.link.connection)
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
    const on = !this.isPicked(symbol, scope)
    this.#setPick(symbol, scope, on)
    if (scope === 'user') this.#ask('pick', { symbol, on })
  }

  /**
   * Cuts the feed of a symbol, for everybody; or restores it.
   *
   * @param {string} symbol
   */
  flipFeed(symbol) {
    this.#ask('feed', { symbol, on: this.feeds.get(symbol) === 'ERROR' })
  }

  /** The user has read what went wrong. */
  dismiss() {
    this.trouble = undefined
  }

  /** @param {boolean} on */
  beSlow(on) {
    this.#ask('slow', { on })
  }

  /** @param {OrderRequest} order */
  place(order) {
    this.#ask('place', order)
  }

  /** @param {number} id */
  cancel(id) {
    this.#ask('cancel', { id })
  }

  /**
   * Ends one of the nodes, which starts again after a while.
   *
   * @param {string} node
   * @param {Ending} ending
   */
  endNode(node, ending) {
    this.#ask('end', { node, kill: ending === 'kill' })
  }

  /**
   * Hears of the metrics, or does not any more.
   *
   * @param {boolean} on
   */
  watchMetrics(on) {
    this.#metricsSubscription?.unsubscribe()
    this.#metricsSubscription = on ? this.#client.subscribe({ streamType: 'METRICS' }, (update) => this.#hear(update)) : undefined
  }

  /**
   * @param {string} command
   * @param {unknown} data
   */
  async #ask(command, data) {
    this.trouble = undefined
    try {
      await this.#client.request(command, data)
    } catch (error) {
      this.trouble = wordsFor(error)
      this.#onChange()
    }
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   * @param {boolean} isPicked
   */
  #setPick(symbol, scope, isPicked) {
    this.#picks.set(symbol, scope, isPicked)
    if (scope === 'connection') this.#onPicks(this.#picks.of('connection'))
    this.#follow()
  }

  #follow() {
    const heard = this.setup.instruments.map(({ symbol }) => symbol).filter((symbol) => this.isHeard(symbol))
    for (const symbol of this.#subscriptions.follow(heard)) this.#forget(symbol)
  }

  /** @param {DeskUpdate} update */
  #hear(update) {
    this.link.heard(update)
    if (update.type === undefined) this.#take(update)
    else if (update.type === 'gap') this.#missed(update)
    else if (update.type === 'status') this.#fed(update)
    else this.#ended(update)
    this.#onChange()
  }

  /** @param {Gap} gap */
  #missed(gap) {
    this.tally.noteGap(gap)
    const { streamType, symbol = '', dropped } = gap
    if (streamType === 'TRADES') this.#tapeOf(symbol).miss(dropped)
    void this.#fetchState(streamType)
  }

  /** @param {Ended} ended */
  #ended({ streamType, symbol = '', code }) {
    this.trouble = `The server ended ${streamType} ${symbol}: ${code}.`
  }

  /** @param {Status} status */
  #fed({ streamType, symbol = '', status }) {
    // All streams of a symbol come from one feed, and each of them says so.
    if (streamType !== 'PRICE') return
    if (status === 'CONNECTED') this.feeds.delete(symbol)
    else this.feeds.set(symbol, status)
    this.feedNews = describeFeed(symbol, status)
  }

  /** @param {DeskMessage} message */
  #take(message) {
    this.tally.note(message, this.#now())
    switch (message.streamType) {
      case 'PRICE': return this.#priced(message.symbol, message.data)
      case 'ORDERBOOK': return void this.books.set(message.symbol, message.data)
      case 'TRADES': return this.#tapeOf(message.symbol).add(message.data, message.timestamp.getTime())
      case 'CANDLES': return this.#charted(message.symbol, message.data.candles)
      case 'ORDER_UPDATES': return this.#ordered(message.data)
      case 'PICKS': return this.#setPick(message.data.symbol, 'user', message.data.isPicked)
      case 'CONNECTIONS': return message.data.type === 'tabs' ? void this.tabs.set(message.data.node, message.data) : this.#departed(message.data)
      case 'NODES': return void (this.nodes = message.data.nodes)
      case 'METRICS': return void (this.metrics = message.data)
      case 'MANAGER': return void (this.figures = message.data)
    }
  }

  /**
   * It is told once the tab is back: what was published meanwhile is not lost.
   *
   * @param {Departure} departure
   */
  #departed({ connection, reason }) {
    if (reason === 'slow-consumer' && this.link.connections.has(connection)) this.trouble = SLOW_CONSUMER
  }

  /** @param {string} symbol */
  #forget(symbol) {
    for (const each of [this.quotes, this.books, this.tapes, this.charts, this.feeds]) each.delete(symbol)
    this.tally.forget(symbol)
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
    void this.#fetchHistory(symbol)
  }

  /** @param {string} symbol */
  async #fetchHistory(symbol) {
    this.#awaited.add(symbol)
    try {
      const candles = await this.#client.request('history', { symbol })
      if (this.isHeard(symbol)) this.#chartOf(symbol).begin(/** @type {ChartData['candles']} */ (candles))
      this.#onChange()
    } catch {
      // It is asked for again when the next candles come.
    } finally {
      this.#awaited.delete(symbol)
    }
  }

  /**
   * Asks how it stands, where changes may be missing: at the beginning, and where the server could not send what was missed.
   *
   * @param {string} streamType
   */
  async #fetchState(streamType) {
    try {
      switch (streamType) {
        case 'ORDER_UPDATES': this.orders = new Map((await this.#fetch('orders')).map((/** @type {Order} */ order) => [order.id, order])); break
        case 'CONNECTIONS': this.tabs = new Map((await this.#fetch('tabs')).map((/** @type {Tabs} */ tabs) => [tabs.node, tabs])); break
        case 'PICKS': this.#pickAll(await this.#fetch('picks'))
      }
      this.#onChange()
    } catch {
      // The connection is lost. The next one begins with this again.
    }
  }

  /**
   * @param {string} command
   * @returns {Promise<any>}
   */
  #fetch(command) {
    return this.#client.request(command)
  }

  /** @param {readonly string[]} symbols that the server knows to be picked for all tabs */
  #pickAll(symbols) {
    for (const symbol of symbols) this.#setPick(symbol, 'user', true)
    // A server that was started again has forgotten them.
    for (const symbol of this.shared) if (!symbols.includes(symbol)) void this.#ask('pick', { symbol, on: true })
  }

  /** @param {Order} order */
  #ordered(order) {
    this.orders.set(order.id, order)
    this.orderNews = describeOrder(order, this.definitionOf(order.symbol).decimals)
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
