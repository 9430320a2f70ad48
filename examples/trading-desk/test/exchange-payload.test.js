import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readPayload } from '../market/exchange-payload.js'

/** @import { MarketStreamType } from '../../market-feed/feed.js' */

/** @type {readonly [string, MarketStreamType, unknown, unknown[]][]} */
const CASES = [
  ['a ticker', 'PRICE', { type: 'ticker', price: '5', best_bid: '4.5', best_ask: '5.5' },
    [{ type: 'quote', bid: 4.5, ask: 5.5, bidSize: undefined, askSize: undefined }]],
  ['a ticker with sizes', 'PRICE', { e: 'bookTicker', b: '4.5', B: '2', a: '5.5', A: '3' },
    [{ type: 'quote', bid: 4.5, ask: 5.5, bidSize: 2, askSize: 3 }]],
  ['a plain quote', 'PRICE', { bid: 4, ask: '5' }, [{ type: 'quote', bid: 4, ask: 5, bidSize: undefined, askSize: undefined }]],
  ['a match, named after who was there first', 'TRADES', { type: 'match', side: 'sell', price: '5', size: '0.1' },
    [{ type: 'trade', side: 'buy', price: 5, quantity: 0.1 }]],
  ['an aggregated trade whose buyer was there first', 'TRADES', { e: 'aggTrade', p: '5', q: '10', m: true },
    [{ type: 'trade', side: 'sell', price: 5, quantity: 10 }]],
  ['a plain trade', 'TRADES', { price: '5', quantity: '10', side: 'buy' }, [{ type: 'trade', side: 'buy', price: 5, quantity: 10 }]],
  ['a snapshot', 'ORDERBOOK', { type: 'snapshot', bids: [['4', '1']], asks: [['5', '2']] }, [{ type: 'book', bids: [[4, 1]], asks: [[5, 2]] }]],
  ['changes of levels', 'ORDERBOOK', { type: 'l2update', changes: [['sell', '5', '0'], ['buy', '4', '3']] },
    [{ type: 'levels', bids: [[4, 3]], asks: [[5, 0]] }]],
  ['a depth update', 'ORDERBOOK', { e: 'depthUpdate', b: [['4', '1']], a: [] }, [{ type: 'levels', bids: [[4, 1]], asks: [] }]],
  ['a plain book', 'ORDERBOOK', { bids: [['4', 1]], asks: [] }, [{ type: 'book', bids: [[4, 1]], asks: [] }]],
]

describe('readPayload', () => {
  for (const [name, streamType, data, events] of CASES) {
    it(`reads ${name}`, () => assert.deepEqual(readPayload(streamType, data), events))
  }

  for (const [name, streamType, data] of /** @type {const} */ ([
    ['nothing', 'PRICE', null],
    ['a text', 'PRICE', 'bid'],
    ['an unknown form', 'TRADES', { type: 'heartbeat' }],
    ['a quote without a number', 'PRICE', { bid: 'much', ask: '' }],
    ['a trade without a quantity', 'TRADES', { price: 5 }],
  ])) {
    it(`makes nothing of ${name}`, () => assert.deepEqual(readPayload(streamType, data), []))
  }

  it('leaves out levels that are none', () => {
    const data = { bids: [['4', 'x'], null, ['3', '1'], ['-1', '1'], 7], asks: 'none' }

    assert.deepEqual(readPayload('ORDERBOOK', { type: 'snapshot', ...data }), [{ type: 'book', bids: [[3, 1]], asks: [] }])
  })
})
