import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ORDERS, PRICE } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

const NAMES = ['activeConnections', 'connectionUsers', 'userConnections', 'userSubscriptions', 'streamSubscriptions'] as const

function populated() {
  const manager = new ConnectionManager<FakeSocket>()
  const sockets = [new FakeSocket(), new FakeSocket(), new FakeSocket()] as const
  manager.addConnection('c1', sockets[0], 'alice').subscribe(ORDERS)
  manager.addConnection('c2', sockets[1], 'bob')
  manager.addConnection('c3', sockets[2], 'alice')
  manager.addSubscription({ userId: 'alice', ...PRICE })
  manager.addSubscription({ userId: 'bob', ...PRICE })
  manager.addSubscription({ userId: 'carol', ...PRICE })
  return { manager, sockets }
}

describe('ConnectionManager › the five mappings', () => {
  it('agree with each other and with the counts', () => {
    const { manager, sockets } = populated()

    expect(Object.fromEntries(manager.activeConnections)).toEqual({ c1: sockets[0], c2: sockets[1], c3: sockets[2] })
    expect(stateOf(manager)).toEqual({
      activeConnections: ['c1', 'c2', 'c3'],
      connectionUsers: { c1: 'alice', c2: 'bob', c3: 'alice' },
      userConnections: { alice: ['c1', 'c3'], bob: ['c2'] },
      userSubscriptions: [
        ['alice', [['alice:ORDER_UPDATES', 'CONNECTED'], ['alice:PRICE:BTCUSDT', 'CONNECTED']]],
        ['bob', [['bob:PRICE:BTCUSDT', 'CONNECTED']]],
        ['carol', [['carol:PRICE:BTCUSDT', 'PENDING']]],
      ],
      streamSubscriptions: { 'PRICE:BTCUSDT': ['alice', 'bob', 'carol'], ORDER_UPDATES: ['alice'] },
      counts: { connections: 3, users: 2, subscriptions: 4, streams: 2 },
    })
  })

  it.each(NAMES)('%s is a whole ReadonlyMap', (name) => {
    const { manager } = populated()
    const mapping: ReadonlyMap<string, unknown> = manager[name]
    const visited: unknown[] = []

    mapping.forEach(function (this: unknown, value, key, map) {
      visited.push([key, value])
      expect(map).toBe(mapping)
      expect(this).toBe('this')
    }, 'this')

    const entries = [...mapping]
    expect(entries.length).toBeGreaterThan(0)
    expect(mapping.size).toBe(entries.length)
    expect([...mapping.entries()]).toEqual(entries)
    expect(visited).toEqual(entries)
    expect([...mapping.keys()]).toEqual(entries.map(([key]) => key))
    expect([...mapping.values()]).toEqual(entries.map(([, value]) => value))
    for (const [key, value] of entries) {
      expect(mapping.has(key)).toBe(true)
      expect(mapping.get(key)).toEqual(value)
    }
    for (const unknown of ['nobody', '', '__proto__', 7, null, undefined, {}] as never[]) {
      expect(mapping.has(unknown)).toBe(false)
      expect(mapping.get(unknown)).toBeUndefined()
    }
  })

  it.each(NAMES)('%s is always the same live view', (name) => {
    const { manager } = populated()
    const mapping = manager[name]
    const size = mapping.size

    manager.addConnection('c4', new FakeSocket(), 'dave').subscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })

    expect(manager[name]).toBe(mapping)
    expect(mapping.size).toBe(size + 1)
    void manager.cleanup()
    expect([mapping.size, [...mapping]]).toEqual([0, []])
  })

  it.each(NAMES)('%s cannot change the state, even with casts', (name) => {
    const { manager } = populated()
    const before = stateOf(manager)
    const mapping = manager[name] as unknown as Map<string, unknown>

    expect(() => mapping.set('x', 'y')).toThrow(TypeError)
    expect(() => mapping.delete('c1')).toThrow(TypeError)
    expect(() => mapping.clear()).toThrow(TypeError)
    expect(() => Map.prototype.clear.call(mapping)).toThrow(TypeError)
    expect(() => { (mapping as { size: number }).size = 0 }).toThrow(TypeError)
    expect(() => Object.assign(mapping, { get: () => 'forged' })).toThrow(TypeError)
    expect(() => { (manager as unknown as Record<string, unknown>)[name] = new Map() }).toThrow(TypeError)

    expect(stateOf(manager)).toEqual(before)
  })

  it('return arrays that belong to the caller', () => {
    const { manager } = populated()
    const before = stateOf(manager)

    for (const array of [
      manager.userConnections.get('alice'),
      manager.userSubscriptions.get('alice'),
      manager.streamSubscriptions.get('PRICE:BTCUSDT'),
      manager.getUserConnections('alice'),
      manager.getUserSubscriptions('alice'),
      manager.getSubscribers('PRICE', 'BTCUSDT'),
      ...manager.userConnections.values(),
      ...manager.streamSubscriptions.values(),
    ]) {
      array?.splice(0)
    }

    expect(stateOf(manager)).toEqual(before)
  })

  it('find a stream only by the exact key that streamKey makes', () => {
    const manager = new ConnectionManager<FakeSocket>()
    manager.addConnection('c1', new FakeSocket(), 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTC/USDT:USDT' })

    expect(manager.streamSubscriptions.get('PRICE:BTC/USDT:USDT')).toEqual(['alice'])
    for (const key of ['PRICE', 'PRICE:', 'PRICE:BTC/USDT', 'PRICE:BTC/USDT:USDT:', ':BTC/USDT:USDT', 'price:BTC/USDT:USDT']) {
      expect(manager.streamSubscriptions.has(key)).toBe(false)
    }
  })

  it('show their contents on a console, as subscriptions do', () => {
    const { manager } = populated()

    expect(inspect(manager.userConnections)).toBe(inspect(new Map([['alice', ['c1', 'c3']], ['bob', ['c2']]])))
    expect(inspect(manager.getUserSubscriptions('bob')[0])).toContain("key: 'bob:PRICE:BTCUSDT'")
  })

  it('have no entry for a user or stream without contents', () => {
    const { manager } = populated()

    manager.removeSubscription({ userId: 'alice', ...PRICE })
    manager.removeSubscription({ userId: 'alice', ...ORDERS })
    manager.removeSubscription({ userId: 'carol', ...PRICE })
    void manager.removeConnection('c2')

    expect(stateOf(manager)).toMatchObject({
      userConnections: { alice: ['c1', 'c3'] },
      userSubscriptions: [],
      streamSubscriptions: {},
      counts: { connections: 2, users: 1, subscriptions: 0, streams: 0 },
    })
  })

  it('lead from a handle only to the public members of a connection', () => {
    const { manager } = populated()
    const connection = manager.getConnection('c1') as unknown as Record<string, unknown>

    for (const field of ['id', 'userId', 'socket', 'removed', 'extra']) {
      expect(() => { connection[field] = 'mine' }).toThrow(TypeError)
    }

    expect(Object.getOwnPropertyNames(connection)).toEqual(['id', 'userId'])
  })
})
