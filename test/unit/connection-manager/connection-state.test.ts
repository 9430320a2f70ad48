import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConnectionManager, type TradingStreams } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ORDERS, PRICE, price } from '../../support/messages.ts'
import { batching, endOfTick, MeteredSocket, PressuredSocket, pressured, reportingDrains, sized } from '../../support/pressured-socket.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const

interface Tab {
  readonly device: string
}

describe('connection.metadata', () => {
  it('is what addConnection was given, and can be set at any time', () => {
    const manager = new ConnectionManager<FakeSocket, TradingStreams, Tab>()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice', { metadata: { device: 'phone' } })

    expect(manager.getConnection('c1')?.metadata.device).toBe('phone')
    connection.metadata = { device: 'tablet' }

    expect([...manager.connections()].map(({ metadata }) => metadata.device)).toEqual(['tablet'])
  })

  it('is undefined if addConnection got none, and stays when the same connection is added again', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')
    const before = connection.metadata
    connection.metadata = 'first'

    const again = manager.addConnection('c1', socket, 'alice', { metadata: 'second' })

    expect([before, again.metadata]).toEqual([undefined, 'first'])
  })

  it('is still there after the removal, for whoever writes the log', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice', { metadata: 'phone' })

    await connection.remove()

    expect(connection.metadata).toBe('phone')
  })

  it('is shown by no log, no copy and no equality check, and never read', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const metadata = new Proxy({}, { get: () => { throw new Error('read') }, ownKeys: () => { throw new Error('listed') } })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice', { metadata })

    manager.publish(price())
    connection.subscribe(PRICE)

    expect(Object.keys(connection)).toEqual(['id', 'userId'])
    expect(JSON.stringify(connection)).toBe('{"id":"c1","userId":"alice"}')
    expect(inspect(connection)).not.toContain('metadata')
    expect({ ...connection }).toEqual({ id: 'c1', userId: 'alice' })
  })
})

describe('connection.waitingBytes and connection.behindForMs', () => {
  it.each([
    ['that writes in batches', batching(), () => new PressuredSocket()],
    ['with a bufferedAmount', undefined, () => new MeteredSocket()],
  ])('tell how far behind a socket %s is, and 0 when it has caught up', (_which, transport, make) => {
    const { clock, connect, publish } = pressured({ transport })
    const { connection, socket } = connect('c', make())
    socket.buffered = 11
    if (socket instanceof MeteredSocket) socket.bufferedAmount = 11

    publish('BOOK', sized('b1', 30))
    clock.advance(20)
    publish('BOOK', sized('b2', 12))
    const behind = [connection.waitingBytes, connection.behindForMs]
    socket.buffered = 0
    if (socket instanceof MeteredSocket) socket.bufferedAmount = 0
    connection.drained()

    expect(behind).toEqual([42, 20])
    expect([connection.waitingBytes, connection.behindForMs]).toEqual([0, 0])
  })

  it('are 0 for a connection that keeps up, although its batch waits for the end of the turn', () => {
    const { clock, connect, publish } = pressured({ transport: batching() })
    const { connection } = connect('c', new PressuredSocket())

    publish('BOOK', sized('b1', 30))
    clock.advance(5)

    expect([connection.waitingBytes, connection.behindForMs]).toEqual([0, 0])
  })

  it('are 0 once the connection has been removed while it was behind', async () => {
    const { clock, connect, publish } = pressured({ transport: batching() })
    const { connection, socket } = connect('c', new PressuredSocket())
    socket.buffered = 11
    publish('BOOK', sized('b1', 30))
    clock.advance(5)

    await connection.remove()

    expect([connection.waitingBytes, connection.behindForMs]).toEqual([0, 0])
  })

  it('are 0 while a removal sends what waits', async () => {
    const { clock, connect, publish } = pressured({ transport: batching() })
    const readings: unknown[] = []
    const { connection, socket } = connect('c', new PressuredSocket(() => void readings.push([connection.removed, connection.waitingBytes, connection.behindForMs])))
    socket.buffered = 11
    for (const data of ['b1', 'b2']) publish('BOOK', sized(data, 30))
    clock.advance(5)
    socket.buffered = 0

    await connection.remove()

    expect(readings[0]).toEqual([true, 0, 0])
  })
})

describe('connectionBehind and connectionCaughtUp', () => {
  function watched(options: Parameters<typeof pressured>[0] = { transport: batching(reportingDrains()) }) {
    const world = pressured(options)
    const log: string[] = []
    world.manager.on('connectionBehind', ({ connection }) => log.push(`${connection.id} behind`))
    world.manager.on('connectionCaughtUp', ({ connection, behindForMs }) => log.push(`${connection.id} caught up after ${behindForMs}`))
    return { ...world, log }
  }

  it('are told once each time that a connection falls behind and catches up', async () => {
    const { clock, connect, publish, log } = watched()
    const { socket } = connect('c', new PressuredSocket())

    for (const lagMs of [7, 9]) {
      socket.buffered = 11
      publish('BOOK', 'b1')
      publish('BOOK', 'b2')
      clock.advance(lagMs)
      socket.drain()
      await endOfTick()
      // What the socket buffers in the next turn may be of the one before, so that turn does not count.
      socket.buffered = 11
      publish('BOOK', 'b3')
      await endOfTick()
    }

    expect(log).toEqual(['c behind', 'c caught up after 7', 'c behind', 'c caught up after 9'])
  })

  it('are told of a socket that has a send queue only while it is behind', () => {
    const { clock, connect, publish, log } = watched({ transport: undefined })
    const { connection, socket } = connect('c', new MeteredSocket())
    socket.bufferedAmount = 11
    publish('BOOK', 'b1')
    clock.advance(7)
    socket.bufferedAmount = 0

    connection.drained()

    expect(log).toEqual(['c behind', 'c caught up after 7'])
  })

  it('are told as soon as the end of a turn sends what waited', async () => {
    const { connect, publish, log } = watched({ transport: batching() })
    const { socket } = connect('c', new PressuredSocket())
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.buffered = 0

    await endOfTick()

    expect(socket.sent.length).toBe(1)
    expect(log).toEqual(['c behind', 'c caught up after 0'])
  })

  it('are told before the publish returns, and when the rest is purged', () => {
    const { connect, publish, log } = watched()
    const { connection, socket } = connect('c', new PressuredSocket())
    socket.buffered = 11

    publish('BOOK', 'b1')
    const afterPublish = [...log]
    connection.unsubscribe(BOOK)

    expect(afterPublish).toEqual(['c behind'])
    expect(log).toEqual(['c behind', 'c caught up after 0'])
  })

  it('are told of a connection whose write refuses messages', () => {
    const { connect, publish, log } = watched()
    const { connection } = connect('c', new PressuredSocket(() => 0))

    publish('BOOK', 'b1')
    connection.flush()

    expect(log).toEqual(['c behind'])
  })

  it('tell of no catching up when a connection is removed while it is behind', async () => {
    const { connect, publish, log } = watched()
    const { connection, socket } = connect('c', new PressuredSocket())
    socket.buffered = 11
    publish('BOOK', 'b1')

    await connection.remove()

    expect(log).toEqual(['c behind'])
  })

  it('tell of no catching up when what waits is sent during the removal', async () => {
    const { connect, publish, log } = watched()
    const { connection, socket } = connect('c', new PressuredSocket())
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.buffered = 0

    await connection.remove()

    expect([socket.sent, log]).toEqual([['b1'], ['c behind']])
  })

  it('tell of no falling behind when a write refuses messages during the removal', async () => {
    const { connect, publish, log } = watched()
    const { connection } = connect('c', new PressuredSocket(() => 0))
    publish('BOOK', 'b1')

    await connection.remove()

    expect(log).toEqual([])
  })

  it('let a listener remove a connection that has fallen behind', () => {
    const { manager, connect, publish } = watched()
    const { connection, socket } = connect('c', new PressuredSocket())
    const removed: string[] = []
    manager.on('connectionBehind', ({ connection: slow }) => void slow.remove())
    manager.on('connectionRemoved', ({ reason }) => removed.push(reason))
    socket.buffered = 11

    publish('BOOK', 'b1')

    expect(removed).toEqual(['removed'])
    expect(connection.removed).toBe(true)
  })
})

describe('manager.connectionsOf', () => {
  function desk() {
    const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
    const connect = (id: string, userId: string) => manager.addConnection(id, new FakeSocket(), userId)
    const idsOf = (...stream: Parameters<typeof manager.connectionsOf>) => [...manager.connectionsOf(...stream)].map(({ id }) => id)
    return { manager, connect, idsOf }
  }

  it('are the connections of exactly a public stream, whoever holds the subscription', () => {
    const { manager, connect, idsOf } = desk()
    const [a1] = [connect('a1', 'alice'), connect('a2', 'alice'), connect('b1', 'bob')]
    manager.addSubscription({ userId: 'bob', ...PRICE })
    a1.subscribe(PRICE)
    a1.subscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })

    expect(idsOf('PRICE', 'BTCUSDT')).toEqual(['b1', 'a1'])
    expect(idsOf('PRICE', 'ETHUSDT')).toEqual(['a1'])
  })

  it('are those of all users on a private stream, and not those of the whole type for a symbol', () => {
    const { manager, connect, idsOf } = desk()
    const [a1] = [connect('a1', 'alice'), connect('a2', 'alice'), connect('b1', 'bob')]
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    manager.addSubscription({ userId: 'bob', ...ORDERS })
    a1.subscribe({ ...ORDERS, symbol: 'BTCUSDT' })

    expect(idsOf('ORDER_UPDATES')).toEqual(['a1', 'a2', 'b1'])
    expect(idsOf('ORDER_UPDATES', 'BTCUSDT')).toEqual(['a1'])
  })

  it.each<[string, string | null | undefined]>([
    ['PRICE', 'NONE'],
    ['PRICE', undefined],
    ['NOTHING', 'BTCUSDT'],
    ['__proto__', null],
  ])('are none for %s and %s', (...stream) => {
    const { connect, idsOf } = desk()
    connect('a1', 'alice').subscribe(PRICE)

    expect(idsOf(...stream)).toEqual([])
  })

  it('do not include pending subscribers, and are fixed by the call', () => {
    const { manager, connect } = desk()
    manager.addSubscription({ userId: 'carol', ...PRICE })
    const connections = [connect('a1', 'alice'), connect('b1', 'bob')]
    for (const connection of connections) connection.subscribe(PRICE)
    const seen: string[] = []

    for (const connection of manager.connectionsOf('PRICE', 'BTCUSDT')) {
      seen.push(connection.id)
      for (const each of connections) void each.remove()
    }

    expect(seen).toEqual(['a1', 'b1'])
  })
})
