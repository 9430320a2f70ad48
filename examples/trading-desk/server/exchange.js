import { Market } from '../market/market.js'
import { OrderDesk } from '../orders/order-desk.js'
import { Refusal } from '../refusal.js'
import { Feeds } from './feeds.js'

/** @import { CloseReason, PublishableMessage } from '../../../dist/index.js' */
/** @import { MarketSource } from '../market/market.js' */
/** @import { OrderRequest } from '../orders/order.js' */
/** @import { DeskStreams, DrainProgress, NodeFacts, Tabs } from '../streams.js' */
/** @import { Notices } from './feeds.js' */
/** @import { Manager } from './manager.js' */

/**
 * @typedef {'stop' | 'kill'} Ending whether a node says goodbye to its clients, or not
 *
 * @typedef {object} ExchangeParts
 * @property {number} speed of the market
 * @property {number} graceMs how long a user may be gone before their orders are cancelled
 * @property {Manager} manager what it publishes by
 * @property {Notices} [notices] the cluster, if there is one
 * @property {(name: string, ending: Ending) => void} [endNode]
 */

const CANDLES_MS = 500

/**
 * What there is once, however many nodes serve it: the market and its feeds, the orders, and what users picked for all of their tabs. It publishes whatever
 * changes. Nodes call its methods, each for the user of a connection.
 */
export class Exchange {
  #market
  #manager
  #feeds
  #orders
  #endNode
  #graceMs
  /** @type {readonly NodeFacts[]} */
  #nodes = []
  /** The nodes that send their tabs away, by name. @type {Map<string, DrainProgress>} */
  #drains = new Map()
  /** What each user picked for all tabs. @type {Map<string, Set<string>>} */
  #picks = new Map()
  /** The tabs of each user, by the node that they are on. @type {Map<string, Map<string, Tabs>>} */
  #tabs = new Map()
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined

  /**
   * @param {MarketSource} source
   * @param {ExchangeParts} parts
   */
  constructor(source, { speed, graceMs, manager, notices = manager, endNode = () => {} }) {
    this.#manager = manager
    this.#graceMs = graceMs
    this.#endNode = endNode
    this.#orders = new OrderDesk((userId, order) => this.#publish({ streamType: 'ORDER_UPDATES', userId, symbol: order.symbol, data: order }))
    this.#market = new Market(source, {
      speed,
      onMessage: (message) => manager.publish(message),
      onQuote: ({ symbol, quote }) => quote && this.#orders.quoted(symbol, quote),
    })
    this.#feeds = new Feeds(notices, this.#market)
  }

  open() {
    this.#market.open()
    this.#timer = setInterval(() => this.#market.tellCandles(), CANDLES_MS)
  }

  close() {
    clearInterval(this.#timer)
    this.#feeds.close()
    this.#market.close()
  }

  /**
   * @param {string} userId
   * @param {OrderRequest} order
   */
  place(userId, order) {
    this.#find(order.symbol)
    this.#orders.place(userId, order)
  }

  /**
   * @param {string} userId
   * @param {number} orderId
   */
  cancel(userId, orderId) {
    this.#orders.cancel(userId, orderId)
  }

  /** @param {string} userId */
  ordersOf(userId) {
    return this.#orders.ordersOf(userId)
  }

  /**
   * Cancels the orders of a user who is gone.
   *
   * @param {string} userId
   */
  abandon(userId) {
    this.#orders.abandon(userId)
  }

  /**
   * These users left a node that is not there any more to wait for them: cancels the orders of those who are on no node after the grace.
   *
   * @param {readonly string[]} userIds
   */
  usersLeft(userIds) {
    setTimeout(() => {
      for (const userId of userIds) if (this.tabsOf(userId).every(({ connections }) => connections.length === 0)) this.abandon(userId)
    }, this.#graceMs).unref()
  }

  /**
   * The candles that were, oldest first.
   *
   * @param {string} symbol
   */
  historyOf(symbol) {
    return this.#find(symbol).history
  }

  /** @param {string} symbol */
  feedStatusOf(symbol) {
    return this.#feeds.statusOf(symbol)
  }

  /**
   * Cuts the feed of a symbol, for everybody; or restores it.
   *
   * @param {string} symbol
   * @param {boolean} isUp
   */
  setFeed(symbol, isUp) {
    this.#find(symbol)
    if (isUp) this.#feeds.restore(symbol)
    else this.#feeds.cut(symbol)
  }

  /** @param {string} userId */
  picksOf(userId) {
    return [...this.#picks.get(userId) ?? []]
  }

  /**
   * Picks a symbol for all tabs of a user, or ends that.
   *
   * @param {string} userId
   * @param {string} symbol
   * @param {boolean} isPicked
   */
  pick(userId, symbol, isPicked) {
    this.#find(symbol)
    const picks = this.#picks.get(userId) ?? new Set()
    this.#picks.set(userId, picks)
    if (isPicked) picks.add(symbol)
    else picks.delete(symbol)
    this.#publish({ streamType: 'PICKS', userId, data: { symbol, isPicked } })
  }

  /**
   * The tabs of a user, node by node.
   *
   * @param {string} userId
   */
  tabsOf(userId) {
    return [...this.#tabs.get(userId)?.values() ?? []]
  }

  /**
   * The tabs that a user has on a node are others.
   *
   * @param {string} userId
   * @param {Tabs} tabs
   */
  tabsChanged(userId, tabs) {
    const ofUser = this.#tabs.get(userId) ?? new Map()
    this.#tabs.set(userId, ofUser.set(tabs.node, tabs))
    this.#publish({ streamType: 'CONNECTIONS', userId, data: { type: 'tabs', ...tabs } })
  }

  /**
   * A connection has ended. Its page is told once it is back, because this is a part of what it missed.
   *
   * @param {string} userId
   * @param {string} connection
   * @param {CloseReason} reason
   */
  departed(userId, connection, reason) {
    this.#publish({ streamType: 'CONNECTIONS', userId, data: { type: 'departed', connection, reason } })
  }

  /** @param {readonly NodeFacts[]} nodes */
  nodesChanged(nodes) {
    this.#nodes = nodes
    for (const { name, isUp } of nodes) if (!isUp) this.#nodeEnded(name)
    this.#tellNodes()
  }

  /**
   * A node sends its tabs away.
   *
   * @param {string} name
   * @param {DrainProgress} progress
   */
  drainProceeds(name, progress) {
    // Of a node that was killed, the last word may come after its end.
    if (!this.#nodes.some((node) => node.name === name && node.isUp)) return
    this.#drains.set(name, progress)
    this.#tellNodes()
  }

  /**
   * @param {string} name
   * @param {Ending} ending
   */
  endNode(name, ending) {
    this.#endNode(name, ending)
  }

  /**
   * A node that was killed has told nobody of the tabs that it lost.
   *
   * @param {string} node
   */
  #nodeEnded(node) {
    this.#drains.delete(node)
    const lost = [...this.#tabs].flatMap(([userId, tabs]) => tabs.get(node)?.connections.length ? userId : [])
    for (const userId of lost) this.tabsChanged(userId, { node, subscriptions: 0, connections: [] })
    this.usersLeft(lost)
  }

  #tellNodes() {
    const nodes = this.#nodes.map((facts) => ({ ...facts, drain: this.#drains.get(facts.name) }))
    this.#publish({ streamType: 'NODES', data: { nodes } })
  }

  /** @param {PublishableMessage<DeskStreams>} message */
  #publish(message) {
    // When all ends, connections end too, and nobody is left to be told.
    if (!this.#manager.closed) this.#manager.publish(message)
  }

  /** @param {string} symbol */
  #find(symbol) {
    const instrument = this.#market.find(symbol)
    if (instrument) return instrument
    throw new Refusal('ERR_NO_SYMBOL')
  }
}
