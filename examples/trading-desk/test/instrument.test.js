import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Instrument } from '../market/instrument.js'

/** @import { MarketEvent } from '../market/instrument.js' */

const NOON = 1_000_000_000_000
/** @type {MarketEvent} */
const BOOK = { type: 'book', bids: [[100, 2], [99, 1]], asks: [[101, 5]] }
/** @type {MarketEvent} */
const TRADE = { type: 'trade', side: 'buy', price: 101, quantity: 0.5 }

function instrument() {
  return new Instrument({ symbol: 'ABC', decimals: 1, quantityDecimals: 2 })
}

/** @param {readonly { streamType: string, data: any }[]} messages */
function dataOf(messages) {
  return Object.fromEntries(messages.map(({ streamType, data }) => [streamType, data]))
}

describe('Instrument', () => {
  it('tells of a book, and of the price in its middle before there was a trade', () => {
    const { ORDERBOOK, PRICE } = dataOf(instrument().apply(BOOK, NOON))

    assert.deepEqual(ORDERBOOK, { sequence: 1, bids: [[100, 2], [99, 1]], asks: [[101, 5]] })
    assert.deepEqual(PRICE, { sequence: 1, last: 100.5, bid: 100, ask: 101, change: 0 })
  })

  it('tells of a trade, and of the price that it made', () => {
    const abc = instrument()
    abc.apply(BOOK, NOON)

    const { TRADES, PRICE } = dataOf(abc.apply(TRADE, NOON))

    assert.deepEqual(TRADES, { id: 1, side: 'buy', price: 101, quantity: 0.5 })
    assert.deepEqual(PRICE, { sequence: 2, last: 101, bid: 100, ask: 101, change: 0.5 })
  })

  it('tells of a price, and of a book, only when it is another', () => {
    const abc = instrument()
    abc.apply(BOOK, NOON)
    abc.apply(TRADE, NOON)

    assert.deepEqual(abc.apply(BOOK, NOON), [])
    assert.deepEqual(abc.apply(TRADE, NOON).map(({ streamType }) => streamType), ['TRADES'])
    assert.deepEqual(abc.apply({ type: 'levels', bids: [[98, 1]], asks: [] }, NOON).map(({ streamType }) => streamType), ['ORDERBOOK'])
  })

  it('numbers each kind of message without a hole', () => {
    const abc = instrument()
    const messages = [1, 2, 3].flatMap((i) => [
      ...abc.apply({ type: 'book', bids: [[100 + i, 1]], asks: [[110 + i, 1]] }, NOON), ...abc.apply({ ...TRADE, price: 104 + i }, NOON),
    ])

    for (const [streamType, count] of [['PRICE', 6], ['ORDERBOOK', 3], ['TRADES', 3]]) {
      const own = messages.filter((message) => message.streamType === streamType)
      const numbers = own.map(({ data }) => 'id' in data ? data.id : 'sequence' in data && data.sequence)
      assert.deepEqual(numbers, Array.from({ length: Number(count) }, (_, i) => i + 1))
    }
  })

  it('keeps a quote of an exchange that says how much there is, for orders to meet', () => {
    const abc = instrument()

    abc.apply({ type: 'quote', bid: 9, ask: 10, bidSize: 3, askSize: undefined }, NOON)

    assert.deepEqual(abc.quote, { bid: 9, ask: 10, bidSize: 3, askSize: undefined })
  })

  it('tells of the latest two candles once they changed', () => {
    const abc = instrument()
    abc.apply(TRADE, NOON)
    abc.apply({ ...TRADE, price: 105 }, NOON + 2_000)

    const [message] = abc.candlesChanged(NOON + 2_000)

    assert.deepEqual(message.data, { sequence: 1, candles: [[1e9, 101, 101, 101, 101], [1e9 + 2, 101, 105, 101, 105]] })
    assert.deepEqual(abc.candlesChanged(NOON + 3_999), [])
    assert.equal(abc.candlesChanged(NOON + 4_000).length, 1)
  })

  it('tells how it stands, with the numbers of the latest messages, and has a history', () => {
    const abc = instrument()
    abc.apply(BOOK, NOON)
    abc.apply(TRADE, NOON)

    const { PRICE, ORDERBOOK } = dataOf(abc.standing())

    assert.deepEqual(abc.history, [[1e9, 100.5, 101, 100.5, 101]])
    assert.deepEqual([PRICE.sequence, ORDERBOOK.sequence], [2, 1])
    assert.deepEqual(dataOf(abc.apply({ ...TRADE, price: 102 }, NOON)).PRICE.sequence, 3)
  })

  it('has nothing to tell before anything happened', () => {
    assert.deepEqual(instrument().standing(), [])
  })
})
