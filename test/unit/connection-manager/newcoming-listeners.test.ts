import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions, type ManagerEvents, type TradingStreams } from '../../../src/index.ts'
import { FakeSocket, fakeTransport } from '../../../src/testing/index.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ORDERS, PRICE, price } from '../../support/messages.ts'

type Name = keyof ManagerEvents

/** A manager, and a function that registers a listener for all events on its first call. */
function setting(options: ConnectionManagerOptions<FakeSocket, TradingStreams> = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock, ...options })
  const heard: Name[] = []
  let isListening = false
  const listen = (): void => {
    if (isListening) return
    isListening = true
    for (const name of EVENT_NAMES) manager.on(name, () => heard.push(name))
  }
  return { clock, manager, heard, listen }
}

function fail(): never {
  throw new Error('failed')
}

describe('ConnectionManager › a listener that is registered during a change', () => {
  it.each<[during: Name, act: (manager: ConnectionManager<FakeSocket>) => void]>([
    ['connectionAdded', (manager) => manager.addConnection('new', new FakeSocket(), 'bob')],
    ['userOnline', (manager) => manager.addConnection('new', new FakeSocket(), 'bob')],
    ['connectionRemoved', (manager) => void manager.removeConnection('c1')],
    ['userOffline', (manager) => void manager.removeUser('alice')],
    ['subscriptionAdded', (manager) => manager.addSubscription({ userId: 'alice', ...PRICE })],
    ['subscriptionChanged', (manager) => manager.getConnection('c1')?.subscribe(ORDERS)],
    ['subscriptionRemoved', (manager) => manager.revoke({ userId: 'alice' })],
    ['streamActive', (manager) => manager.addSubscription({ userId: 'alice', ...PRICE })],
    ['streamIdle', (manager) => void manager.cleanup()],
  ])('in %s is not called for that change, but for the next', (during, act) => {
    const { manager, heard, listen } = setting()
    manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    manager.on(during, listen)

    act(manager)
    expect(heard).toEqual([])
    if (manager.closed) return
    manager.addConnection('next', new FakeSocket(), 'carol')

    expect(heard).toEqual(['connectionAdded', 'userOnline'])
  })

  it('is not called for the other failures of the same publish', () => {
    const { manager, heard, listen } = setting()
    for (const id of ['c1', 'c2', 'c3']) manager.addConnection(id, new FakeSocket({ send: fail }), id)
    manager.on('error', listen)

    manager.broadcast(price())

    expect([heard, manager.connectionCount]).toEqual([[], 0])
  })

  it('is not called for the other failures of the same end of tick', async () => {
    const { manager, heard, listen } = setting({ transport: fakeTransport() })
    for (const id of ['c1', 'c2', 'c3']) manager.addConnection(id, new FakeSocket({ write: fail }), id)
    manager.on('error', listen)

    manager.broadcast(price())
    await new Promise((resolve) => setImmediate(resolve))

    expect([heard, manager.connectionCount]).toEqual([[], 0])
  })

  it('is not called for the other failures of the same timer', () => {
    const { clock, manager, heard, listen } = setting()
    for (const id of ['c1', 'c2', 'c3']) {
      const socket = new FakeSocket({ bufferedAmount: 0 })
      manager.addConnection(id, socket, id)
      socket.bufferedAmount = 100_000
    }
    manager.broadcast(price())
    manager.broadcast(price())
    for (const { socket } of manager.connections()) {
      socket.bufferedAmount = 0
      socket.script.send = fail
    }
    manager.on('error', listen)

    clock.advance(50)

    expect([heard, manager.connectionCount]).toEqual([[], 0])
  })

  it('is not called for a failing listener or close of that change', () => {
    const { manager, heard, listen } = setting()
    manager.on('connectionRemoved', () => {
      listen()
      fail()
    })
    const connection = manager.addConnection('c1', new FakeSocket({ close: fail }), 'alice')

    void connection.remove()

    expect(heard).toEqual([])
  })

  it.each<[what: string, script: 'send' | 'close']>([
    ['a send', 'send'],
    ['a close', 'close'],
  ])('from %s is not called for that change', (_what, script) => {
    const { manager, heard, listen } = setting()
    const socket = new FakeSocket({ [script]: () => {
      listen()
      fail()
    } })
    manager.addConnection('c1', socket, 'alice')

    manager.sendToConnection('c1', price())
    void manager.removeConnection('c1')

    expect(heard.filter((name) => name === 'error')).toEqual([])
  })

  it('from authorize is not called for that subscription', () => {
    const { manager, heard, listen } = setting({ authorize: () => (listen(), true) })
    manager.addConnection('c1', new FakeSocket(), 'alice')

    manager.addSubscription({ userId: 'alice', ...PRICE })
    expect(heard).toEqual([])
    manager.addSubscription({ userId: 'alice', ...ORDERS })

    expect(heard).toEqual(['subscriptionAdded', 'streamActive'])
  })

  it('from a toJSON is not called for that publish', () => {
    const { manager, heard, listen } = setting()
    manager.addConnection('c1', new FakeSocket({ send: fail }), 'alice')

    manager.sendToUser('alice', price({ toJSON: () => (listen(), 1) }))
    expect([heard, manager.connectionCount]).toEqual([[], 0])
    manager.addConnection('c2', new FakeSocket(), 'alice')

    expect(heard).toEqual(['connectionAdded', 'userOnline'])
  })

  it('is called for a later change made by a listener of the first one', () => {
    const { manager, heard, listen } = setting()
    manager.on('connectionAdded', ({ connection }) => {
      listen()
      if (connection.id === 'c1') connection.subscribe(PRICE)
    })

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(heard).toEqual(['subscriptionAdded', 'streamActive'])
  })

  it('is not called for the rest of an outer change if it was registered in an inner one', () => {
    const { manager, heard, listen } = setting()
    manager.on('error', () => manager.addSubscription({ userId: 'carol', ...PRICE }))
    manager.on('subscriptionAdded', listen)
    for (const id of ['c1', 'c2']) manager.addConnection(id, new FakeSocket({ send: fail }), id)

    manager.broadcast(price())

    expect([heard, manager.connectionCount]).toEqual([[], 0])
  })

  it('is called for the failures of a deferred message', () => {
    const { manager, heard, listen } = setting()
    manager.addConnection('c1', new FakeSocket({ send: () => {
      if (manager.connectionCount < 2) return
      listen()
      manager.sendToConnection('c2', price('deferred'))
    } }), 'alice')
    manager.addConnection('c2', new FakeSocket({ send: fail }), 'bob')

    manager.sendToConnection('c1', price('running'))

    expect(heard).toEqual(['error', 'connectionRemoved', 'userOffline'])
  })

  it.each<[what: string, act: (manager: ConnectionManager<FakeSocket>) => unknown]>([
    ['flush', (manager) => manager.getConnection('slow')?.flush()],
    ['drained', (manager) => manager.getConnection('slow')?.drained()],
  ])('is called for the changes of a later %s', (_what, act) => {
    const { manager, heard, listen } = setting()
    const slow = new FakeSocket({ bufferedAmount: 0 })
    manager.addConnection('slow', slow, 'bob')
    slow.bufferedAmount = 100_000
    manager.broadcast(price())
    manager.broadcast(price())
    slow.bufferedAmount = 0
    slow.script.send = fail
    manager.on('connectionAdded', () => {
      listen()
      act(manager)
    })

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(heard).toEqual(['error', 'connectionRemoved', 'userOffline'])
  })

  it('is called for a timer that fires later within the change', () => {
    const { clock, manager, heard, listen } = setting()
    manager.addSubscription({ userId: 'carol', ...PRICE })
    manager.on('connectionAdded', () => {
      listen()
      clock.advance(30_000)
    })

    manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(heard).toEqual(['subscriptionRemoved'])
  })

  it('is called like any other listener afterwards', () => {
    const { manager } = setting()
    const newcomer = vi.fn()
    const end = manager.on('connectionAdded', () => {
      end()
      manager.on('connectionAdded', newcomer)
    })

    for (const id of ['c1', 'c2', 'c3']) manager.addConnection(id, new FakeSocket(), 'alice')

    expect(newcomer.mock.calls.map(([{ connection }]) => connection.id)).toEqual(['c2', 'c3'])
  })
})
