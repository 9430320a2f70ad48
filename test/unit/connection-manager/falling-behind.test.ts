import { describe, expect, it } from 'vitest'
import { batching, endOfTick, PressuredSocket, pressured, unaccounted } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const
const TICKS = { streamType: 'TICKS', symbol: 'A' } as const
const ORDERS = { streamType: 'ORDERS' } as const
const ORDERS_A = { streamType: 'ORDERS', symbol: 'A' } as const
const boom = new Error('boom')

/** A socket with `bufferedAmount`, which runs `onAsk` each time that it is read. */
class ReadableSocket extends PressuredSocket {
  timesAsked = 0
  onAsk: () => unknown = () => {}

  constructor() {
    super()
    Object.defineProperty(this, 'bufferedAmount', { get: () => this.#read() })
  }

  #read(): unknown {
    this.timesAsked++
    return this.onAsk() ?? this.buffered
  }
}

/** Connections `a`, `c` and `e` of users `ua`, `u` and `ue`, in this order. The tests are about the one in the middle. */
function market(options: Parameters<typeof pressured>[0] = {}) {
  const world = pressured({ transport: undefined, ...options })
  const before = world.connect('a', new ReadableSocket(), { userId: 'ua' })
  const { connection, socket } = world.connect('c', new ReadableSocket())
  const behind = world.connect('e', new ReadableSocket(), { userId: 'ue' })
  /** Makes room, and lets the next poll find it. */
  const recover = (): void => {
    socket.buffered = 0
    world.clock.advance(50)
  }
  return { ...world, before: before.socket, connection, socket: socket as ReadableSocket, behind: behind.socket, recover }
}

type Market = ReturnType<typeof market>

describe('ConnectionManager › reading how much a socket buffers', () => {
  it.each<[string, (market: Market) => unknown]>([
    ['unsubscribes its connection', ({ connection }) => connection.unsubscribe(BOOK)],
    ['unsubscribes its connection and subscribes it again', ({ connection }) => (connection.unsubscribe(BOOK), connection.subscribe(BOOK))],
    ['ends the subscription', ({ manager }) => manager.removeSubscription({ userId: 'u', ...BOOK })],
    ['revokes the stream', ({ manager }) => manager.revoke({ userId: 'u', ...BOOK })],
    ['removes its connection', ({ connection }) => connection.remove()],
    ['removes its connection without a close', ({ connection }) => connection.remove({ close: false })],
    ['removes its user', ({ manager }) => manager.removeUser('u')],
  ])('makes only this connection miss the message if the read %s, whatever it returns', (_case, act) => {
    for (const buffered of [0, 11]) {
      const world = market()
      world.socket.onAsk = () => void act(world)
      world.socket.buffered = buffered

      expect(world.publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

      expect([world.before, world.socket, world.behind].map(({ received }) => received)).toEqual([['b1'], [], ['b1']])
      expect(unaccounted(world.manager)).toBe(0)
    }
  })

  it('stops the delivery if the read cleans up', async () => {
    const { manager, socket, before, behind, publish } = market()
    socket.onAsk = () => void manager.cleanup()

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 1, skipped: 2 }))
    await manager.cleanup()

    expect([before.received, socket.received, behind.received]).toEqual([['b1'], [], []])
    expect([stateOf(manager), unaccounted(manager)]).toEqual([NOTHING, 0])
  })

  it('can make a later recipient miss the message, but not an earlier one', () => {
    const { manager, socket, before, behind, publish } = market()
    socket.onAsk = () => {
      manager.revoke({ userId: 'ua', ...BOOK })
      manager.revoke({ userId: 'ue', ...BOOK })
    }

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

    expect([before.received, socket.received, behind.received]).toEqual([['b1'], ['b1'], []])
  })

  it.each([
    ['symbol', ORDERS_A],
    ['whole type', ORDERS],
  ])('delivers one copy to a connection that releases its subscription to the %s and keeps the overlapping one', (_case, lost) => {
    for (const [buffered, counts] of [[0, { sent: 1 }], [11, { queued: 1 }]] as const) {
      const { connection, socket, order, recover } = market()
      connection.subscribe(ORDERS)
      socket.onAsk = () => void connection.unsubscribe(lost)
      socket.buffered = buffered

      expect(order('o1')).toEqual(result({ matched: 1, ...counts }))
      recover()

      expect(socket.received).toEqual(['o1'])
    }
  })

  it('delivers no copy to a connection that loses both overlapping subscriptions', () => {
    const { connection, socket, manager, order } = market()
    connection.subscribe(ORDERS)
    socket.onAsk = () => void manager.revoke({ userId: 'u', ...ORDERS })

    expect(order('o1')).toEqual(result({ matched: 1, skipped: 1 }))

    expect([socket.received, unaccounted(manager)]).toEqual([[], 0])
  })

  it('does not affect a message sent without subscriptions if the read releases one', () => {
    const { manager, connection, socket } = market()
    socket.onAsk = () => void connection.unsubscribe(BOOK)

    expect(manager.sendToUser('u', { ...BOOK, data: 'b1' })).toEqual(result({ matched: 1, sent: 1 }))

    expect(socket.received).toEqual(['b1'])
  })

  it.each<[string, () => unknown]>([
    ['throws', () => { throw boom }],
    ['returns NaN', () => NaN],
    ['returns a text', () => '11'],
    ['returns a promise that rejects', () => Promise.reject(boom)],
    ['returns an object whose then throws', () => ({ get then() { throw boom } })],
  ])('neither delays a message nor fails the connection if the read %s', async (_case, answer) => {
    const { connection, socket, publish, order, log } = market()
    connection.subscribe(ORDERS)
    socket.onAsk = answer

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))
    expect(order('o1')).toEqual(result({ matched: 1, sent: 1 }))
    await endOfTick()

    expect([socket.received, log]).toEqual([['b1', 'o1'], []])
  })

  it('does not prevent that a rejected send fails the connection', async () => {
    const { manager, socket, publish, log } = market()
    socket.onWrite = () => Promise.reject(boom)

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))
    await endOfTick()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 3, failed: 0, rejected: 1 })
  })

  it('does not prevent that a send with an unreadable return value fails the connection at once', () => {
    const { socket, publish, log } = market()
    socket.onWrite = () => ({ get then() { throw boom } }) as never

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
  })

  it('does not make a chain of publishes beyond maxDeferred fail the connection', () => {
    const { manager, socket, publish, log } = market({ maxDeferred: 2 })
    socket.onWrite = () => void publish('BOOK', 'again')

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))

    expect([socket.received, log]).toEqual([['b1', 'again', 'again'], []])
    expect(manager.stats()).toMatchObject({ matched: 9, sent: 9, failed: 0, deferred: 2 })
  })

  it('happens once a message, and never with an infinite soft limit', () => {
    for (const [softLimitBytes, timesAsked] of [[10, 2], [Infinity, 0]] as const) {
      const { socket, publish } = market({ delivery: { softLimitBytes } })

      publish('BOOK', 'b1')
      publish('BOOK', 'b2')

      expect([socket.timesAsked, socket.received]).toEqual([timesAsked, ['b1', 'b2']])
    }
  })

  it('does not affect plain sockets and sockets with a send queue', async () => {
    const { connect, publish, socket } = market()
    const plain = connect('p', new PressuredSocket(), { userId: 'up' })
    const writes = connect('w', new PressuredSocket(), { userId: 'uw', transport: batching() })
    socket.buffered = 11

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 5, sent: 4, queued: 1 }))
    await endOfTick()

    expect([plain.socket.received, writes.socket.received]).toEqual([['b1'], ['b1']])
  })

  it('defers a message that is published by the read', () => {
    const { socket, before, behind, publish } = market()
    const results: unknown[] = []
    socket.onAsk = () => {
      socket.onAsk = () => {}
      results.push(publish('TICKS', 't1'))
    }

    publish('BOOK', 'b1')

    expect(results).toEqual([result({ deferred: true })])
    expect([before, socket, behind].map(({ received }) => received)).toEqual(Array(3).fill(['b1', 't1']))
  })
})

describe('ConnectionManager › a connection whose socket has no room', () => {
  it('queues messages of every kind, even once it has room again, until it has caught up', () => {
    const { manager, socket, before, publish, recover } = market()
    manager.addSubscription({ userId: 'u', streamType: 'BOOK', symbol: 'B' })
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.buffered = 0

    const results = [
      publish('TICKS', 't1'),
      publish('BOOK', 'b2', 'B'),
      manager.sendToUser('u', { ...BOOK, data: 'b3' }),
      manager.sendToConnection('c', { ...BOOK, data: 'b4' }),
      manager.broadcast({ ...TICKS, data: 't2' }),
    ]
    expect(results.map(({ queued }) => queued)).toEqual([1, 1, 1, 1, 1])
    expect([socket.received, before.received]).toEqual([[], ['b1', 't1', 't2']])
    recover()

    expect(socket.received).toEqual(['b1', 't1', 'b2', 'b3', 'b4', 't2'])
    expect(publish('BOOK', 'b5')).toEqual(result({ matched: 3, sent: 3 }))
    expect([socket.received.at(-1), unaccounted(manager)]).toEqual(['b5', 0])
  })

  it.each([
    ['a message to its user', (world: Market) => world.manager.sendToUser('u', { ...BOOK, data: 'b1' })],
    ['a message to itself', (world: Market) => world.manager.sendToConnection('c', { ...BOOK, data: 'b1' })],
    ['a broadcast', (world: Market) => world.manager.broadcast({ ...BOOK, data: 'b1' })],
    ['a published message', (world: Market) => world.publish('BOOK', 'b1')],
  ])('falls behind if it gets %s, and then queues the messages of its subscriptions too', (_case, send) => {
    const world = market()
    world.socket.buffered = 11

    expect(send(world)).toMatchObject({ queued: 1 })
    world.socket.buffered = 0
    world.publish('BOOK', 'b2')

    expect(world.socket.received).toEqual([])
    world.recover()
    expect(world.socket.received).toEqual(['b1', 'b2'])
  })

  it('queues the messages of subscriptions that are added while it is behind', () => {
    const { manager, connection, socket, publish, recover } = market()
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.buffered = 0
    connection.subscribe({ streamType: 'BOOK', symbol: 'B' })
    manager.addSubscription({ userId: 'u', streamType: 'BOOK', symbol: 'C' })

    publish('BOOK', 'b2', 'B')
    publish('BOOK', 'b3', 'C')

    expect(socket.received).toEqual([])
    recover()
    expect(socket.received).toEqual(['b1', 'b2', 'b3'])
    publish('BOOK', 'b4', 'B')
    publish('BOOK', 'b5', 'C')
    expect(socket.received).toEqual(['b1', 'b2', 'b3', 'b4', 'b5'])
  })

  it('gets one copy with overlapping subscriptions, before, while and after it is behind', () => {
    const { connection, socket, order, recover } = market()
    connection.subscribe(ORDERS)
    order('o1')
    socket.buffered = 1_000

    order('o2')
    socket.buffered = 0
    order('o3')
    expect(socket.received).toEqual(['o1'])
    recover()
    order('o4')

    expect(socket.received).toEqual(['o1', 'o2', 'o3', 'o4'])
  })

  it('does not affect other connections of its user', () => {
    const { socket, connect, manager } = market()
    const { socket: sibling } = connect('d', new ReadableSocket())
    socket.buffered = 11

    manager.sendToUser('u', { ...BOOK, data: 'b1' })
    manager.sendToUser('u', { ...BOOK, data: 'b2' })

    expect([socket.received, sibling.received]).toEqual([[], ['b1', 'b2']])
  })

  it('keeps its messages in order while others are removed', () => {
    const { manager, connect, socket, publish, recover } = market()
    const crowd = Array.from({ length: 20 }, (_, i) => connect(`x${i}`, new ReadableSocket(), { userId: `ux${i}` }).connection)
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.buffered = 0

    for (const other of crowd.splice(0, 18)) void other.remove()
    publish('BOOK', 'b2')
    manager.broadcast({ ...BOOK, data: 'b3' })
    expect(socket.received).toEqual([])
    recover()
    for (const other of crowd) void other.remove()
    publish('BOOK', 'b4')

    expect(socket.received).toEqual(['b1', 'b2', 'b3', 'b4'])
  })

  it('may catch up in the middle of a delivery, before its turn: the queued messages come first', () => {
    const { connection, socket, before, publish } = market()
    socket.buffered = 11
    publish('BOOK', 'b1')
    before.onWrite = () => {
      socket.buffered = 0
      connection.drained()
    }

    expect(publish('BOOK', 'b2')).toEqual(result({ matched: 3, sent: 3 }))

    expect(socket.received).toEqual(['b1', 'b2'])
  })

  it('may catch up in the middle of a delivery, and fall behind again in its turn', () => {
    const { manager, connection, socket, before, publish, recover } = market()
    socket.buffered = 11
    publish('BOOK', 'b1')
    before.onWrite = () => {
      socket.buffered = 0
      connection.drained()
      socket.buffered = 1_000
    }

    expect(publish('BOOK', 'b2')).toEqual(result({ matched: 3, sent: 2, queued: 1 }))
    expect(manager.stats()).toMatchObject({ connectionsBehind: 1, waiting: 1 })
    recover()

    expect(socket.received).toEqual(['b1', 'b2'])
  })

  it('falls behind and catches up in one delivery, and keeps deferred messages in order', () => {
    const { connection, socket, behind, publish } = market()
    socket.buffered = 11
    behind.onWrite = () => {
      behind.onWrite = () => {}
      publish('BOOK', 'b2')
      socket.buffered = 0
      connection.drained()
      publish('BOOK', 'b3')
    }

    publish('BOOK', 'b1')

    expect(socket.received).toEqual(['b1', 'b2', 'b3'])
  })

  it('that catches up while a message is revoked from it gets the next one, once', () => {
    const { manager, connection, socket, before, publish } = market()
    socket.buffered = 11
    publish('TICKS', 't1')
    before.onWrite = () => {
      before.onWrite = () => {}
      manager.revoke({ userId: 'u', streamType: 'BOOK' })
      socket.buffered = 0
      connection.drained()
    }

    expect(manager.broadcast({ ...BOOK, data: 'b1' })).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))
    expect(manager.broadcast({ ...TICKS, data: 't2' })).toEqual(result({ matched: 3, sent: 3 }))

    expect(socket.received).toEqual(['t1', 't2'])
  })

  it('catches up if its queued messages are unsubscribed from, and its buffer is read again afterwards', () => {
    const { manager, clock, connection, socket, publish } = market()
    socket.buffered = 1_000
    publish('BOOK', 'b1')

    connection.unsubscribe(BOOK)

    expect(manager.stats()).toMatchObject({ connectionsBehind: 0, waiting: 0, purged: 1 })
    expect([connection.flush(), clock.pendingTimers]).toEqual([true, 0])
    expect(publish('TICKS', 't1')).toMatchObject({ sent: 2, queued: 1 })
    socket.buffered = 0
    expect([connection.flush(), socket.received]).toEqual([true, ['t1']])
  })

  it('is removed at the hard limit, and gets nothing more in the meantime', () => {
    const { manager, log, socket, behind, publish } = market({ delivery: { hardLimitBytes: 3 } })
    socket.buffered = 11
    publish('BOOK', 'b1')
    behind.onWrite = () => {
      behind.onWrite = () => {}
      socket.buffered = 0
      publish('TICKS', 't1')
      manager.sendToConnection('c', { ...TICKS, data: 't2' })
    }

    expect(publish('BOOK', 'b2')).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect([socket.received, manager.stats().connectionsBehind, unaccounted(manager)]).toEqual([[], 0, 0])
  })

  it('whose socket fails in the middle of a delivery, before its turn, gets nothing more', () => {
    const { manager, log, connection, socket, before, publish } = market()
    socket.buffered = 11
    publish('BOOK', 'b1')
    socket.onWrite = () => { throw boom }
    before.onWrite = () => {
      socket.buffered = 0
      connection.drained()
    }

    expect(publish('BOOK', 'b2')).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect([socket.received, log]).toEqual([['b1'], [['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']]])
    expect([manager.stats(), unaccounted(manager)]).toMatchObject([{ failed: 2, waiting: 0, connectionsBehind: 0 }, 0])
  })

  it.each([
    ['with room gets its queued messages', 0, ['b1', 'b2'], { sent: 6, purged: 0 }],
    ['without room loses its queued messages', 11, [], { sent: 4, purged: 2 }],
  ])('that is removed %s, and leaves no timer behind', async (_case, buffered, received, counts) => {
    const { manager, clock, connection, socket, publish } = market()
    socket.buffered = 11
    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    socket.buffered = buffered

    await connection.remove()
    publish('TICKS', 't1')

    expect([socket.received, socket.closeCalls]).toEqual([received, 1])
    expect(manager.stats()).toMatchObject({ connectionsBehind: 0, waitingBytes: 0, ...counts, sent: counts.sent + 2 })
    expect([connection.flush(), clock.pendingTimers, unaccounted(manager)]).toEqual([true, 0, 0])
  })

  it('keeps its messages in order while its room changes at random', async () => {
    const world = market({ delivery: { hardLimitBytes: Infinity } })
    const { manager, clock, connection, socket, publish } = world
    manager.addSubscription({ userId: 'u', ...BOOK })
    const random = seededRandom(7)
    let disturb = (): void => {}
    for (const each of [world.before, world.behind]) each.onWrite = () => disturb()
    disturb = () => {
      socket.buffered = random() < 0.5 ? 11 : 0
      if (random() < 0.3) connection.drained()
      if (random() < 0.1) connection.unsubscribe(BOOK)
      if (random() < 0.1) connection.subscribe(BOOK)
    }
    const labels = Array.from({ length: 1_000 }, (_, i) => `b${i}`)

    for (const label of labels) {
      if (random() < 0.7) publish('BOOK', label)
      else manager[random() < 0.5 ? 'broadcast' : 'publish']({ ...BOOK, data: label })
      if (random() < 0.1) clock.advance(50)
      if (random() < 0.1) await endOfTick()
    }
    disturb = () => {}
    world.recover()

    expect(socket.received).toEqual(labels)
    expect([manager.stats().connectionsBehind, clock.pendingTimers, unaccounted(manager)]).toEqual([0, 0, 0])
  })
})
