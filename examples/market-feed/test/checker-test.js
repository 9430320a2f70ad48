import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Checker, wireText } from '../checker.js'

/** @import { Testimony } from '../checker.js' */
/** @import { TimelineMessage } from '../timeline.js' */

const PRICES = { streamType: /** @type {const} */ ('PRICE'), symbol: 'BTC' }
const ORDERS = { streamType: /** @type {const} */ ('ORDER_UPDATES'), symbol: undefined }

/**
 * @param {unknown} data
 * @param {Partial<TimelineMessage>} [rest]
 * @returns {TimelineMessage}
 */
function price(data, rest) {
  return { ...PRICES, data, timestampMs: 1_000, userId: undefined, playAtMs: 0, ...rest }
}

/**
 * @param {string} userId
 * @param {unknown} data
 */
function order(userId, data) {
  return price(data, { streamType: 'ORDER_UPDATES', userId })
}

/** Prices 0 to 3 at the positions 0 to 3. */
const timeline = [price(0), price(1), price(2), price(3)]

/**
 * What becomes of a connection that listens to prices and orders for the whole play.
 *
 * @param {readonly TimelineMessage[]} messages
 * @param {readonly (TimelineMessage | string)[]} received
 * @param {Partial<Testimony>} [rest]
 */
function verdict(messages, received, rest) {
  const checker = new Checker(messages)
  const holds = [PRICES, ORDERS].map((stream) => ({ stream, holder: undefined, from: 0, to: Infinity }))
  return checker.check({
    name: 'ann/0', userId: 'ann', acceptedAt: 0, endedAt: messages.length, cut: false, holds,
    received: received.map((item) => checker.recognise(typeof item === 'string' ? item : wireText(item))),
    ...rest,
  })
}

/** @param {Parameters<typeof verdict>} run */
function kinds(...run) {
  return verdict(...run).mismatches.map(({ kind, position }) => [kind, position])
}

describe('wireText', () => {
  test('has the five keys in their order, and null for what is absent', () => {
    assert.equal(
      wireText(price({ bid: '1' }, { symbol: undefined })),
      '{"stream_type":"PRICE","symbol":null,"data":{"bid":"1"},"timestamp":"1970-01-01T00:00:01.000Z","user_id":null}',
    )
  })
})

describe('Checker', () => {
  test('finds nothing where everything came as it should', () => {
    assert.deepEqual(verdict(timeline, timeline), { due: 4, received: 4, lost: 0, mismatches: [] })
  })

  test('finds a message that is missing', () => {
    assert.deepEqual(kinds(timeline, [timeline[0], timeline[2], timeline[3]]), [['missing', 1]])
  })

  test('finds an end that is missing', () => {
    assert.deepEqual(kinds(timeline, timeline.slice(0, 2)), [['missing', 2], ['missing', 3]])
  })

  test('finds a message that came twice', () => {
    assert.deepEqual(kinds(timeline, [...timeline, timeline[1]]), [['duplicate', 1]])
  })

  test('finds two messages that changed places', () => {
    const [zero, one, two, three] = timeline
    assert.deepEqual(kinds(timeline, [zero, two, one, three]), [['out of order', 1]])
  })

  test('finds a private message of another user', () => {
    const messages = [order('ann', 1), order('bob', 1)]
    assert.deepEqual(kinds(messages, messages), [['private of another user', 1]])
  })

  test('finds a message of a stream that nobody asked for', () => {
    const messages = [price(1), price(2, { symbol: 'ETH' })]
    assert.deepEqual(kinds(messages, messages), [['unexpected', 1]])
  })

  test('finds a text that differs by one character', () => {
    const found = kinds([price(1)], [wireText(price(1)).replace('"data":1', '"data": 1')])
    assert.deepEqual(found, [['unexpected', undefined], ['missing', 0]])
  })

  test('expects messages of equal text as often as they were published', () => {
    const same = [price(1), price(1), price(1)]
    assert.deepEqual(kinds(same, same), [])
    assert.deepEqual(kinds(same, same.slice(1)), [['missing', 2]])
    assert.deepEqual(kinds(same, [...same, price(1)]), [['duplicate', 0]])
  })

  test('finds one message missing among others of equal text', () => {
    const messages = [price(1), price(1), price(2), price(1)]
    assert.deepEqual(kinds(messages, [price(1), price(2), price(1)]), [['missing', 1]])
  })

  test('expects nothing before a subscription and nothing after it', () => {
    const holds = [{ stream: PRICES, holder: undefined, from: 1, to: 3 }]
    assert.deepEqual(kinds(timeline, [timeline[1], timeline[2]], { holds }), [])
    assert.deepEqual(kinds(timeline, timeline, { holds }), [['unexpected', 0], ['unexpected', 3]])
  })

  test('expects nothing before a connection is accepted and nothing after it ended', () => {
    assert.deepEqual(kinds(timeline, [timeline[1], timeline[2]], { acceptedAt: 1, endedAt: 3 }), [])
  })

  test('expects one copy of what is covered twice', () => {
    const holds = [PRICES, PRICES].map((stream) => ({ stream, holder: undefined, from: 0, to: Infinity }))
    assert.deepEqual(kinds(timeline, timeline, { holds }), [])
  })

  test('counts what a cut connection did not receive any more as lost', () => {
    const { lost, mismatches } = verdict(timeline, timeline.slice(0, 1), { cut: true })
    assert.equal(lost, 3)
    assert.deepEqual(mismatches, [])
  })

  test('takes all that was on its way to a cut connection as lost', () => {
    assert.equal(verdict(timeline, [], { cut: true }).lost, 4)
  })

  test('finds a gap in what a cut connection received', () => {
    assert.deepEqual(kinds(timeline, [timeline[0], timeline[2]], { cut: true }), [['missing', 1]])
  })
})
