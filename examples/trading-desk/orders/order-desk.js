import { Refusal } from '../refusal.js'
import { abandoned, cancelled, isOpen, meet, newOrder } from './order.js'

/** @import { Quote } from '../market/instrument.js' */
/** @import { Order } from '../streams.js' */
/** @import { OrderRequest } from './order.js' */

const MOST_OPEN = 20
/** Of one user; the oldest that are done are forgotten. */
const MOST_KEPT = 50
const LARGEST_AMOUNT = 1e9

/** Takes orders, fills them by the market's quotes, and tells of each change. It is a game: nobody is on the other side. */
export class OrderDesk {
  /** @type {Map<string, Map<number, Order>>} */
  #ordersByUser = new Map()
  #placed = 0
  #onChange

  /** @param {(userId: string, order: Order) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange
  }

  /**
   * The orders of a user, oldest first.
   *
   * @param {string} userId
   */
  ordersOf(userId) {
    return [...(this.#ordersByUser.get(userId)?.values() ?? [])]
  }

  /**
   * @param {string} userId
   * @param {OrderRequest} request
   */
  place(userId, request) {
    if (!isAmount(request.quantity)) throw new Refusal('ERR_QUANTITY')
    if (request.limit !== undefined && !isAmount(request.limit)) throw new Refusal('ERR_LIMIT')
    if (this.ordersOf(userId).filter(isOpen).length >= MOST_OPEN) throw new Refusal('ERR_TOO_MANY_ORDERS')
    this.#keep(userId, newOrder(++this.#placed, request))
  }

  /**
   * @param {string} userId
   * @param {number} orderId
   */
  cancel(userId, orderId) {
    const order = this.#ordersByUser.get(userId)?.get(orderId)
    if (!order) throw new Refusal('ERR_NO_ORDER')
    if (!isOpen(order)) throw new Refusal('ERR_ORDER_OVER')
    this.#keep(userId, cancelled(order))
  }

  /**
   * Cancels what is still open of a user who is gone. A second call does no harm.
   *
   * @param {string} userId
   */
  abandon(userId) {
    for (const order of this.ordersOf(userId).filter(isOpen)) this.#keep(userId, abandoned(order))
  }

  /**
   * Fills what a quote allows to fill. What is offered is there for each user anew.
   *
   * @param {string} symbol
   * @param {Quote} quote
   */
  quoted(symbol, quote) {
    for (const [userId, orders] of this.#ordersByUser) {
      for (const order of orders.values()) {
        const met = order.symbol === symbol ? meet(order, quote) : order
        if (met !== order) this.#keep(userId, met)
      }
    }
  }

  /**
   * @param {string} userId
   * @param {Order} order
   */
  #keep(userId, order) {
    const orders = this.#ordersByUser.get(userId) ?? new Map()
    this.#ordersByUser.set(userId, orders.set(order.id, order))
    for (const [id, each] of orders) if (orders.size > MOST_KEPT && !isOpen(each)) orders.delete(id)
    this.#onChange(userId, order)
  }
}

/** @param {number} value */
function isAmount(value) {
  return value > 0 && value <= LARGEST_AMOUNT
}
