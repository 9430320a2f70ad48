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
  it('takes a user, a stream and filters', () => {
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 } })
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES' })
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', symbol: null, filters: null })
    custom.addSubscription({ userId: 'alice', streamType: 'NEWS' })
  })

  it('takes a subscription view as it is, and its copy', () => {
    trading.addSubscription(view)
    trading.addSubscription({ ...view })
    for (const subscription of trading.getUserSubscriptions('alice')) trading.addSubscription(subscription)
    // @ts-expect-error a subscription to streams of another catalogue
    custom.addSubscription(view)
  })

  it('takes what is known only at run time, a key that was parsed among it', () => {
    trading.addSubscription(parseSubscriptionKey('alice:PRICE:X'))
    custom.addSubscription({ userId: 'alice', ...parseStreamKey('TICKER:X') })
    custom.addSubscription({ userId: 'alice', streamType: 'TICKER' as string })
    expectTypeOf(custom.addSubscription(parseSubscriptionKey('')).streamType).toEqualTypeOf<'TICKER' | 'FILLS' | 'NEWS'>()
    const any: Subscription = view
    custom.addSubscription(any)
  })

  it('takes a stream type that is one of several alike', () => {
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE' as 'PRICE' | 'ORDERBOOK' | 'TRADES', symbol: 'BTCUSDT' })
  })

  it('takes no request without a user', () => {
    // @ts-expect-error who?
    trading.addSubscription({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  })

  it('takes no stream type that the catalogue does not have', () => {
    // @ts-expect-error there is no such type
    trading.addSubscription({ userId: 'alice', streamType: 'TICKER', symbol: 'BTCUSDT' })
    // @ts-expect-error a catalogue replaces the default one
    custom.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
  })

  it('takes no missing symbol where one is required, and none where none is allowed', () => {
    // @ts-expect-error the price of what?
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE' })
    // @ts-expect-error the price of what?
    trading.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: null })
    // @ts-expect-error news are not of a symbol
    custom.addSubscription({ userId: 'alice', streamType: 'NEWS', symbol: 'BTCUSDT' })
  })

  it('takes no filters but an object', () => {
    // @ts-expect-error a text has no fields
    trading.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', filters: 'depth' })
  })
})

describe('connection.subscribe', () => {
  it('takes a stream and filters, or a subscription view', () => {
    expectTypeOf(connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT', filters: { depth: 5 } })).toEqualTypeOf<Subscription<StreamType>>()
    connection.subscribe({ streamType: 'ORDER_UPDATES' })
    connection.subscribe(view)
  })

  it('takes a userId, which has to be its own', () => {
    connection.subscribe({ userId: connection.userId, streamType: 'PRICE', symbol: 'BTCUSDT' })
    connection.subscribe({ userId: undefined, streamType: 'ORDER_UPDATES' })
    // @ts-expect-error an id is a text
    connection.subscribe({ userId: 7, streamType: 'ORDER_UPDATES' })
  })

  it('takes no field that a request does not have', () => {
    // @ts-expect-error misspelt
    connection.subscribe({ streamType: 'ORDER_UPDATES', simbol: 'BTCUSDT' })
  })

  it('takes what parseStreamKey returns, and any name that is known only at run time', () => {
    connection.subscribe(parseStreamKey('PRICE:BTCUSDT'))
    connection.subscribe({ ...parseStreamKey('PRICE:BTCUSDT'), filters: { depth: 5 } })
    connection.subscribe({ streamType: 'PRICE' as string, symbol: null })
  })

  it('takes no stream type that the catalogue does not have', () => {
    // @ts-expect-error there is no such type
    connection.subscribe({ streamType: 'TICKER', symbol: 'BTCUSDT' })
  })

  it('takes no missing symbol where one is required', () => {
    // @ts-expect-error the price of what?
    connection.subscribe({ streamType: 'PRICE' })
  })
})

describe('connection.subscriptions', () => {
  it('returns what it holds, with its filters', () => {
    expectTypeOf(connection.subscriptions()).toEqualTypeOf<OwnSubscription[]>()
    expectTypeOf<OwnSubscription>().toEqualTypeOf<{
      readonly subscription: Subscription
      readonly filters: Readonly<Record<string, unknown>> | undefined
    }>()
  })
})

describe('what ends or asks for a subscription', () => {
  it('takes any names, since nothing is found for a wrong one', () => {
    trading.removeSubscription({ userId: 'alice', streamType: 'ANY' })
    trading.removeSubscription(view)
    connection.unsubscribe({ streamType: 'ANY', symbol: null })
    connection.unsubscribe(view)
    trading.getSubscribers('ANY', null)
  })
})

describe('Subscription', () => {
  it('is a view that cannot be written to', () => {
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
  it('are made of a view, and parsed into what they are made of', () => {
    expectTypeOf(subscriptionKey(view)).toEqualTypeOf<string>()
    expectTypeOf(parseStreamKey('')).toEqualTypeOf<{ readonly streamType: string; readonly symbol: string | undefined }>()
    expectTypeOf(parseSubscriptionKey('')).toEqualTypeOf<{ readonly userId: string; readonly streamType: string; readonly symbol: string | undefined }>()
    subscriptionKey(parseSubscriptionKey(''))
    trading.removeSubscription(parseSubscriptionKey(''))
  })
})
