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

/** A socket that tells what it has buffered itself, and may do anything while it does. */
class TellingSocket extends PressuredSocket {
  timesAsked = 0
  onAsk: () => unknown = () => {}

  constructor() {
    super()
    Object.defineProperty(this, 'bufferedAmount', { get: () => this.#told() })
  }

  #told(): unknown {
    this.timesAsked++
    return this.onAsk() ?? this.buffered
  }
}

/** Connections `a`, `c` and `e` of users `ua`, `u` and `ue`, in this order; the one in the middle is the one that matters. */
function market(options: Parameters<typeof pressured>[0] = {}) {
  const world = pressured({ transport: undefined, ...options })
  const before = world.connect('a', new TellingSocket(), { userId: 'ua' })
  const { connection, socket } = world.connect('c', new TellingSocket())
  const behind = world.connect('e', new TellingSocket(), { userId: 'ue' })
  /** Finds out that there is room. */
  const recover = (): void => {
    socket.buffered = 0
    world.clock.advance(50)
  }
  return { ...world, before: before.socket, connection, socket: socket as TellingSocket, behind: behind.socket, recover }
}

type Market = ReturnType<typeof market>

describe('ConnectionManager › asking a socket what it has buffered', () => {
  it.each<[string, (market: Market) => unknown]>([
    ['unsubscribes its connection', ({ connection }) => connection.unsubscribe(BOOK)],
    ['unsubscribes and subscribes again', ({ connection }) => (connection.unsubscribe(BOOK), connection.subscribe(BOOK))],
    ['ends the subscription', ({ manager }) => manager.removeSubscription({ userId: 'u', ...BOOK })],
    ['revokes the stream', ({ manager }) => manager.revoke({ userId: 'u', ...BOOK })],
    ['removes its connection', ({ connection }) => connection.remove()],
    ['forgets its connection', ({ connection }) => connection.remove({ close: false })],
    ['removes its user', ({ manager }) => manager.removeUser('u')],
  ])('costs the connection a message where it %s, whatever the answer is, and nobody else', (_case, act) => {
    for (const buffered of [0, 11]) {
      const world = market()
      world.socket.onAsk = () => void act(world)
      world.socket.buffered = buffered

      expect(world.publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

      expect([world.before, world.socket, world.behind].map(({ received }) => received)).toEqual([['b1'], [], ['b1']])
      expect(unaccounted(world.manager)).toBe(0)
    }
  })

  it('ends the delivery where it cleans up', async () => {
    const { manager, socket, before, behind, publish } = market()
    socket.onAsk = () => void manager.cleanup()

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 1, skipped: 2 }))
    await manager.cleanup()

    expect([before.received, socket.received, behind.received]).toEqual([['b1'], [], []])
    expect([stateOf(manager), unaccounted(manager)]).toEqual([NOTHING, 0])
  })

  it('may cost another connection a message whose turn is still to come, and not one that had its turn', () => {
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
  ])('leaves one copy to a connection that loses its seat in the %s and keeps the other', (_case, lost) => {
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

  it('leaves no copy to a connection that loses both seats', () => {
    const { connection, socket, manager, order } = market()
    connection.subscribe(ORDERS)
    socket.onAsk = () => void manager.revoke({ userId: 'u', ...ORDERS })

    expect(order('o1')).toEqual(result({ matched: 1, skipped: 1 }))

    expect([socket.received, unaccounted(manager)]).toEqual([[], 0])
  })

  it('costs nothing of what was sent past all subscriptions, where one is given up', () => {
    const { manager, connection, socket } = market()
    socket.onAsk = () => void connection.unsubscribe(BOOK)

    expect(manager.sendToUser('u', { ...BOOK, data: 'b1' })).toEqual(result({ matched: 1, sent: 1 }))

    expect(socket.received).toEqual(['b1'])
  })

  it.each<[string, () => unknown]>([
    ['throws', () => { throw boom }],
    ['answers NaN', () => NaN],
    ['answers a text', () => '11'],
    ['answers a promise that rejects', () => Promise.reject(boom)],
    ['answers what throws when it is looked at', () => ({ get then() { throw boom } })],
  ])('is no reason for a message to wait where it %s, nor for blame', async (_case, answer) => {
    const { connection, socket, publish, order, log } = market()
    connection.subscribe(ORDERS)
    socket.onAsk = answer

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))
    expect(order('o1')).toEqual(result({ matched: 1, sent: 1 }))
    await endOfTick()

    expect([socket.received, log]).toEqual([['b1', 'o1'], []])
  })

  it('leaves it to be blamed for an answer of its send that rejects', async () => {
    const { manager, socket, publish, log } = market()
    socket.onWrite = () => Promise.reject(boom)

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))
    await endOfTick()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 3, failed: 0, rejected: 1 })
  })

  it('leaves it to be blamed, at once, for an answer of its send that cannot be looked at', () => {
    const { socket, publish, log } = market()
    socket.onWrite = () => ({ get then() { throw boom } }) as never

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
  })

  it('leaves it without blame for a chain of publishes that is too long', () => {
    const { manager, socket, publish, log } = market({ maxDeferred: 2 })
    socket.onWrite = () => void publish('BOOK', 'again')

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 3, sent: 3 }))

    expect([socket.received, log]).toEqual([['b1', 'again', 'again'], []])
    expect(manager.stats()).toMatchObject({ matched: 9, sent: 9, failed: 0, deferred: 2 })
  })

  it('happens once a message, and not at all where nothing could be too much', () => {
    for (const [softLimitBytes, timesAsked] of [[10, 2], [Infinity, 0]] as const) {
      const { socket, publish } = market({ delivery: { softLimitBytes } })

      publish('BOOK', 'b1')
      publish('BOOK', 'b2')

      expect([socket.timesAsked, socket.received]).toEqual([timesAsked, ['b1', 'b2']])
    }
  })

  it('happens beside sockets that tell nothing, and those with an outbox, which get theirs as before', async () => {
    const { connect, publish, socket } = market()
    const plain = connect('p', new PressuredSocket(), { userId: 'up' })
    const writes = connect('w', new PressuredSocket(), { userId: 'uw', transport: batching() })
    socket.buffered = 11

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 5, sent: 4, queued: 1 }))
    await endOfTick()

    expect([plain.socket.received, writes.socket.received]).toEqual([['b1'], ['b1']])
  })

  it('publishes in its turn what is published meanwhile', () => {
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
  it('waits with all that comes by any way, though there is room again, until it caught up', () => {
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
    ['is sent to as its user is', (world: Market) => world.manager.sendToUser('u', { ...BOOK, data: 'b1' })],
    ['is sent to itself', (world: Market) => world.manager.sendToConnection('c', { ...BOOK, data: 'b1' })],
    ['is among all', (world: Market) => world.manager.broadcast({ ...BOOK, data: 'b1' })],
    ['is a subscriber', (world: Market) => world.publish('BOOK', 'b1')],
  ])('falls behind where it %s, and its subscriptions wait as well', (_case, send) => {
    const world = market()
    world.socket.buffered = 11

    expect(send(world)).toMatchObject({ queued: 1 })
    world.socket.buffered = 0
    world.publish('BOOK', 'b2')

    expect(world.socket.received).toEqual([])
    world.recover()
    expect(world.socket.received).toEqual(['b1', 'b2'])
  })

  it('waits with what it subscribes to meanwhile', () => {
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

  it('gets one copy where it sits in a whole type and in one of its symbols, before, while and after', () => {
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

  it('leaves the others of its user alone', () => {
    const { socket, connect, manager } = market()
    const { socket: sibling } = connect('d', new TellingSocket())
    socket.buffered = 11

    manager.sendToUser('u', { ...BOOK, data: 'b1' })
    manager.sendToUser('u', { ...BOOK, data: 'b2' })

    expect([socket.received, sibling.received]).toEqual([[], ['b1', 'b2']])
  })

  it('keeps its place and its order while others come and go', () => {
    const { manager, connect, socket, publish, recover } = market()
    const crowd = Array.from({ length: 20 }, (_, i) => connect(`x${i}`, new TellingSocket(), { userId: `ux${i}` }).connection)
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

  it('may catch up in the middle of a delivery, before its turn: then what waited comes first', () => {
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

  it('falls behind and catches up in the middle of one delivery, with messages that wait for their turn', () => {
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

  it('that catches up while a message is withheld from it gets the next one, once', () => {
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

  it('catches up by what is not wanted any more, and is asked again from then on', () => {
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

  it('is ended by its hard limit, and gets nothing more in the meantime', () => {
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
    ['with room gets what waits', 0, ['b1', 'b2'], { sent: 6, purged: 0 }],
    ['without room loses what waits', 11, [], { sent: 4, purged: 2 }],
  ])('that is removed %s, and leaves nothing', async (_case, buffered, received, counts) => {
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

  it('keeps its order however often the room comes and goes', async () => {
    const world = market({ delivery: { hardLimitBytes: Infinity } })
    const { manager, clock, connection, socket, publish } = world
    manager.addSubscription({ userId: 'u', ...BOOK })
    const random = seededRandom(7)
    let meddle = (): void => {}
    for (const each of [world.before, world.behind]) each.onWrite = () => meddle()
    meddle = () => {
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
    meddle = () => {}
    world.recover()

    expect(socket.received).toEqual(labels)
    expect([manager.stats().connectionsBehind, clock.pendingTimers, unaccounted(manager)]).toEqual([0, 0, 0])
  })
})
