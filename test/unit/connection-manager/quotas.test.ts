import { describe, expect, it } from 'vitest'
import { ConnectionManager, rawJson, type ConnectionManagerOptions, type QuotaOptions } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { order, ORDERS, PRICE, price } from '../../support/messages.ts'
import { result } from '../../support/result.ts'
import { stateOf } from '../../support/state.ts'

function limited(quotas: QuotaOptions, options: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock, quotas, ...options })
  const log: string[] = []
  for (const event of ['connectionAdded', 'userOnline', 'subscriptionAdded', 'subscriptionChanged', 'streamActive'] as const) {
    manager.on(event, () => log.push(event))
  }
  const connect = (id: string, userId = 'alice', socket = new FakeSocket()) => manager.addConnection(id, socket, userId)
  const subscribe = (userId: string, symbol: string) => manager.addSubscription({ userId, streamType: 'PRICE', symbol })
  /** The visible state of a manager, events included. */
  const seen = (): unknown => ({ state: stateOf(manager), stats: manager.stats(), log: [...log], timers: clock.pendingTimers })
  return { manager, clock, connect, subscribe, seen }
}

type World = ReturnType<typeof limited>

/** For each quota: the calls that reach it, the call that exceeds it, and the facts of the refusal. */
const CEILINGS: readonly [quota: keyof QuotaOptions, limit: number, fill: (world: World) => void, exceed: (world: World) => unknown, facts: object][] = [
  [
    'connections',
    2,
    ({ connect }) => [connect('c1', 'alice'), connect('c2', 'bob')],
    ({ connect }) => connect('c3', 'carol'),
    { userId: 'carol', connectionId: 'c3' },
  ],
  [
    'connectionsPerUser',
    2,
    ({ connect }) => [connect('c1'), connect('c2')],
    ({ connect }) => connect('c3'),
    { userId: 'alice', connectionId: 'c3' },
  ],
  [
    'subscriptionsPerUser',
    2,
    ({ connect, subscribe }) => [connect('c1').subscribe(ORDERS), subscribe('alice', 'BTCUSDT')],
    ({ subscribe }) => subscribe('alice', 'ETHUSDT'),
    { userId: 'alice', streamType: 'PRICE', symbol: 'ETHUSDT' },
  ],
  [
    'subscriptionsPerConnection',
    1,
    ({ connect, subscribe }) => [connect('c1').subscribe(ORDERS), subscribe('alice', 'BTCUSDT')],
    ({ manager }) => manager.getConnection('c1')?.subscribe(PRICE),
    { userId: 'alice', connectionId: 'c1', streamType: 'PRICE', symbol: 'BTCUSDT' },
  ],
  [
    'pendingUsers',
    2,
    ({ subscribe }) => [subscribe('alice', 'BTCUSDT'), subscribe('bob', 'BTCUSDT')],
    ({ manager }) => manager.addSubscription({ userId: 'carol', ...ORDERS }),
    { userId: 'carol', streamType: 'ORDER_UPDATES' },
  ],
  [
    'messageUnits',
    120,
    ({ connect, subscribe }) => [connect('c1'), subscribe('alice', 'BTCUSDT')],
    ({ manager }) => manager.publish(price('x'.repeat(120))),
    { streamType: 'PRICE', symbol: 'BTCUSDT' },
  ],
]

describe('ConnectionManager › quotas', () => {
  it.each(CEILINGS)('refuse calls beyond %s, with the facts, and change nothing', (quota, limit, fill, exceed, facts) => {
    const world = limited({ [quota]: limit })
    fill(world)
    const before = world.seen()

    const error = expectCode('ERR_QUOTA_EXCEEDED', () => exceed(world))

    expect({ ...error, code: undefined, name: undefined }).toEqual({ ...facts, quota, limit, code: undefined, name: undefined })
    expect(Object.keys(error).sort()).toEqual([...Object.keys(facts), 'code', 'limit', 'name', 'quota'].sort())
    expect(error.message).toContain(String(limit))
    expect(world.seen()).toEqual(before)
  })

  it.each(CEILINGS)('allow nothing if %s are 0, and everything if they are Infinity', (quota, _limit, fill, exceed) => {
    expectCode('ERR_QUOTA_EXCEEDED', () => {
      const none = limited({ [quota]: 0 })
      fill(none)
      exceed(none)
    })

    const world = limited({ [quota]: Infinity })
    fill(world)
    exceed(world)
    expect(world.manager.subscriptionCount + world.manager.connectionCount).toBeGreaterThan(0)
  })

  it('are finite by default, except the total of connections', () => {
    const { manager, connect, subscribe } = limited({}, { maxDeferred: 0 })
    const connection = connect('c0')
    for (let i = 1; i < 100; i++) connect(`c${i}`)
    for (let i = 0; i < 1_000; i++) connection.subscribe({ streamType: 'PRICE', symbol: `S${i}` })
    for (let i = 0; i < 10_000; i++) subscribe(`pending ${i}`, 'BTCUSDT')
    for (let i = 0; i < 1_000; i++) connect(`other ${i}`, `other ${i}`)

    expect(expectCode('ERR_QUOTA_EXCEEDED', () => connect('c100'))).toMatchObject({ quota: 'connectionsPerUser', limit: 100 })
    expect(expectCode('ERR_QUOTA_EXCEEDED', () => subscribe('alice', 'S1000'))).toMatchObject({ quota: 'subscriptionsPerUser', limit: 1_000 })
    expect(expectCode('ERR_QUOTA_EXCEEDED', () => subscribe('one more', 'BTCUSDT'))).toMatchObject({ quota: 'pendingUsers', limit: 10_000 })
    const tooLong = rawJson(`"${'x'.repeat(1_048_576)}"`)
    expect(expectCode('ERR_QUOTA_EXCEEDED', () => manager.broadcast(price(tooLong)))).toMatchObject({ quota: 'messageUnits', limit: 1_048_576 })
    expect(manager.connectionCount).toBe(1_100)
  })

  it('limit a connection to 1,000 subscriptions of its own by default, whatever its user may have', () => {
    const { connect } = limited({ subscriptionsPerUser: Infinity })
    const connection = connect('c1')
    for (let i = 0; i < 1_000; i++) connection.subscribe({ streamType: 'PRICE', symbol: `S${i}` })

    const error = expectCode('ERR_QUOTA_EXCEEDED', () => connection.subscribe(ORDERS))

    expect(error).toMatchObject({ quota: 'subscriptionsPerConnection', limit: 1_000 })
  })

  it.each<[what: string, quotas: QuotaOptions, again: (world: World) => unknown]>([
    ['a connection with the same socket and user', { connections: 1, connectionsPerUser: 1 }, ({ manager }) => {
      const socket = new FakeSocket()
      return [manager.addConnection('c1', socket, 'alice'), manager.addConnection('c1', socket, 'alice')]
    }],
    ["a user's subscription", { subscriptionsPerUser: 1 }, ({ connect, subscribe }) => [connect('c1'), subscribe('alice', 'BTCUSDT'), subscribe('alice', 'BTCUSDT')]],
    ["a connection's subscription", { subscriptionsPerUser: 1, subscriptionsPerConnection: 1 }, ({ connect }) => {
      const connection = connect('c1')
      return [connection.subscribe(PRICE), connection.subscribe({ ...PRICE, filters: { depth: 5 } })]
    }],
    ["a user's subscription that another holder has already", { subscriptionsPerUser: 1 }, ({ connect, subscribe }) => [
      connect('c1').subscribe(PRICE),
      connect('c2').subscribe(PRICE),
      subscribe('alice', 'BTCUSDT'),
    ]],
    ['a further subscription of a pending user', { pendingUsers: 1 }, ({ subscribe }) => [subscribe('alice', 'BTCUSDT'), subscribe('alice', 'ETHUSDT')]],
    ['a subscription of a connected user, whichever users are pending', { pendingUsers: 1 }, ({ connect, subscribe }) => [
      subscribe('bob', 'BTCUSDT'),
      connect('c1', 'alice'),
      subscribe('alice', 'BTCUSDT'),
    ]],
  ])('do not count %s twice', (_what, quotas, again) => {
    const world = limited(quotas)

    expect(again(world)).toBeDefined()
  })

  it.each<[what: string, quotas: QuotaOptions, free: (world: World) => void]>([
    ['removeConnection', { connections: 1 }, ({ manager }) => void manager.removeConnection('c1')],
    ['a handle', { connectionsPerUser: 1 }, ({ manager }) => void manager.getConnection('c1')?.remove({ close: false })],
    ['removeUser', { connections: 1, connectionsPerUser: 1 }, ({ manager }) => void manager.removeUser('alice')],
    ['a send that throws', { connections: 1, connectionsPerUser: 1 }, ({ manager }) => void manager.broadcast(price('boom'))],
  ])('make the slot that %s freed available at once', (_what, quotas, free) => {
    const world = limited(quotas)
    world.connect('c1', 'alice', new FakeSocket({ send: () => { throw new Error('boom') } }))

    free(world)

    expect(world.connect('c2').removed).toBe(false)
  })

  it.each<[what: string, free: (world: World) => void]>([
    ['unsubscribe', ({ manager }) => manager.getConnection('c1')?.unsubscribe(PRICE)],
    ['removeSubscription', ({ manager }) => manager.removeSubscription({ userId: 'alice', ...PRICE })],
    ['revoke', ({ manager }) => manager.revoke({ userId: 'alice' })],
  ])('make a subscription slot that %s freed available at once', (_what, free) => {
    const world = limited({ subscriptionsPerUser: 1, subscriptionsPerConnection: 1 })
    const connection = world.connect('c1')
    connection.subscribe(PRICE)

    free(world)

    expect(connection.subscribe(ORDERS).status).toBe('CONNECTED')
  })

  it.each<[what: string, free: (world: World) => void]>([
    ['connects', ({ connect }) => connect('c1', 'alice')],
    ['connects twice', ({ connect }) => [connect('c1', 'alice'), connect('c2', 'alice')]],
    ['is removed', ({ manager }) => void manager.removeUser('alice')],
    ['releases the last subscription', ({ manager }) => [...manager.getUserSubscriptions('alice')].map((each) => manager.removeSubscription(each))],
    ['expires', ({ clock }) => clock.advance(30_000)],
  ])('make a pending slot available at once if a user %s', (_what, free) => {
    const world = limited({ pendingUsers: 1 })
    world.subscribe('alice', 'BTCUSDT')
    world.subscribe('alice', 'ETHUSDT')
    expectCode('ERR_QUOTA_EXCEEDED', () => world.subscribe('bob', 'BTCUSDT'))

    free(world)

    expect(world.subscribe('bob', 'BTCUSDT').status).toBe('PENDING')
    expectCode('ERR_QUOTA_EXCEEDED', () => world.subscribe('carol', 'BTCUSDT'))
  })

  it('count a user who leaves with the last connection as no longer pending', () => {
    const { manager, connect, subscribe } = limited({ pendingUsers: 1 })
    connect('c1')
    subscribe('alice', 'BTCUSDT')
    void manager.removeConnection('c1')

    expect(subscribe('bob', 'BTCUSDT').status).toBe('PENDING')
    expectCode('ERR_QUOTA_EXCEEDED', () => subscribe('alice', 'BTCUSDT'))
  })

  it('do not let a user notice that another one is at a limit', () => {
    const { manager, connect, subscribe } = limited({ connectionsPerUser: 1, subscriptionsPerUser: 1, subscriptionsPerConnection: 1 })
    const first = connect('a1', 'alice')
    first.subscribe(ORDERS)
    for (const refused of [() => connect('a2', 'alice'), () => first.subscribe(PRICE), () => subscribe('alice', 'ETHUSDT')]) {
      expectCode('ERR_QUOTA_EXCEEDED', refused)
    }

    connect('b1', 'bob').subscribe(ORDERS)

    expect(manager.publish(order('alice'))).toEqual(result({ matched: 1, sent: 1 }))
    expect(manager.publish(order('bob'))).toEqual(result({ matched: 1, sent: 1 }))
  })

  it('accept a message of exactly messageUnits, as serialized', () => {
    const { manager, connect } = limited({ messageUnits: 10 }, { serialize: ({ data }) => String(data) })
    const { socket } = connect('c1')

    manager.broadcast(price('0123456789'))
    expectCode('ERR_QUOTA_EXCEEDED', () => manager.broadcast(price('0123456789+')))
    // Eleven visible characters, twelve UTF-16 units.
    expectCode('ERR_QUOTA_EXCEEDED', () => manager.sendToUser('alice', price('0123456789😀')))

    expect(socket.sent).toEqual(['0123456789'])
  })

  it('refuse a deferred message when it is published, without failing the socket that publishes it', () => {
    const { manager, connect } = limited({ messageUnits: 10 }, { serialize: ({ data }) => String(data) })
    const refusals: unknown[] = []
    connect('c1', 'alice', new FakeSocket({
      send: () => {
        try {
          manager.broadcast(price('much too long'))
        } catch (error) {
          refusals.push(error)
        }
      },
    }))

    manager.broadcast(price('short'))

    expect(refusals).toMatchObject([{ code: 'ERR_QUOTA_EXCEEDED' }])
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 1, deferred: 0 })
  })

  it('serialize and measure nothing if there is no recipient', () => {
    const { manager } = limited({ messageUnits: 0 })

    expect(manager.publish(price())).toEqual(result())
  })

  it('name the first exceeded quota if several are exceeded', () => {
    const { connect } = limited({ connections: 0, connectionsPerUser: 0 })

    expect(expectCode('ERR_QUOTA_EXCEEDED', () => connect('c1'))).toMatchObject({ quota: 'connections' })
  })

  it('are checked after the arguments of the call', () => {
    const { manager, connect } = limited({ connections: 1 })
    connect('c1')

    expectCode('ERR_INVALID_ID', () => connect(''))
    expectCode('ERR_DUPLICATE_CONNECTION', () => connect('c1', 'bob'))
    void manager.cleanup()
    expectCode('ERR_CLOSED', () => connect('c2'))
  })
})
