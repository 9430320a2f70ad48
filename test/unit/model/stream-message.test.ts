import vm from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createStreamMessage,
  defineStreams,
  parseStreamMessage,
  rawJson,
  serializeStreamMessage,
  tradingStreams,
  type ErrorCode,
  type PublishableMessage,
  type StreamCatalogue,
} from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { HOSTILE_IDS, NO_IDS } from '../../support/hostile.ts'

const NOON = '2026-01-31T12:00:00.000Z'
const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } } as const
const ORDER = { streamType: 'ORDER_UPDATES', userId: 'alice', data: { id: 'o1' } } as const

/** The wire form of a price, field by field, as another program would write it. */
const WIRE_PRICE = { stream_type: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 }, timestamp: NOON, user_id: null }
const WIRE_ORDER = { stream_type: 'ORDER_UPDATES', symbol: null, data: { id: 'o1' }, timestamp: NOON, user_id: 'alice' }

/** Values that a caller without types may pass. */
function untyped(message: unknown): PublishableMessage {
  return message as PublishableMessage
}

function serializedData(data: unknown): string {
  const text = serializeStreamMessage({ ...PRICE, data, timestamp: new Date(NOON) })
  const [head, tail] = ['{"stream_type":"PRICE","symbol":"BTCUSDT","data":', `,"timestamp":"${NOON}","user_id":null}`]
  expect([text.slice(0, head.length), text.slice(-tail.length)]).toEqual([head, tail])
  return text.slice(head.length, -tail.length)
}

function parsed(wire: unknown): unknown {
  return parseStreamMessage(JSON.stringify(wire))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(NOON) })
})

afterEach(() => {
  vi.useRealTimers()
})

const NO_MESSAGES: readonly (readonly [what: string, message: unknown, code: ErrorCode])[] = [
  ['undefined', undefined, 'ERR_INVALID_MESSAGE'],
  ['null', null, 'ERR_INVALID_MESSAGE'],
  ['a text', '{"streamType":"PRICE"}', 'ERR_INVALID_MESSAGE'],
  ['a function', () => PRICE, 'ERR_INVALID_MESSAGE'],
  ['a missing stream type', { ...PRICE, streamType: undefined }, 'ERR_UNKNOWN_STREAM'],
  ['an unknown stream type', { ...PRICE, streamType: 'TICKER' }, 'ERR_UNKNOWN_STREAM'],
  ['a stream type of another case', { ...PRICE, streamType: 'price' }, 'ERR_UNKNOWN_STREAM'],
  ['a stream type in an array', { ...PRICE, streamType: ['PRICE'] }, 'ERR_UNKNOWN_STREAM'],
  ['the name of an inherited property', { ...PRICE, streamType: 'constructor' }, 'ERR_UNKNOWN_STREAM'],
  ['a missing symbol if one is required', { ...PRICE, symbol: undefined }, 'ERR_SYMBOL_REQUIRED'],
  ['null for a required symbol', { ...PRICE, symbol: null }, 'ERR_SYMBOL_REQUIRED'],
  ['a missing recipient on a private stream', { ...ORDER, userId: undefined }, 'ERR_RECIPIENT_REQUIRED'],
  ['null for the recipient of a private stream', { ...ORDER, userId: null }, 'ERR_RECIPIENT_REQUIRED'],
  ['a recipient on a public stream', { ...PRICE, userId: 'alice' }, 'ERR_RECIPIENT_NOT_ALLOWED'],
  ['a malformed recipient on a public stream', { ...PRICE, userId: '' }, 'ERR_RECIPIENT_NOT_ALLOWED'],
  ['a timestamp in text', { ...PRICE, timestamp: NOON }, 'ERR_INVALID_MESSAGE'],
  ['a timestamp in milliseconds', { ...PRICE, timestamp: Date.parse(NOON) }, 'ERR_INVALID_MESSAGE'],
  ['an invalid date', { ...PRICE, timestamp: new Date('never') }, 'ERR_INVALID_MESSAGE'],
  ['an invalid date of another realm', { ...PRICE, timestamp: vm.runInNewContext('new Date(NaN)') as unknown }, 'ERR_INVALID_MESSAGE'],
  ['an object that only inherits from Date', { ...PRICE, timestamp: Object.create(Date.prototype) as unknown }, 'ERR_INVALID_MESSAGE'],
  ['an object that only looks like a date', { ...PRICE, timestamp: { getTime: () => 0 } }, 'ERR_INVALID_MESSAGE'],
  ['a proxy of a date', { ...PRICE, timestamp: new Proxy(new Date(NOON), {}) }, 'ERR_INVALID_MESSAGE'],
]

describe('createStreamMessage', () => {
  it('returns all fields of a message with a symbol', () => {
    const timestamp = new Date('2026-01-31T08:00:00.123Z')

    const message = createStreamMessage({ ...PRICE, timestamp })

    expect(message).toStrictEqual({ ...PRICE, timestamp, userId: undefined })
  })

  it('returns all fields of a message without a symbol', () => {
    const timestamp = new Date('2026-01-31T08:00:00.123Z')

    const message = createStreamMessage({ ...ORDER, timestamp })

    expect(message).toStrictEqual({ ...ORDER, symbol: undefined, timestamp })
  })

  it('keeps the symbol of a stream whose symbol is optional', () => {
    expect(createStreamMessage({ ...ORDER, symbol: 'BTCUSDT' }).symbol).toBe('BTCUSDT')
  })

  it('treats null as absent', () => {
    const order = createStreamMessage({ ...ORDER, symbol: null, timestamp: null })
    const price = createStreamMessage({ ...PRICE, userId: null })

    expect(order).toMatchObject({ symbol: undefined, timestamp: new Date(NOON) })
    expect(price.userId).toBeUndefined()
  })

  it('has the current time if no timestamp is given', () => {
    expect(createStreamMessage(PRICE).timestamp).toEqual(new Date(NOON))
    expect(createStreamMessage({ ...PRICE, timestamp: undefined }).timestamp).toEqual(new Date(NOON))
  })

  it('copies the timestamp, so that a later change of the date does not change the message', () => {
    const timestamp = new Date(NOON)
    const message = createStreamMessage({ ...PRICE, timestamp })

    timestamp.setTime(0)

    expect(message.timestamp).toEqual(new Date(NOON))
  })

  it('is frozen', () => {
    expect(Object.isFrozen(createStreamMessage(PRICE))).toBe(true)
  })

  it('keeps data unchanged, neither copied nor frozen', () => {
    const data = { bid: 64_000 }

    const message = createStreamMessage({ ...PRICE, data })

    expect(message.data).toBe(data)
    expect(Object.isFrozen(data)).toBe(false)
  })

  it('ignores unknown fields', () => {
    const message = createStreamMessage(untyped({ ...PRICE, filters: {}, __proto__: { extra: 1 } }))

    expect(Object.keys(message)).toEqual(['streamType', 'symbol', 'data', 'timestamp', 'userId'])
  })

  it('reads inherited fields and getters', () => {
    class Price {
      get streamType() {
        return 'PRICE' as const
      }
      readonly symbol = 'BTCUSDT'
      get data() {
        return 1
      }
    }

    expect(createStreamMessage(new Price())).toMatchObject({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 })
  })

  it('reads each field once', () => {
    const reads: string[] = []
    const message = new Proxy(
      { ...ORDER, symbol: 'BTCUSDT', timestamp: new Date(NOON) },
      {
        get(target, name) {
          reads.push(String(name))
          return Reflect.get(target, name) as unknown
        },
      },
    )

    createStreamMessage(message)

    expect(reads.toSorted()).toEqual(['data', 'streamType', 'symbol', 'timestamp', 'userId'])
  })

  it.each([
    ['getTime', class extends Date { override getTime = () => 0 }],
    ['valueOf', class extends Date { override valueOf = () => 0 }],
    ['toISOString', class extends Date { override toISOString = () => 'never' }],
    ['Symbol.toPrimitive', class extends Date { override [Symbol.toPrimitive] = () => 'never' as never }],
    ['a throwing getTime', class extends Date { override getTime = () => { throw new Error('thrown') } }],
    ['an invalid getTime', class extends Date { override getTime = () => NaN }],
  ])('reads the actual time of a date, even if a subclass overrides it: %s', (_, HostileDate) => {
    const message = createStreamMessage({ ...PRICE, timestamp: new HostileDate(NOON) })

    expect(message.timestamp).toStrictEqual(new Date(NOON))
    expect(serializeStreamMessage({ ...PRICE, timestamp: new HostileDate(NOON) })).toContain(`"timestamp":"${NOON}"`)
  })

  it('accepts a date from another realm', () => {
    const timestamp = vm.runInNewContext(`new Date('${NOON}')`) as Date

    const message = createStreamMessage({ ...PRICE, timestamp })

    expect(timestamp).not.toBeInstanceOf(Date)
    expect(message.timestamp).toStrictEqual(new Date(NOON))
  })

  it('keeps data made by rawJson', () => {
    const data = rawJson('{"bid":1}')

    expect(createStreamMessage({ ...PRICE, data }).data).toBe(data)
  })

  it('names the stream type and the value that it refuses', () => {
    const unknown = expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage(untyped({ ...PRICE, streamType: 'TICKER' })))
    const refused = expectCode('ERR_RECIPIENT_NOT_ALLOWED', () => createStreamMessage(untyped({ ...PRICE, userId: 'mallory' })))

    expect(unknown).toMatchObject({ streamType: 'TICKER', message: expect.stringContaining('"TICKER"') as unknown })
    expect(refused).toMatchObject({ streamType: 'PRICE', message: expect.stringContaining('"mallory"') as unknown })
  })
})

describe.each<[name: string, read: (message: PublishableMessage<StreamCatalogue>, streams?: StreamCatalogue) => unknown]>([
  ['createStreamMessage', (message, streams = tradingStreams) => createStreamMessage(message, { streams })],
  ['serializeStreamMessage', (message, streams = tradingStreams) => serializeStreamMessage(message, { streams })],
])('%s', (_, read) => {
  it.each(NO_MESSAGES)('refuses %s', (_, message, code) => {
    expectCode(code, () => read(untyped(message)))
  })

  it.each(NO_IDS)('refuses %s as a symbol', (_, symbol) => {
    expectCode('ERR_INVALID_ID', () => read(untyped({ ...PRICE, symbol })))
    expectCode('ERR_INVALID_ID', () => read(untyped({ ...ORDER, symbol })))
  })

  it.each(NO_IDS)('refuses %s as the recipient of a private message', (_, userId) => {
    expectCode('ERR_INVALID_ID', () => read(untyped({ ...ORDER, userId })))
  })

  it('refuses a symbol if the stream type takes none', () => {
    const streams: StreamCatalogue = defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })

    expectCode('ERR_SYMBOL_NOT_ALLOWED', () => read({ streamType: 'NEWS', symbol: 'BTCUSDT', data: 1 }, streams))
    expectCode('ERR_SYMBOL_NOT_ALLOWED', () => read({ streamType: 'NEWS', symbol: '', data: 1 }, streams))
  })
})

describe('serializeStreamMessage', () => {
  it('writes a message with a symbol as JSON with five keys, in order', () => {
    const text = serializeStreamMessage({ ...PRICE, timestamp: new Date(NOON) })

    expect(text).toBe(
      '{"stream_type":"PRICE","symbol":"BTCUSDT","data":{"bid":64000},"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}',
    )
  })

  it('writes null as the symbol of a message without one', () => {
    const text = serializeStreamMessage({ ...ORDER, timestamp: new Date(NOON) })

    expect(text).toBe(
      '{"stream_type":"ORDER_UPDATES","symbol":null,"data":{"id":"o1"},"timestamp":"2026-01-31T12:00:00.000Z","user_id":"alice"}',
    )
  })

  it('writes all five keys of a private message with a symbol', () => {
    const text = serializeStreamMessage({ userId: 'alice', data: 1, symbol: 'X', timestamp: new Date(NOON), streamType: 'BOT_STATUS' })

    expect(text).toBe('{"stream_type":"BOT_STATUS","symbol":"X","data":1,"timestamp":"2026-01-31T12:00:00.000Z","user_id":"alice"}')
  })

  it('writes the result of createStreamMessage as it writes the original message', () => {
    expect(serializeStreamMessage(createStreamMessage(PRICE))).toBe(serializeStreamMessage(PRICE))
  })

  it('writes the current time if a message has no timestamp', () => {
    const first = serializeStreamMessage(PRICE)
    vi.setSystemTime('2026-01-31T12:00:00.001Z')
    const second = serializeStreamMessage(PRICE)

    expect(first).toContain('"timestamp":"2026-01-31T12:00:00.000Z"')
    expect(second).toContain('"timestamp":"2026-01-31T12:00:00.001Z"')
  })

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [Date.UTC(9999, 11, 31, 23, 59, 59, 999), '9999-12-31T23:59:59.999Z'],
    [8.64e15, '+275760-09-13T00:00:00.000Z'],
    [-8.64e15, '-271821-04-20T00:00:00.000Z'],
  ])('writes a timestamp of %d ms as %s', (ms, iso) => {
    expect(serializeStreamMessage({ ...PRICE, timestamp: new Date(ms) })).toContain(`"timestamp":"${iso}"`)
  })

  it('reads each field once', () => {
    const answers = ['alice', 'mallory']
    const message = {
      ...ORDER,
      get userId() {
        return answers.shift() ?? 'nobody'
      },
    }

    expect(serializeStreamMessage(message)).toContain('"user_id":"alice"')
    expect(answers).toEqual(['mallory'])
  })

  it.each([
    ['null', null, 'null'],
    ['a boolean', false, 'false'],
    ['a number', -0.5, '-0.5'],
    ['a number without a JSON form', NaN, 'null'],
    ['a text', 'a "b" \\ \n', '"a \\"b\\" \\\\ \\n"'],
    ['an array with holes and undefined', [1, undefined, , () => 1], '[1,null,null,null]'],
    ['fields without a JSON form', { a: 1, b: undefined, c: () => 1, d: Symbol('d') }, '{"a":1}'],
    ['a date', new Date(NOON), `"${NOON}"`],
    ['a map', new Map([['a', 1]]), '{}'],
    ['the result of a toJSON', { toJSON: () => ({ bid: 1 }) }, '{"bid":1}'],
    ['the result of the toJSON of a class', new (class { toJSON() { return [1] } })(), '[1]'],
    ['a nested toJSON', { at: { toJSON: (key: string) => key } }, '{"at":"at"}'],
    ['keys in their order', { b: 1, a: 2, 1: 3 }, '{"1":3,"b":1,"a":2}'],
  ])('writes data as JSON.stringify does: %s', (_, data, json) => {
    expect(serializedData(data)).toBe(json)
  })

  it('calls a toJSON once', () => {
    const toJSON = vi.fn(() => 1)

    serializedData({ toJSON })

    expect(toJSON).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('data')],
    ['a toJSON that returns undefined', { toJSON: () => undefined }],
    ['a toJSON that returns a function', { toJSON: () => () => 1 }],
  ])('refuses data without a JSON form: %s', (_, data) => {
    const error = expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage({ ...PRICE, data }))

    expect(error).toMatchObject({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    expect(error).not.toHaveProperty('cause')
  })

  it('refuses a message without data', () => {
    expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage(untyped({ streamType: 'PRICE', symbol: 'BTCUSDT' })))
  })

  it.each([
    ['a BigInt', 1n],
    ['a nested BigInt', { amount: [1n] }],
    ['a cycle', cyclic()],
    ['a cycle through an array', [cyclic()]],
  ])('refuses %s, with the reason', (_, data) => {
    const error = expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage({ ...ORDER, data }))

    expect(error).toMatchObject({ streamType: 'ORDER_UPDATES', cause: expect.any(TypeError) as unknown })
    expect(error).not.toHaveProperty('symbol')
  })

  it.each([
    ['an error', new Error('not today')],
    ['no error', 'not today'],
    ['undefined', undefined],
  ])('refuses data whose toJSON throws, with %s as the cause', (_, thrown) => {
    const toJSON = (): never => {
      throw thrown
    }

    const error = expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage({ ...PRICE, data: { toJSON } }))

    expect(error.cause).toBe(thrown)
  })

  it('refuses data with a throwing getter, and data that is a hostile proxy', () => {
    const thrown = new Error('thrown')
    const refuse = (): never => {
      throw thrown
    }
    const hostile = new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse, has: refuse })

    const byGetter = expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage({ ...PRICE, data: { get bid() { return refuse() } } }))
    const byProxy = expectCode('ERR_UNSERIALIZABLE', () => serializeStreamMessage({ ...PRICE, data: hostile }))

    expect(byGetter.cause).toBe(thrown)
    expect(byProxy.cause).toBe(thrown)
  })

  it('either writes or refuses data that is nested very deeply', () => {
    const deep = nested(100_000)

    const outcome = outcomeOf(() => serializeStreamMessage({ ...PRICE, data: deep }))

    expect(['text', 'ERR_UNSERIALIZABLE']).toContain(outcome)
  })

  it.each(HOSTILE_IDS)('writes well-formed JSON for the symbol and user id %j', (id) => {
    const text = serializeStreamMessage({ ...ORDER, symbol: id, userId: id })

    expect(JSON.parse(text)).toStrictEqual({ ...WIRE_ORDER, symbol: id, user_id: id })
  })

  it.each(['\ud83d', 'a\ude00b', '\u2028\u2029', '\0\u001f\u007f', '"},"user_id":"mallory', '</script>'])(
    'writes well-formed JSON for the data %j',
    (data) => {
      const text = serializeStreamMessage({ ...PRICE, data })

      expect(text).not.toMatch(/\p{Surrogate}/u)
      expect(JSON.parse(text)).toStrictEqual({ ...WIRE_PRICE, data })
    },
  )

  it('writes well-formed JSON for any name that a stream type may have', () => {
    const name = '"\\\u2028\ud83d'
    const streams: StreamCatalogue = { [name]: { audience: 'public', symbol: 'none' } }

    const text = serializeStreamMessage({ streamType: name, data: 1 }, { streams })

    expect(text).not.toMatch(/\p{Surrogate}/u)
    expect(JSON.parse(text)).toMatchObject({ stream_type: name })
  })
})

describe('parseStreamMessage', () => {
  it('returns the message that a text encodes', () => {
    expect(parsed(WIRE_PRICE)).toStrictEqual({ ...PRICE, timestamp: new Date(NOON), userId: undefined })
    expect(parsed(WIRE_ORDER)).toStrictEqual({ ...ORDER, symbol: undefined, timestamp: new Date(NOON) })
  })

  it('returns a frozen message, as createStreamMessage does', () => {
    expect(Object.isFrozen(parsed(WIRE_PRICE))).toBe(true)
  })

  it('does not depend on white space or key order', () => {
    const text = JSON.stringify(Object.fromEntries(Object.entries(WIRE_PRICE).reverse()), null, 2)

    expect(parseStreamMessage(` \n${text}\t`)).toStrictEqual(parsed(WIRE_PRICE))
  })

  it.each([
    ['a public message', PRICE],
    ['a private message', ORDER],
    ['a private message with a symbol', { ...ORDER, symbol: 'BTC/USDT:USDT' }],
    ['null', { ...PRICE, data: null }],
    ['a text that is not well-formed', { ...PRICE, data: '\ud83d' }],
    ['a nested structure', { ...PRICE, data: { a: [{ b: null }, [], ''], c: 1e300 } }],
    ['the end of time', { ...PRICE, timestamp: new Date(8.64e15) }],
    ['the beginning of time', { ...PRICE, timestamp: new Date(-8.64e15) }],
    ['the year 10000', { ...PRICE, timestamp: new Date(Date.UTC(10_000, 0)) }],
  ])('returns what was serialized: %s', (_, init) => {
    const message = createStreamMessage(init)

    expect(parseStreamMessage(serializeStreamMessage(message))).toStrictEqual(message)
  })

  it('returns keys of data that are special in JavaScript as ordinary keys, without prototype pollution', () => {
    const json = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toJSON":1}'

    const { data } = parseStreamMessage(serializeStreamMessage({ ...PRICE, data: JSON.parse(json) as unknown }))

    expect(JSON.stringify(data)).toBe(json)
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('ignores extra keys', () => {
    const text = JSON.stringify(WIRE_PRICE).replace('{', '{"type":"message","__proto__":{"user_id":"x"},"toString":1,"userId":"x",')

    expect(parseStreamMessage(text)).toStrictEqual(parsed(WIRE_PRICE))
  })

  it('takes no field from a prototype named in the text', () => {
    const { symbol: _, ...rest } = WIRE_PRICE
    const text = JSON.stringify(rest).replace('{', '{"__proto__":{"symbol":"BTCUSDT"},')

    expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(text))
  })

  it('refuses JSON that is truncated at any position', () => {
    const text = serializeStreamMessage({ ...ORDER, symbol: 'BTCUSDT', data: { nested: ['é', 1.5, null] } })

    for (let length = 0; length < text.length; length++) {
      expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(text.slice(0, length)))
    }
  })

  it('has the error of the JSON parser as the cause', () => {
    const error = expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage('{"stream_type":'))

    expect(error.cause).toBeInstanceOf(SyntaxError)
    expect(error.message).toContain(JSON.stringify('{"stream_type":'))
  })

  it.each(['', ' ', 'null', 'true', '1', '"PRICE"', '[]', `[${JSON.stringify(WIRE_PRICE)}]`, '{}', 'undefined', `${JSON.stringify(WIRE_PRICE)},`])(
    'refuses the text %j',
    (text) => {
      expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(text))
    },
  )

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['the parsed object', WIRE_PRICE],
    ['a String object', Object(JSON.stringify(WIRE_PRICE))],
    ['bytes', new TextEncoder().encode(JSON.stringify(WIRE_PRICE))],
    ['an object that converts to a text', { toString: () => JSON.stringify(WIRE_PRICE) }],
  ])('refuses %s as a text', (_, value) => {
    expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(value as string))
  })

  it.each(Object.keys(WIRE_ORDER))('refuses a text without %s', (key) => {
    for (const wire of [WIRE_PRICE, WIRE_ORDER]) {
      expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...wire, [key]: undefined }))
    }
  })

  it.each([
    ['stream_type', null],
    ['stream_type', 7],
    ['stream_type', ['PRICE']],
    ['stream_type', {}],
    ['symbol', 7],
    ['symbol', false],
    ['symbol', ['BTCUSDT']],
    ['symbol', {}],
    ['symbol', ''],
    ['symbol', 'x'.repeat(256)],
    ['symbol', '\ud83d'],
    ['user_id', 7],
    ['user_id', false],
    ['user_id', ['alice']],
    ['user_id', {}],
    ['user_id', ''],
    ['user_id', 'x'.repeat(256)],
    ['user_id', '\ud83d'],
  ])('refuses a text whose %s is %j', (key, value) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_ORDER, [key]: value }))
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_PRICE, [key]: value }))
  })

  it.each([
    null,
    1_769_860_800_000,
    true,
    [NOON],
    {},
    JSON.parse('{"toString":"no function"}') as object,
    '',
    '2026',
    '2026-01',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-01-31T12:00:00Z',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00.0Z',
    '2026-01-31T12:00:00.000',
    '2026-01-31T12:00:00.0000Z',
    '2026-01-31T12:00:00.000+00:00',
    '2026-01-31T13:00:00.000+01:00',
    '2026-01-31 12:00:00.000Z',
    '2026-01-31t12:00:00.000z',
    '2026-01-31T24:00:00.000Z',
    '2026-02-30T12:00:00.000Z',
    '2026-13-01T12:00:00.000Z',
    '-000000-01-01T00:00:00.000Z',
    '+002026-01-31T12:00:00.000Z',
    '+275760-09-13T00:00:00.001Z',
    ' 2026-01-31T12:00:00.000Z',
    '2026-01-31T12:00:00.000Z ',
    '31 Jan 2026 12:00:00 GMT',
    'Invalid Date',
    'now',
  ])('refuses the timestamp %j', (timestamp) => {
    expectCode('ERR_INVALID_MESSAGE', () => parsed({ ...WIRE_PRICE, timestamp }))
  })

  it.each(['TICKER', 'price', '', '__proto__', 'constructor', 'PRICE:BTCUSDT'])('refuses the unknown stream type %j', (streamType) => {
    const error = expectCode('ERR_UNKNOWN_STREAM', () => parsed({ ...WIRE_PRICE, stream_type: streamType }))

    expect(error['streamType']).toBe(streamType)
  })

  it.each([
    ['a public message without its symbol', { ...WIRE_PRICE, symbol: null }, 'ERR_SYMBOL_REQUIRED'],
    ['a private message without its user', { ...WIRE_ORDER, user_id: null }, 'ERR_RECIPIENT_REQUIRED'],
    ['a public message with a user', { ...WIRE_PRICE, user_id: 'alice' }, 'ERR_RECIPIENT_NOT_ALLOWED'],
    ['a malformed symbol', { ...WIRE_PRICE, symbol: '' }, 'ERR_INVALID_ID'],
  ])('refuses %s, with the reason', (_, wire, reason) => {
    const error = expectCode('ERR_INVALID_MESSAGE', () => parsed(wire))

    expect(error).toMatchObject({ streamType: wire.stream_type, cause: { code: reason } })
  })

  it('refuses a symbol if the stream type takes none', () => {
    const streams: StreamCatalogue = { PRICE: { audience: 'public', symbol: 'none' } }

    const error = expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(JSON.stringify(WIRE_PRICE), { streams }))

    expect(error.cause).toMatchObject({ code: 'ERR_SYMBOL_NOT_ALLOWED' })
  })

  it('either reads or refuses data that is nested very deeply', () => {
    const text = JSON.stringify({ ...WIRE_PRICE, data: 0 }).replace('"data":0', `"data":${'['.repeat(100_000)}${']'.repeat(100_000)}`)

    expect(['text', 'ERR_INVALID_MESSAGE']).toContain(outcomeOf(() => parseStreamMessage(text) && 'text'))
    expectCode('ERR_INVALID_MESSAGE', () => parseStreamMessage(text.replace(']]', ']')))
  })
})

function cyclic(): unknown {
  const self: { self?: unknown } = {}
  self.self = self
  return self
}

function nested(depth: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

/** `'text'` if a text was returned, or the code of the error that was thrown. */
function outcomeOf(call: () => string): unknown {
  try {
    return call() === '' ? 'nothing' : 'text'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}
