import { describe, expectTypeOf, it } from 'vitest'
import {
  ConnectionManager,
  defineStreams,
  parseStreamKey,
  parseSubscriptionKey,
  subscriptionKey,
  type OwnSubscription,
  type StreamType,
  type Subscription,
  type SubscriptionStatus,
} from '../../../src/index.ts'

const streams = defineStreams({
  TICKER: { audience: 'public' },
  FILLS: { audience: 'private' },
  NEWS: { audience: 'public', symbol: 'none' },
})

const trading = new ConnectionManager()
const custom = new ConnectionManager({ streams })
const connection = trading.addConnection('c1', { send() {}, close() {} }, 'alice')
const view = trading.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })

describe('addSubscription', () => {
  it('accepts a user, a stream and filters', () => {
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 } })
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES' })
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', symbol: null, filters: null })
    custom.addSubscription({ userId: 'alice', streamType: 'NEWS' })
  })

  it('accepts a subscription view and its copy', () => {
    trading.addSubscription(view)
    trading.addSubscription({ ...view })
    for (const subscription of trading.getUserSubscriptions('alice')) trading.addSubscription(subscription)
    // @ts-expect-error a subscription to streams of another catalogue
    custom.addSubscription(view)
  })

  it('accepts types that are known only at run time, such as those of a parsed key', () => {
    trading.addSubscription(parseSubscriptionKey('alice:PRICE:X'))
    custom.addSubscription({ userId: 'alice', ...parseStreamKey('TICKER:X') })
    custom.addSubscription({ userId: 'alice', streamType: 'TICKER' as string })
    expectTypeOf(custom.addSubscription(parseSubscriptionKey('')).streamType).toEqualTypeOf<'TICKER' | 'FILLS' | 'NEWS'>()
    const any: Subscription = view
    custom.addSubscription(any)
  })

  it('accepts a stream type that is a union of similar types', () => {
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE' as 'PRICE' | 'ORDERBOOK' | 'TRADES', symbol: 'BTCUSDT' })
  })

  it('accepts no request without a user', () => {
    // @ts-expect-error who?
    trading.addSubscription({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  })

  it('accepts no stream type that is not in the catalogue', () => {
    // @ts-expect-error there is no such type
    trading.addSubscription({ userId: 'alice', streamType: 'TICKER', symbol: 'BTCUSDT' })
    // @ts-expect-error a catalogue replaces the default one
    custom.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
  })

  it('requires a symbol if the stream type does, and accepts none if it allows none', () => {
    // @ts-expect-error the price of what?
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE' })
    // @ts-expect-error the price of what?
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: null })
    // @ts-expect-error news are not of a symbol
    custom.addSubscription({ userId: 'alice', streamType: 'NEWS', symbol: 'BTCUSDT' })
  })

  it('accepts no filters other than an object', () => {
    // @ts-expect-error a text has no fields
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', filters: 'depth' })
  })
})

describe('connection.subscribe', () => {
  it('accepts a stream and filters, or a subscription view', () => {
    expectTypeOf(connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 } })).toEqualTypeOf<Subscription<StreamType>>()
    connection.subscribe({ streamType: 'ORDER_UPDATES' })
    connection.subscribe(view)
  })

  it('accepts a userId, which has to be its own', () => {
    connection.subscribe({ userId: connection.userId, streamType: 'PRICE', symbol: 'BTCUSDT' })
    connection.subscribe({ userId: undefined, streamType: 'ORDER_UPDATES' })
    // @ts-expect-error an id is a text
    connection.subscribe({ userId: 7, streamType: 'ORDER_UPDATES' })
  })

  it('accepts no unknown field', () => {
    // @ts-expect-error misspelt
    connection.subscribe({ streamType: 'ORDER_UPDATES', simbol: 'BTCUSDT' })
  })

  it('accepts the result of parseStreamKey, and any name that is known only at run time', () => {
    connection.subscribe(parseStreamKey('PRICE:BTCUSDT'))
    connection.subscribe({ ...parseStreamKey('PRICE:BTCUSDT'), filters: { depth: 5 } })
    connection.subscribe({ streamType: 'PRICE' as string, symbol: null })
  })

  it('accepts no stream type that is not in the catalogue', () => {
    // @ts-expect-error there is no such type
    connection.subscribe({ streamType: 'TICKER', symbol: 'BTCUSDT' })
  })

  it('requires a symbol if the stream type does', () => {
    // @ts-expect-error the price of what?
    connection.subscribe({ streamType: 'PRICE' })
  })
})

describe('connection.subscriptions', () => {
  it('returns the subscriptions that the connection holds, with its filters', () => {
    expectTypeOf(connection.subscriptions()).toEqualTypeOf<OwnSubscription[]>()
    expectTypeOf<OwnSubscription>().toEqualTypeOf<{
      readonly subscription: Subscription
      readonly filters: Readonly<Record<string, unknown>> | undefined
    }>()
  })
})

describe('removing or looking up a subscription', () => {
  it('accepts any names, because nothing is found for an unknown one', () => {
    trading.removeSubscription({ userId: 'alice', streamType: 'ANY' })
    trading.removeSubscription(view)
    connection.unsubscribe({ streamType: 'ANY', symbol: null })
    connection.unsubscribe(view)
    trading.getSubscribers('ANY', null)
  })
})

describe('Subscription', () => {
  it('is a readonly view', () => {
    expectTypeOf(view).toEqualTypeOf<Subscription<StreamType>>()
    expectTypeOf(view).toExtend<Subscription>()
    expectTypeOf<Subscription>().toEqualTypeOf<{
      readonly userId: string
      readonly streamType: string
      readonly symbol: string | undefined
      readonly filters: Readonly<Record<string, unknown>> | undefined
      readonly status: SubscriptionStatus
      readonly createdAt: Date
      readonly lastUpdate: Date | undefined
      readonly key: string
    }>()
    // @ts-expect-error it is read-only
    view.status = 'ERROR'
  })
})

describe('keys', () => {
  it('are made from a view, and parsed into what a view has', () => {
    expectTypeOf(subscriptionKey(view)).toEqualTypeOf<string>()
    expectTypeOf(parseStreamKey('')).toEqualTypeOf<{ readonly streamType: string; readonly symbol: string | undefined }>()
    expectTypeOf(parseSubscriptionKey('')).toEqualTypeOf<{ readonly userId: string; readonly streamType: string; readonly symbol: string | undefined }>()
    subscriptionKey(parseSubscriptionKey(''))
    trading.removeSubscription(parseSubscriptionKey(''))
  })
})
