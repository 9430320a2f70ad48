import { describe, expect, it } from 'vitest'
import { ConnectionManager, type Transport } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { batching, endOfTick, MeteredSocket, PressuredSocket, pressured, sized, unaccounted } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const

/** The ways to a socket: direct, in a batch, and with a readable buffer. */
const WAYS: readonly [string, Transport<PressuredSocket>][] = [
  ['straight', {}],
  ['in batches', batching()],
  ['measured', { bufferedBytes: ({ buffered }) => buffered }],
]

describe('Connection › send', () => {
  it.each(WAYS)('sends a text to this connection only, unchanged, in one order with published messages, %s', async (_way, transport) => {
    const { connect, publish } = pressured({ transport: {} })
    const { connection, socket } = connect('c', new PressuredSocket(), { transport })
    const other = connect('d', new PressuredSocket(), { transport })

    publish('BOOK', 'b1')
    expect(connection.send('{"type":"ack"}')).toEqual(result({ matched: 1, sent: 1 }))
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.received).toEqual(['b1', '{"type":"ack"}', 'b2'])
    expect(other.socket.received).toEqual(['b1', 'b2'])
  })

  it('shares one write with messages published before and after it', async () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    connection.send('ack')
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'ack', 'b2']])
  })

  it('is framed without a message', async () => {
    const framed: unknown[] = []
    const { connect } = pressured({ transport: batching({ frame: (text, message) => (framed.push([text, message]), text) }) })
    const { connection } = connect('c')

    connection.send('ack')
    await endOfTick()

    expect(framed).toEqual([['ack', undefined]])
  })

  it('does not use serialize, and accepts any string', () => {
    const manager = new ConnectionManager({ serialize: () => 'made' })
    const socket = new FakeSocket()
    const connection = manager.addConnection('c', socket, 'alice')

    connection.send('')
    connection.send('not JSON')

    expect(socket.sent).toEqual(['', 'not JSON'])
  })

  it('waits with the private messages while the connection is behind', () => {
    const { connect, publish, order, clock, manager } = pressured()
    const { connection, socket } = connect('c')
    socket.buffered = 11

    publish('BOOK', 'b1')
    order('o1')
    expect(connection.send('ack')).toEqual(result({ matched: 1, queued: 1 }))
    order('o2')
    expect([manager.stats(), unaccounted(manager)]).toMatchObject([{ waiting: 4, waitingBytes: 9 }, 0])
    socket.buffered = 0
    clock.advance(50)

    expect(socket.received).toEqual(['o1', 'ack', 'o2', 'b1'])
  })

  it('counts against the hard limit: a client that sends commands and reads no answers is removed as a slow consumer', () => {
    const { connect, log } = pressured()
    const { connection, socket } = connect('c')
    socket.buffered = 11

    const results = Array.from({ length: 11 }, () => connection.send(sized('ack', 100)))

    expect(results.at(-1)).toEqual(result({ matched: 1, failed: 1 }))
    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(connection.send('ack')).toEqual(result({ matched: 1, skipped: 1 }))
  })

  it('is never dropped: droppable messages are dropped first', () => {
    const { connect, publish, clock, manager } = pressured({ delivery: { hardLimitBytes: 20 } })
    const { connection, socket } = connect('c')
    socket.buffered = 11

    publish('TICKS', sized('t1', 15))
    connection.send(sized('ack', 15))
    socket.buffered = 0
    clock.advance(50)

    expect(socket.received).toEqual(['ack', 'gap of TICKS:A × 1'])
    expect(manager.stats()).toMatchObject({ dropped: 1, gapNotices: 1, sent: 1 })
  })

  it.each<[string, (world: ReturnType<typeof pressured>) => unknown]>([
    ['an unsubscribe', ({ manager }) => manager.getConnection('c')?.unsubscribe(BOOK)],
    ['the end of a subscription', ({ manager }) => manager.removeSubscription({ userId: 'u', ...BOOK })],
    ['a revocation of a stream', ({ manager }) => manager.revoke({ streamType: 'ORDERS' })],
    ['a revocation of all that a user has', ({ manager }) => manager.revoke({ userId: 'u' })],
  ])('is not purged by %s, in a batch or while it waits', async (_how, act) => {
    for (const buffered of [0, 11]) {
      const world = pressured()
      const { connection, socket } = world.connect('c')
      socket.buffered = buffered
      world.publish('BOOK', 'b1')
      connection.send('ack')

      act(world)
      socket.buffered = 0
      await endOfTick()
      world.clock.advance(50)

      expect(socket.received).toContain('ack')
    }
  })

  it('is not withheld by a revocation during a delivery', async () => {
    const world = pressured({ transport: {} })
    const { connection, socket } = world.connect('c')
    const first = world.connect('before', new PressuredSocket(() => {
      connection.send('ack')
      world.manager.revoke({ userId: 'u' })
    }))
    first.connection.subscribe(BOOK)
    world.manager.sendToConnection('before', { ...BOOK, data: 'b1' })

    expect(socket.received).toEqual(['ack'])
  })

  it('is deferred during a delivery', () => {
    const world = pressured({ transport: {} })
    const results: unknown[] = []
    const { connection, socket } = world.connect('c', new PressuredSocket(() => {
      if (results.length === 0) results.push(connection.send('ack'))
    }))
    const last = world.connect('last')

    world.publish('BOOK', 'b1')

    expect(results).toEqual([result({ deferred: true })])
    expect([socket.received, last.socket.received]).toEqual([['b1', 'ack'], ['b1']])
    expect([world.manager.stats(), unaccounted(world.manager)]).toMatchObject([{ deferred: 1, sent: 3 }, 0])
  })

  it('is skipped if the connection was removed before its turn', () => {
    const world = pressured({ transport: {} })
    const { connection } = world.connect('c', new PressuredSocket(() => {
      connection.send('ack')
      void connection.remove()
    }))

    world.publish('BOOK', 'b1')

    expect([world.manager.stats(), unaccounted(world.manager)]).toMatchObject([{ matched: 2, sent: 1, skipped: 1 }, 0])
  })

  it.each<[string, (world: ReturnType<typeof pressured>) => unknown]>([
    ['a removal', ({ manager }) => manager.removeConnection('c')],
    ['cleanup()', ({ manager }) => manager.cleanup()],
  ])('is skipped after %s, without throwing', async (_how, end) => {
    const world = pressured()
    const { connection, socket } = world.connect('c')
    await end(world)

    expect(connection.send('ack')).toEqual(result({ matched: 1, skipped: 1 }))

    expect([socket.received, unaccounted(world.manager)]).toEqual([[], 0])
  })

  it('fails the connection if its socket throws, as a message does', () => {
    const { connect, log } = pressured({ transport: {} })
    const { connection, socket } = connect('c')
    socket.onWrite = () => { throw new Error('broken') }

    expect(connection.send('ack')).toEqual(result({ matched: 1, failed: 1 }))

    expect(log).toEqual([['error', 'send', 'c', 'broken'], ['removed', 'c', 'send-failed']])
  })

  it.each([[undefined], [null], [1], [{}], [['ack']], [new String('ack')], [new ArrayBuffer(1)], [new Uint16Array(1)]])('refuses %o', (text) => {
    const { connect, manager } = pressured()
    const { connection } = connect('c')

    expectCode('ERR_INVALID_ARGUMENT', () => connection.send(text as never))
    expect(manager.stats().matched).toBe(0)
  })

  it('refuses a text longer than a message may be, with the facts', () => {
    const manager = new ConnectionManager({ quotas: { messageUnits: 3 } })
    const connection = manager.addConnection('c', new FakeSocket(), 'alice')

    connection.send('abc')

    expect(() => connection.send('abcd')).toThrow(
      expect.objectContaining({ code: 'ERR_QUOTA_EXCEEDED', quota: 'messageUnits', limit: 3, connectionId: 'c', userId: 'alice' }),
    )
  })

  it('is limited by maxDeferred in a chain, as publishes are', () => {
    const world = pressured({ transport: {}, maxDeferred: 2 })
    const { connection, socket } = world.connect('c', new PressuredSocket(() => {
      if (socket.received.length < 3) connection.send('more')
      else expectCode('ERR_PUBLISH_DEPTH', () => connection.send('more'))
    }))

    connection.send('first')

    expect(world.log).toEqual([])
    expect(socket.received).toEqual(['first', 'more', 'more'])
  })

  it('reaches a socket with a readable buffer and no send queue directly', () => {
    const world = pressured({ transport: {} })
    const { connection, socket } = world.connect('c', new MeteredSocket())

    connection.send('ack')

    expect(socket.received).toEqual(['ack'])
  })
})
