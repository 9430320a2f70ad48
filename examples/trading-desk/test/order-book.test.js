import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OrderBook } from '../market/order-book.js'

describe('OrderBook', () => {
  it('has the best levels of both sides first', () => {
    const book = new OrderBook()

    book.replace([[99, 1], [100, 2], [98, 3]], [[103, 4], [101, 5], [102, 6]])

    assert.deepEqual(book.top(2), { bids: [[100, 2], [99, 1]], asks: [[101, 5], [102, 6]] })
  })

  it('changes, adds and takes away single levels', () => {
    const book = new OrderBook()
    book.replace([[100, 2], [99, 1]], [[101, 5]])

    book.change([[100, 7], [98, 3], [99, 0], [97, 0]], [[102, 1]])

    assert.deepEqual(book.top(9), { bids: [[100, 7], [98, 3]], asks: [[101, 5], [102, 1]] })
  })

  it('forgets what was there when a whole book comes', () => {
    const book = new OrderBook()
    book.replace([[100, 2]], [[101, 5]])

    book.replace([[50, 1]], [])

    assert.deepEqual(book.top(9), { bids: [[50, 1]], asks: [] })
  })

  it('takes levels away that a newer one of the other side meets', () => {
    const book = new OrderBook()
    book.replace([[100, 2], [99, 1]], [[101, 5], [102, 6]])

    book.change([[101.5, 1]], [])
    assert.deepEqual(book.top(9), { bids: [[101.5, 1], [100, 2], [99, 1]], asks: [[102, 6]] })

    book.change([], [[99, 4]])
    assert.deepEqual(book.top(9), { bids: [], asks: [[99, 4], [102, 6]] })
  })
})
