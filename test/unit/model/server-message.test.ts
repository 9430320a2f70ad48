import { describe, expect, it } from 'vitest'
import { defineStreams, parseServerMessage, parseStreamMessage, serializeStreamMessage, type StreamCatalogue } from '../../../src/index.ts'
import { noticeText } from '../../../src/model/notices.ts'
import { expectCode } from '../../support/errors.ts'
import { HOSTILE_IDS } from '../../support/hostile.ts'

const NOON = '2026-01-31T12:00:00.000Z'
const WIRE_PRICE = { stream_type: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 }, timestamp: NOON, user_id: null }
const WIRE_ORDER = { stream_type: 'ORDER_UPDATES', symbol: null, data: { id: 'o1' }, timestamp: NOON, user_id: 'alice' }
const WIRE_STATUS = { type: 'status', stream_type: 'TRADES', symbol: 'BTCUSDT', status: 'ERROR' }
const WIRE_GAP = { type: 'gap', stream_type: 'TRADES', symbol: 'BTCUSDT', dropped: 7 }

const WIRE_SUBSCRIBED = {
  type: 'subscribed',
  id: 7,
  stream_type: 'TRADES',
  symbol: 'BTCUSDT',
  position: 'k3f9:16',
  recovered: true,
  contiguous: true,
  delivery: 'every',
}
const WIRE_SKIP = { type: 'skip', stream_type: 'TRADES', symbol: 'BTCUSDT', epoch: 'k3f9', seq: 17 }
const EVERY_KIND = [WIRE_GAP, WIRE_STATUS, WIRE_SUBSCRIBED, WIRE_SKIP]

const streams: StreamCatalogue = defineStreams({
  NEWS: { audience: 'public', symbol: 'none' },
  TICKER: { audience: 'public', symbol: 'optional', overflow: 'drop' },
})

function parsed(wire: unknown, options?: { streams: StreamCatalogue }): unknown {
  return parseServerMessage(JSON.stringify(wire), options)
}

describe('parseServerMessage', () => {
  it.each([
    ['a public message', WIRE_PRICE],
    ['a private message', WIRE_ORDER],
    ['a message with extra keys', { ...WIRE_PRICE, seq: 7 }],
  ])('reads %s as parseStreamMessage does', (_, wire) => {
    const text = JSON.stringify(wire)

    const message = parseServerMessage(text)

    expect(message).toStrictEqual(parseStreamMessage(text))
    expect(message.type).toBeUndefined()
  })

  it('reads what serializeStreamMessage writes', () => {
    const text = serializeStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1, timestamp: new Date(NOON) })

    expect(parseServerMessage(text)).toEqual(parseStreamMessage(text))
  })

  it('reads a gap notice', () => {
    expect(parsed(WIRE_GAP)).toStrictEqual({ type: 'gap', streamType: 'TRADES', symbol: 'BTCUSDT', dropped: 7 })
  })

  it('returns a notice with an undefined symbol if the text has none', () => {
    expect(parsed({ ...WIRE_GAP, stream_type: 'NEWS', symbol: null }, { streams })).toStrictEqual({
      type: 'gap',
      streamType: 'NEWS',
      symbol: undefined,
      dropped: 7,
    })
  })

  it('reads a gap notice that does not know how many messages are missing, or is about all streams of a type', () => {
    expect(parsed({ ...WIRE_GAP, symbol: null, dropped: null })).toStrictEqual({
      type: 'gap',
      streamType: 'TRADES',
      symbol: undefined,
      dropped: undefined,
    })
  })

  it.each(['CONNECTED', 'RECONNECTING', 'ERROR'])('reads a status notice that says %s', (status) => {
    const wire = { type: 'status', stream_type: 'TRADES', symbol: 'BTCUSDT', status }

    expect(parsed(wire)).toStrictEqual({ type: 'status', streamType: 'TRADES', symbol: 'BTCUSDT', status })
  })

  it.each(['PENDING', 'DISCONNECTED', 'connected', null, 1, undefined])('refuses a status notice that says %j', (status) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ type: 'status', stream_type: 'TRADES', symbol: 'BTCUSDT', status }))
  })

  it.each(['heartbeat', '', 'Gap', 'gap ', '__proto__'])('answers that it does not know a frame of the type %j', (type) => {
    expect(parsed({ type, stream_type: 7 })).toStrictEqual({ type: 'unknown' })
  })

  it('takes a message with an extra type and data for a message', () => {
    expect(parsed({ ...WIRE_PRICE, type: 'heartbeat' })).toStrictEqual(parseStreamMessage(JSON.stringify(WIRE_PRICE)))
  })

  it.each([
    ['a message', WIRE_PRICE],
    ['a notice', WIRE_GAP],
    ['a status notice', { ...WIRE_GAP, type: 'status', status: 'ERROR' }],
    ['an unknown frame', { type: 'heartbeat' }],
  ])('returns %s frozen', (_, wire) => {
    expect(Object.isFrozen(parsed(wire))).toBe(true)
  })

  it('does not depend on white space or key order in a notice, and ignores extra keys', () => {
    const text = '\n{ "dropped": 7, "since": "12:00", "symbol": "BTCUSDT", "stream_type": "TRADES", "timestamp": 0, "type": "gap" }'

    expect(parseServerMessage(text)).toEqual({ type: 'gap', streamType: 'TRADES', symbol: 'BTCUSDT', dropped: 7 })
  })

  it.each([
    ['a message with data', { ...WIRE_PRICE, type: 'gap' }],
    ['a message whose data is null', { ...WIRE_PRICE, data: null, type: 'gap' }],
    ['a message that counts something as well', { ...WIRE_PRICE, type: 'gap', dropped: 7 }],
  ])('returns a message for %s, even if an extra key "type" says gap', (_, wire) => {
    const message = parsed(wire)

    expect(message).toEqual(parseStreamMessage(JSON.stringify(wire)))
    expect(message).not.toHaveProperty('type')
  })

  it.each([['gap'], null, true, 7])('does not recognise the type %j as a notice', (type) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_GAP, type }))
  })

  it.each(['type', 'stream_type', 'symbol', 'dropped'])('refuses a notice without %s', (key) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_GAP, [key]: undefined }))
  })

  it('refuses a notice without a symbol key, even if the symbol is optional', () => {
    const streams = { NEWS: { audience: 'public', symbol: 'optional' } } as const

    expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage('{"type":"gap","stream_type":"NEWS","dropped":7}', { streams }))
  })

  it.each([0, -1, 1.5, '7', true, [7], 2 ** 53])('refuses a notice of %j dropped messages', (dropped) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_GAP, dropped }))
  })

  it('accepts counts up to the largest safe integer', () => {
    expect(parsed({ ...WIRE_GAP, dropped: 2 ** 53 - 1 })).toMatchObject({ dropped: 2 ** 53 - 1 })
  })

  it.each([null, 7, ['TRADES'], {}])('refuses a notice whose stream type is %j', (streamType) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_GAP, stream_type: streamType }))
  })

  it.each(['TICKER', 'trades', '', '__proto__', 'constructor', 'TRADES:BTCUSDT'])('refuses a notice of the unknown stream type %j', (streamType) => {
    const error = expectCode('ERR_UNKNOWN_STREAM', () => parsed({ ...WIRE_GAP, stream_type: streamType }))

    expect(error).toMatchObject({ streamType })
  })

  it.each(['', 'x'.repeat(256), '\ud83d', 'a\ude00b', 7, true, {}, ['BTCUSDT']])('refuses a notice whose symbol is %j', (symbol) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_GAP, symbol }))
  })

  it.each([
    ['null although one is required', 'TRADES', null, 'ERR_SYMBOL_REQUIRED', undefined],
    ['present although the type takes none', 'NEWS', 'BTCUSDT', 'ERR_SYMBOL_NOT_ALLOWED', { streams }],
  ])('refuses a status notice whose symbol is %s, with the reason', (_, streamType, symbol, code, options) => {
    const error = expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_STATUS, stream_type: streamType, symbol }, options))

    expect(error).toMatchObject({ streamType, cause: { code } })
  })

  it.each(['', ' ', 'null', '1', '"gap"', '[]', `[${JSON.stringify(WIRE_GAP)}]`, '{}', `${JSON.stringify(WIRE_GAP)},`])('refuses %j', (text) => {
    expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage(text))
  })

  it.each([undefined, null, 7, {}, Object(JSON.stringify(WIRE_GAP))])('refuses %s as a text', (text) => {
    expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage(text as string))
  })

  it('refuses a notice that is truncated at any position', () => {
    const text = JSON.stringify(WIRE_GAP)

    for (let length = 0; length < text.length; length++) expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage(text.slice(0, length)))
  })

  it('takes no field of a notice from a prototype named in the text', () => {
    const own = '"stream_type":"TRADES","symbol":"BTCUSDT"'

    expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage(`{"__proto__":{"type":"gap","dropped":7},${own}}`))
    expectCode('ERR_INVALID_MESSAGE', () => parseServerMessage(`{"__proto__":{"dropped":7},"type":"gap",${own}}`))
    expect(({} as Record<string, unknown>)['dropped']).toBeUndefined()
  })

  it.each(HOSTILE_IDS)('reads a notice written for the symbol %j', (symbol) => {
    const notice = { type: 'gap', streamType: 'TRADES', symbol, dropped: 3 } as const

    expect(parseServerMessage(noticeText(notice))).toStrictEqual(notice)
  })

  it.each(['__proto__', 'constructor', ' ', '"', '%3A', '😀', 'T'.repeat(300)])('reads a notice written for the stream type %j', (streamType) => {
    const own: StreamCatalogue = defineStreams({ [streamType]: { audience: 'public', symbol: 'none' } })
    const notice = { type: 'gap', streamType, symbol: undefined, dropped: 1 } as const

    expect(parseServerMessage(noticeText(notice), { streams: own })).toStrictEqual(notice)
  })

  it('applies a custom catalogue to messages and to notices', () => {
    const news = { ...WIRE_PRICE, stream_type: 'NEWS', symbol: null }

    expect(parsed(news, { streams })).toMatchObject({ streamType: 'NEWS', symbol: undefined })
    expect(parsed({ ...WIRE_GAP, stream_type: 'TICKER' }, { streams })).toMatchObject({ streamType: 'TICKER', symbol: 'BTCUSDT' })
    expectCode('ERR_UNKNOWN_STREAM', () => parsed(news))
    expectCode('ERR_UNKNOWN_STREAM', () => parsed(WIRE_PRICE, { streams }))
    expectCode('ERR_UNKNOWN_STREAM', () => parsed(WIRE_GAP, { streams }))
  })

  it.each([undefined, {}, { streams: undefined }])('defaults to the trading streams if the options are %j', (options) => {
    const text = JSON.stringify(WIRE_GAP)

    expect(parseServerMessage(text, options as { streams: StreamCatalogue })).toMatchObject({ streamType: 'TRADES' })
  })

  it('refuses an invalid catalogue', () => {
    const broken = { NEWS: { audience: 'everyone' } } as unknown as StreamCatalogue

    expectCode('ERR_INVALID_ARGUMENT', () => parsed(WIRE_GAP, { streams: broken }))
  })
})

describe('parseServerMessage, of what a recovery adds', () => {
  it('reads the place of a message', () => {
    const message = parsed({ ...WIRE_PRICE, epoch: 'k3f9', seq: 17 })

    expect(message).toStrictEqual({ ...parseStreamMessage(JSON.stringify(WIRE_PRICE)), epoch: 'k3f9', seq: 17 })
    expect(Object.isFrozen(message)).toBe(true)
  })

  it('reads that a message is a snapshot, which may stand for the place before the first message', () => {
    expect(parsed({ ...WIRE_PRICE, epoch: 'k3f9', seq: 0, snapshot: true })).toMatchObject({ epoch: 'k3f9', seq: 0, snapshot: true })
  })

  it.each([
    ['no number', { epoch: 'k3f9' }],
    ['no epoch', { seq: 17 }],
    ['a number that is none', { epoch: 'k3f9', seq: '17' }],
    ['a negative number', { epoch: 'k3f9', seq: -1 }],
    ['a fraction', { epoch: 'k3f9', seq: 1.5 }],
    ['a number that is not safe', { epoch: 'k3f9', seq: 2 ** 53 }],
    ['an epoch that is no text', { epoch: 7, seq: 17 }],
    ['an empty epoch', { epoch: '', seq: 17 }],
    ['an epoch that would break a position', { epoch: 'a,b:1', seq: 17 }],
    ['an epoch of 65 characters', { epoch: 'x'.repeat(65), seq: 17 }],
    ['a mark alone', { snapshot: true }],
  ])('reads a message with %s as one without a place', (_, place) => {
    expect(parsed({ ...WIRE_PRICE, ...place })).toStrictEqual(parseStreamMessage(JSON.stringify(WIRE_PRICE)))
  })

  it.each([false, 'true', 1, null])('reads a message whose key "snapshot" is %j as no snapshot', (snapshot) => {
    expect(parsed({ ...WIRE_PRICE, epoch: 'k3f9', seq: 17, snapshot })).not.toHaveProperty('snapshot')
  })

  it('reads the answer to a subscribe', () => {
    expect(parsed(WIRE_SUBSCRIBED)).toStrictEqual({
      type: 'subscribed',
      id: 7,
      streamType: 'TRADES',
      symbol: 'BTCUSDT',
      position: 'k3f9:16',
      recovered: true,
      contiguous: true,
      delivery: 'every',
    })
    expect(parsed({ ...WIRE_SUBSCRIBED, id: undefined, stream_type: 'TICKER', symbol: null, recovered: null, contiguous: false, delivery: 'latest', snapshot: true }, { streams })).toStrictEqual({
      type: 'subscribed',
      streamType: 'TICKER',
      symbol: undefined,
      position: 'k3f9:16',
      recovered: null,
      contiguous: false,
      delivery: 'latest',
      snapshot: true,
    })
  })

  it.each([false, 'true', 1, null])('reads an answer whose key "snapshot" is %j as one that announces none', (snapshot) => {
    expect(parsed({ ...WIRE_SUBSCRIBED, snapshot })).not.toHaveProperty('snapshot')
  })

  it('reads which message a connection was left out of', () => {
    expect(parsed(WIRE_SKIP)).toStrictEqual({ type: 'skip', streamType: 'TRADES', symbol: 'BTCUSDT', epoch: 'k3f9', seq: 17 })
  })

  it.each<[string, unknown]>([
    ['id', -1],
    ['id', 1.5],
    ['id', '7'],
    ['id', null],
    ['stream_type', 7],
    ['symbol', undefined],
    ['symbol', null],
    ['symbol', ''],
    ['position', 16],
    ['position', null],
    ['recovered', undefined],
    ['recovered', 'true'],
    ['contiguous', undefined],
    ['contiguous', 1],
    ['delivery', 'some'],
    ['delivery', undefined],
  ])('refuses an answer to a subscribe whose %s is %j', (key, value) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_SUBSCRIBED, [key]: value }))
  })

  it.each<[string, unknown]>([
    ['stream_type', undefined],
    ['symbol', undefined],
    ['symbol', null],
    ['epoch', ''],
    ['epoch', 'a:b'],
    ['epoch', null],
    ['seq', 0],
    ['seq', -1],
    ['seq', '17'],
    ['seq', undefined],
  ])('refuses a skip whose %s is %j', (key, value) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_SKIP, [key]: value }))
  })

  it.each([
    ['an answer of the host\'s own', { type: 'subscribed', streamType: 'TRADES', symbol: 'BTCUSDT' }],
    ['a skip of the host\'s own', { type: 'skip', number: 7 }],
  ])('does not know %s, which has no place', (_, wire) => {
    expect(parsed(wire)).toStrictEqual({ type: 'unknown' })
  })

  it.each(EVERY_KIND)('returns $type frozen, and refuses it for a stream type that is unknown', (wire) => {
    expect(Object.isFrozen(parsed(wire))).toBe(true)
    expectCode('ERR_UNKNOWN_STREAM', () => parsed({ ...wire, stream_type: 'TICKER' }))
  })
})

describe('noticeText', () => {
  it('writes exactly these keys, in this order, with null for no symbol', () => {
    expect(noticeText({ type: 'gap', streamType: 'TRADES', symbol: 'BTCUSDT', dropped: 7 })).toBe(
      '{"type":"gap","stream_type":"TRADES","symbol":"BTCUSDT","dropped":7}',
    )
    expect(noticeText({ type: 'gap', streamType: 'NEWS', symbol: undefined, dropped: 1 })).toBe('{"type":"gap","stream_type":"NEWS","symbol":null,"dropped":1}')
  })
})
