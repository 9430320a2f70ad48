import { describe, expect, it } from 'vitest'
import { ConnectionManager, SubscriptionStatus, type Subscription } from '../../../src/index.ts'
import { StreamRecord, SubscriptionRecord, type StreamTypeRecord } from '../../../src/registry/records.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { BTC_ORDERS, ORDERS, PRICE, price } from '../../support/messages.ts'
import { registry } from '../../support/registry.ts'

const connected = () => new ConnectionManager<FakeSocket>().addConnection('c1', new FakeSocket(), 'alice')

/** All property names of an object and its prototypes, except those of every object. */
function namesOf(object: object): PropertyKey[] {
  const prototype = Object.getPrototypeOf(object) as object
  expect(Object.getPrototypeOf(prototype)).toBe(Object.prototype)
  return [...new Set([...Reflect.ownKeys(object), ...Reflect.ownKeys(prototype)])]
}

const OF_ANY = ['constructor', 'toJSON', Symbol.for('nodejs.util.inspect.custom')]

describe('ConnectionRecord', () => {
  it('exposes only the public fields of a connection', () => {
    const facts = ['id', 'userId', 'socket', 'removed', 'metadata', 'waitingBytes', 'behindForMs']
    const names = [...facts, 'subscriptions', 'subscribe', 'unsubscribe', 'purge', 'send', 'flush', 'drained', 'reassign', 'remove']

    expect(new Set(namesOf(connected()))).toEqual(new Set([...names, ...OF_ANY]))
  })

  it('does not expose its class', () => {
    expect(connected().constructor).toBe(Object)
  })

  it('has a prototype that callers cannot change', () => {
    const prototype = Object.getPrototypeOf(connected()) as { removed: boolean; note?: string }

    expect(Object.isFrozen(prototype)).toBe(true)
    expect(() => { prototype.note = 'added' }).toThrow(TypeError)
  })
})

describe('SubscriptionRecord', () => {
  it('exposes only the public fields of a subscription', () => {
    const names = ['userId', 'streamType', 'symbol', 'filters', 'status', 'createdAt', 'lastUpdate', 'key']

    expect(new Set(namesOf(connected().subscribe(PRICE)))).toEqual(new Set([...names, ...OF_ANY]))
  })

  it('does not expose its class', () => {
    expect(connected().subscribe(PRICE).constructor).toBe(Object)
  })

  it('has a prototype that callers cannot change', () => {
    expect(Object.isFrozen(Object.getPrototypeOf(connected().subscribe(PRICE)))).toBe(true)
  })

  it.each([1, 2, 3])('is pending again once the last of %i connections has left its list', (count) => {
    const { subscriptions, connect } = registry()
    const connections = Array.from({ length: count }, (_, i) => connect(`c${i}`, 'alice'))
    const subscription = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)

    const statuses = connections.map((connection) => {
      SubscriptionRecord.remove(subscription, connection)
      return subscription.status
    })

    expect(statuses).toEqual([...Array<string>(count - 1).fill(SubscriptionStatus.CONNECTED), SubscriptionStatus.PENDING])
  })

  it('has no connections after it has ended', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const subscription = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)

    subscriptions.end(subscription, 'unsubscribed')

    expect(SubscriptionRecord.connectionsOf(subscription)).toEqual([])
    expect(SubscriptionRecord.slotOf(subscription, connection)).toBe(-1)
  })

  it('takes no memory for filters that it never had', async () => {
    const definition = { audience: 'public', symbol: 'required' } as StreamTypeRecord['definition']
    const stream = new StreamRecord({ name: 'PRICE', definition, whole: undefined, bySymbol: new Map() }, 'BTCUSDT', 0)
    const user = { id: 'alice', connections: undefined, subscriptions: undefined, ownSubscriptions: undefined }
    const kept = Array.from({ length: 100_000 }, () => new SubscriptionRecord(user, stream, 0))
    await collectGarbage()
    const before = process.memoryUsage().heapUsed

    for (const each of kept) SubscriptionRecord.setFilters(each, user, undefined)
    await collectGarbage()

    // An object of two fields takes 40 bytes.
    expect((process.memoryUsage().heapUsed - before) / kept.length).toBeLessThan(20)
  })

  it.each<[what: string, subscribe: (manager: ConnectionManager<FakeSocket>) => Subscription, siblings: number]>([
    ["that of a user's only connection", (manager) => manager.getConnection('gone')!.subscribe(PRICE), 0],
    ['that of one of two connections', (manager) => manager.getConnection('gone')!.subscribe(PRICE), 1],
    ['that of one of three connections that share it', (manager) => manager.addSubscription({ userId: 'alice', ...PRICE }), 2],
    ['that of a connection with filters', (manager) => manager.getConnection('gone')!.subscribe({ ...PRICE, filters: { depth: 5 } }), 1],
    ['to a private stream', (manager) => manager.getConnection('gone')!.subscribe(BTC_ORDERS), 1],
    ['to a whole type', (manager) => {
      manager.getConnection('gone')!.subscribe(BTC_ORDERS)
      return manager.addSubscription({ userId: 'alice', ...ORDERS })
    }, 1],
  ])('does not keep the socket of a removed connection, if the subscription is %s', async (_what, subscribe, siblings) => {
    const manager = new ConnectionManager<FakeSocket>()
    const [view, socket] = (() => {
      const gone = new FakeSocket()
      manager.addConnection('gone', gone, 'alice')
      for (let i = 0; i < siblings; i++) manager.addConnection(`sibling ${i}`, new FakeSocket(), 'alice')
      return [subscribe(manager), new WeakRef(gone)] as const
    })()
    manager.publish(price())

    await manager.removeConnection('gone')
    await collectGarbage()

    expect(socket.deref()).toBeUndefined()
    expect(view.userId).toBe('alice')
  })
})
