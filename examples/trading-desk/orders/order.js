/** @import { Quote } from '../market/instrument.js' */
/** @import { Order, Side } from '../streams.js' */

/**
 * What a user asks for.
 *
 * @typedef {object} OrderRequest
 * @property {string} symbol
 * @property {Side} side
 * @property {number} quantity
 * @property {number | undefined} limit
 */

/** Quantities are sums of others: what is less than this is nothing. */
const LEAST_QUANTITY = 1e-9
const SIGNIFICANT_DIGITS = 12

/**
 * @param {number} id
 * @param {OrderRequest} request
 * @returns {Order}
 */
export function newOrder(id, { symbol, side, quantity, limit }) {
  return { id, symbol, side, quantity, limit, filled: 0, averagePrice: undefined, state: 'open' }
}

/**
 * The order after it met a quote: filled as far as its limit and what is offered allow. The very same one where it is not.
 *
 * @param {Order} order
 * @param {Quote} quote
 * @returns {Order}
 */
export function meet(order, quote) {
  const [price, size = Infinity] = order.side === 'buy' ? [quote.ask, quote.askSize] : [quote.bid, quote.bidSize]
  const quantity = Math.min(order.quantity - order.filled, size)
  if (!isOpen(order) || quantity <= 0 || !isAcceptable(order, price)) return order
  const filled = tidy(order.filled + quantity)
  const averagePrice = tidy(((order.averagePrice ?? 0) * order.filled + price * quantity) / filled)
  const isWhole = order.quantity - filled < LEAST_QUANTITY
  return { ...order, filled: isWhole ? order.quantity : filled, averagePrice, state: isWhole ? 'filled' : 'partly filled' }
}

/**
 * @param {Order} order
 * @returns {Order}
 */
export function cancelled(order) {
  return { ...order, state: 'cancelled' }
}

/**
 * An order that was cancelled because its user was gone.
 *
 * @param {Order} order
 * @returns {Order}
 */
export function abandoned(order) {
  return { ...cancelled(order), abandoned: true }
}

/** @param {Order} order */
export function isOpen({ state }) {
  return state === 'open' || state === 'partly filled'
}

/**
 * @param {Order} order
 * @param {number} price
 */
function isAcceptable({ side, limit }, price) {
  if (limit === undefined) return true
  return side === 'buy' ? price <= limit : price >= limit
}

/** @param {number} value */
function tidy(value) {
  return Number(value.toPrecision(SIGNIFICANT_DIGITS))
}
