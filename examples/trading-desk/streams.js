// In a project of your own: 'stream-connection-manager'
import { defineStreams } from '../../dist/index.js'

/** @import { CloseReason, Stats, ValidMessage, ServerMessage } from '../../dist/index.js' */

/**
 * What goes over the wire, for the server that publishes it and the page that reads it.
 *
 * @typedef {'buy' | 'sell'} Side
 *
 * @typedef {readonly [price: number, quantity: number]} Level
 *
 * @typedef {readonly [seconds: number, open: number, high: number, low: number, close: number]} Candle
 *   its first second since the Unix epoch, and prices
 *
 * @typedef {object} Price the state of a market: a newer one is all that counts
 * @property {number} sequence one more with each, so that a page sees how many it did not get
 * @property {number} last the price of the latest trade, or the middle of the quote before there was one
 * @property {number | undefined} bid
 * @property {number | undefined} ask
 * @property {number} change in percent, since the market began
 *
 * @typedef {object} Book the best levels of both sides, best first: whole, and no difference to the one before
 * @property {number} sequence
 * @property {readonly Level[]} bids
 * @property {readonly Level[]} asks
 *
 * @typedef {object} Trade
 * @property {number} id one more with each of its symbol
 * @property {Side} side
 * @property {number} price
 * @property {number} quantity
 *
 * @typedef {object} Candles
 * @property {number} sequence
 * @property {readonly Candle[]} candles the latest two, so that one that was conflated away at its end is still put right
 *
 * @typedef {'open' | 'partly filled' | 'filled' | 'cancelled'} OrderState
 *
 * @typedef {object} Order
 * @property {number} id
 * @property {string} symbol
 * @property {Side} side
 * @property {number} quantity
 * @property {number | undefined} limit the worst price that will do; any, where there is none
 * @property {number} filled
 * @property {number | undefined} averagePrice of what is filled
 * @property {OrderState} state
 *
 * @typedef {{ type: 'all', orders: readonly Order[] } | { type: 'changed', order: Order }} OrderUpdate
 *
 * @typedef {object} Welcome
 * @property {string} connection the id of the connection that reads this
 * @property {boolean} isFirst whether the user had no other connection, and so nothing that all of them listen to
 * @property {CloseReason | undefined} ended why the connection that this one replaces had ended, where that is known
 *
 * @typedef {object} Connections what the user's connections listen to
 * @property {readonly string[]} shared the symbols that the user as such is subscribed to
 * @property {number} subscriptions of the user, whoever holds them
 * @property {readonly ConnectionFacts[]} connections oldest first
 *
 * @typedef {object} ConnectionFacts
 * @property {string} id
 * @property {readonly string[]} symbols that the connection alone is subscribed to
 * @property {boolean} slow whether its line is slow
 * @property {boolean} behind whether something waits for it
 *
 * @typedef {object} Refusal
 * @property {string} code
 * @property {string} reason
 *
 * @typedef {Stats & { connections: number, users: number, subscriptions: number, streams: number, gaps: number }} Figures
 *   what the manager knows; `gaps` are the notices that it has handed on
 *
 * @typedef {'drop' | 'keep'} TradesPolicy
 *
 * @typedef {ReturnType<typeof deskStreams>} DeskStreams
 *
 * @typedef {ValidMessage<DeskStreams>} DeskMessage
 *
 * @typedef {ServerMessage<DeskStreams>} DeskServerMessage
 */

/** The streams that come with each symbol that one picks. */
export const SYMBOL_STREAMS = /** @type {const} */ (['PRICE', 'ORDERBOOK', 'CANDLES', 'TRADES'])

/** The streams that each connection of the desk listens to from the beginning. */
export const OWN_STREAMS = /** @type {const} */ (['MANAGER', 'CONNECTIONS', 'ORDER_UPDATES'])

/**
 * The catalogue.
 *
 * @param {TradesPolicy} trades what becomes of the trades that wait for a connection when that are too many: the oldest
 *   are dropped, and the page is told how many; or all are kept, and the connection ends
 */
export function deskStreams(trades) {
  return defineStreams({
    PRICE: { audience: 'public', delivery: 'latest', payload: /** @type {Price} */ ({}) },
    ORDERBOOK: { audience: 'public', delivery: 'latest', payload: /** @type {Book} */ ({}) },
    CANDLES: { audience: 'public', delivery: 'latest', payload: /** @type {Candles} */ ({}) },
    TRADES: { audience: 'public', overflow: trades === 'drop' ? 'drop' : 'disconnect', payload: /** @type {Trade} */ ({}) },
    // Sent to whoever begins to look, and never published. The page asks again for one that was dropped.
    HISTORY: { audience: 'public', overflow: 'drop', payload: /** @type {{ candles: readonly Candle[] }} */ ({}) },
    MANAGER: { audience: 'public', symbol: 'none', delivery: 'latest', payload: /** @type {Figures} */ ({}) },

    WELCOME: { audience: 'private', symbol: 'none', payload: /** @type {Welcome} */ ({}) },
    CONNECTIONS: { audience: 'private', symbol: 'none', payload: /** @type {Connections} */ ({}) },
    ORDER_UPDATES: { audience: 'private', payload: /** @type {OrderUpdate} */ ({}) },
    REFUSALS: { audience: 'private', symbol: 'none', payload: /** @type {Refusal} */ ({}) },
  })
}
