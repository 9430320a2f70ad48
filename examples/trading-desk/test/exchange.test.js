import assert from 'node:assert/strict'
import { it } from 'node:test'
import { generatedMarket } from '../market/generated-market.js'
import { Exchange } from '../server/exchange.js'
import { createManager } from '../server/manager.js'

const GRACE_MS = 10_000
const ORDER = /** @type {const} */ ({ symbol: 'BTCUSDT', side: 'buy', quantity: 1, limit: 1 })
const TAB = { id: 'c1', symbols: [], slow: false, behind: false }

/** Alice and Bob have an order each, and a tab on node A. */
function openExchange() {
  const limits = { slowBytesPerSecond: 1, softLimitBytes: 1, hardLimitBytes: 1, graceMs: GRACE_MS, lifetimeMs: 1 }
  const { manager } = createManager({ trades: 'drop', instruments: [], limits })
  const exchange = new Exchange(generatedMarket(1), { speed: 1, graceMs: GRACE_MS, manager })
  exchange.nodesChanged([{ name: 'A', isUp: true }, { name: 'B', isUp: true }])
  for (const userId of ['alice', 'bob']) {
    exchange.tabsChanged(userId, { node: 'A', subscriptions: 0, connections: [TAB] })
    exchange.place(userId, ORDER)
  }
  return exchange
}

/**
 * @param {Exchange} exchange
 * @returns {string[]}
 */
function states(exchange) {
  return ['alice', 'bob'].map((userId) => exchange.ordersOf(userId)[0].state)
}

it('an exchange cancels the orders of those who left a node, and are on no node after the grace', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const exchange = openExchange()
  for (const userId of ['alice', 'bob']) exchange.tabsChanged(userId, { node: 'A', subscriptions: 0, connections: [] })

  exchange.usersLeft(['alice', 'bob'])
  exchange.tabsChanged('alice', { node: 'B', subscriptions: 0, connections: [TAB] })

  mock.timers.tick(GRACE_MS - 1)
  assert.deepEqual(states(exchange), ['open', 'open'])
  mock.timers.tick(1)
  assert.deepEqual(states(exchange), ['open', 'cancelled'])
})

it('an exchange does so for the users of a node that was killed', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const exchange = openExchange()

  exchange.nodesChanged([{ name: 'A', isUp: false }, { name: 'B', isUp: true }])
  exchange.tabsChanged('alice', { node: 'B', subscriptions: 0, connections: [TAB] })

  mock.timers.tick(GRACE_MS)
  assert.deepEqual(states(exchange), ['open', 'cancelled'])
})
