import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { FeedError } from '../../market-feed/feed.js'
import { generatedMarket } from '../market/generated-market.js'
import { Market } from '../market/market.js'
import { recordedMarket } from '../market/recorded-market.js'

/** @import { MarketSource, TimedEvent } from '../market/market.js' */

/**
 * @param {MarketSource} source
 * @param {number} count
 */
function take({ events }, count) {
  return Array.from({ length: count }, () => /** @type {TimedEvent} */ (events.next().value))
}

/** @param {readonly object[]} lines */
function feedOf(...lines) {
  return new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join('\n'))
}

/**
 * @param {number} seconds
 * @param {string} symbol
 * @param {string} price
 */
function trade(seconds, symbol, price) {
  return { received_at: seconds, stream_type: 'TRADES', symbol, data: { price, quantity: '1.25', side: 'buy' } }
}

describe('a generated market', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(take(generatedMarket(7), 500), take(generatedMarket(7), 500))
    assert.notDeepEqual(take(generatedMarket(7), 500), take(generatedMarket(8), 500))
  })

  it('never goes back in time, and has a book of each symbol first', () => {
    const source = generatedMarket(1)
    const { length } = source.instruments
    const events = take(source, 5_000)

    assert.ok(events.every(({ atMs }, i) => i === 0 || atMs >= events[i - 1].atMs))
    const beginning = events.slice(0, length).map(({ symbol, event }) => [symbol, event.type])
    assert.deepEqual(beginning, source.instruments.map(({ symbol }) => [symbol, 'book']))
  })

  it('trades at prices of the book, whose bids are below its asks', () => {
    for (const { event } of take(generatedMarket(1), 5_000)) {
      if (event.type === 'book') assert.ok(event.bids[0][0] < event.asks[0][0])
      if (event.type === 'trade') assert.ok(event.price > 0 && event.quantity > 0)
    }
  })

  it('stays near where it began, for hours', () => {
    const last = new Map()
    for (const { symbol, event } of take(generatedMarket(3), 100_000)) if (event.type === 'trade') last.set(symbol, event.price)

    for (const [symbol, price] of [['BTCUSDT', 84_120.5], ['DOGEUSDT', 0.1153]]) {
      const ratio = last.get(symbol) / Number(price)
      assert.ok(ratio > 0.7 && ratio < 1.4, `${symbol} is at ${ratio} of what it was`)
    }
  })
})

describe('a recorded market', () => {
  it('plays its recording over and over, the busiest symbol first', () => {
    const source = recordedMarket(feedOf(trade(10, 'B', '1.50'), trade(10.5, 'A', '7'), trade(11, 'A', '7.125')), 'feed')

    assert.deepEqual(source.instruments, [
      { symbol: 'A', decimals: 3, quantityDecimals: 2 }, { symbol: 'B', decimals: 1, quantityDecimals: 2 },
    ])
    assert.deepEqual(take(source, 5).map(({ atMs, symbol }) => [atMs, symbol]), [[0, 'B'], [500, 'A'], [1_000, 'A'], [2_000, 'B'], [2_500, 'A']])
  })

  it('does not go back where the recorder’s clock did', () => {
    const source = recordedMarket(feedOf(trade(10, 'A', '1'), trade(9, 'A', '2'), trade(12, 'A', '3')), 'feed')

    assert.deepEqual(take(source, 3).map(({ atMs }) => atMs), [0, 0, 2_000])
  })

  it('is refused where it holds nothing that can be shown', () => {
    const line = { received_at: 1, stream_type: 'PRICE', symbol: 'A', data: { type: 'heartbeat' } }

    assert.throws(() => recordedMarket(feedOf(line), 'my.ndjson'), (error) => {
      return error instanceof FeedError && error.message === 'my.ndjson: holds no message in a form that the desk can show'
    })
  })
})

describe('Market', () => {
  it('has a past when it opens, and tells only how it stands', () => {
    /** @type {string[]} */
    const told = []
    const market = new Market(generatedMarket(1), { onMessage: ({ streamType, symbol }) => told.push(`${streamType} ${symbol}`), onQuote: () => {} })

    market.open()
    market.close()

    assert.equal(market.find('BTCUSDT')?.history.length, 60)
    assert.deepEqual(told, market.instruments.flatMap(({ symbol }) => [`PRICE ${symbol}`, `ORDERBOOK ${symbol}`]))
  })

  it('tells what happens next, and of quotes', async () => {
    const market = await new Promise((resolve) => {
      /** @type {Market} */
      const market = new Market(generatedMarket(1), {
        onMessage: () => {},
        onQuote: (instrument) => instrument.quote && resolve(market),
      })
      market.open()
    })
    market.close()
  })

  it('tells nothing of a symbol whose feed is silent, until that resumes', () => {
    mock.timers.enable({ apis: ['setInterval', 'Date'] })
    let now = 0
    mock.method(performance, 'now', () => now)
    /** @type {(string | null | undefined)[]} */
    let symbols = []
    const market = new Market(generatedMarket(1), { onMessage: ({ symbol }) => symbols.push(symbol), onQuote: ({ symbol }) => symbols.push(symbol) })
    const pass = () => {
      symbols = []
      for (let i = 0; i < 100; i++) {
        now += 20
        mock.timers.tick(20)
      }
      market.tellCandles()
      return ['BTCUSDT', 'ETHUSDT'].map((symbol) => symbols.includes(symbol))
    }
    market.open()
    const before = market.find('BTCUSDT')?.standing()[0]

    market.silence('BTCUSDT')
    assert.deepEqual(pass(), [false, true])
    assert.deepEqual(market.find('BTCUSDT')?.standing()[0], before)
    market.resume('BTCUSDT')
    assert.deepEqual(pass(), [true, true])

    market.close()
    mock.reset()
    mock.timers.reset()
  })

  it('has no symbol that it does not have', () => {
    const market = new Market(generatedMarket(1), { onMessage: () => {}, onQuote: () => {} })

    assert.equal(market.find('__proto__'), undefined)
  })
})
