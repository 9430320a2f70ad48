import { describe, expectTypeOf, it } from 'vitest'
import { ConnectionManager, defineStreams, tradingStreams, type PublishableMessage, type PublishResult, type Socket } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { throttled, type Throttled, type ThrottleOptions } from '../../../src/throttle/index.ts'

const streams = defineStreams({
  TICKER: { audience: 'public', delivery: 'latest', payload: {} as { last: number } },
  NEWS: { audience: 'public', symbol: 'none', delivery: 'latest' },
  FILLS: { audience: 'private' },
})
const manager = new ConnectionManager<Socket, typeof streams>({ streams })
const trading = new ConnectionManager()

describe('throttled', () => {
  it('takes messages of the default catalogue, and returns what publish returns, or nothing', () => {
    const offer = throttled((message) => trading.publish(message), { intervalsMs: { PRICE: 100 } })

    expectTypeOf(offer).parameter(0).toEqualTypeOf<PublishableMessage>()
    expectTypeOf(offer).returns.toEqualTypeOf<PublishResult | undefined>()
    expectTypeOf(offer.held).toEqualTypeOf<number>()
    expectTypeOf(offer.flush).returns.toEqualTypeOf<void>()
    offer({ streamType: 'ORDER_UPDATES', userId: 'alice', data: 1 })
    // @ts-expect-error a symbol is required
    offer({ streamType: 'PRICE', data: 1 })
    // @ts-expect-error a private message needs a user
    offer({ streamType: 'ORDER_UPDATES', data: 1 })
    // @ts-expect-error how many are held is for readers
    offer.held = 0
  })

  it('takes messages of the catalogue in its options, payloads included', () => {
    const offer = throttled((message) => manager.publish(message), { intervalsMs: { TICKER: 100, NEWS: undefined }, streams })

    offer({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 1 } })
    offer({ streamType: 'NEWS', data: 'any' })
    // @ts-expect-error the payload is another
    offer({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { first: 1 } })
    // @ts-expect-error the catalogue has no such type
    offer({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 })
  })

  it('takes an extended catalogue', () => {
    const extended = defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none', delivery: 'latest' } })
    const offer = throttled((message) => message.streamType, { intervalsMs: { PRICE: 100 }, streams: extended })

    offer({ streamType: 'NEWS', data: 1 })
  })

  it('takes intervals of public types of the catalogue only', () => {
    throttled(() => 1, { intervalsMs: {} })
    // @ts-expect-error a private stream is never `latest`
    throttled(() => 1, { intervalsMs: { ORDER_UPDATES: 100 } })
    // @ts-expect-error the default catalogue has no such type
    throttled(() => 1, { intervalsMs: { TICKER: 100 } })
    // @ts-expect-error the catalogue has no such type
    throttled(() => 1, { intervalsMs: { PRICE: 100 }, streams })
    // @ts-expect-error an interval is a number
    throttled(() => 1, { intervalsMs: { PRICE: '100' } })
  })

  it('does not take a publish for another catalogue, options without intervals, or unknown ones', () => {
    // @ts-expect-error `streams` is missing
    throttled((message: PublishableMessage<typeof streams>) => manager.publish(message), { intervalsMs: { PRICE: 100 } })
    // @ts-expect-error `intervalsMs` is missing
    throttled(() => 1, {})
    // @ts-expect-error there is no such option
    throttled(() => 1, { intervalsMs: {}, interval: 100 })
  })

  it('gives `onError` the message with its type', () => {
    throttled((message) => manager.publish(message), {
      intervalsMs: { TICKER: 100 },
      streams,
      clock: new ManualClock(),
      onError(error, message) {
        expectTypeOf(error).toBeUnknown()
        expectTypeOf(message).toEqualTypeOf<PublishableMessage<typeof streams>>()
      },
    })
  })

  it('takes options that were made elsewhere', () => {
    const options: ThrottleOptions = { intervalsMs: { PRICE: 100 } }

    const offer: Throttled = throttled((message) => trading.publish(message), options)

    expectTypeOf(offer).toBeFunction()
  })
})
