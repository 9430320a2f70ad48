import { SLOW_BYTES_PER_SECOND } from '../limits.js'
import { Refusal } from '../refusal.js'

/** @import { CommandServerOptions } from '../../../dist/protocol.js' */
/** @import { WebSocket } from 'ws' */
/** @import { OrderRequest } from '../orders/order.js' */
/** @import { DeskStreams, Greeting } from '../streams.js' */
/** @import { Calls } from './calls.js' */
/** @import { Metadata } from './manager.js' */
/** @import { TabsPanel } from './tabs-panel.js' */

/** @typedef {NonNullable<CommandServerOptions<WebSocket, DeskStreams, Metadata>['commands']>} Commands */

/**
 * The commands of the desk's own. What to subscribe to is none of them: a page asks for that itself, and the library answers.
 *
 * Each command is for the user of its connection, whatever the data says.
 *
 * @param {string} node the name of this node
 * @param {Calls} exchange
 * @param {TabsPanel} panel
 * @returns {Commands}
 */
export function deskCommands(node, exchange, panel) {
  return {
    /** @returns {Greeting} */
    hello: ({ connection }) => ({ connection: connection.id, node, atMs: Date.now() }),
    orders: ({ connection: { userId } }) => exchange.ordersOf(userId),
    picks: ({ connection: { userId } }) => exchange.picksOf(userId),
    tabs: ({ connection: { userId } }) => exchange.tabsOf(userId),
    place: ({ connection: { userId }, data }) => exchange.place(userId, orderIn(data)),
    cancel: ({ connection: { userId }, data }) => exchange.cancel(userId, Number(Object(data).id)),
    pick: ({ connection: { userId }, data }) => exchange.pick(userId, textIn(data, 'symbol'), isOn(data)),
    history: ({ data }) => exchange.historyOf(textIn(data, 'symbol')),
    feed: ({ data }) => exchange.setFeed(textIn(data, 'symbol'), isOn(data)),
    slow({ connection, data }) {
      connection.metadata.line.setPace(isOn(data) ? SLOW_BYTES_PER_SECOND : Infinity)
      panel.tellUser(connection.userId)
    },
    end: ({ data }) => exchange.endNode(textIn(data, 'node'), Object(data).kill === true ? 'kill' : 'stop'),
  }
}

/**
 * @param {unknown} data
 * @returns {OrderRequest}
 */
function orderIn(data) {
  const { side, quantity, limit } = Object(data)
  if (side !== 'buy' && side !== 'sell') throw new Refusal('ERR_BAD_COMMAND')
  return { symbol: textIn(data, 'symbol'), side, quantity: Number(quantity), limit: limit == null ? undefined : Number(limit) }
}

/** @param {unknown} data */
function isOn(data) {
  return Object(data).on === true
}

/**
 * @param {unknown} data
 * @param {string} name
 * @returns {string}
 */
function textIn(data, name) {
  const text = Object(data)[name]
  if (typeof text === 'string') return text
  throw new Refusal('ERR_BAD_COMMAND')
}
