import { describe, expect, it } from 'vitest'
import { ConnectionManager, StreamType } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'

// Written as for a fully asynchronous ConnectionManager: every call is awaited, and the five mappings are read as
// properties. Keep this style, which is what the tests are about.
describe('ConnectionManager › behaviours ported from an asynchronous manager', () => {
  it('starts empty', async () => {
    const manager = new ConnectionManager<FakeSocket>()

    expect(manager.activeConnections.size).toBe(0)
    expect(manager.connectionUsers.size).toBe(0)
    expect(manager.userConnections.size).toBe(0)
    expect(manager.userSubscriptions.size).toBe(0)
    expect(manager.streamSubscriptions.size).toBe(0)
  })

  it('adds one connection', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()

    await manager.addConnection('conn1', socket, 'user1')

    expect(manager.activeConnections.get('conn1')).toBe(socket)
    expect(manager.connectionUsers.get('conn1')).toBe('user1')
    expect(manager.userConnections.get('user1')).toContain('conn1')
  })

  it('adds many connections of one user', async () => {
    const manager = new ConnectionManager<FakeSocket>()

    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addConnection('conn2', new FakeSocket(), 'user1')

    expect(manager.activeConnections.size).toBe(2)
    expect(manager.userConnections.get('user1')).toEqual(['conn1', 'conn2'])
  })

  it('adds connections of many users', async () => {
    const manager = new ConnectionManager<FakeSocket>()

    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addConnection('conn2', new FakeSocket(), 'user2')

    expect(manager.userConnections.get('user1')).toEqual(['conn1'])
    expect(manager.userConnections.get('user2')).toEqual(['conn2'])
  })

  it('removes a connection', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    await manager.addConnection('conn1', socket, 'user1')

    await manager.removeConnection('conn1')

    expect(socket.closeCalls).toBe(1)
    expect(manager.activeConnections.has('conn1')).toBe(false)
    expect(manager.connectionUsers.has('conn1')).toBe(false)
    expect(manager.userConnections.has('user1')).toBe(false)
  })

  it('removes one connection while others of the user remain', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addConnection('conn2', new FakeSocket(), 'user1')

    await manager.removeConnection('conn1')

    expect(manager.activeConnections.has('conn1')).toBe(false)
    expect(manager.userConnections.get('user1')).toEqual(['conn2'])
  })

  it('returns the sockets of a user', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const [first, second] = [new FakeSocket(), new FakeSocket()]
    await manager.addConnection('conn1', first, 'user1')
    await manager.addConnection('conn2', second, 'user1')

    expect(await manager.getUserConnections('user1')).toEqual([first, second])
    expect(await manager.getUserConnections('nobody')).toEqual([])
  })

  it('adds a subscription to both mappings', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')

    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    expect(manager.userSubscriptions.get('user1')).toHaveLength(1)
    expect(manager.userSubscriptions.get('user1')?.[0]?.key).toBe('user1:PRICE:BTCUSDT')
    expect(manager.streamSubscriptions.get('PRICE:BTCUSDT')).toEqual(['user1'])
  })

  it('adds several subscriptions of one user', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')

    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'ETHUSDT' })
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.USER_DATA })

    expect(await manager.getUserSubscriptions('user1')).toHaveLength(3)
    expect([...manager.streamSubscriptions.keys()].sort()).toEqual(['PRICE:BTCUSDT', 'PRICE:ETHUSDT', 'USER_DATA'])
  })

  it('removes a subscription from both mappings', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    const removed = await manager.removeSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    expect(removed).toBe(true)
    expect(manager.userSubscriptions.has('user1')).toBe(false)
    expect(manager.streamSubscriptions.has('PRICE:BTCUSDT')).toBe(false)
  })

  it('returns the subscribers of a stream with a symbol', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    for (const user of ['user1', 'user2']) {
      await manager.addConnection(`conn of ${user}`, new FakeSocket(), user)
      await manager.addSubscription({ userId: user, streamType: StreamType.PRICE, symbol: 'BTCUSDT' })
    }

    expect(await manager.getSubscribers(StreamType.PRICE, 'BTCUSDT')).toEqual(['user1', 'user2'])
    expect(await manager.getSubscribers(StreamType.PRICE, 'ETHUSDT')).toEqual([])
  })

  it('returns the subscribers of a stream without a symbol', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.USER_DATA })

    expect(await manager.getSubscribers(StreamType.USER_DATA)).toEqual(['user1'])
  })

  it('removes subscriptions with the last connection', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    await manager.removeConnection('conn1')

    expect(manager.userSubscriptions.has('user1')).toBe(false)
    expect(manager.streamSubscriptions.size).toBe(0)
  })

  it('keeps subscriptions while a connection remains', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    await manager.addConnection('conn1', new FakeSocket(), 'user1')
    await manager.addConnection('conn2', new FakeSocket(), 'user1')
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    await manager.removeConnection('conn1')

    expect(manager.userSubscriptions.get('user1')).toHaveLength(1)
    expect(manager.streamSubscriptions.get('PRICE:BTCUSDT')).toEqual(['user1'])
  })

  it('removes everything on cleanup', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const sockets = [new FakeSocket(), new FakeSocket()]
    await manager.addConnection('conn1', sockets[0] as FakeSocket, 'user1')
    await manager.addConnection('conn2', sockets[1] as FakeSocket, 'user2')
    await manager.addSubscription({ userId: 'user1', streamType: StreamType.PRICE, symbol: 'BTCUSDT' })

    await manager.cleanup()

    expect(sockets.map(({ closeCalls }) => closeCalls)).toEqual([1, 1])
    expect(manager.activeConnections.size).toBe(0)
    expect(manager.connectionUsers.size).toBe(0)
    expect(manager.userConnections.size).toBe(0)
    expect(manager.userSubscriptions.size).toBe(0)
    expect(manager.streamSubscriptions.size).toBe(0)
  })
})
