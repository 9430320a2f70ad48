import { describe, expectTypeOf, it } from 'vitest'
import {
  ConnectionManager,
  createStreamMessage,
  defineStreams,
  parseStreamMessage,
  rawJson,
  serializeStreamMessage,
  tradingStreams,
  type PublishableMessage,
  type RawJson,
  type StreamCatalogue,
  type StreamMessage,
  type StreamType,
} from '../../../src/index.ts'

interface Ticker {
  readonly last: number
}

const streams = defineStreams({
  TICKER: { audience: 'public', symbol: 'required', delivery: 'latest', payload: {} as Ticker },
  FILLS: { audience: 'private', payload: {} as { readonly id: string } },
  AUDIT: { audience: 'private', symbol: 'none' },
  POSITIONS: { audience: 'private', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'none' },
  STATUS: { audience: 'public', symbol: 'optional' },
})

const trading = new ConnectionManager()
const custom = new ConnectionManager({ streams })
const data = { any: 'thing' }

describe('publish', () => {
  it('accepts a public message with its symbol', () => {
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: new Date() })
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: undefined, userId: undefined })
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: null, userId: null })
  })

  it('accepts a private message with its user, with and without a symbol', () => {
    trading.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', data })
    trading.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', symbol: 'BTCUSDT', data })
    trading.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', symbol: undefined, data })
    trading.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', symbol: null, data })
  })

  it('accepts no private message without its user', () => {
    // @ts-expect-error whose is it?
    trading.publish({ streamType: 'ORDER_UPDATES', data })
    // @ts-expect-error whose is it?
    trading.publish({ streamType: 'ORDER_UPDATES', userId: undefined, data })
    // @ts-expect-error whose is it?
    trading.publish({ streamType: 'ORDER_UPDATES', userId: null, data })
    // @ts-expect-error whose is it?
    trading.publish({ streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT', data })
    // @ts-expect-error whose is it?
    custom.publish({ streamType: 'FILLS', data: { id: 'f1' } })
    // @ts-expect-error somebody's, perhaps
    trading.publish({ streamType: 'ORDER_UPDATES', userId: 'alice' as string | undefined, data })
  })

  it('accepts no public message with a user', () => {
    // @ts-expect-error prices are everybody's
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', userId: 'alice', data })
    // @ts-expect-error news are everybody's
    custom.publish({ streamType: 'NEWS', userId: 'alice', data })
  })

  it('accepts no message without a required symbol', () => {
    // @ts-expect-error the price of what?
    trading.publish({ streamType: 'PRICE', data })
    // @ts-expect-error the price of what?
    trading.publish({ streamType: 'PRICE', symbol: undefined, data })
    // @ts-expect-error the price of what?
    trading.publish({ streamType: 'PRICE', symbol: null, data })
    // @ts-expect-error the position in what?
    custom.publish({ streamType: 'POSITIONS', userId: 'alice', data })
  })

  it('accepts no symbol if none is allowed', () => {
    custom.publish({ streamType: 'NEWS', data })
    custom.publish({ streamType: 'NEWS', symbol: null, data })
    custom.publish({ streamType: 'AUDIT', userId: 'alice', data })
    // @ts-expect-error news are not of a symbol
    custom.publish({ streamType: 'NEWS', symbol: 'BTCUSDT', data })
    // @ts-expect-error an audit is not of a symbol
    custom.publish({ streamType: 'AUDIT', userId: 'alice', symbol: 'BTCUSDT', data })
  })

  it('accepts a symbol or none if it is optional', () => {
    custom.publish({ streamType: 'STATUS', data })
    custom.publish({ streamType: 'STATUS', symbol: 'BTCUSDT', data })
  })

  it('accepts no stream type that is not in the catalogue', () => {
    // @ts-expect-error there is no such type
    trading.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data })
    // @ts-expect-error a catalogue replaces the default one
    custom.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
    // @ts-expect-error it may be any
    trading.publish({ streamType: 'PRICE' as string, symbol: 'BTCUSDT', data })
  })

  it('accepts only the payload type of the catalogue', () => {
    custom.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 64_000 } })
    // @ts-expect-error last is a number
    custom.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: '64000' } })
    // @ts-expect-error last is missing
    custom.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: {} })
    // @ts-expect-error there is no bid
    custom.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 64_000, bid: 63_999 } })
    // @ts-expect-error that is the payload of TICKER
    custom.publish({ streamType: 'FILLS', userId: 'alice', data: { last: 64_000 } })
  })

  it('accepts raw JSON for any payload', () => {
    custom.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: rawJson('{"last":64000}') })
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: rawJson('{}') })
  })

  it('accepts any data if the catalogue has no payload type', () => {
    for (const data of [1, 'text', null, [], {}, new Date()]) custom.publish({ streamType: 'NEWS', data })
  })

  it('accepts no message without data', () => {
    // @ts-expect-error it says nothing
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    // @ts-expect-error it says nothing
    custom.publish({ streamType: 'NEWS' })
  })

  it('accepts no timestamp other than a date', () => {
    // @ts-expect-error a number may be in any unit
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: 1_769_860_800_000 })
    // @ts-expect-error a text may be in any form
    trading.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: '2026-01-31T12:00:00.000Z' })
  })

  it('accepts a stream type that is a union of similar types', () => {
    trading.publish({ streamType: 'PRICE' as 'PRICE' | 'TRADES', symbol: 'BTCUSDT', data })
    trading.publish({ streamType: 'USER_DATA' as 'USER_DATA' | 'BOT_STATUS' | 'RISK_ALERTS' | 'ORDER_UPDATES', userId: 'alice', data })
    // @ts-expect-error one of them needs a user
    trading.publish({ streamType: 'PRICE' as 'PRICE' | 'ORDER_UPDATES', symbol: 'BTCUSDT', data })
    // @ts-expect-error one of them takes no user
    trading.publish({ streamType: 'PRICE' as 'PRICE' | 'ORDER_UPDATES', symbol: 'BTCUSDT', userId: 'alice', data })
    // @ts-expect-error one of them may be anything
    trading.publish({ streamType: 'PRICE' as StreamType, symbol: 'BTCUSDT', data })
  })

  it('accepts a message from a variable', () => {
    const literal = { streamType: 'PRICE', symbol: 'BTCUSDT', data } as const
    const declared: PublishableMessage = literal

    trading.publish(literal)
    trading.publish(declared)
  })

  it('accepts the result of createStreamMessage', () => {
    trading.publish(createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data }))
    trading.publish(createStreamMessage({ streamType: 'ORDER_UPDATES', userId: 'alice', data }))
    trading.publish(createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data: rawJson('1') }))
    trading.publish(createStreamMessage({ streamType: 'PRICE' as 'PRICE' | 'TRADES', symbol: 'BTCUSDT', data }))
    custom.publish(createStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 1 } }, { streams }))
    custom.publish(createStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data: rawJson('{}') }, { streams }))
    custom.publish(createStreamMessage({ streamType: 'NEWS', data }, { streams }))
    custom.publish(createStreamMessage({ streamType: 'AUDIT', userId: 'alice', data }, { streams }))
  })

  it('accepts the result of parseStreamMessage', () => {
    trading.publish(parseStreamMessage(''))
    custom.publish(parseStreamMessage('', { streams }))
  })

  it('accepts no message of another catalogue', () => {
    // @ts-expect-error the catalogue has no PRICE
    custom.publish(createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data }))
    // @ts-expect-error the catalogue has no PRICE
    custom.publish(parseStreamMessage(''))
  })
})

describe('broadcast', () => {
  it('accepts public messages', () => {
    trading.broadcast({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
    custom.broadcast({ streamType: 'NEWS', data })
    custom.broadcast(createStreamMessage({ streamType: 'NEWS', data }, { streams }))
  })

  it('accepts no private message, with or without a user', () => {
    // @ts-expect-error an order is not everybody's
    trading.broadcast({ streamType: 'ORDER_UPDATES', data })
    // @ts-expect-error an order is not everybody's
    trading.broadcast({ streamType: 'ORDER_UPDATES', userId: 'alice', data })
    // @ts-expect-error a fill is not everybody's
    custom.broadcast(createStreamMessage({ streamType: 'FILLS', userId: 'alice', data: { id: 'f1' } }, { streams }))
    // @ts-expect-error it may be private
    trading.broadcast(parseStreamMessage(''))
  })
})

describe('sendToUser and sendToConnection', () => {
  it('accept a private message without its user, because the recipient is an argument', () => {
    trading.sendToUser('alice', { streamType: 'ORDER_UPDATES', data })
    trading.sendToUser('alice', { streamType: 'ORDER_UPDATES', userId: 'alice', data })
    trading.sendToConnection('c1', { streamType: 'ORDER_UPDATES', userId: undefined, data })
    custom.sendToConnection('c1', { streamType: 'FILLS', data: { id: 'f1' } })
  })

  it('accept a public message', () => {
    trading.sendToUser('alice', { streamType: 'PRICE', symbol: 'BTCUSDT', data })
    custom.sendToConnection('c1', { streamType: 'NEWS', data })
  })

  it('accept a parsed or created message', () => {
    trading.sendToUser('alice', parseStreamMessage(''))
    custom.sendToConnection('c1', createStreamMessage({ streamType: 'NEWS', data }, { streams }))
  })

  it('accept no public message with a user, no missing symbol and no wrong payload', () => {
    // @ts-expect-error prices are everybody's
    trading.sendToUser('alice', { streamType: 'PRICE', symbol: 'BTCUSDT', userId: 'alice', data })
    // @ts-expect-error the price of what?
    trading.sendToConnection('c1', { streamType: 'PRICE', data })
    // @ts-expect-error a fill has an id
    custom.sendToUser('alice', { streamType: 'FILLS', data: {} })
  })
})

describe('createStreamMessage', () => {
  it('returns a message with known field types', () => {
    const price = createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
    const fill = createStreamMessage({ streamType: 'FILLS', userId: 'alice', data: { id: 'f1' } }, { streams })

    expectTypeOf(price.streamType).toEqualTypeOf<'PRICE'>()
    expectTypeOf(price.symbol).toEqualTypeOf<string>()
    expectTypeOf(price.timestamp).toEqualTypeOf<Date>()
    expectTypeOf(price.userId).toEqualTypeOf<undefined>()
    expectTypeOf(fill.symbol).toEqualTypeOf<string | undefined>()
    expectTypeOf(fill.userId).toEqualTypeOf<string>()
    expectTypeOf(fill.data).toEqualTypeOf<{ readonly id: string } | RawJson>()
  })

  it('returns a StreamMessage', () => {
    expectTypeOf(createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data })).toExtend<StreamMessage>()
    expectTypeOf(parseStreamMessage('')).toExtend<StreamMessage>()
  })

  it('returns a readonly message', () => {
    const price = createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data })

    // @ts-expect-error it is read-only
    price.symbol = 'ETHUSDT'
  })

  it('accepts the same messages as publish', () => {
    // @ts-expect-error whose is it?
    createStreamMessage({ streamType: 'ORDER_UPDATES', data })
    // @ts-expect-error prices are everybody's
    createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', userId: 'alice', data })
    // @ts-expect-error the price of what?
    createStreamMessage({ streamType: 'PRICE', data })
    // @ts-expect-error there is no such type
    createStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data })
    // @ts-expect-error news are not of a symbol
    createStreamMessage({ streamType: 'NEWS', symbol: 'BTCUSDT', data }, { streams })
    // @ts-expect-error last is a number
    createStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: '1' } }, { streams })
  })
})

describe('serializeStreamMessage', () => {
  it('accepts the same messages as publish', () => {
    expectTypeOf(serializeStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data })).toEqualTypeOf<string>()
    serializeStreamMessage({ streamType: 'FILLS', userId: 'alice', data: { id: 'f1' } }, { streams })
    serializeStreamMessage(parseStreamMessage('', { streams }), { streams })
    serializeStreamMessage(createStreamMessage({ streamType: 'NEWS', data }, { streams }), { streams })
    // @ts-expect-error whose is it?
    serializeStreamMessage({ streamType: 'ORDER_UPDATES', data })
    // @ts-expect-error last is missing
    serializeStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data: {} }, { streams })
  })
})

describe('parseStreamMessage', () => {
  it('returns a message that is discriminated by its stream type', () => {
    const message = parseStreamMessage('', { streams })

    expectTypeOf(message.streamType).toEqualTypeOf<'TICKER' | 'FILLS' | 'AUDIT' | 'POSITIONS' | 'NEWS' | 'STATUS'>()
    if (message.streamType === 'TICKER') {
      expectTypeOf(message.data).toEqualTypeOf<Ticker>()
      expectTypeOf(message.symbol).toEqualTypeOf<string>()
      expectTypeOf(message.userId).toEqualTypeOf<undefined>()
    }
    if (message.streamType === 'AUDIT') {
      expectTypeOf(message.data).toBeUnknown()
      expectTypeOf(message.symbol).toEqualTypeOf<undefined>()
      expectTypeOf(message.userId).toEqualTypeOf<string>()
    }
    if (message.streamType === 'STATUS') expectTypeOf(message.symbol).toEqualTypeOf<string | undefined>()
  })

  it('defaults to the trading streams', () => {
    const message = parseStreamMessage('')

    expectTypeOf(message.streamType).toEqualTypeOf<StreamType>()
    if (message.streamType === 'PRICE') expectTypeOf(message.symbol).toEqualTypeOf<string>()
    if (message.streamType === 'ORDER_UPDATES') expectTypeOf(message.userId).toEqualTypeOf<string>()
  })

  it('accepts nothing but a string', () => {
    // @ts-expect-error bytes are to be decoded first
    parseStreamMessage(new Uint8Array())
  })
})

describe('a catalogue that is not known in advance', () => {
  const wide: StreamCatalogue = streams
  const manager = new ConnectionManager({ streams: wide })

  it('leaves the check of messages to run time', () => {
    manager.publish({ streamType: 'ANY', data })
    manager.publish({ streamType: 'ANY', symbol: 'BTCUSDT', userId: 'alice', data })
    manager.broadcast({ streamType: 'ANY', data })
    manager.sendToUser('alice', { streamType: 'ANY', data })
    manager.publish(createStreamMessage({ streamType: 'ANY', data }, { streams: wide }))
    manager.publish(parseStreamMessage('', { streams: wide }))
    serializeStreamMessage({ streamType: 'ANY', data }, { streams: wide })
  })

  it('still accepts nothing without a stream type or data', () => {
    // @ts-expect-error of which stream?
    manager.publish({ data })
    // @ts-expect-error it says nothing
    manager.publish({ streamType: 'ANY' })
    // @ts-expect-error a symbol is a text
    manager.publish({ streamType: 'ANY', symbol: 7, data })
  })

  it('accepts messages of a known catalogue', () => {
    manager.publish(createStreamMessage({ streamType: 'NEWS', data }, { streams }))
    manager.publish(parseStreamMessage(''))
  })
})

describe('a catalogue that extends the default one', () => {
  const extended = defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none', payload: '' as string } })
  const manager = new ConnectionManager({ streams: extended })

  it('has the types of both', () => {
    manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
    manager.publish({ streamType: 'NEWS', data: 'hello' })
    manager.publish(parseStreamMessage(''))
    // @ts-expect-error whose is it?
    manager.publish({ streamType: 'ORDER_UPDATES', data })
    // @ts-expect-error the price of what?
    manager.publish({ streamType: 'PRICE', data })
    // @ts-expect-error news are texts
    manager.publish({ streamType: 'NEWS', data: 7 })
  })
})
