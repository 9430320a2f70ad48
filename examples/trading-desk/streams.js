// In a project of your own: 'stream-connection-manager'
import { defineStreams } from '../../dist/index.js'

/** @import { CloseReason, Stats, ValidMessage } from '../../dist/index.js' */
/** @import { Client, Update } from '../../dist/client.js' */

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
 * @property {boolean} [abandoned] it was cancelled because its user was gone
 *
 * @typedef {object} Pick a symbol that was picked for all tabs of the user, or is not any more
 * @property {string} symbol
 * @property {boolean} isPicked
 *
 * @typedef {object} Tabs what the user's connections on one node listen to
 * @property {string} node
 * @property {number} subscriptions of the user, whoever holds them
 * @property {readonly ConnectionFacts[]} connections oldest first
 *
 * @typedef {object} ConnectionFacts
 * @property {string} id
 * @property {readonly string[]} symbols that it is subscribed to
 * @property {boolean} slow whether its line is slow
 * @property {boolean} behind whether something waits for it
 * @property {number} [pongAtMs] when it answered a ping last, by the clock of its node; absent before the first answer
 *
 * @typedef {object} Departure
 * @property {string} connection the id of one that has ended
 * @property {CloseReason} reason
 *
 * @typedef {{ type: 'tabs' } & Tabs | { type: 'departed' } & Departure} TabsUpdate
 *
 * @typedef {object} NodeFacts
 * @property {string} name
 * @property {boolean} isUp
 * @property {DrainProgress} [drain] while it sends its tabs away
 *
 * @typedef {object} DrainProgress
 * @property {number} left how many connections are left
 * @property {number} of how many there were when it began
 *
 * @typedef {object} Greeting what a page is told when it asks who it is
 * @property {string} connection the id of its connection
 * @property {string} node the name of the node that it is on
 * @property {number} atMs when it asked, by the clock of the node
 *
 * @typedef {Stats & { connections: number, users: number, subscriptions: number, streams: number, gaps: number }} Figures
 *   what the manager knows; `gaps` are the notices that it has handed on
 *
 * @typedef {Readonly<Record<string, number>>} Metrics what the series of `series.js` are now; those are absent that a node does not have
 *
 * @typedef {'drop' | 'keep'} TradesPolicy
 *
 * @typedef {ReturnType<typeof deskStreams>} DeskStreams
 *
 * @typedef {ValidMessage<DeskStreams>} DeskMessage
 *
 * @typedef {Update<DeskStreams>} DeskUpdate
 *
 * @typedef {Client<DeskStreams>} DeskClient
 */

/** The streams that come with each symbol that one picks. */
export const SYMBOL_STREAMS = /** @type {const} */ (['PRICE', 'ORDERBOOK', 'CANDLES', 'TRADES'])

/** The streams that each page listens to from the beginning. */
export const OWN_STREAMS = /** @type {const} */ (['ORDER_UPDATES', 'PICKS', 'CONNECTIONS', 'NODES', 'MANAGER'])

/** Each node has its own: they are not sent to the others. */
export const LOCAL_STREAMS = /** @type {const} */ (['MANAGER', 'METRICS'])

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
    MANAGER: { audience: 'public', symbol: 'none', delivery: 'latest', payload: /** @type {Figures} */ ({}) },
    METRICS: { audience: 'public', symbol: 'none', delivery: 'latest', payload: /** @type {Metrics} */ ({}) },
    NODES: { audience: 'public', symbol: 'none', delivery: 'latest', payload: /** @type {{ nodes: readonly NodeFacts[] }} */ ({}) },

    ORDER_UPDATES: { audience: 'private', payload: /** @type {Order} */ ({}) },
    PICKS: { audience: 'private', symbol: 'none', payload: /** @type {Pick} */ ({}) },
    CONNECTIONS: { audience: 'private', symbol: 'none', payload: /** @type {TabsUpdate} */ ({}) },
  })
}
