import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Checker } from '../checker.js'
import { wireText } from '../wire-text.js'

/** @import { Testimony } from '../checker.js' */
/** @import { Gap } from '../notice.js' */
/** @import { TimelineMessage } from '../timeline.js' */

const PRICES = { streamType: /** @type {const} */ ('PRICE'), symbol: 'BTC' }
const TRADES = { streamType: /** @type {const} */ ('TRADES'), symbol: 'BTC' }
const BOOKS = { streamType: /** @type {const} */ ('ORDERBOOK'), symbol: 'BTC' }
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

/** @param {unknown} data */
function trade(data) {
  return price(data, TRADES)
}

/** @param {unknown} data */
function book(data) {
  return price(data, BOOKS)
}

/**
 * @param {number} dropped
 * @param {{ streamType: string, symbol: string | undefined }} [stream]
 * @returns {Gap}
 */
function gap(dropped, stream = TRADES) {
  return { ...stream, dropped }
}

/** Prices 0 to 3 at the positions 0 to 3. */
const timeline = [price(0), price(1), price(2), price(3)]

/** @typedef {TimelineMessage | string | Gap} Item */

/**
 * @param {Checker} checker
 * @param {readonly Item[]} items
 */
function recorded(checker, items) {
  return items.map((item) => {
    if (typeof item === 'string') return checker.recognise(item)
    return 'dropped' in item ? item : checker.recognise(wireText(item))
  })
}

/**
 * What becomes of a connection that listens for the whole play, or for a part of it.
 *
 * @param {readonly TimelineMessage[]} messages
 * @param {readonly Item[]} received
 * @param {Partial<Testimony> & { acceptedAt?: number, behind?: boolean }} [rest]
 */
function verdict(messages, received, { acceptedAt = 0, behind = false, ...rest } = {}) {
  const checker = new Checker(messages)
  const holds = [PRICES, TRADES, BOOKS, ORDERS].map((stream) => ({ stream, holder: undefined, from: 0, to: Infinity, since: 0 }))
  return checker.check({
    name: 'ann/0 (c1)', place: 'ann/0', userId: 'ann', endedAt: messages.length, cut: false, tooSlow: false, holds, replays: [],
    spans: [{ from: acceptedAt, behind, received: recorded(checker, received) }],
    ...rest,
  })
}

/**
 * What is found of a connection that is behind for the whole play.
 *
 * @param {readonly TimelineMessage[]} messages
 * @param {readonly Item[]} received
 * @param {Partial<Testimony>} [rest]
 */
function findings(messages, received, rest) {
  return verdict(messages, received, { behind: true, ...rest }).mismatches.map(({ kind, detail }) => `${kind}: ${detail}`)
}

/** @param {Parameters<typeof verdict>} run */
function kinds(...run) {
  return verdict(...run).mismatches.map(({ kind, position }) => [kind, position])
}

describe('Checker', () => {
  test('finds nothing where everything came as it should', () => {
    assert.deepEqual(verdict(timeline, timeline), {
      due: 4, received: 4, lost: 0, replayed: 0, told: 0,
      missed: { conflated: 0, dropped: 0 }, mayHaveMissed: { conflated: 0, dropped: 0 },
      mismatches: [],
    })
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
    const holds = [{ stream: PRICES, holder: undefined, from: 1, to: 3, since: 1 }]
    assert.deepEqual(kinds(timeline, [timeline[1], timeline[2]], { holds }), [])
    assert.deepEqual(kinds(timeline, timeline, { holds }), [['unexpected', 0], ['unexpected', 3]])
  })

  test('expects nothing before a connection is accepted and nothing after it ended', () => {
    assert.deepEqual(kinds(timeline, [timeline[1], timeline[2]], { acceptedAt: 1, endedAt: 3 }), [])
  })

  test('expects one copy of what is covered twice', () => {
    const holds = [PRICES, PRICES].map((stream) => ({ stream, holder: undefined, from: 0, to: Infinity, since: 0 }))
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

describe('Checker › a connection that nothing had to wait for', () => {
  test('finds a price that was left out, though a newer one came', () => {
    assert.deepEqual(kinds(timeline, [timeline[3]]), [['missing', 0], ['missing', 1], ['missing', 2]])
  })

  test('finds a gap notice, and what is missing in its place', () => {
    const messages = [trade(0), trade(1)]
    assert.deepEqual(kinds(messages, [gap(1), messages[1]]), [['wrong gap', undefined], ['missing', 0]])
  })
})

describe('Checker › a connection that was behind', () => {
  test('lets prices skip, and counts what was conflated', () => {
    const { mismatches, missed } = verdict(timeline, [timeline[1], timeline[3]], { behind: true })
    assert.deepEqual(mismatches, [])
    assert.deepEqual(missed, { conflated: 2, dropped: 0 })
  })

  test('finds a price that goes back', () => {
    assert.deepEqual(findings(timeline, [timeline[2], timeline[1], timeline[3]]), ['out of order: PRICE BTC'])
  })

  test('finds a price that came twice', () => {
    assert.deepEqual(findings(timeline, [timeline[3], timeline[3]]), ['duplicate: PRICE BTC'])
  })

  test('finds that the newest price is missing, of each symbol', () => {
    const eth = { streamType: /** @type {const} */ ('PRICE'), symbol: 'ETH' }
    const holds = [PRICES, eth].map((stream) => ({ stream, holder: undefined, from: 0, to: Infinity, since: 0 }))
    const messages = [price(0), price(1, eth), price(2)]
    assert.deepEqual(findings(messages, [messages[0], messages[1]], { holds }), ['missing: PRICE BTC the newest'])
    assert.deepEqual(findings(messages, [messages[2]], { holds }), ['missing: PRICE ETH the newest'])
    assert.deepEqual(findings(messages, [messages[2], messages[1]], { holds }), [])
  })

  test('takes a newest price that reads like an older one for what it is', () => {
    const messages = [price(1), price(2), price(1)]
    assert.deepEqual(findings(messages, [price(1)]), [])
    assert.deepEqual(findings(messages, [price(2), price(1)]), [])
    assert.deepEqual(findings(messages, [price(1), price(2)]), ['missing: PRICE BTC the newest'])
  })

  test('lets streams pass one another, and none within', () => {
    const messages = [price(0), book(0), order('ann', 0), book(1)]
    assert.deepEqual(findings(messages, [messages[2], messages[1], messages[3], messages[0]]), [])
    assert.deepEqual(
      findings(messages, [messages[0], messages[3], messages[1], messages[2]]),
      ['missing: ORDERBOOK BTC without notice', 'out of order: ORDERBOOK BTC'],
    )
  })

  test('lets a notice stand for the trades that are missing in its place, and counts them', () => {
    const messages = [trade(0), trade(1), trade(2), trade(3)]
    const { mismatches, missed } = verdict(messages, [messages[0], gap(2), messages[3]], { behind: true })
    assert.deepEqual(mismatches, [])
    assert.deepEqual(missed, { conflated: 0, dropped: 2 })
    assert.deepEqual(findings(messages, [messages[0], messages[1], gap(2)]), [])
    assert.deepEqual(findings(messages, [gap(1), gap(2), messages[3]]), [])
  })

  test('finds trades that are missing without notice, each run once', () => {
    const messages = [trade(0), trade(1), trade(2), trade(3)]
    assert.deepEqual(findings(messages, [messages[0], messages[3]]), ['missing: TRADES BTC and 1 after it, without notice'])
    assert.deepEqual(findings(messages, messages.slice(0, 3)), ['missing: TRADES BTC without notice'])
    assert.equal(verdict(messages, messages.slice(0, 3), { behind: true }).missed.dropped, 1)
  })

  test('finds a notice with a wrong number, or in a wrong place', () => {
    const messages = [trade(0), trade(1), trade(2), trade(3)]
    const [zero, one, two, three] = messages
    assert.deepEqual(findings(messages, [zero, gap(3), three]), ['wrong gap: TRADES BTC says 3, where 2 are missing'])
    assert.deepEqual(findings(messages, [zero, gap(1), three]), ['wrong gap: TRADES BTC says 1, where 2 are missing'])
    assert.deepEqual(findings(messages, [...messages, gap(1)]), ['wrong gap: TRADES BTC says 1, where 0 are missing'])
    assert.deepEqual(findings(messages, [zero, one, gap(1)]), ['wrong gap: TRADES BTC says 1, where 2 are missing'])
    assert.deepEqual(
      findings(messages, [gap(1), zero, two, three]),
      ['wrong gap: TRADES BTC says 1, where 0 are missing', 'missing: TRADES BTC without notice'],
    )
  })

  test('knows by the notice which of two trades that read the same has come', () => {
    const messages = [trade(0), trade(1), trade(0), trade(1)]
    assert.deepEqual(findings(messages, [gap(2), messages[2], messages[3]]), [])
    assert.deepEqual(findings(messages, [messages[0], gap(2), messages[3]]), [])
  })

  test('finds a notice where nothing may be dropped', () => {
    for (const [message, stream] of /** @type {const} */ ([[book(0), BOOKS], [order('ann', 0), { ...ORDERS, symbol: 'BTC' }]])) {
      const [found] = findings([message], [gap(1, stream)])
      assert.match(found, /^wrong gap: .* in a stream that has none$/)
    }
    assert.match(findings(timeline, [gap(3, PRICES), timeline[3]])[0], /^wrong gap: PRICE BTC in a stream that has none$/)
  })

  test('finds a private message of another user, and what nobody asked for', () => {
    const messages = [order('bob', 0), trade(0), price(0, { symbol: 'ETH' })]
    assert.deepEqual(
      findings(messages, [...messages, 'gibberish']),
      ['private of another user: ORDER_UPDATES BTC of bob', 'unexpected: PRICE ETH', 'unexpected: gibberish'],
    )
  })

  test('takes the end of a connection that was cut as lost, or given up before', () => {
    const messages = [trade(0), price(0), trade(1), order('ann', 0), price(1)]
    const { lost, missed, mayHaveMissed, mismatches } = verdict(messages, [messages[0], messages[1]], { behind: true, cut: true })
    assert.deepEqual(mismatches, [])
    assert.equal(lost, 3)
    assert.deepEqual(missed, { conflated: 0, dropped: 0 })
    assert.deepEqual(mayHaveMissed, { conflated: 1, dropped: 1 })
  })

  test('finds a hole in what a cut connection received, and a notice of more than there was', () => {
    const messages = [book(0), book(1), book(2)]
    assert.deepEqual(findings(messages, [messages[0], messages[2]], { cut: true }), ['missing: ORDERBOOK BTC without notice'])
    assert.deepEqual(findings([trade(0), trade(1)], [gap(1)], { cut: true }), [])
    assert.deepEqual(findings([trade(0)], [gap(2)], { cut: true }), ['wrong gap: TRADES BTC says 2, where 1 are missing'])
  })
})

describe('Checker › a connection that was behind for a part of the play', () => {
  const messages = [price(0), price(1), price(2), price(3), price(4), price(5)]

  /** @param {[readonly Item[], readonly Item[], readonly Item[]]} parts */
  function kindsOf(...parts) {
    const checker = new Checker(messages)
    const spans = parts.map((received, index) => {
      return { from: index * 2, behind: index === 1, received: recorded(checker, received) }
    })
    return verdict(messages, [], { spans }).mismatches.map(({ kind, position }) => [kind, position])
  }

  test('may go without a price in that part alone', () => {
    const [zero, one, two, three, four, five] = messages
    assert.deepEqual(kindsOf([zero, one], [three], [four, five]), [])
    assert.deepEqual(kindsOf([one], [two, three], [four, five]), [['missing', 0]])
    assert.deepEqual(kindsOf([zero, one], [three], [five]), [['missing', 4]])
  })

  test('gets nothing of that part later', () => {
    const [zero, one, two, three, four, five] = messages
    assert.deepEqual(kindsOf([zero, one], [two], [three, four, five]), [['missing', 3], ['unexpected', 3]])
  })
})

describe('Checker › a client that came back', () => {
  const books = [0, 1, 2, 3].map(book)

  /**
   * One of the two connections of a client.
   *
   * @param {Checker} checker
   * @param {Partial<Testimony>} facts
   */
  function connection(checker, facts) {
    return checker.check({
      name: 'ann/0 (c1)', place: 'ann/0', userId: 'ann', cut: true, tooSlow: false, endedAt: 2, replays: [],
      holds: [{ stream: BOOKS, holder: undefined, from: 0, to: Infinity, since: 0 }],
      spans: [{ from: 0, behind: false, received: [0] }],
      ...facts,
    })
  }

  /**
   * It is cut off when it has received the first of two books, misses the third, and receives the fourth live.
   *
   * @param {number[]} again what it is sent again
   */
  function comeBack(...again) {
    const checker = new Checker(books)
    const first = connection(checker, {})
    const replays = [{ stream: BOOKS, recovered: true, snapshot: false, at: 3, since: 0, received: again }]
    const spans = [{ from: 3, behind: false, received: [3] }]
    return [first, connection(checker, { replays, spans, cut: false, endedAt: 4 })]
  }

  test('gets what was lost with the connection before, and what it missed since', () => {
    const [first, second] = comeBack(1, 2)
    assert.deepEqual([first.lost, second.lost], [1, 0])
    assert.deepEqual([second.due, second.received, second.replayed], [3, 3, 2])
    assert.deepEqual([...first.mismatches, ...second.mismatches], [])
  })

  test('must not go without any of it, nor get anything again', () => {
    const kindsOf = (/** @type {number[]} */ ...again) => {
      return comeBack(...again)[1].mismatches.map(({ kind, position }) => [kind, position])
    }
    assert.deepEqual(kindsOf(2), [['missing', 1]])
    assert.deepEqual(kindsOf(1), [['missing', 2]])
    assert.deepEqual(kindsOf(0, 1, 2), [['unexpected', 0]])
  })
})
