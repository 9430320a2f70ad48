import { deepEqual, deepStrictEqual, throws } from 'node:assert'
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { inspect, isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConnectionManager, subscriptionKey, type Subscription } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, ORDERS, PRICE, price } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

const TRADES = { streamType: 'TRADES', symbol: 'ETHUSDT' } as const

function crowd() {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock })
  const alice = manager.addConnection('c1', new FakeSocket(), 'alice')
  const bob = manager.addConnection('c2', new FakeSocket(), 'bob')
  return { clock, manager, alice, bob }
}

/** The output of an ordinary console. */
function written(write: (console: Console) => void): string {
  let text = ''
  const stream = new Writable({ write: (chunk, _encoding, done) => { text += String(chunk); done() } })
  write(new Console(stream))
  return text
}

/** The fields that an error tracker keeps when it copies the own properties of an object. */
function walked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.keys(value).map((name) => [name, walked((value as Record<string, unknown>)[name])]))
}

describe('Connection › identity', () => {
  it('consists of the id and the user, as enumerable own properties', () => {
    const { alice } = crowd()

    expect(Object.keys(alice)).toEqual(['id', 'userId'])
    expect({ ...alice }).toEqual({ id: 'c1', userId: 'alice' })
    expect(structuredClone(alice)).toEqual({ id: 'c1', userId: 'alice' })
    expect(walked(alice)).toEqual({ id: 'c1', userId: 'alice' })
  })

  it('distinguishes two handles in comparisons of any kind', () => {
    const { alice, bob } = crowd()

    throws(() => deepEqual(alice, bob))
    throws(() => deepStrictEqual(alice, bob))
    expect(alice).not.toEqual(bob)
    expect(alice).not.toStrictEqual(bob)
    expect(alice).toEqual(alice)
  })

  it('distinguishes two connections of one user, and the same id for two users', () => {
    const { manager, alice } = crowd()
    const sibling = manager.addConnection('c3', new FakeSocket(), 'alice')
    void alice.remove()
    const successor = manager.addConnection('c1', new FakeSocket(), 'carol')

    expect(isDeepStrictEqual(sibling, alice)).toBe(false)
    expect(isDeepStrictEqual(successor, alice)).toBe(false)
  })

  it('is all that JSON shows of a handle', () => {
    const { alice } = crowd()
    alice.subscribe(PRICE)

    expect(JSON.stringify(alice)).toBe('{"id":"c1","userId":"alice"}')
    void alice.remove()
    expect(JSON.stringify(alice)).toBe('{"id":"c1","userId":"alice"}')
  })

  it('is what a console shows', () => {
    const { manager, alice } = crowd()

    expect(inspect(alice)).toBe("{ id: 'c1', userId: 'alice' }")
    expect(written((console) => console.log('left:', alice))).toContain('alice')
    const table = written((console) => console.table([...manager.connections()]))
    for (const shown of ['id', 'userId', 'c1', 'alice', 'c2', 'bob']) expect(table).toContain(shown)
  })

  it('is read-only, even with casts, and the manager does not rely on it', () => {
    const { manager, alice } = crowd()
    const before = stateOf(manager)
    const mine = alice as { id: string; userId: string; note?: string }

    expect(() => { mine.id = 'c2' }).toThrow(TypeError)
    expect(() => { mine.userId = 'mallory' }).toThrow(TypeError)
    expect(() => { mine.note = 'added' }).toThrow(TypeError)
    expect(() => Object.defineProperty(alice, 'id', { value: 'c2' })).toThrow(TypeError)
    expect(() => Object.defineProperty(alice, 'userId', { value: 'mallory' })).toThrow(TypeError)
    expect(Reflect.deleteProperty(alice, 'userId')).toBe(false)
    expect(Reflect.setPrototypeOf(alice, {})).toBe(false)

    expect(stateOf(manager)).toEqual(before)
    expect([alice.id, alice.userId, manager.getConnection('c1') === alice]).toEqual(['c1', 'alice', true])
  })
})

describe('Subscription › identity', () => {
  it('consists of user, stream type and symbol, which is undefined if there is none', () => {
    const { alice } = crowd()

    expect(Object.entries(alice.subscribe(PRICE))).toEqual([['userId', 'alice'], ['streamType', 'PRICE'], ['symbol', 'BTCUSDT']])
    expect(Object.entries(alice.subscribe(ORDERS))).toEqual([['userId', 'alice'], ['streamType', 'ORDER_UPDATES'], ['symbol', undefined]])
  })

  it.each<[what: string, other: (manager: ConnectionManager<FakeSocket>) => Subscription]>([
    ['user', (manager) => manager.addSubscription({ userId: 'bob', ...BTC_ORDERS })],
    ['stream type', (manager) => manager.addSubscription({ userId: 'alice', streamType: 'USER_DATA', symbol: 'BTCUSDT' })],
    ['symbol', (manager) => manager.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', symbol: 'ETHUSDT' })],
    ['lack of a symbol', (manager) => manager.addSubscription({ userId: 'alice', ...ORDERS })],
  ])('distinguishes two subscriptions by their %s in comparisons of any kind', (_what, other) => {
    const { manager, alice } = crowd()
    const subscription = alice.subscribe(BTC_ORDERS)

    throws(() => deepEqual(subscription, other(manager)))
    throws(() => deepStrictEqual(subscription, other(manager)))
    expect(subscription).not.toEqual(other(manager))
    expect(subscription).not.toStrictEqual(other(manager))
  })

  it('makes a copy usable as a reference', () => {
    const { manager, alice, bob } = crowd()
    const mine = alice.subscribe(PRICE)
    const pending = manager.addSubscription({ userId: 'carol', ...ORDERS })

    expect(subscriptionKey({ ...mine })).toBe('alice:PRICE:BTCUSDT')
    expect(subscriptionKey({ ...pending })).toBe('carol:ORDER_UPDATES')
    expect(manager.addSubscription({ ...pending })).toBe(pending)
    expect(bob.unsubscribe({ ...mine })).toBe(false)
    expect(alice.unsubscribe({ ...mine })).toBe(true)
    expect(manager.removeSubscription({ ...pending })).toBe(true)
    expect([mine.status, pending.status, manager.subscriptionCount]).toEqual(['DISCONNECTED', 'DISCONNECTED', 0])
  })

  it('remains when the subscription ends', () => {
    const { alice } = crowd()
    const subscription = alice.subscribe(PRICE)
    const before = { ...subscription }

    alice.unsubscribe(PRICE)

    expect({ ...subscription }).toEqual(before)
    expect(JSON.parse(JSON.stringify(subscription))).toMatchObject({ userId: 'alice', status: 'DISCONNECTED', key: 'alice:PRICE:BTCUSDT' })
  })

  it('is what a console shows, along with the other fields', () => {
    const { manager, alice } = crowd()
    const subscription = alice.subscribe(PRICE)
    manager.addSubscription({ userId: 'bob', ...TRADES })

    expect(inspect(subscription)).toContain("streamType: 'PRICE'")
    const table = written((console) => console.table([...manager.userSubscriptions.values()].flat()))
    for (const shown of ['userId', 'alice', 'bob', 'PRICE', 'TRADES', 'BTCUSDT', 'ETHUSDT']) expect(table).toContain(shown)
  })

  it('is read-only, even with casts', () => {
    const { manager, alice } = crowd()
    const subscription = alice.subscribe(PRICE)
    const before = stateOf(manager)
    const mine = subscription as { userId: string; streamType: string; symbol?: string | undefined }

    expect(() => { mine.userId = 'mallory' }).toThrow(TypeError)
    expect(() => { mine.streamType = 'TRADES' }).toThrow(TypeError)
    expect(() => { delete mine.symbol }).toThrow(TypeError)
    expect(() => Object.defineProperty(subscription, 'symbol', { value: 'ETHUSDT' })).toThrow(TypeError)

    expect(stateOf(manager)).toEqual(before)
  })
})

describe('events › identity', () => {
  it('lets a log name the connection and its user', () => {
    const { manager } = crowd()
    const log: string[] = []
    for (const name of ['connectionRemoved', 'error'] as const) manager.on(name, (event) => log.push(JSON.stringify(event), inspect(event)))
    const socket = new FakeSocket({ send: () => { throw new Error('EPIPE') } })
    manager.addConnection('c3', socket, 'carol').subscribe(PRICE)

    manager.publish(price())

    expect(log[0]).toContain('"stage":"send","connection":{"id":"c3","userId":"carol"}')
    expect(log[1]).toContain("connection: { id: 'c3', userId: 'carol' }")
    expect(log[2]).toBe('{"connection":{"id":"c3","userId":"carol"},"reason":"send-failed"}')
    expect(log[3]).toContain("connection: { id: 'c3', userId: 'carol' }")
  })

  it('lets a log name the subscription and its holder', () => {
    const { manager, alice } = crowd()
    const log: unknown[] = []
    manager.on('subscriptionAdded', (event) => log.push(walked(event)))

    alice.subscribe(BTC_ORDERS)

    expect(log).toEqual([
      { subscription: { userId: 'alice', streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT' }, connection: { id: 'c1', userId: 'alice' } },
    ])
  })

  it('makes events of different connections or subscriptions unequal', () => {
    const { manager, alice, bob } = crowd()
    const seen: unknown[] = []
    for (const name of ['connectionRemoved', 'subscriptionAdded'] as const) manager.on(name, (event) => seen.push(event))
    const others = alice.subscribe(PRICE)

    bob.subscribe(PRICE)
    void bob.remove()

    expect(isDeepStrictEqual(seen[1], { subscription: others, connection: bob })).toBe(false)
    expect(isDeepStrictEqual(seen[2], { connection: alice, reason: 'removed' })).toBe(false)
    expect(seen[2]).not.toEqual({ connection: alice, reason: 'removed' })
  })

  it('is part of the argument of authorize', () => {
    const asked: string[] = []
    const manager = new ConnectionManager<FakeSocket>({ authorize: (request) => asked.push(JSON.stringify(request)) > 0 })

    manager.addConnection('c1', new FakeSocket(), 'alice').subscribe(PRICE)

    expect(asked).toEqual(['{"userId":"alice","streamType":"PRICE","symbol":"BTCUSDT","connection":{"id":"c1","userId":"alice"}}'])
  })
})

describe('ConnectionManager › identity', () => {
  it('shows counts and no content', () => {
    const { manager, alice } = crowd()
    alice.subscribe({ ...PRICE, filters: { secret: 'hush' } })
    const counts = { connectionCount: 2, userCount: 2, subscriptionCount: 1, streamCount: 1, closed: false }

    expect(JSON.parse(JSON.stringify(manager))).toEqual(counts)
    expect(inspect(manager)).toBe(inspect(counts))
    expect(inspect({ manager }, { depth: 9 })).not.toMatch(/alice|c1|PRICE|hush/)
    expect(JSON.stringify(walked(manager))).not.toMatch(/alice|c1|PRICE|hush/)
  })

  it('distinguishes two managers, even with equal counts', () => {
    const [one, other] = [crowd().manager, crowd().manager]

    throws(() => deepEqual(one, other))
    throws(() => deepStrictEqual(one, other))
    expect(one).not.toEqual(other)
    expect(one).toEqual(one)
  })

  it('distinguishes two mappings by their entries', () => {
    const [one, same] = [crowd(), crowd()]
    const { manager: other } = crowd()
    other.addConnection('c3', new FakeSocket(), 'bob')

    expect(isDeepStrictEqual(one.manager.connectionUsers, other.connectionUsers)).toBe(false)
    expect(isDeepStrictEqual(one.manager.userConnections, other.userConnections)).toBe(false)
    expect(isDeepStrictEqual(one.manager.connectionUsers, same.manager.connectionUsers)).toBe(true)
    expect(one.manager.connectionUsers).toEqual(same.manager.connectionUsers)
    expect(one.manager.connectionUsers).not.toEqual(other.connectionUsers)
    expect(JSON.stringify(one.manager.connectionUsers)).toBe('{}')
  })
})

describe('FakeSocket › identity', () => {
  it('distinguishes two sockets with the same history', () => {
    const { manager, alice } = crowd()
    const other = new FakeSocket()

    expect(manager.getUserConnections('alice')).toEqual([alice.socket])
    expect(manager.getUserConnections('alice')).not.toEqual([other])
    throws(() => deepStrictEqual(manager.getUserConnections('alice'), [other]))
    expect(inspect(other)).toContain(`serial: ${other.serial}`)
  })
})

