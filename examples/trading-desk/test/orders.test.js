import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cancelled, isOpen, meet, newOrder } from '../orders/order.js'
import { OrderDesk } from '../orders/order-desk.js'

/** @import { Order } from '../streams.js' */

const QUOTE = { bid: 99, ask: 101, bidSize: 5, askSize: 2 }
const BUY = /** @type {const} */ ({ symbol: 'ABC', side: 'buy', quantity: 3, limit: undefined })

describe('an order', () => {
  it('to buy is filled at the ask, as far as there is some', () => {
    const order = meet(newOrder(1, BUY), QUOTE)

    assert.deepEqual(order, { ...newOrder(1, BUY), filled: 2, averagePrice: 101, state: 'partly filled' })
  })

  it('is filled by the next quotes, at the average of their prices', () => {
    const order = meet(meet(newOrder(1, BUY), QUOTE), { ...QUOTE, ask: 104 })

    assert.deepEqual([order.filled, order.averagePrice, order.state], [3, 102, 'filled'])
  })

  it('to sell is filled at the bid', () => {
    const order = meet(newOrder(1, { ...BUY, side: 'sell' }), QUOTE)

    assert.deepEqual([order.filled, order.averagePrice, order.state], [3, 99, 'filled'])
  })

  it('is filled whole where nobody says how much there is', () => {
    assert.equal(meet(newOrder(1, BUY), { ...QUOTE, askSize: undefined }).state, 'filled')
  })

  it('waits for its limit', () => {
    const buy = newOrder(1, { ...BUY, limit: 100 })
    const sell = newOrder(2, { ...BUY, side: 'sell', limit: 100 })

    assert.equal(meet(buy, QUOTE), buy)
    assert.equal(meet(sell, QUOTE), sell)
    assert.equal(meet(buy, { ...QUOTE, ask: 100 }).filled, 2)
    assert.equal(meet(sell, { ...QUOTE, bid: 100 }).filled, 3)
  })

  it('is filled no more once it is done', () => {
    for (const done of [cancelled(newOrder(1, BUY)), meet(newOrder(1, { ...BUY, quantity: 1 }), QUOTE)]) {
      assert.equal(meet(done, QUOTE), done)
      assert.equal(isOpen(done), false)
    }
  })

  it('is filled to the last bit of a quantity that does not add up in binary', () => {
    let order = newOrder(1, { ...BUY, quantity: 0.3 })
    for (let i = 0; i < 3; i++) order = meet(order, { ...QUOTE, askSize: 0.1 })

    assert.deepEqual([order.filled, order.state], [0.3, 'filled'])
  })
})

describe('OrderDesk', () => {
  /** @returns {{ desk: OrderDesk, changes: [string, Order][] }} */
  function open() {
    /** @type {[string, Order][]} */
    const changes = []
    return { changes, desk: new OrderDesk((userId, order) => changes.push([userId, order])) }
  }

  it('tells of each change of an order, to whom it belongs', () => {
    const { desk, changes } = open()

    desk.place('alice', BUY)
    desk.place('bob', { ...BUY, limit: 1 })
    desk.quoted('ABC', QUOTE)
    desk.cancel('bob', 2)

    assert.deepEqual(changes.map(([userId, { id, state }]) => [userId, id, state]), [
      ['alice', 1, 'open'], ['bob', 2, 'open'], ['alice', 1, 'partly filled'], ['bob', 2, 'cancelled'],
    ])
    assert.deepEqual(desk.ordersOf('alice').map(({ id }) => id), [1])
  })

  it('fills no order of another symbol', () => {
    const { desk, changes } = open()
    desk.place('alice', BUY)

    desk.quoted('XYZ', QUOTE)

    assert.equal(changes.length, 1)
  })

  it('cancels what is open of a user who is gone, says why, and does so once', () => {
    const { desk, changes } = open()
    desk.place('alice', BUY)
    desk.place('alice', { ...BUY, limit: 1 })
    desk.place('bob', { ...BUY, limit: 1 })
    desk.cancel('alice', 1)

    for (let i = 0; i < 2; i++) desk.abandon('alice')

    assert.equal(changes.length, 5)
    assert.deepEqual(desk.ordersOf('alice').map(({ state, abandoned }) => [state, abandoned]), [['cancelled', undefined], ['cancelled', true]])
    assert.equal(desk.ordersOf('bob')[0].state, 'open')
  })

  for (const quantity of [0, -1, NaN, Infinity, 1e10]) {
    it(`takes no order of ${quantity}`, () => {
      const { desk, changes } = open()

      assert.throws(() => desk.place('alice', { ...BUY, quantity }), { code: 'ERR_QUANTITY' })
      assert.throws(() => desk.place('alice', { ...BUY, limit: quantity }), { code: 'ERR_LIMIT' })
      assert.deepEqual(changes, [])
    })
  }

  it('cancels nobody’s order but one’s own, and none that is done', () => {
    const { desk } = open()
    desk.place('alice', BUY)

    assert.throws(() => desk.cancel('bob', 1), { code: 'ERR_NO_ORDER' })
    assert.throws(() => desk.cancel('alice', NaN), { code: 'ERR_NO_ORDER' })
    desk.cancel('alice', 1)
    assert.throws(() => desk.cancel('alice', 1), { code: 'ERR_ORDER_OVER' })
  })

  it('takes so many open orders of a user, and keeps so many in all', () => {
    const { desk } = open()
    for (let i = 0; i < 20; i++) desk.place('alice', { ...BUY, limit: 1 })
    assert.throws(() => desk.place('alice', BUY), { code: 'ERR_TOO_MANY_ORDERS' })
    desk.place('bob', BUY)

    for (let i = 0; i < 100; i++) {
      desk.cancel('alice', desk.ordersOf('alice').findLast(isOpen)?.id ?? 0)
      desk.place('alice', { ...BUY, limit: 1 })
    }

    assert.equal(desk.ordersOf('alice').length, 50)
    assert.equal(desk.ordersOf('alice').filter(isOpen).length, 20)
  })
})
