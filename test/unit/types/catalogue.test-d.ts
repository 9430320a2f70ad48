import { describe, expectTypeOf, it } from 'vitest'
import {
  defineStreams,
  tradingStreams,
  type DeliveryClass,
  type OverflowPolicy,
  type PayloadOf,
  type StreamCatalogue,
  type StreamDefinition,
  type StreamType,
  type TradingStreams,
} from '../../../src/index.ts'

describe('defineStreams', () => {
  it('fills in the defaults, also in the types', () => {
    const streams = defineStreams({
      TICKER: { audience: 'public' },
      FILLS: { audience: 'private' },
      NEWS: { audience: 'public', symbol: 'none', delivery: 'latest' },
    })

    expectTypeOf(streams.TICKER.audience).toEqualTypeOf<'public'>()
    expectTypeOf(streams.TICKER.symbol).toEqualTypeOf<'required'>()
    expectTypeOf(streams.FILLS.audience).toEqualTypeOf<'private'>()
    expectTypeOf(streams.FILLS.symbol).toEqualTypeOf<'optional'>()
    expectTypeOf(streams.NEWS.symbol).toEqualTypeOf<'none'>()
    expectTypeOf(streams.TICKER.delivery).toEqualTypeOf<DeliveryClass>()
    expectTypeOf(streams.TICKER.overflow).toEqualTypeOf<OverflowPolicy>()
    expectTypeOf(streams.FILLS.delivery).toEqualTypeOf<'every'>()
    expectTypeOf(streams.FILLS.overflow).toEqualTypeOf<'disconnect'>()
  })

  it('keeps the type of a payload, which is unknown if none is given', () => {
    const streams = defineStreams({ TICKER: { audience: 'public', payload: {} as { last: number } }, NEWS: { audience: 'public' } })

    expectTypeOf<PayloadOf<typeof streams.TICKER>>().toEqualTypeOf<{ last: number }>()
    expectTypeOf<PayloadOf<typeof streams.NEWS>>().toBeUnknown()
  })

  it('returns a catalogue', () => {
    expectTypeOf(defineStreams({ NEWS: { audience: 'public' } })).toExtend<StreamCatalogue>()
    expectTypeOf(tradingStreams).toExtend<StreamCatalogue>()
  })

  it('returns the type of a defined catalogue unchanged', () => {
    const streams = defineStreams({ TICKER: { audience: 'public', payload: {} as { last: number } } })

    expectTypeOf(defineStreams(streams)).toEqualTypeOf<typeof streams>()
    expectTypeOf(defineStreams(tradingStreams)).toEqualTypeOf<TradingStreams>()
  })

  it('accepts a catalogue that was written with as const', () => {
    const written = { TICKER: { audience: 'public' } } as const

    expectTypeOf(defineStreams(written).TICKER.symbol).toEqualTypeOf<'required'>()
  })

  it('returns a readonly type', () => {
    const streams = defineStreams({ NEWS: { audience: 'public' } })

    // @ts-expect-error it is read-only
    streams.NEWS = { audience: 'private', symbol: 'optional', delivery: 'every' }
    // @ts-expect-error it is read-only
    streams.NEWS.audience = 'private'
  })

  it('accepts no invalid definition', () => {
    // @ts-expect-error everybody or one user?
    defineStreams({ NEWS: {} })
    // @ts-expect-error there is no such audience
    defineStreams({ NEWS: { audience: 'everyone' } })
    // @ts-expect-error there is no such rule
    defineStreams({ NEWS: { audience: 'public', symbol: 'forbidden' } })
    // @ts-expect-error there is no such class
    defineStreams({ NEWS: { audience: 'public', delivery: 'newest' } })
  })

  it('accepts no private stream whose messages may be replaced or dropped', () => {
    // @ts-expect-error a private stream delivers every message
    defineStreams({ FILLS: { audience: 'private', delivery: 'latest' } })
    // @ts-expect-error a private stream drops nothing
    defineStreams({ FILLS: { audience: 'private', overflow: 'drop' } })
    // @ts-expect-error a private stream delivers every message, whoever defines it
    const definition: StreamDefinition = { audience: 'private', delivery: 'latest' }
    // @ts-expect-error a private stream drops nothing, in a catalogue of any kind
    const catalogue: StreamCatalogue = { FILLS: { audience: 'private', overflow: 'drop' } }
    expectTypeOf([definition, catalogue]).toBeArray()
    defineStreams({ FILLS: { audience: 'private', delivery: 'every', overflow: 'disconnect' } })
    defineStreams({ ...tradingStreams, NEWS: { audience: 'public', delivery: 'latest', overflow: 'drop' } })
  })

  it('has the seven types in the default catalogue', () => {
    expectTypeOf<keyof TradingStreams>().toEqualTypeOf<StreamType>()
  })
})
