import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChartData } from '../page/chart-data.js'
import { Desk } from '../page/desk.js'
import { describeOrder, formatChange, formatCount, formatDecimal, formatDelay, formatQuantity } from '../page/format.js'
import { Link } from '../page/link.js'
import { addressOf, readVisit } from '../page/setup.js'
import { Tape } from '../page/tape.js'
import { FakeClient } from '../testing/fake-client.js'

/** @import { Candle, Order } from '../streams.js' */

const INSTRUMENTS = ['AAA', 'BBB', 'CCC', 'DDD'].map((symbol) => ({ symbol, decimals: 2, quantityDecimals: 1 }))
const SETUP = /** @type {const} */ ({
  users: ['alice', 'bob'], instruments: INSTRUMENTS, trades: 'drop', candleSeconds: 2,
  limits: { slowBytesPerSecond: 1, softLimitBytes: 1, hardLimitBytes: 1, graceMs: 1, lifetimeMs: 1 },
})

/** A desk of alice, and its client. */
function open(picks = ['AAA']) {
  const fake = new FakeClient()
  /** @type {string[]} */
  const addresses = []
  const link = new Link(fake.client, () => {}, () => 0)
  const onPicks = (/** @type {readonly string[]} */ now) => void addresses.push(now.join())
  const desk = new Desk(SETUP, { user: 'alice', picks }, { client: fake.client, link, onPicks, onChange: () => {}, now: () => 1_250 })
  const symbols = () => [...new Set(fake.subscriptions.flatMap((stream) => stream.split(' ')[1] ?? []))]
  const asked = () => fake.requests.filter(({ command }) => command !== 'hello').splice(0)
  /**
   * @param {string} streamType
   * @param {any} data
   * @param {string} [symbol]
   */
  const hear = (streamType, data, symbol) => fake.tell({ streamType, symbol, data, timestamp: new Date(1_000) })
  /** @param {string} symbol @param {number | undefined} dropped */
  const miss = (symbol, dropped) => fake.tell({ type: 'gap', streamType: 'TRADES', symbol, dropped })
  /** @param {string} symbol @param {string} status */
  const feedIs = (symbol, status, streamType = 'PRICE') => fake.tell({ type: 'status', streamType, symbol, status })
  const connect = async () => {
    fake.emit('state', { state: 'connected' })
    await fake.settle()
  }
  return { desk, fake, addresses, symbols, asked, hear, miss, feedIs, connect }
}

/** @param {number} sequence */
function price(sequence, last = 5) {
  return { sequence, last, bid: 4, ask: 6, change: 1 }
}

/** @param {number} id */
function trade(id) {
  return { id, side: 'buy', price: 5, quantity: 1 }
}

/** @param {string} code */
function refusal(code) {
  return Object.assign(new Error(code), { code })
}

describe('Desk', () => {
  it('subscribes to its picks, and to what is of the user', () => {
    const { fake } = open(['AAA', 'BBB'])

    const ofSymbols = ['AAA', 'BBB'].flatMap((symbol) => ['PRICE', 'ORDERBOOK', 'CANDLES', 'TRADES'].map((type) => `${type} ${symbol}`))
    assert.deepEqual(fake.subscriptions, [...ofSymbols, 'ORDER_UPDATES', 'PICKS', 'CONNECTIONS', 'NODES', 'MANAGER'])
  })

  it('picks a symbol that it shows, unless it hears of it already', () => {
    const { desk, symbols, hear } = open()
    hear('PICKS', { symbol: 'CCC', isPicked: true })

    desk.show('CCC')
    assert.deepEqual([desk.isPicked('CCC', 'connection'), desk.shown], [false, 'CCC'])
    desk.show('BBB')

    assert.deepEqual([desk.isPicked('BBB', 'connection'), desk.shown, symbols()], [true, 'BBB', ['AAA', 'CCC', 'BBB']])
  })

  it('follows what another tab picks for all, and what it ends, but for its own picks', () => {
    const { desk, symbols, hear } = open(['AAA'])
    for (const symbol of ['AAA', 'BBB']) hear('PICKS', { symbol, isPicked: true })
    hear('PRICE', price(1), 'BBB')
    assert.deepEqual(symbols(), ['AAA', 'BBB'])

    for (const symbol of ['AAA', 'BBB']) hear('PICKS', { symbol, isPicked: false })

    assert.deepEqual([symbols(), desk.quotes.has('BBB')], [['AAA'], false])
  })

  it('tells the server what it picks for all tabs, and keeps the rest in its address', () => {
    const { desk, addresses, asked } = open(['AAA'])

    desk.toggle('BBB', 'connection')
    desk.toggle('CCC', 'user')
    desk.toggle('CCC', 'user')

    assert.deepEqual(addresses, ['AAA,BBB'])
    assert.deepEqual(asked(), [true, false].map((on) => ({ command: 'pick', data: { symbol: 'CCC', on } })))
  })

  it('asks what is picked for all tabs where it may have missed that, and tells a server that has forgotten it', async () => {
    const { desk, fake, asked, hear } = open()
    hear('PICKS', { symbol: 'CCC', isPicked: true })
    fake.answers.picks = ['BBB']

    fake.emit('subscribed', { streamType: 'PICKS', recovered: false })
    await fake.settle()

    assert.deepEqual(desk.shared, ['CCC', 'BBB'])
    assert.deepEqual(asked(), [{ command: 'picks', data: undefined }, { command: 'pick', data: { symbol: 'CCC', on: true } }])
  })

  it('counts prices that were conflated, and how old they are', () => {
    const { desk, hear } = open(['AAA', 'BBB'])

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

  it('goes on to count over a reconnect, and begins anew for a symbol that it heard nothing of meanwhile', async () => {
    const { desk, hear, connect } = open()
    hear('TRADES', trade(1), 'AAA')

    await connect()
    hear('TRADES', trade(4), 'AAA')
    assert.equal(desk.tally.unexplained, 2)
    desk.toggle('AAA', 'connection')
    desk.toggle('AAA', 'connection')
    hear('TRADES', trade(90), 'AAA')

    assert.equal(desk.tally.unexplained, 2)
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

  it('asks for a history where candles do not follow on what it has, once, and again if that fails', async () => {
    const { desk, fake, asked, hear } = open()
    /** @type {(seconds: number) => Candle} */
    const candle = (seconds) => [seconds, 1, 1, 1, 1]
    const candles = (/** @type {number[]} */ ...seconds) => hear('CANDLES', { sequence: 1, candles: seconds.map(candle) }, 'AAA')
    fake.answers.history = [candle(0), candle(2)]

    candles(0, 2)
    candles(0, 2)
    await fake.settle()
    candles(2, 4)
    assert.deepEqual(asked(), [{ command: 'history', data: { symbol: 'AAA' } }])
    assert.deepEqual(desk.charts.get('AAA')?.candles, [0, 2, 4].map(candle))
    fake.answers.history = refusal('ERR_DISCONNECTED')
    for (const first of [8, 10]) {
      candles(first, first + 2)
      await fake.settle()
    }

    assert.equal(asked().length, 3)
  })

  it('asks for the orders at the beginning, and where changes may be missing, and tells of each change', async () => {
    const { desk, fake, hear } = open()
    const order = { id: 7, symbol: 'AAA', side: 'buy', quantity: 2, filled: 0, state: 'open' }

    hear('ORDER_UPDATES', order, 'AAA')
    assert.equal(desk.orderNews, 'Order 7, buy 2 AAA: open')
    hear('ORDER_UPDATES', { ...order, filled: 2, averagePrice: 5, state: 'filled' }, 'AAA')
    assert.equal(desk.orderNews, 'Order 7, buy 2 AAA: filled, 2 at 5.00')
    assert.deepEqual([...desk.orders.keys()], [7])

    fake.answers.orders = [{ ...order, id: 9 }]
    fake.emit('subscribed', { streamType: 'ORDER_UPDATES', recovered: true })
    await fake.settle()
    assert.deepEqual([...desk.orders.keys()], [7])
    fake.emit('subscribed', { streamType: 'ORDER_UPDATES', recovered: null })
    await fake.settle()
    assert.deepEqual([...desk.orders.keys()], [9])
  })

  it('knows the tabs of the user on each node, and which is this one', async () => {
    const { desk, hear, connect } = open()
    const facts = (/** @type {string} */ id) => ({ id, symbols: [], slow: false, behind: false })
    await connect()

    hear('CONNECTIONS', { type: 'tabs', node: 'A', subscriptions: 1, connections: [facts('c1')] })
    hear('CONNECTIONS', { type: 'tabs', node: 'B', subscriptions: 1, connections: [facts('c2')] })

    assert.deepEqual(desk.connections.map(({ id, node }) => `${id} ${node}`), ['c1 A', 'c2 B'])
    assert.equal(desk.ownFacts?.id, 'c1')
    hear('CONNECTIONS', { type: 'tabs', node: 'B', subscriptions: 0, connections: [] })
    assert.deepEqual(desk.connections.map(({ id }) => id), ['c1'])
  })

  it('says that the server cut it off, and nothing of other tabs', async () => {
    const { desk, hear, connect } = open()
    await connect()

    hear('CONNECTIONS', { type: 'departed', connection: 'c9', reason: 'slow-consumer' })
    hear('CONNECTIONS', { type: 'departed', connection: 'c1', reason: 'peer-closed' })
    assert.equal(desk.trouble, undefined)
    hear('CONNECTIONS', { type: 'departed', connection: 'c1', reason: 'slow-consumer' })

    assert.match(desk.trouble ?? '', /it read too slowly/)
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

  it('leaves a price old that comes in a snapshot, and forgets it with its symbol, and with its connection', async () => {
    const { desk, feedIs, hear, connect } = open(['AAA', 'BBB'])
    for (const symbol of ['AAA', 'BBB']) feedIs(symbol, 'ERROR')

    hear('PRICE', price(1), 'AAA')
    assert.deepEqual([...desk.feeds.keys()], ['AAA', 'BBB'])
    desk.toggle('AAA', 'connection')
    assert.deepEqual([...desk.feeds.keys()], ['BBB'])
    await connect()
    assert.deepEqual([...desk.feeds.keys()], [])
  })

  it('cuts the feed of a symbol, and restores it', () => {
    const { desk, asked, feedIs } = open()

    desk.flipFeed('AAA')
    feedIs('AAA', 'ERROR')
    desk.flipFeed('AAA')
    feedIs('AAA', 'RECONNECTING')
    desk.flipFeed('AAA')

    assert.deepEqual(asked(), [false, true, false].map((on) => ({ command: 'feed', data: { symbol: 'AAA', on } })))
  })

  it('begins to count anew where trades are missing, and nobody knows how many', () => {
    const { desk, hear, miss } = open()
    hear('TRADES', trade(1), 'AAA')

    miss('AAA', 2)
    miss('AAA', undefined)
    hear('TRADES', trade(50), 'AAA')

    assert.deepEqual([desk.tally.told, desk.tally.unexplained], [2, 0])
    assert.deepEqual(desk.tapes.get('AAA')?.rows.map((row) => row.type === 'gap' ? row.missed : row.id), [50, undefined, 1])
  })

  it('ends a node', () => {
    const { desk, asked } = open()

    desk.endNode('A', 'stop')
    desk.endNode('B', 'kill')

    assert.deepEqual(asked(), [{ command: 'end', data: { node: 'A', kill: false } }, { command: 'end', data: { node: 'B', kill: true } }])
  })

  it('says what was refused, until somebody has read it', async () => {
    const { desk, fake } = open()
    fake.answers = { place: refusal('ERR_QUANTITY'), cancel: refusal('ERR_OF_A_NEWER_SERVER') }

    desk.place({ symbol: 'AAA', side: 'buy', quantity: -1, limit: undefined })
    await fake.settle()
    assert.equal(desk.trouble, 'Refused: the quantity must be above 0, and no more than a billion.')
    desk.dismiss()
    assert.equal(desk.trouble, undefined)

    desk.cancel(7)
    await fake.settle()
    assert.equal(desk.trouble, 'Refused: ERR_OF_A_NEWER_SERVER.')
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
