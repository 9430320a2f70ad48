import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serializeStreamMessage } from '../../../dist/index.js'
import { ChartData } from '../page/chart-data.js'
import { Desk } from '../page/desk.js'
import { describeOrder, formatChange, formatCount, formatDecimal, formatDelay, formatQuantity } from '../page/format.js'
import { addressOf, readVisit } from '../page/setup.js'
import { Tape } from '../page/tape.js'
import { deskStreams } from '../streams.js'

/** @import { Command } from '../server/command.js' */
/** @import { Candle, Order } from '../streams.js' */

const INSTRUMENTS = ['AAA', 'BBB', 'CCC', 'DDD'].map((symbol) => ({ symbol, decimals: 2, quantityDecimals: 1 }))
const SETUP = /** @type {const} */ ({
  users: ['alice', 'bob'], instruments: INSTRUMENTS, trades: 'drop', candleSeconds: 2,
  limits: { slowBytesPerSecond: 1, softLimitBytes: 1, hardLimitBytes: 1 },
})
const STREAMS = deskStreams('drop')

/** A desk of alice, and what it says to the server. */
function open(picks = ['AAA']) {
  /** @type {Command[]} */
  const sent = []
  /** @type {string[]} */
  const addresses = []
  const desk = new Desk(SETUP, { user: 'alice', picks }, { send: (command) => sent.push(command), onPicks: (now) => addresses.push(now.join()) })
  /**
   * @param {string} streamType
   * @param {any} data
   * @param {string} [symbol]
   */
  const hear = (streamType, data, symbol) => {
    const userId = STREAMS[/** @type {keyof typeof STREAMS} */ (streamType)].audience === 'private' ? 'alice' : undefined
    const message = /** @type {any} */ ({ streamType, symbol, data, userId, timestamp: new Date(1_000) })
    desk.hear(serializeStreamMessage(message, { streams: STREAMS }), 1_250)
  }
  /**
   * @param {readonly string[]} own
   * @param {readonly string[]} [shared]
   */
  const tell = (own, shared = []) => {
    const facts = { id: 'c1', symbols: own, slow: false, behind: false }
    hear('CONNECTIONS', { shared, subscriptions: 0, connections: [facts] })
  }
  /** @param {string} symbol @param {number | null} dropped */
  const miss = (symbol, dropped) => desk.hear(JSON.stringify({ type: 'gap', stream_type: 'TRADES', symbol, dropped }), 0)
  /** @param {string} symbol @param {string} status */
  const feedIs = (symbol, status, streamType = 'PRICE') => desk.hear(JSON.stringify({ type: 'status', stream_type: streamType, symbol, status }), 0)
  const welcome = (isFirst = true) => hear('WELCOME', { connection: 'c1', isFirst, ended: undefined })
  return { desk, sent, addresses, hear, tell, miss, feedIs, welcome }
}

/** @param {number} sequence */
function price(sequence, last = 5) {
  return { sequence, last, bid: 4, ask: 6, change: 1 }
}

/** @param {number} id */
function trade(id) {
  return { id, side: 'buy', price: 5, quantity: 1 }
}

describe('Desk', () => {
  it('asks for its picks once it is welcome', () => {
    const { sent, welcome } = open(['AAA', 'BBB'])

    welcome()

    assert.deepEqual(sent, ['AAA', 'BBB'].map((symbol) => ({ type: 'subscribe', scope: 'connection', symbol })))
  })

  it('asks again for all after a reconnect: for what all tabs hear when it is the first that is back', () => {
    const { desk, sent, welcome, tell } = open()
    welcome()
    tell(['AAA'], ['CCC'])
    sent.length = 0

    welcome()
    tell([], [])

    assert.deepEqual(sent, [
      { type: 'subscribe', scope: 'connection', symbol: 'AAA' }, { type: 'subscribe', scope: 'user', symbol: 'CCC' },
    ])
    assert.ok(desk.isPicked('AAA', 'connection') && desk.isPicked('CCC', 'user'))
  })

  it('goes by what the other tabs hear when it is not the first that is back', () => {
    const { desk, sent, welcome, tell } = open()
    welcome()
    tell(['AAA'], ['CCC'])
    sent.length = 0

    welcome(false)
    tell([], ['DDD'])

    assert.deepEqual(sent, [{ type: 'subscribe', scope: 'connection', symbol: 'AAA' }])
    assert.deepEqual(INSTRUMENTS.map(({ symbol }) => desk.isPicked(symbol, 'user')), [false, false, false, true])
  })

  it('picks a symbol that it shows, unless it hears of it already', () => {
    const { desk, sent, welcome, tell } = open()
    welcome()
    tell(['AAA'], ['CCC'])
    sent.length = 0

    desk.show('CCC')
    desk.show('BBB')

    assert.equal(desk.shown, 'BBB')
    assert.deepEqual(sent, [{ type: 'subscribe', scope: 'connection', symbol: 'BBB' }])
  })

  it('follows what another tab ends for all, its own picks included', () => {
    const { desk, addresses, welcome, tell, hear } = open(['AAA', 'BBB'])
    welcome()
    tell(['AAA', 'BBB'], ['AAA'])
    hear('PRICE', price(1), 'AAA')

    tell(['BBB'], [])

    assert.equal(desk.isHeard('AAA'), false)
    assert.equal(desk.quotes.has('AAA'), false)
    assert.equal(addresses.at(-1), 'BBB')
  })

  it('counts prices that were conflated, and how old they are', () => {
    const { desk, hear } = open()

    for (const sequence of [10, 11, 15]) hear('PRICE', price(sequence), 'AAA')
    hear('PRICE', price(3), 'BBB')

    assert.deepEqual([desk.tally.conflated, desk.tally.received, desk.tally.delayMs], [3, 4, 250])
  })

  it('takes a snapshot, whose number is one that was, for no message that is missing', () => {
    const { desk, hear } = open()

    for (const sequence of [10, 10, 11, 9, 12]) hear('PRICE', price(sequence), 'AAA')

    assert.equal(desk.tally.conflated, 0)
  })

  it('counts trades that are missing as told, where the notices say so to the number', () => {
    const { desk, hear, miss } = open()

    hear('TRADES', trade(1), 'AAA')
    miss('AAA', 2)
    miss('AAA', 1)
    hear('TRADES', trade(5), 'AAA')

    assert.deepEqual([desk.tally.told, desk.tally.unexplained], [3, 0])
    assert.deepEqual(desk.tapes.get('AAA')?.rows.map((row) => row.type === 'gap' ? row.missed : row.id), [5, 3, 1])
  })

  it('counts trades that are missing without a word, and a word without trades that are missing', () => {
    const { desk, hear, miss } = open()

    hear('TRADES', trade(1), 'AAA')
    hear('TRADES', trade(4), 'AAA')
    miss('AAA', 5)
    hear('TRADES', trade(5), 'AAA')

    assert.equal(desk.tally.unexplained, 7)
  })

  it('begins to count anew for a symbol that it heard nothing of meanwhile, and after a reconnect', () => {
    const { desk, hear, tell, welcome, miss } = open()
    welcome()
    tell(['AAA'])
    hear('TRADES', trade(1), 'AAA')

    tell([])
    tell(['AAA'])
    miss('AAA', 3)
    hear('TRADES', trade(50), 'AAA')
    welcome()
    tell(['AAA'])
    hear('TRADES', trade(90), 'AAA')

    assert.deepEqual([desk.tally.told, desk.tally.unexplained], [3, 0])
  })

  it('says in which direction a price moved, and nothing while it stays', () => {
    const { desk, hear } = open()
    const moves = [5, 6, 6, 4].map((last, i) => {
      hear('PRICE', price(i, last), 'AAA')
      const { direction, moves } = desk.quotes.get('AAA') ?? {}
      return [direction, moves]
    })

    assert.deepEqual(moves, [[undefined, 0], ['up', 1], ['up', 1], ['down', 2]])
  })

  it('asks for a history where candles do not follow on what it has, once', () => {
    const { desk, sent, hear } = open()
    /** @type {(seconds: number) => Candle} */
    const candle = (seconds) => [seconds, 1, 1, 1, 1]

    hear('HISTORY', { candles: [candle(0), candle(2)] }, 'AAA')
    hear('CANDLES', { sequence: 1, candles: [candle(2), candle(4)] }, 'AAA')
    assert.deepEqual(sent, [])
    hear('CANDLES', { sequence: 2, candles: [candle(8), candle(10)] }, 'AAA')
    hear('CANDLES', { sequence: 3, candles: [candle(10), candle(12)] }, 'AAA')

    assert.deepEqual(sent, [{ type: 'history', symbol: 'AAA' }])
    desk.hear('{"type":"gap","stream_type":"HISTORY","symbol":"AAA","dropped":1}', 0)
    hear('CANDLES', { sequence: 4, candles: [candle(12), candle(14)] }, 'AAA')
    assert.equal(sent.length, 2, 'the one that was dropped is asked for again')
  })

  it('has the orders of a snapshot in the place of what it had, and tells of each change', () => {
    const { desk, hear } = open()
    const order = { id: 7, symbol: 'AAA', side: 'buy', quantity: 2, filled: 0, state: 'open' }

    hear('ORDER_UPDATES', { type: 'changed', order }, 'AAA')
    assert.equal(desk.orderNews, 'Order 7, buy 2 AAA: open')
    hear('ORDER_UPDATES', { type: 'changed', order: { ...order, filled: 2, averagePrice: 5, state: 'filled' } }, 'AAA')
    assert.equal(desk.orderNews, 'Order 7, buy 2 AAA: filled, 2 at 5.00')
    assert.deepEqual([...desk.orders.keys()], [7])

    hear('ORDER_UPDATES', { type: 'all', orders: [{ ...order, id: 9 }] })
    assert.deepEqual([...desk.orders.keys()], [9])
  })

  it('knows whose feed is down, until it is back, and says so', () => {
    const { desk, feedIs } = open()

    feedIs('AAA', 'ERROR')
    assert.deepEqual([...desk.feeds], [['AAA', 'ERROR']])
    assert.equal(desk.feedNews, 'The feed of AAA is down: its price is old.')
    feedIs('AAA', 'RECONNECTING')
    assert.deepEqual([...desk.feeds], [['AAA', 'RECONNECTING']])
    assert.equal(desk.feedNews, 'The feed of AAA reconnects: its price is old.')
    feedIs('AAA', 'CONNECTED')
    assert.deepEqual([...desk.feeds], [])
    assert.equal(desk.feedNews, 'The feed of AAA is back.')
  })

  it('says so once for all streams of a symbol', () => {
    const { desk, feedIs } = open()

    feedIs('AAA', 'ERROR', 'TRADES')

    assert.deepEqual([desk.feeds.size, desk.feedNews], [0, ''])
  })

  it('leaves a price old that comes in a snapshot, and forgets it with its symbol, and with its connection', () => {
    const { desk, feedIs, hear, tell, welcome } = open(['AAA', 'BBB'])
    welcome()
    tell(['AAA', 'BBB'])
    for (const symbol of ['AAA', 'BBB']) feedIs(symbol, 'ERROR')

    hear('PRICE', price(1), 'AAA')
    assert.deepEqual([...desk.feeds.keys()], ['AAA', 'BBB'])
    tell(['BBB'])
    assert.deepEqual([...desk.feeds.keys()], ['BBB'])
    welcome()
    assert.deepEqual([...desk.feeds.keys()], [])
  })

  it('cuts the feed of a symbol, and restores it', () => {
    const { desk, sent, feedIs } = open()

    desk.flipFeed('AAA')
    feedIs('AAA', 'ERROR')
    desk.flipFeed('AAA')
    feedIs('AAA', 'RECONNECTING')
    desk.flipFeed('AAA')

    assert.deepEqual(sent, [false, true, false].map((on) => ({ type: 'feed', symbol: 'AAA', on })))
  })

  it('begins to count anew where trades are missing, and nobody knows how many', () => {
    const { desk, hear, miss } = open()
    hear('TRADES', trade(1), 'AAA')

    miss('AAA', 2)
    miss('AAA', null)
    hear('TRADES', trade(50), 'AAA')

    assert.deepEqual([desk.tally.told, desk.tally.unexplained], [2, 0])
    assert.deepEqual(desk.tapes.get('AAA')?.rows.map((row) => row.type === 'gap' ? row.missed : row.id), [50, undefined, 1])
  })

  it('ignores what a newer server says', () => {
    const { desk } = open()

    desk.hear('{"type":"weather","symbol":"AAA"}', 0)

    assert.equal(desk.tally.received, 0)
  })

  it('says what was refused, until somebody has read it', () => {
    const { desk, hear } = open()

    hear('REFUSALS', { code: 'ERR_ORDER', reason: 'no' })
    assert.equal(desk.trouble, 'Refused: no.')
    desk.dismiss()
    assert.equal(desk.trouble, undefined)
  })
})

describe('Tape', () => {
  it('keeps the latest rows, newest first', () => {
    const tape = new Tape()
    for (let id = 1; id <= 100; id++) tape.add({ id, side: 'sell', price: 1, quantity: 1 }, id)

    assert.equal(tape.rows.length, 40)
    assert.deepEqual(tape.rows[0], { type: 'trade', atMs: 100, id: 100, side: 'sell', price: 1, quantity: 1 })
  })

  it('has one row for what is missing in one place', () => {
    const tape = new Tape()

    tape.miss(2)
    tape.miss(3)

    assert.deepEqual(tape.rows, [{ type: 'gap', missed: 5 }])
  })
})

describe('ChartData', () => {
  it('takes in candles that go on, and puts right what was there', () => {
    const data = new ChartData(2)
    data.begin([[0, 1, 1, 1, 1], [2, 1, 1, 1, 1]])

    assert.ok(data.update([[2, 1, 3, 1, 2], [4, 2, 2, 2, 2]]))

    assert.deepEqual(data.candles, [[0, 1, 1, 1, 1], [2, 1, 3, 1, 2], [4, 2, 2, 2, 2]])
  })

  it('takes in none where some between are missing, or there are none before', () => {
    const data = new ChartData(2)
    assert.equal(data.update([[0, 1, 1, 1, 1]]), false)
    data.begin([[0, 1, 1, 1, 1]])

    assert.equal(data.update([[4, 1, 1, 1, 1]]), false)
    assert.equal(data.candles.length, 1)
  })
})

describe('a visit', () => {
  it('begins with the first symbols where its address says nothing', () => {
    assert.deepEqual(readVisit('', SETUP), { user: 'alice', picks: ['AAA', 'BBB', 'CCC'] })
  })

  it('goes by its address, as far as that names users and symbols that there are', () => {
    assert.deepEqual(readVisit('?user=bob&pick=DDD,XXX,AAA', SETUP), { user: 'bob', picks: ['AAA', 'DDD'] })
    assert.deepEqual(readVisit('?user=mallory&pick=', SETUP), { user: 'alice', picks: [] })
  })

  it('has an address that leads to it', () => {
    const visit = { user: 'bob', picks: ['AAA', 'DDD'] }

    assert.equal(addressOf(visit), '/?user=bob&pick=AAA,DDD')
    assert.deepEqual(readVisit(addressOf(visit).slice(1), SETUP), visit)
  })
})

describe('a figure', () => {
  it('is written as one reads it', () => {
    assert.equal(formatDecimal(84_120.5, 1), '84,120.5')
    assert.equal(formatDecimal(undefined, 1), '–')
    assert.equal(formatQuantity(0.123456789), '0.123457')
    assert.equal(formatCount(12_345), '12,345')
    assert.deepEqual([0.5, -0.5, 0].map(formatChange), ['+0.50 %', '−0.50 %', '0.00 %'])
    assert.deepEqual([undefined, 12, 1_234].map(formatDelay), ['–', '12 ms', '1.2 s'])
  })

  it('is in the sentence of an order that was filled', () => {
    /** @type {Order} */
    const order = { id: 1, symbol: 'AAA', side: 'sell', quantity: 2, limit: 4, filled: 1.5, averagePrice: 5, state: 'partly filled' }

    assert.equal(describeOrder(order, 2), 'Order 1, sell 2 AAA: partly filled, 1.5 at 5.00')
  })
})
