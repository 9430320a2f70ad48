import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ledger } from '../ledger.js'

const BTC = { streamType: /** @type {const} */ ('PRICE'), symbol: 'BTC' }
const USER = undefined

/**
 * @param {Ledger} ledger
 * @param {string} connection
 */
function spans(ledger, connection) {
  return ledger.reaching(connection).map(({ holder, from, to }) => [holder, from, to])
}

describe('Ledger', () => {
  test('lets the user\'s subscription reach every connection, and a connection\'s own only that one', () => {
    const ledger = new Ledger()
    ledger.subscribe(BTC, USER, 1)
    ledger.subscribe(BTC, 'c1', 2)
    assert.deepEqual(spans(ledger, 'c1'), [[USER, 1, Infinity], ['c1', 2, Infinity]])
    assert.deepEqual(spans(ledger, 'c2'), [[USER, 1, Infinity]])
  })

  test('knows subscribing twice as one subscription, since the first time', () => {
    const ledger = new Ledger()
    ledger.subscribe(BTC, USER, 1)
    ledger.subscribe({ ...BTC }, USER, 5)
    assert.deepEqual(spans(ledger, 'c1'), [[USER, 1, Infinity]])
  })

  test('ends all holders with the user\'s unsubscribing, and one with a connection\'s', () => {
    const ledger = new Ledger()
    ledger.subscribe(BTC, 'c1', 0)
    ledger.subscribe(BTC, 'c2', 0)
    ledger.unsubscribe(BTC, 'c1', 3)
    assert.equal(ledger.holds(BTC, 'c1'), false)
    assert.equal(ledger.holds(BTC, USER), true)
    ledger.unsubscribe(BTC, USER, 4)
    assert.deepEqual([...spans(ledger, 'c1'), ...spans(ledger, 'c2')], [['c1', 0, 3], ['c2', 0, 4]])
    assert.equal(ledger.holds(BTC, USER), false)
  })

  test('keeps the user\'s own while another connection stays, and ends it with the last', () => {
    const ledger = new Ledger()
    ledger.subscribe(BTC, USER, 0)
    assert.deepEqual(ledger.leave('c1', 1, false), [])
    assert.deepEqual(ledger.leave('c2', 2, true).map(({ to }) => to), [2])
  })

  test('knows what a connection holds, and since when nothing of it may be missing', () => {
    const ledger = new Ledger()
    ledger.subscribe(BTC, USER, 0)
    ledger.subscribe(BTC, 'c1', 2)
    ledger.leave('c1', 4, false)
    ledger.subscribe(BTC, 'c2', 6, 2)
    assert.deepEqual(ledger.heldBy('c1'), [])
    assert.deepEqual(ledger.heldBy('c2').map(({ from, since }) => [from, since]), [[6, 2]])
  })
})
