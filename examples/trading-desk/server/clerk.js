import { SLOW_BYTES_PER_SECOND } from '../limits.js'
import { OrderDesk, OrderError } from '../orders/order-desk.js'
import { CommandError, parseCommand } from './command.js'

/** @import { Instrument, MarketMessage } from '../market/instrument.js' */
/** @import { Market } from '../market/market.js' */
/** @import { OrderRequest } from '../orders/order.js' */
/** @import { Command } from './command.js' */
/** @import { Feeds } from './feeds.js' */
/** @import { Line } from './line.js' */
/** @import { Panel } from './panel.js' */
/** @import { DeskConnection, Manager, Picks } from './picks.js' */

/**
 * @typedef {object} Session a connection, and what the host has to remember about it
 * @property {DeskConnection} connection
 * @property {Line} line
 * @property {boolean} answered whether the peer answered the latest ping
 */

/** Does what the pages ask for, each for its own user, and tells them what they have to know first. */
export class Clerk {
  #manager
  #market
  #picks
  #panel
  #feeds
  #orders

  /** @param {{ manager: Manager, market: Market, picks: Picks, panel: Panel, feeds: Feeds }} rooms */
  constructor({ manager, market, picks, panel, feeds }) {
    this.#manager = manager
    this.#market = market
    this.#picks = picks
    this.#panel = panel
    this.#feeds = feeds
    this.#orders = new OrderDesk((userId, order) => {
      manager.publish({ streamType: 'ORDER_UPDATES', userId, symbol: order.symbol, data: { type: 'changed', order } })
    })
  }

  /**
   * Tells a new connection what its user has, and what the symbols are at that all of the user's connections hear.
   *
   * @param {DeskConnection} connection
   */
  greet(connection) {
    const { id, userId } = connection
    this.#panel.tellUser(userId)
    this.#manager.sendToConnection(id, { streamType: 'ORDER_UPDATES', data: { type: 'all', orders: this.#orders.ordersOf(userId) } })
    for (const symbol of this.#picks.sharedBy(userId)) this.#sendSnapshot(connection, symbol)
  }

  /**
   * Does what a text asks for, or says why not.
   *
   * @param {Session} session
   * @param {string} text
   */
  obey(session, text) {
    const { connection } = session
    // What a connection that was removed still asks for must not subscribe its user anew.
    if (connection.removed) return
    try {
      this.#perform(session, parseCommand(text))
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'it did not work'
      this.#manager.sendToConnection(connection.id, { streamType: 'REFUSALS', data: { code: codeOf(error), reason } })
    }
  }

  /** @param {Instrument} instrument */
  quoted({ symbol, quote }) {
    if (quote) this.#orders.quoted(symbol, quote)
  }

  /**
   * @param {Session} session
   * @param {Command} command
   */
  #perform({ connection, line }, command) {
    switch (command.type) {
      case 'subscribe':
      case 'unsubscribe': return this.#pick(connection, command)
      case 'history': return this.#sendHistory(connection, command.symbol)
      case 'slow': return this.#setPace(connection, line, command.on)
      case 'feed': return this.#setFeed(command.symbol, command.on)
      case 'place': return this.#place(connection.userId, command.order)
      case 'cancel': return this.#orders.cancel(connection.userId, command.id)
    }
  }

  /**
   * @param {DeskConnection} connection
   * @param {Extract<Command, { scope: unknown }>} command
   */
  #pick(connection, { type, symbol, scope }) {
    if (type === 'subscribe') {
      this.#picks.add(connection, symbol, scope)
      for (const each of scope === 'user' ? this.#connectionsOf(connection.userId) : [connection]) this.#sendSnapshot(each, symbol)
    } else {
      this.#picks.remove(connection, symbol, scope)
    }
    this.#panel.tellUser(connection.userId)
  }

  /**
   * @param {DeskConnection} connection
   * @param {Line} line
   * @param {boolean} isSlow
   */
  #setPace({ userId }, line, isSlow) {
    line.setPace(isSlow ? SLOW_BYTES_PER_SECOND : Infinity)
    this.#panel.tellUser(userId)
  }

  /**
   * @param {string} symbol
   * @param {boolean} isUp
   */
  #setFeed(symbol, isUp) {
    if (!this.#market.find(symbol)) throw new CommandError(`There is no ${symbol}`)
    if (isUp) this.#feeds.restore(symbol)
    else this.#feeds.cut(symbol)
  }

  /**
   * @param {string} userId
   * @param {OrderRequest} order
   */
  #place(userId, order) {
    if (!this.#market.find(order.symbol)) throw new OrderError(`there is no ${order.symbol}`)
    this.#orders.place(userId, order)
  }

  /** @param {string} userId */
  #connectionsOf(userId) {
    return [...this.#manager.connections()].filter((connection) => connection.userId === userId)
  }

  /**
   * Sends what a symbol is at, right after its subscription began: no live message comes before it.
   *
   * @param {DeskConnection} connection
   * @param {string} symbol
   */
  #sendSnapshot(connection, symbol) {
    this.#send(connection, this.#market.find(symbol)?.snapshot() ?? [])
  }

  /**
   * @param {DeskConnection} connection
   * @param {string} symbol
   */
  #sendHistory(connection, symbol) {
    const instrument = this.#market.find(symbol)
    if (instrument) this.#send(connection, [instrument.history()])
  }

  /**
   * @param {DeskConnection} connection
   * @param {readonly MarketMessage[]} messages
   */
  #send({ id }, messages) {
    for (const message of messages) this.#manager.sendToConnection(id, message)
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : 'ERR_INTERNAL'
}
