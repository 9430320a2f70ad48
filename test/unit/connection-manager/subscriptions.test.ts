import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type Subscription } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, order, ORDERS, PRICE, price } from '../../support/messages.ts'
import { result } from '../../support/result.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

/** A user with two connections. */
function twoConnections() {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock })
  const sockets = [new FakeSocket(), new FakeSocket()] as const
  const first = manager.addConnection('c1', sockets[0], 'alice')
  const second = manager.addConnection('c2', sockets[1], 'alice')
  const copies = (): number[] => sockets.map(({ sent }) => sent.length)
  return { manager, clock, sockets, first, second, copies }
}

describe('Subscription', () => {
  it('has all fields of a subscription', () => {
    const { manager, clock } = twoConnections()

    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE, filters: { depth: 5 } })

    expect(subscription).toMatchObject({
      userId: 'alice',
      streamType: 'PRICE',
      symbol: 'BTCUSDT',
      filters: { depth: 5 },
      status: 'CONNECTED',
      createdAt: new Date(clock.now()),
      lastUpdate: undefined,
      key: 'alice:PRICE:BTCUSDT',
    })
    expect(JSON.parse(JSON.stringify(subscription))).toMatchObject({ key: 'alice:PRICE:BTCUSDT', status: 'CONNECTED' })
  })

  it.each([0, 1, 1.5, 30 * 86_400_000])('has its own createdAt, %d ms after the first subscription to its stream', (ms) => {
    const { manager, clock } = twoConnections()
    manager.addConnection('c3', new FakeSocket(), 'bob')
    const beganAt = new Date(clock.now())
    const earlier = manager.addSubscription({ userId: 'alice', ...PRICE })
    clock.advance(ms)

    const later = manager.addSubscription({ userId: 'bob', ...PRICE })

    expect([earlier.createdAt, later.createdAt]).toEqual([beganAt, new Date(clock.now())])
  })

  it('is the same view from every query', () => {
    const { manager, first } = twoConnections()

    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(manager.addSubscription({ userId: 'alice', ...PRICE })).toBe(subscription)
    expect(first.subscribe(PRICE)).toBe(subscription)
    expect(manager.getUserSubscriptions('alice')).toEqual([subscription])
    expect(manager.userSubscriptions.get('alice')?.[0]).toBe(subscription)
    expect(manager.subscriptionCount).toBe(1)
  })

  it('is live: its status is DISCONNECTED after it ended, and its other fields keep their last values', () => {
    const { manager, clock } = twoConnections()
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE, filters: { depth: 5 } })
    manager.publish(price())
    const servedAt = new Date(clock.now())
    clock.advance(1_000)

    manager.removeSubscription(subscription)
    manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.publish(price())

    expect(subscription).toMatchObject({ status: 'DISCONNECTED', lastUpdate: servedAt, filters: { depth: 5 }, key: 'alice:PRICE:BTCUSDT' })
  })

  it('keeps its lastUpdate after it ended, even if its stream is still published', () => {
    const { manager, clock } = twoConnections()
    manager.addConnection('c3', new FakeSocket(), 'bob')
    manager.addSubscription({ userId: 'bob', ...PRICE })
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.publish(price())
    const servedAt = new Date(clock.now())
    manager.removeSubscription(subscription)

    clock.advance(1_000)
    manager.publish(price())

    expect(subscription.lastUpdate).toEqual(servedAt)
  })

  it('is new, with a new view, when it begins again', () => {
    const { manager } = twoConnections()
    const ended = manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.removeSubscription(ended)

    const begun = manager.addSubscription(ended)

    expect(begun).not.toBe(ended)
    expect([ended.status, begun.status]).toEqual(['DISCONNECTED', 'CONNECTED'])
  })

  it('has a lastUpdate from the last message of its stream since it began', () => {
    const { manager, clock } = twoConnections()
    manager.addConnection('c3', new FakeSocket(), 'bob')
    const earlier = manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.publish(price())
    const servedAt = clock.now()
    const later = manager.addSubscription({ userId: 'bob', ...PRICE })

    expect(earlier.lastUpdate).toEqual(new Date(servedAt))
    expect(later.lastUpdate).toBeUndefined()

    clock.advance(10)
    manager.publish({ ...price(), timestamp: new Date(0) })
    expect([earlier.lastUpdate, later.lastUpdate]).toEqual([new Date(servedAt + 10), new Date(servedAt + 10)])
  })

  it("has no lastUpdate from another user's private message", () => {
    const { manager } = twoConnections()
    manager.addConnection('c3', new FakeSocket(), 'bob')
    const alices = manager.addSubscription({ userId: 'alice', ...ORDERS })
    const bobs = manager.addSubscription({ userId: 'bob', ...ORDERS })

    manager.publish(order('alice', 'filled', 'BTCUSDT'))

    expect(alices.lastUpdate).toBeInstanceOf(Date)
    expect(bobs.lastUpdate).toBeUndefined()
  })

  it.each([
    ['a symbol', 'the whole type', { symbol: 'A' }, {}],
    ['the whole type', 'a symbol', {}, { symbol: 'A' }],
  ])('to %s is not updated by a message that reaches only subscribers to %s, while it is pending', (_its, _theirs, bobs, alices) => {
    const streams = defineStreams({ ALERTS: { audience: 'public', symbol: 'optional' } })
    const manager = new ConnectionManager<FakeSocket, typeof streams>({ streams })
    const { socket } = manager.addConnection('c1', new FakeSocket(), 'alice')
    const served = manager.addSubscription({ userId: 'alice', streamType: 'ALERTS', ...alices })
    const pending = manager.addSubscription({ userId: 'bob', streamType: 'ALERTS', ...bobs })

    manager.publish({ streamType: 'ALERTS', symbol: 'A', data: 'alert' })

    expect(socket.received).toEqual(['alert'])
    expect([served.lastUpdate, pending.lastUpdate]).toEqual([expect.any(Date), undefined])
  })

  it('is not updated by a message that could not be serialized, or was not sent by subscription', () => {
    const { manager } = twoConnections()
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })

    expectCode('ERR_UNSERIALIZABLE', () => manager.publish(price(1n)))
    manager.sendToUser('alice', price())
    manager.broadcast(price())

    expect(subscription.lastUpdate).toBeUndefined()
  })

  it('is read-only, even with casts', () => {
    const { manager } = twoConnections()
    const filters = { depth: 5 }
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE, filters })
    const writable = subscription as { -readonly [TKey in keyof Subscription]: Subscription[TKey] } & { extra?: unknown }

    for (const field of ['userId', 'streamType', 'symbol', 'filters', 'status', 'createdAt', 'lastUpdate', 'key', 'extra'] as const) {
      expect(() => { writable[field] = 'mine' as never }).toThrow(TypeError)
    }
    expect(() => { (writable.filters as { depth: number }).depth = 9 }).toThrow(TypeError)
    filters.depth = 7
    subscription.createdAt.setTime(0)

    expect(subscription).toMatchObject({ userId: 'alice', filters: { depth: 5 }, status: 'CONNECTED' })
    expect(subscription.createdAt.getTime()).toBeGreaterThan(0)
  })

  it.each([['text', 'depth'], ['a number', 5], ['an array', [5]], ['a function', () => {}]])('refuses filters that are %s', (_case, filters) => {
    const { manager, first } = twoConnections()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.addSubscription({ userId: 'alice', ...PRICE, filters: filters as never }))
    expectCode('ERR_INVALID_ARGUMENT', () => first.subscribe({ ...PRICE, filters: filters as never }))

    expect(manager.subscriptionCount).toBe(0)
  })

  it('refuses filters that cannot be read, with the thrown error as the cause', () => {
    const { manager } = twoConnections()
    const reason = new Error('hostile')
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()

    const error = expectCode('ERR_INVALID_ARGUMENT', () =>
      manager.addSubscription({ userId: 'alice', ...PRICE, filters: { get depth() { throw reason } } }),
    )

    expect(error.cause).toBe(reason)
    expectCode('ERR_INVALID_ARGUMENT', () => manager.addSubscription({ userId: 'alice', ...PRICE, filters: proxy }))
    expect(manager.subscriptionCount).toBe(0)
  })
})

describe('ConnectionManager › subscribing', () => {
  it.each([
    ['a string', 'PRICE', 'ERR_INVALID_ARGUMENT'],
    ['null', null, 'ERR_INVALID_ARGUMENT'],
    ['an unknown stream type', { userId: 'alice', streamType: 'GOSSIP', symbol: 'X' }, 'ERR_UNKNOWN_STREAM'],
    ['a stream type that every object has', { userId: 'alice', streamType: 'constructor', symbol: 'X' }, 'ERR_UNKNOWN_STREAM'],
    ['a stream type that is not a string', { userId: 'alice', streamType: ['PRICE'], symbol: 'X' }, 'ERR_UNKNOWN_STREAM'],
    ['a missing symbol if one is required', { userId: 'alice', streamType: 'PRICE' }, 'ERR_SYMBOL_REQUIRED'],
    ['a null symbol if one is required', { userId: 'alice', streamType: 'PRICE', symbol: null }, 'ERR_SYMBOL_REQUIRED'],
    ['an empty symbol', { userId: 'alice', streamType: 'PRICE', symbol: '' }, 'ERR_INVALID_ID'],
    ['an empty symbol if it is optional', { userId: 'alice', streamType: 'USER_DATA', symbol: '' }, 'ERR_INVALID_ID'],
    ['a symbol that is not a string', { userId: 'alice', streamType: 'PRICE', symbol: 7 }, 'ERR_INVALID_ID'],
    ['a symbol with a lone surrogate', { userId: 'alice', streamType: 'PRICE', symbol: '\uDC00' }, 'ERR_INVALID_ID'],
    ['a symbol of 256 units', { userId: 'alice', streamType: 'PRICE', symbol: 'x'.repeat(256) }, 'ERR_INVALID_ID'],
  ] as const)('refuses %s, and changes nothing', (_case, request, code) => {
    const { manager, first } = twoConnections()
    const before = stateOf(manager)

    expectCode(code, () => manager.addSubscription(request as never))
    expectCode(code, () => first.subscribe(request as never))

    expect(stateOf(manager)).toEqual(before)
  })

  it('refuses a request that cannot be read, with the thrown error as the cause, and ends nothing', () => {
    const { manager, first } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...PRICE })
    const reason = new Error('hostile')
    const unreadable = { userId: 'alice', streamType: 'PRICE', get symbol(): string { throw reason } } as const

    expect(expectCode('ERR_INVALID_ARGUMENT', () => manager.addSubscription(unreadable)).cause).toBe(reason)
    expect(expectCode('ERR_INVALID_ARGUMENT', () => first.subscribe(unreadable)).cause).toBe(reason)
    expect(expectCode('ERR_INVALID_ARGUMENT', () => manager.removeSubscription(unreadable)).cause).toBe(reason)
    expect(expectCode('ERR_INVALID_ARGUMENT', () => first.unsubscribe(unreadable)).cause).toBe(reason)

    expect(manager.subscriptionCount).toBe(1)
  })

  it('refuses an invalid user id, and changes nothing', () => {
    const { manager } = twoConnections()

    for (const userId of ['', '\uD800', 'x'.repeat(256), 7, undefined]) {
      expectCode('ERR_INVALID_ID', () => manager.addSubscription({ userId: userId as string, ...PRICE }))
    }

    expect(manager.subscriptionCount).toBe(0)
  })

  it('refuses a symbol if the stream type takes none', () => {
    const streams = defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })
    const manager = new ConnectionManager({ streams })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    expectCode('ERR_SYMBOL_NOT_ALLOWED', () => connection.subscribe({ streamType: 'NEWS', symbol: 'BTCUSDT' as never }))
    connection.subscribe({ streamType: 'NEWS', symbol: null })

    expect(manager.publish({ streamType: 'NEWS', data: 1 })).toMatchObject({ sent: 1 })
  })

  it('reads each field of a request once', () => {
    const { manager } = twoConnections()
    let readings = 0
    const request = { userId: 'alice', streamType: 'PRICE', get symbol() { return `S${readings++}` } }

    const { key } = manager.addSubscription(request as never)

    expect([key, readings]).toEqual(['alice:PRICE:S0', 1])
  })

  it('accepts only streams of its catalogue', () => {
    const streams = defineStreams({ TICKER: { audience: 'public' }, FILLS: { audience: 'private' } })
    const manager = new ConnectionManager({ streams })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe({ streamType: 'FILLS' })

    expectCode('ERR_UNKNOWN_STREAM', () => manager.addSubscription({ userId: 'alice', ...PRICE } as never))
    expectCode('ERR_UNKNOWN_STREAM', () => manager.publish(price() as never))
    manager.publish({ streamType: 'FILLS', userId: 'alice', data: 'filled' })

    expect(socket.received).toEqual(['filled'])
  })
})

describe('ConnectionManager › user-level subscriptions', () => {
  it('reach all present and future connections of the user', () => {
    const { manager, copies } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...PRICE })
    const later = new FakeSocket()
    manager.addConnection('c3', later, 'alice')

    manager.publish(price())

    expect([...copies(), later.sent.length]).toEqual([1, 1, 1])
  })

  it('end for all holders with removeSubscription', () => {
    const { manager, first, copies } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...PRICE })
    first.subscribe(PRICE)

    expect(manager.removeSubscription({ userId: 'alice', ...PRICE })).toBe(true)
    expect(manager.removeSubscription({ userId: 'alice', ...PRICE })).toBe(false)

    expect(manager.publish(price())).toEqual(result())
    expect(copies()).toEqual([0, 0])
    expect(first.unsubscribe(PRICE)).toBe(false)
  })
})

describe('ConnectionManager › connection-level subscriptions', () => {
  it('reach that connection only', () => {
    const { manager, first, copies } = twoConnections()
    first.subscribe(PRICE)
    manager.addConnection('c3', new FakeSocket(), 'alice')

    expect(manager.publish(price())).toEqual(result({ matched: 1, sent: 1 }))
    expect(copies()).toEqual([1, 0])
  })

  it('end with their connection, and remain for other holders', async () => {
    const { manager, first, second, sockets } = twoConnections()
    const subscription = first.subscribe(PRICE)
    second.subscribe(PRICE)

    await first.remove()
    expect(subscription.status).toBe('CONNECTED')
    manager.publish(price())
    expect(sockets[1].received).toEqual(['price'])

    second.unsubscribe(PRICE)
    expect(subscription.status).toBe('DISCONNECTED')
    expect(stateOf(manager)).toMatchObject({ userSubscriptions: [], streamSubscriptions: {} })
  })

  it('end with the connection of their only holder, while the user remains', async () => {
    const { manager, first } = twoConnections()
    const subscription = first.subscribe(PRICE)

    await first.remove()

    expect(subscription.status).toBe('DISCONNECTED')
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual([])
  })

  it('are held once by a connection that asks twice', () => {
    const { manager, first } = twoConnections()
    first.subscribe(PRICE)
    first.subscribe(PRICE)

    expect(first.unsubscribe(PRICE)).toBe(true)
    expect(first.unsubscribe(PRICE)).toBe(false)

    expect(manager.subscriptionCount).toBe(0)
  })

  it('overlap with a user-level one: one copy is sent, and the other one remains when they end', () => {
    const { manager, first, copies } = twoConnections()
    first.subscribe(PRICE)
    manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(manager.publish(price())).toEqual(result({ matched: 2, sent: 2 }))
    expect(first.unsubscribe(PRICE)).toBe(true)
    expect(manager.publish(price())).toEqual(result({ matched: 2, sent: 2 }))

    expect(copies()).toEqual([2, 2])
  })

  it('overlap with a user-level one, which goes on for the other connection if the one that held both is removed', async () => {
    const { manager, first, second, copies } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...PRICE })
    first.subscribe(PRICE)

    await first.remove()

    expect(manager.publish(price())).toEqual(result({ matched: 1, sent: 1 }))
    expect([...manager.connectionsOf('PRICE', 'BTCUSDT')]).toEqual([second])
    expect(copies()).toEqual([0, 1])
  })

  it('are refused after the connection was removed, so that an await between accept and subscribe is safe', async () => {
    const { manager, first } = twoConnections()
    await first.remove()

    const error = expectCode('ERR_UNKNOWN_CONNECTION', () => first.subscribe(PRICE))

    expect(error).toMatchObject({ connectionId: 'c1' })
    expect(manager.subscriptionCount).toBe(0)
  })

  it('are not released by a connection that does not hold them', () => {
    const { manager, first, second } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...PRICE })
    second.subscribe(ORDERS)

    expect(first.unsubscribe(PRICE)).toBe(false)
    expect(first.unsubscribe(ORDERS)).toBe(false)
    expect(first.unsubscribe({ streamType: 'PRICE' })).toBe(false)

    expect(manager.publish(price())).toMatchObject({ sent: 2 })
  })
})

describe('ConnectionManager › whole-type subscriptions', () => {
  it('cover every symbol of a type whose symbol is optional', () => {
    const { manager, sockets } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...ORDERS })

    manager.publish(order('alice', 'of a symbol', 'BTCUSDT'))
    manager.publish(order('alice', 'of none'))

    expect(sockets[0].received).toEqual(['of a symbol', 'of none'])
  })

  it('are separate from those of a symbol, by exact key', () => {
    const { manager } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    manager.addConnection('c3', new FakeSocket(), 'bob')
    manager.addSubscription({ userId: 'bob', ...BTC_ORDERS })

    expect(manager.getSubscribers('ORDER_UPDATES')).toEqual(['alice'])
    expect(manager.getSubscribers('ORDER_UPDATES', null)).toEqual(['alice'])
    expect(manager.getSubscribers('ORDER_UPDATES', 'BTCUSDT')).toEqual(['bob'])
    expect(manager.publish(order('bob', 'of none'))).toEqual(result())
  })

  it('yield one copy together with that of a symbol, at either level', () => {
    const { manager, first, second, copies } = twoConnections()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    first.subscribe(BTC_ORDERS)
    expect(manager.publish(order('alice', 1, 'BTCUSDT'))).toEqual(result({ matched: 2, sent: 2 }))

    manager.removeSubscription({ userId: 'alice', ...ORDERS })
    manager.addSubscription({ userId: 'alice', ...BTC_ORDERS })
    second.subscribe(ORDERS)
    expect(manager.publish(order('alice', 2, 'BTCUSDT'))).toEqual(result({ matched: 2, sent: 2 }))

    expect(copies()).toEqual([2, 2])
  })

  it.each(['whole type', 'symbol'] as const)('continue by the other one if the %s is released', (released) => {
    const { manager, first, copies } = twoConnections()
    first.subscribe(ORDERS)
    first.subscribe(BTC_ORDERS)

    first.unsubscribe(released === 'symbol' ? BTC_ORDERS : ORDERS)

    expect(manager.publish(order('alice', 1, 'BTCUSDT'))).toEqual(result({ matched: 1, sent: 1 }))
    expect(copies()).toEqual([1, 0])
  })

  it('reach many subscribers once each on a public stream', () => {
    const streams = defineStreams({ TICKS: { audience: 'public', symbol: 'optional' } })
    const manager = new ConnectionManager<FakeSocket, typeof streams>({ streams })
    const sockets = Array.from({ length: 30 }, () => new FakeSocket())
    for (const [i, socket] of sockets.entries()) {
      const connection = manager.addConnection(`c${i}`, socket, `u${i % 7}`)
      if (i % 2 === 0) connection.subscribe({ streamType: 'TICKS' })
      if (i % 3 === 0) connection.subscribe({ streamType: 'TICKS', symbol: 'BTCUSDT' })
    }

    const outcome = manager.publish({ streamType: 'TICKS', symbol: 'BTCUSDT', data: 'tick' })

    expect(sockets.map(({ sent }) => sent.length)).toEqual(sockets.map((_, i) => (i % 2 === 0 || i % 3 === 0 ? 1 : 0)))
    expect(outcome).toEqual(result({ matched: 20, sent: 20 }))
  })
})

describe('ConnectionManager › pending subscriptions', () => {
  function pending(options: { pendingTtlMs?: number } = {}) {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock, ...options })
    return { clock, manager }
  }

  it("wait for the user's first connection, and are active from then on", () => {
    const { manager, clock } = pending()
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })
    expect(subscription.status).toBe('PENDING')
    expect(manager.publish(price('too early'))).toEqual(result())

    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')
    clock.advance(60_000)
    manager.publish(price())

    expect(subscription.status).toBe('CONNECTED')
    expect(socket.received).toEqual(['price'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('are in the mappings and counts, although their user is not in userCount', () => {
    const { manager } = pending()

    manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(stateOf(manager)).toEqual({
      ...NOTHING,
      userSubscriptions: [['alice', [['alice:PRICE:BTCUSDT', 'PENDING']]]],
      streamSubscriptions: { 'PRICE:BTCUSDT': ['alice'] },
      counts: { connections: 0, users: 0, subscriptions: 1, streams: 1 },
    })
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['alice'])
    expect(manager.userConnections.has('alice')).toBe(false)
    expect(manager.userConnections.get('alice')).toBeUndefined()
  })

  it('expire 30 s after the first subscribe, whatever is requested again', () => {
    const { manager, clock } = pending()
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })
    clock.advance(29_000)
    manager.addSubscription({ userId: 'alice', ...PRICE, filters: { depth: 5 } })
    clock.advance(999)
    expect(subscription.status).toBe('PENDING')

    clock.advance(1)

    expect(subscription.status).toBe('DISCONNECTED')
    expect(stateOf(manager)).toEqual(NOTHING)
    expect(clock.pendingTimers).toBe(0)
  })

  it('expire each at its own time', () => {
    const { manager, clock } = pending({ pendingTtlMs: 100 })
    for (let i = 0; i < 5; i++) {
      manager.addSubscription({ userId: `u${i}`, ...PRICE })
      clock.advance(10)
    }

    clock.advance(70)
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['u3', 'u4'])
    expect(clock.pendingTimers).toBe(1)
    clock.advance(10)
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['u4'])
    clock.advance(10)

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('wait the full time again after they were removed or connected', async () => {
    const { manager, clock } = pending({ pendingTtlMs: 100 })
    manager.addSubscription({ userId: 'alice', ...PRICE })
    clock.advance(90)
    await manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    const again = manager.addSubscription({ userId: 'alice', ...PRICE })

    clock.advance(99)
    expect(again.status).toBe('PENDING')
    clock.advance(1)

    expect(again.status).toBe('DISCONNECTED')
  })

  it('expire by elapsed time, not by the wall clock', () => {
    const { manager, clock } = pending()
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })

    clock.jump(365 * 86_400_000)
    expect(subscription.status).toBe('PENDING')
    clock.jump(-2 * 365 * 86_400_000)
    clock.advance(30_000)

    expect(subscription.status).toBe('DISCONNECTED')
  })

  it('expire when their timer fires, even if it fires early by the clock', () => {
    const clock = new ManualClock()
    const timers: (() => void)[] = []
    const early = { now: () => clock.now(), monotonic: () => clock.monotonic(), setTimeout: (fn: () => void) => (timers.push(fn), () => {}) }
    const manager = new ConnectionManager<FakeSocket>({ clock: early })
    manager.addSubscription({ userId: 'alice', ...PRICE })

    clock.advance(29_999)
    timers[0]?.()

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('are refused with a pendingTtlMs of 0, but those of a connected user are not', () => {
    const { manager } = pending({ pendingTtlMs: 0 })
    const error = expectCode('ERR_UNKNOWN_USER', () => manager.addSubscription({ userId: 'alice', ...PRICE }))
    expect(error).toMatchObject({ userId: 'alice' })
    expect(stateOf(manager)).toEqual(NOTHING)

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(manager.addSubscription({ userId: 'alice', ...PRICE }).status).toBe('CONNECTED')
  })

  it('remain forever with an infinite pendingTtlMs, without a timer', () => {
    const { manager, clock } = pending({ pendingTtlMs: Infinity })
    const subscription = manager.addSubscription({ userId: 'alice', ...PRICE })

    clock.advance(1e12)

    expect(subscription.status).toBe('PENDING')
    expect(clock.pendingTimers).toBe(0)
    expect(manager.removeSubscription(subscription)).toBe(true)
  })

  it('do not leak if a subscribe comes after the disconnect', async () => {
    const { manager, clock } = pending()
    await manager.addConnection('c1', new FakeSocket(), 'alice').remove()

    manager.addSubscription({ userId: 'alice', ...PRICE })
    clock.advance(30_000)

    expect(stateOf(manager)).toEqual(NOTHING)
  })
})
