import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type ManagerEvents } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, ORDERS, PRICE, price } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

/** Events of connections, users, subscriptions and failures. Demand and gaps have suites of their own. */
const NAMES = EVENT_NAMES.filter((name) => !['streamActive', 'streamIdle', 'gap'].includes(name))

/** A manager, and a log of its events: name, subject and details. */
function logged() {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock })
  const log: string[] = []
  for (const name of NAMES) {
    manager.on(name, (event) => {
      const { connection, userId, subscription, change, reason, stage } = event as Partial<
        ManagerEvents['connectionRemoved'] & ManagerEvents['userOffline'] & ManagerEvents['subscriptionChanged'] & ManagerEvents['error']
      >
      const facts = [subscription?.key, subscription?.status, change, connection?.id, userId, reason, stage]
      log.push([name, ...facts.filter((fact) => fact !== undefined)].join(' '))
    })
  }
  const since = (act: () => void): string[] => {
    log.length = 0
    act()
    return [...log]
  }
  return { manager, clock, since }
}

describe('ConnectionManager › events', () => {
  it('report connections and users that are added and removed', () => {
    const { manager, since } = logged()

    expect(since(() => manager.addConnection('c1', new FakeSocket(), 'alice'))).toEqual(['connectionAdded c1', 'userOnline alice'])
    expect(since(() => manager.addConnection('c2', new FakeSocket(), 'alice'))).toEqual(['connectionAdded c2'])
    expect(since(() => void manager.removeConnection('c1'))).toEqual(['connectionRemoved c1 removed'])
    expect(since(() => void manager.getConnection('c2')?.remove({ close: false }))).toEqual([
      'connectionRemoved c2 peer-closed',
      'userOffline alice peer-closed',
    ])
  })

  it('report subscriptions that begin and end, with the holder if it is a connection', () => {
    const { manager, since } = logged()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(since(() => manager.addSubscription({ userId: 'alice', ...PRICE }))).toEqual(['subscriptionAdded alice:PRICE:BTCUSDT CONNECTED'])
    expect(since(() => manager.removeSubscription({ userId: 'alice', ...PRICE }))).toEqual([
      'subscriptionRemoved alice:PRICE:BTCUSDT DISCONNECTED unsubscribed',
    ])
    expect(since(() => connection.subscribe(ORDERS))).toEqual(['subscriptionAdded alice:ORDER_UPDATES CONNECTED c1'])
    expect(since(() => connection.unsubscribe(ORDERS))).toEqual(['subscriptionRemoved alice:ORDER_UPDATES DISCONNECTED c1 unsubscribed'])
  })

  it('report changes of holders and filters while the subscription exists', () => {
    const { manager, since } = logged()
    const first = manager.addConnection('c1', new FakeSocket(), 'alice')
    const second = manager.addConnection('c2', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    const changed = 'subscriptionChanged alice:PRICE:BTCUSDT CONNECTED'

    expect(since(() => first.subscribe(PRICE))).toEqual([`${changed} holder-added c1`])
    expect(since(() => second.subscribe({ ...PRICE, filters: { depth: 5 } }))).toEqual([`${changed} holder-added c2`])
    expect(since(() => second.unsubscribe(PRICE))).toEqual([`${changed} holder-removed c2`])
    expect(since(() => void first.remove())).toEqual(['connectionRemoved c1 removed', `${changed} holder-removed c1`])
    expect(since(() => manager.addSubscription({ userId: 'alice', ...PRICE, filters: { depth: 5 } }))).toEqual([`${changed} filters`])
    manager.addConnection('c3', new FakeSocket(), 'alice')
    expect(since(() => void second.remove())).toEqual(['connectionRemoved c2 removed'])
  })

  it('report a user who becomes a holder of what a connection holds already', () => {
    const { manager, since } = logged()
    manager.addConnection('c1', new FakeSocket(), 'alice').subscribe(PRICE)

    expect(since(() => manager.addSubscription({ userId: 'alice', ...PRICE }))).toEqual([
      'subscriptionChanged alice:PRICE:BTCUSDT CONNECTED holder-added',
    ])
  })

  it('report filters that a connection changes, with the connection', () => {
    const { manager, since } = logged()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    connection.subscribe(PRICE)

    expect(since(() => connection.subscribe({ ...PRICE, filters: { depth: 5 } }))).toEqual([
      'subscriptionChanged alice:PRICE:BTCUSDT CONNECTED filters c1',
    ])
  })

  it('are not emitted if nothing changed', () => {
    const { manager, since } = logged()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    connection.subscribe(PRICE)

    expect(since(() => {
      manager.addConnection('c1', socket, 'alice')
      manager.addSubscription({ userId: 'alice', ...PRICE })
      connection.subscribe(PRICE)
      connection.unsubscribe(ORDERS)
      manager.removeSubscription({ userId: 'alice', ...ORDERS })
      void manager.removeConnection('none')
      void manager.removeUser('nobody')
      manager.publish(price())
    })).toEqual([])
  })

  it('report when pending subscriptions are connected, and when they expire', () => {
    const { manager, clock, since } = logged()
    manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(since(() => manager.addConnection('c1', new FakeSocket(), 'alice'))).toEqual([
      'connectionAdded c1',
      'userOnline alice',
      'subscriptionChanged alice:PRICE:BTCUSDT CONNECTED status',
    ])
    expect(since(() => manager.addSubscription({ userId: 'bob', ...PRICE }))).toEqual(['subscriptionAdded bob:PRICE:BTCUSDT PENDING'])
    expect(since(() => clock.advance(30_000))).toEqual(['subscriptionRemoved bob:PRICE:BTCUSDT DISCONNECTED expired'])
  })

  it("report everything that ends with a user's last connection", () => {
    const { manager, since } = logged()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    connection.subscribe(BTC_ORDERS)

    expect(since(() => void connection.remove())).toEqual([
      'connectionRemoved c1 removed',
      'subscriptionRemoved alice:PRICE:BTCUSDT DISCONNECTED disconnected',
      'subscriptionRemoved alice:ORDER_UPDATES:BTCUSDT DISCONNECTED c1 disconnected',
      'userOffline alice removed',
    ])
  })

  it('report the connections, users and subscriptions that a cleanup removes', () => {
    const { manager, since } = logged()
    manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'bob', ...PRICE })

    expect(since(() => void manager.cleanup())).toEqual([
      'connectionRemoved c1 cleanup',
      'userOffline alice cleanup',
      'subscriptionRemoved bob:PRICE:BTCUSDT DISCONNECTED cleanup',
    ])
  })

  it('say that a subscription ended with the connection that held it, although its user is still connected', () => {
    const { manager, since } = logged()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addConnection('c2', new FakeSocket(), 'alice')
    connection.subscribe(PRICE)

    expect(since(() => void connection.remove())).toEqual([
      'connectionRemoved c1 removed',
      'subscriptionRemoved alice:PRICE:BTCUSDT DISCONNECTED c1 disconnected',
    ])
  })

  it("say that subscriptions of a connected user end by cleanup, and those of a removed user who was pending by the removal", () => {
    const { manager, since } = logged()
    manager.addConnection('c1', new FakeSocket(), 'alice').subscribe(PRICE)
    manager.addSubscription({ userId: 'bob', ...PRICE })

    expect(since(() => void manager.removeUser('bob'))).toEqual(['subscriptionRemoved bob:PRICE:BTCUSDT DISCONNECTED disconnected'])
    expect(since(() => void manager.cleanup())).toContain('subscriptionRemoved alice:PRICE:BTCUSDT DISCONNECTED c1 cleanup')
  })

  it('are emitted after the state change, before the call returns', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const seen: unknown[] = []
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    manager.on('connectionRemoved', () => seen.push(stateOf(manager).counts))
    manager.on('subscriptionRemoved', () => seen.push(stateOf(manager).counts))

    void connection.remove()

    const gone = { connections: 0, users: 0, subscriptions: 0, streams: 0 }
    expect(seen).toEqual([gone, gone, gone])
  })

  it('let a snapshot sent by a subscriptionAdded listener precede every live message', () => {
    const manager = new ConnectionManager<FakeSocket>()
    manager.on('subscriptionAdded', ({ subscription, connection }) => {
      if (connection) manager.sendToConnection(connection.id, price('snapshot', subscription.symbol))
    })
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')

    connection.subscribe(PRICE)
    manager.publish(price('live'))

    expect(socket.received).toEqual(['snapshot', 'live'])
  })

  it('reach each listener in the order of the changes, even if a listener makes more changes', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const log: string[] = []
    manager.on('connectionAdded', ({ connection }) => {
      log.push(`first heard ${connection.id} came`)
      void connection.remove()
      log.push(`first removed ${connection.id}`)
    })
    manager.on('connectionAdded', ({ connection }) => log.push(`second heard ${connection.id} came`))
    manager.on('userOnline', ({ userId }) => log.push(`${userId} online`))
    manager.on('userOffline', ({ userId }) => log.push(`${userId} offline`))

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(log).toEqual(['first heard c1 came', 'second heard c1 came', 'alice online', 'alice offline', 'first removed c1'])
  })
})

describe('ConnectionManager › on', () => {
  it('calls each registration once an event, in the order of registration, until it is removed', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const log: string[] = []
    const listener = (): void => void log.push('twice')
    const end = manager.on('connectionAdded', listener)
    manager.on('connectionAdded', () => log.push('once'))
    manager.on('connectionAdded', listener)

    manager.addConnection('c1', new FakeSocket(), 'alice')
    expect(log).toEqual(['twice', 'once', 'twice'])
    end()
    end()
    manager.addConnection('c2', new FakeSocket(), 'alice')

    expect(log.slice(3)).toEqual(['once', 'twice'])
  })

  it('passes one payload to all listeners, which none of them can change', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const users: string[] = []
    manager.on('userOnline', (event) => { (event as { userId: string }).userId = 'mallory' })
    manager.on('userOnline', ({ userId }) => users.push(userId))

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(users).toEqual(['alice'])
  })

  it('skips a listener that another one removed in the same event, and one that was added in it', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const [ended, added] = [vi.fn(), vi.fn()]
    manager.on('connectionAdded', () => {
      endIt()
      manager.on('connectionAdded', added)
    })
    const endIt = manager.on('connectionAdded', ended)

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(ended).not.toHaveBeenCalled()
    expect(added).not.toHaveBeenCalled()
  })

  it.each([
    ['throws', () => { throw new Error('listener') }],
    ['rejects', () => Promise.reject(new Error('listener'))],
    ['returns a thenable that throws', () => ({ then() { throw new Error('listener') } })],
    ['returns an object whose then throws', () => ({ get then() { throw new Error('listener') } })],
  ])('contains a listener that %s, notifies the error listeners, and continues', async (_case, listener) => {
    const manager = new ConnectionManager<FakeSocket>()
    const errors: unknown[] = []
    const next = vi.fn()
    manager.on('error', (event) => errors.push(event))
    manager.on('connectionAdded', listener as () => void)
    manager.on('connectionAdded', next)

    manager.addConnection('c1', new FakeSocket(), 'alice')
    await new Promise((resolve) => setImmediate(resolve))

    expect(next).toHaveBeenCalledTimes(1)
    expect(errors).toEqual([{ error: new Error('listener'), stage: 'listener' }])
  })

  it.each([
    ['throws', () => { throw new Error('listener') }],
    ['returns an object whose then throws', () => ({ get then() { throw new Error('listener') } })],
  ])('reports a listener that %s before the call returns', (_case, listener) => {
    const manager = new ConnectionManager<FakeSocket>()
    const errors: unknown[] = []
    manager.on('error', (event) => errors.push(event))
    manager.on('connectionAdded', listener as () => void)

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(errors).toEqual([{ error: new Error('listener'), stage: 'listener' }])
  })

  it.each([
    ['throws', () => { throw new Error('error listener') }],
    ['rejects', () => Promise.reject(new Error('error listener'))],
  ])('swallows the error of an error listener that %s', async (_case, listener) => {
    const manager = new ConnectionManager<FakeSocket>()
    const errors: unknown[] = []
    manager.on('error', listener as () => void)
    manager.on('error', ({ stage }) => errors.push(stage))

    await manager.addConnection('c1', new FakeSocket({ close: () => { throw new Error('close') } }), 'alice').remove()
    await new Promise((resolve) => setImmediate(resolve))

    expect(errors).toEqual(['close'])
  })

  it.each(['nothing', '__proto__', 'toString', '', null, 7, 'streamactive', 'drain'])('refuses %j as an event', (name) => {
    const manager = new ConnectionManager<FakeSocket>()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.on(name as never, () => {}))
  })

  it.each([undefined, null, 'listener', {}])('refuses %j as a listener', (listener) => {
    const manager = new ConnectionManager<FakeSocket>()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.on('error', listener as never))
  })
})
