import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { laneKey } from '../lanes.js'
import { REPLAY } from '../limits.js'
import { judgeReplays } from '../replays.js'

/** @import { Replay } from '../replays.js' */
/** @import { Stream } from '../stream.js' */
/** @import { TimelineMessage } from '../timeline.js' */

/** @type {Stream} */
const BOOKS = { streamType: 'ORDERBOOK', symbol: 'BTC' }
/** @type {Stream} */
const PRICES = { streamType: 'PRICE', symbol: 'BTC' }
/** @type {Stream} */
const ORDERS = { streamType: 'ORDER_UPDATES', symbol: undefined }

/**
 * @param {Stream} stream
 * @param {unknown} data
 * @param {string} [userId]
 * @returns {TimelineMessage}
 */
function message(stream, data, userId) {
  return { ...stream, data, timestampMs: 1_000, userId, playAtMs: 0 }
}

/**
 * A client that has wanted a stream from the start of the play, and is there again at its end.
 *
 * @param {Stream} stream
 * @param {Partial<Replay>} facts
 * @returns {Replay}
 */
function replay(stream, facts) {
  return { stream, recovered: true, snapshot: false, at: Infinity, since: 0, received: [], ...facts }
}

/**
 * @param {readonly TimelineMessage[]} timeline
 * @param {Replay[]} replays
 * @param {{ had?: number[] }} [before] the positions of what the client had got
 */
function judge(timeline, replays, { had = [] } = {}) {
  const texts = timeline.map((each) => JSON.stringify(each))
  const alike = texts.map((text) => texts.indexOf(text))
  const reached = new Map(had.map((position) => [laneKey(timeline[position]), position]))
  const ended = replays.map((each) => ({ ...each, at: Math.min(each.at, timeline.length) }))
  return judgeReplays(ended, { userId: 'ann', timeline, alike, reached })
}

/** @param {Parameters<typeof judge>} play */
function kinds(...play) {
  return judge(...play).flatMap(({ findings }) => findings.map(({ kind, delivery }) => [kind, delivery]))
}

describe('judgeReplays', () => {
  const books = [0, 1, 2, 3].map((data) => message(BOOKS, data))

  test('finds nothing where all that was missed came, once and in order', () => {
    const [judgement] = judge(books, [replay(BOOKS, { received: [2, 3] })], { had: [1] })
    assert.deepEqual(judgement, { due: 2, replayed: 2, told: 0, taken: [2, 3], findings: [] })
  })

  test('finds what was left out of a replay, came twice, or changed places', () => {
    assert.deepEqual(kinds(books, [replay(BOOKS, { received: [1, 3] })], { had: [0] }), [['missing', 2]])
    assert.deepEqual(kinds(books, [replay(BOOKS, { received: [1, 2] })], { had: [0] }), [['missing', 3]])
    assert.deepEqual(kinds(books, [replay(BOOKS, { received: [1, 2, 3, 3] })], { had: [0] }), [['duplicate', 3]])
    assert.deepEqual(kinds(books, [replay(BOOKS, { received: [1, 3, 2] })], { had: [0] }), [['out of order', 2]])
  })

  test('finds what the client had before', () => {
    assert.deepEqual(kinds(books, [replay(BOOKS, { received: [1, 2, 3] })], { had: [1] }), [['unexpected', 1]])
  })

  test('expects nothing from before the client wanted the stream, and nothing that came live', () => {
    const [judgement] = judge(books, [replay(BOOKS, { since: 1, at: 3, received: [1, 2] })])
    assert.deepEqual(judgement.findings, [])
  })

  test('finds what is private to another user, and expects what is the client\'s own', () => {
    const orders = [message(ORDERS, 0, 'ann'), message(ORDERS, 1, 'bob'), message(ORDERS, 2, 'ann')]
    assert.deepEqual(kinds(orders, [replay(ORDERS, { received: [0, 2] })]), [])
    assert.deepEqual(kinds(orders, [replay(ORDERS, { received: [0, 1, 2] })]), [['unexpected', 1]])
  })

  test('gives a whole type and one of its symbols what each of them missed', () => {
    const one = { ...ORDERS, symbol: 'BTC' }
    const orders = [message(one, 0, 'ann'), message(ORDERS, 1, 'ann')]
    assert.deepEqual(kinds(orders, [replay(ORDERS, { received: [0, 1] }), replay(one, { received: [0] })]), [])
  })

  test('expects nothing for a newcomer', () => {
    assert.deepEqual(kinds(books, [replay(BOOKS, { recovered: null, since: undefined })]), [])
    assert.deepEqual(kinds(books, [replay(BOOKS, { recovered: null, since: undefined, received: [3] })]), [['unexpected', 3]])
  })

  test('finds that a client that comes back is taken for a newcomer', () => {
    assert.deepEqual(kinds(books, [replay(BOOKS, { recovered: null })], { had: [2] }), [['missing', 3]])
  })
})

describe('judgeReplays › a client that is told that it missed something', () => {
  const long = 'x'.repeat(REPLAY.units / 2)
  const books = [0, 1, 2].map((data) => message(BOOKS, [data, long]))

  test('counts what it missed, if that is more than the limits allow', () => {
    assert.deepEqual(judge(books, [replay(BOOKS, { recovered: false })]), [{ due: 0, replayed: 0, told: 3, taken: [], findings: [] }])
  })

  test('finds a message that comes nevertheless', () => {
    assert.deepEqual(kinds(books, [replay(BOOKS, { recovered: false, received: [2] })]), [['unexpected', 2]])
  })

  test('finds that it is told so needlessly', () => {
    const found = kinds(books, [replay(BOOKS, { recovered: false })], { had: [1] })
    assert.deepEqual(found, [['refused', { ...BOOKS, dropped: 1 }]])
  })

  test('counts all streams of one turn together', () => {
    const eth = { ...BOOKS, symbol: 'ETH' }
    const both = [message(BOOKS, long), message(eth, long)]
    assert.deepEqual(kinds(both, [replay(BOOKS, { received: [0] }), replay(eth, { recovered: false })]), [])
  })

  test('lets it be told so for many short messages', () => {
    const many = Array.from({ length: REPLAY.count + 1 }, () => message(BOOKS, 0))
    assert.deepEqual(kinds(many, [replay(BOOKS, { recovered: false })]), [])
  })
})

describe('judgeReplays › a stream of which only the newest counts', () => {
  const prices = [0, 1, 2].map((data) => message(PRICES, data))

  test('expects the newest alone, if it is news', () => {
    assert.deepEqual(kinds(prices, [replay(PRICES, { received: [2] })], { had: [0] }), [])
    assert.deepEqual(kinds(prices, [replay(PRICES, {})], { had: [2] }), [])
    assert.deepEqual(kinds(prices, [replay(PRICES, {})], { had: [0] }), [['missing', 2]])
    assert.deepEqual(kinds(prices, [replay(PRICES, { received: [1] })], { had: [0] }), [['unexpected', 1], ['missing', 2]])
    assert.deepEqual(kinds(prices, [replay(PRICES, { received: [1, 2] })], { had: [0] }), [['unexpected', 1]])
  })

  test('lets a newest one that reads like the last one come or not', () => {
    const again = [message(PRICES, 0), message(PRICES, 1), message(PRICES, 0)]
    assert.deepEqual(kinds(again, [replay(PRICES, { received: [0] })], { had: [0] }), [])
    assert.deepEqual(kinds(again, [replay(PRICES, {})], { had: [0] }), [])
  })

  test('expects the newest for a newcomer, and for a client that is told that it missed something', () => {
    const newcomer = { recovered: null, since: undefined }
    assert.deepEqual(kinds(prices, [replay(PRICES, { ...newcomer, snapshot: true, received: [2] })]), [])
    assert.deepEqual(kinds(prices, [replay(PRICES, newcomer)]), [['missing', 2]])
    const long = prices.map(({ data }) => message(PRICES, [data, 'x'.repeat(REPLAY.units)]))
    assert.deepEqual(kinds(long, [replay(PRICES, { recovered: false })]), [])
    assert.deepEqual(kinds(long, [replay(PRICES, { recovered: false, snapshot: true })]), [['missing', 2]])
  })
})
