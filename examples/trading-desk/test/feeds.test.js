import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { ConnectionManager, parseServerMessage } from '../../../dist/index.js'
import { Feeds } from '../server/feeds.js'
import { deskStreams, SYMBOL_STREAMS } from '../streams.js'

/** @import { DeskStreams } from '../streams.js' */

const STREAMS = deskStreams('drop')
const BTC = /** @type {const} */ ({ streamType: 'PRICE', symbol: 'BTCUSDT' })

/** @type {Feeds} */
let feeds
/** @type {ConnectionManager<any, DeskStreams>} */
let manager
/** What the market was asked for. @type {string[]} */
let asked

/**
 * A connection, and what it is told of feeds.
 *
 * @param {string} id
 */
function open(id) {
  /** @type {string[]} */
  const told = []
  const send = (/** @type {string} */ text) => {
    const message = parseServerMessage(text, { streams: STREAMS })
    if (message.type === 'status') told.push(`${message.streamType} ${message.symbol} ${message.status}`)
    if (message.type === 'gap') told.push(`${message.streamType} ${message.symbol} missing: ${message.dropped}`)
  }
  return { connection: manager.addConnection(id, { send, close() {} }, id), told }
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] })
  asked = []
  manager = new ConnectionManager({ streams: STREAMS, idleDelayMs: 60_000 })
  feeds = new Feeds(manager, {
    silence: (symbol) => void asked.push(`silence ${symbol}`),
    resume: (symbol) => void asked.push(`resume ${symbol}`),
  })
})

afterEach(() => {
  feeds.close()
  mock.timers.reset()
})

describe('Feeds', () => {
  it('says when a feed is down, of each stream of the symbol, and of no other', () => {
    const { connection, told } = open('a')
    for (const streamType of SYMBOL_STREAMS) connection.subscribe({ streamType, symbol: 'BTCUSDT' })
    connection.subscribe({ ...BTC, symbol: 'ETHUSDT' })

    feeds.cut('BTCUSDT')
    feeds.cut('BTCUSDT')

    assert.deepEqual(told, SYMBOL_STREAMS.map((streamType) => `${streamType} BTCUSDT ERROR`))
    assert.equal(asked[0], 'silence BTCUSDT')
  })

  it('reconnects for a second, and says when the feed is back, and that trades are missing', () => {
    const { connection, told } = open('a')
    for (const streamType of /** @type {const} */ (['PRICE', 'TRADES'])) connection.subscribe({ streamType, symbol: 'BTCUSDT' })
    feeds.cut('BTCUSDT')
    told.length = 0
    asked.length = 0

    feeds.restore('BTCUSDT')
    feeds.restore('BTCUSDT')
    mock.timers.tick(999)
    assert.deepEqual([told, asked], [['PRICE BTCUSDT RECONNECTING', 'TRADES BTCUSDT RECONNECTING'], []])
    mock.timers.tick(1)

    assert.deepEqual(told.slice(2), ['PRICE BTCUSDT CONNECTED', 'TRADES BTCUSDT CONNECTED', 'TRADES BTCUSDT missing: undefined'])
    assert.deepEqual(asked, ['resume BTCUSDT'])
  })

  it('knows the status of a feed, also if nobody is subscribed', () => {
    const statuses = [feeds.statusOf('BTCUSDT')]
    feeds.cut('BTCUSDT')
    statuses.push(feeds.statusOf('BTCUSDT'))
    feeds.restore('BTCUSDT')
    statuses.push(feeds.statusOf('BTCUSDT'))
    mock.timers.tick(1_000)

    assert.deepEqual([...statuses, feeds.statusOf('BTCUSDT')], ['CONNECTED', 'ERROR', 'RECONNECTING', 'CONNECTED'])
  })

  it('tells nobody of a private stream with the same symbol', () => {
    const { connection, told } = open('a')
    connection.subscribe({ streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT' })

    feeds.cut('BTCUSDT')

    assert.deepEqual(told, [])
  })

  it('stays down if it is cut while it reconnects, and does nothing for one that is up', () => {
    const { connection, told } = open('a')
    connection.subscribe(BTC)

    feeds.restore('BTCUSDT')
    feeds.cut('BTCUSDT')
    feeds.restore('BTCUSDT')
    feeds.cut('BTCUSDT')
    mock.timers.tick(60_000)

    assert.deepEqual(told, ['PRICE BTCUSDT ERROR', 'PRICE BTCUSDT RECONNECTING', 'PRICE BTCUSDT ERROR'])
    assert.ok(!asked.includes('resume BTCUSDT'))
  })

  it('does nothing more once it is closed', () => {
    feeds.cut('BTCUSDT')
    feeds.restore('BTCUSDT')

    feeds.close()
    mock.timers.tick(60_000)

    assert.ok(!asked.includes('resume BTCUSDT'))
  })
})
