import { describe, expect, it } from 'vitest'
import type { ManagerTransport, Transport } from '../../../src/ports/transport.ts'
import {
  batching,
  endOfTick,
  MeteredSocket,
  PressuredSocket,
  pressured,
  sized,
  reportingDrains,
  unaccounted,
} from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const
const TICKS = { streamType: 'TICKS', symbol: 'A' } as const
const boom = new Error('boom')

/** Sockets that are written to message by message, and polled. */
const MEASURING: Transport<PressuredSocket> = { bufferedBytes: ({ buffered }) => buffered }

/** One connection whose socket is stuck, so that all published messages wait. */
function stuck(options: Parameters<typeof pressured>[0] = {}) {
  const world = pressured(options)
  const { connection, socket } = world.connect('c')
  socket.buffered = 1_000_000
  /** Makes room, and lets the next poll find it. */
  const recover = (): void => {
    socket.buffered = 0
    world.clock.advance(50)
  }
  return { ...world, connection, socket, recover }
}

/** Lets turns pass in which only others get messages, so that the turn of this connection's last message is over. */
async function turnsOfOthers({ manager, connect }: ReturnType<typeof pressured>): Promise<void> {
  const { connection } = connect('other', new PressuredSocket(), { userId: 'v', transport: batching() })
  for (let turn = 0; turn < 2; turn++) {
    manager.sendToConnection('other', { streamType: 'PRICE', symbol: 'A', data: 'p' })
    await endOfTick()
  }
  void connection.remove({ close: false })
}

describe('ConnectionManager › stats() during a delivery', () => {
  it.each([
    ['in the batch of this tick', 0],
    ['because its connection is behind', 1_000],
  ])('has no negative count if a message is purged that waits %s', (_what, buffered) => {
    const { manager, connect, publish } = pressured()
    const { connection, socket } = connect('c')
    socket.buffered = buffered
    const seen: unknown[] = []
    const second = manager.addConnection('d', new PressuredSocket(() => {
      connection.unsubscribe(BOOK)
      seen.push(manager.stats())
    }), 'v', { transport: {} })
    second.subscribe(BOOK)

    publish('BOOK', 'b1')

    expect(seen).toMatchObject([{ matched: 2, sent: 0, waiting: 1, purged: 1 }])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 1, waiting: 0, purged: 1 })
  })
})

describe('ConnectionManager › the pressure of a socket', () => {
  const metered = (bufferedAmount: unknown): PressuredSocket => Object.assign(new MeteredSocket(), { bufferedAmount })
  const withGetter = (answer: () => unknown): PressuredSocket => Object.assign(new PressuredSocket(), { getBufferedAmount: answer })
  const measuredAs = (answer: () => unknown): ManagerTransport<PressuredSocket> => ({ bufferedBytes: answer as () => number })
  const failing = (): never => { throw boom }

  it.each<[string, PressuredSocket, ManagerTransport<PressuredSocket>?]>([
    ['a numeric bufferedAmount', metered(11)],
    ['a bufferedAmount of Infinity', metered(Infinity)],
    ['getBufferedAmount()', withGetter(() => 11)],
    ['the bufferedBytes of its transport', new PressuredSocket(), measuredAs(() => 11)],
    ['the bufferedBytes of its transport, whatever the socket has', Object.assign(metered(0), { getBufferedAmount: () => 0 }), measuredAs(() => 11)],
    ['bufferedAmount before getBufferedAmount()', Object.assign(metered(11), { getBufferedAmount: () => 0 })],
  ])('is read from %s', (_case, socket, transport = {}) => {
    const { connect, publish } = pressured()
    connect('c', socket, { transport })

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 1, queued: 1 }))

    expect(socket.writes).toEqual([])
  })

  it.each<[string, PressuredSocket, ManagerTransport<PressuredSocket>?]>([
    ...[NaN, -11, -Infinity, '11', null, undefined, {}, 11n, true].map((value): [string, PressuredSocket] => [`is a bufferedAmount of ${String(value)}`, metered(value)]),
    ['is a bufferedAmount that throws', Object.defineProperty(new PressuredSocket(), 'bufferedAmount', { get: failing })],
    ['is a getBufferedAmount that throws', withGetter(failing)],
    ['is a getBufferedAmount that returns NaN', withGetter(() => NaN)],
    ['is a getBufferedAmount that returns a text', withGetter(() => '11')],
    ['is a getBufferedAmount that is not a function', Object.assign(new PressuredSocket(), { getBufferedAmount: 11 })],
    ['is a bufferedBytes that throws', metered(11), measuredAs(failing)],
    ['is a bufferedBytes that returns NaN', metered(11), measuredAs(() => NaN)],
    ['is a bufferedBytes that returns nothing', metered(11), measuredAs(() => undefined)],
    ['is a promise', new PressuredSocket(), measuredAs(() => Promise.resolve(11))],
    ['is a promise that rejects, which is handled', new PressuredSocket(), measuredAs(() => Promise.reject(boom))],
    ['is at the soft limit', metered(10)],
  ])('is not assumed if the reading %s', (_case, socket, transport = {}) => {
    const { connect, publish, log } = pressured()
    connect('c', socket, { transport })

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 1, sent: 1 }))

    expect([socket.received, log]).toEqual([['b1'], []])
  })

  it.each([NaN, -1_000, -Infinity])('is not assumed if the reading is %d: a batch beyond the soft limit is written, and nothing waits', async (reading) => {
    const { connect, publish } = pressured({ delivery: { softLimitBytes: 5 }, transport: batching({ bufferedBytes: () => reading }) })
    const { socket } = connect('c')

    const results = ['b1', 'b2', 'b3', 'b4'].map((label) => publish('BOOK', label))
    await endOfTick()

    expect(results).toEqual(Array.from({ length: 4 }, () => result({ matched: 1, sent: 1 })))
    expect(socket.writes).toEqual([['b1', 'b2', 'b3'], ['b4']])
  })

  it.each<[string, () => number]>([
    ['is NaN', () => NaN],
    ['is negative', () => -1_000],
    ['throws', () => { throw boom }],
  ])('is not assumed if the reading %s: the room is then the soft limit', (_case, read) => {
    let reading = (): number => 11
    const { connect, publish } = pressured({ transport: batching({ bufferedBytes: () => reading() }) })
    const { connection, socket } = connect('c')
    for (let i = 0; i < 9; i++) publish('BOOK', `b${i}`)

    reading = read
    connection.flush()

    expect(socket.writes.map(({ length }) => length)).toEqual([6, 3])
  })

  it('does not hold messages back any more if the reading becomes invalid', () => {
    const { connect, publish, clock } = pressured({ transport: {} })
    const socket = new MeteredSocket()
    connect('c', socket)

    socket.bufferedAmount = 11
    publish('BOOK', 'b1')
    socket.bufferedAmount = NaN
    clock.advance(50)

    expect(socket.received).toEqual(['b1'])
  })

  it('excludes the batch: messages to a healthy connection are neither conflated nor reordered', async () => {
    const { connect, publish, order } = pressured()
    const { socket } = connect('c')
    socket.buffered = 10

    for (let i = 0; i < 50; i++) expect(publish('PRICE', `p${i}`)).toEqual(result({ matched: 1, sent: 1 }))
    order('o1')
    await endOfTick()

    expect(socket.received).toEqual([...Array.from({ length: 50 }, (_, i) => `p${i}`), 'o1'])
  })

  it('is unknown without a reading: one write gets the whole tick', async () => {
    const { connect, publish } = pressured({ transport: { write: (socket: PressuredSocket, frames: readonly string[]) => socket.write(frames) } })
    const { socket } = connect('c')

    for (let i = 0; i < 50; i++) expect(publish('PRICE', `p${i}`)).toEqual(result({ matched: 1, sent: 1 }))
    await endOfTick()

    expect(socket.writes).toEqual([Array.from({ length: 50 }, (_, i) => `p${i}`)])
  })

  it('stops a flush as soon as it exceeds the soft limit, however short the texts are', () => {
    const { connect, publish } = pressured({ transport: MEASURING })
    const { connection, socket } = connect('c')
    socket.buffered = 11
    for (const label of ['a', 'b', 'c']) publish('BOOK', label)
    socket.onWrite = () => void (socket.buffered = 11)

    for (const received of [['a'], ['a', 'b']]) {
      socket.buffered = 10
      expect([connection.flush(), socket.received]).toEqual([false, received])
    }
  })

  it('does not affect a fast connection: only the slow one of a user waits', async () => {
    const { manager, connect, publish } = pressured()
    const [slow, healthy] = [connect('slow'), connect('healthy')]
    slow.socket.buffered = 11

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 2, sent: 1, queued: 1 }))
    expect(manager.sendToUser('u', { streamType: 'ORDERS', data: 'o1' })).toEqual(result({ matched: 2, sent: 1, queued: 1 }))
    expect(manager.sendToConnection('slow', { streamType: 'PRICE', symbol: 'A', data: 'p1' })).toEqual(result({ matched: 1, queued: 1 }))
    expect(manager.broadcast({ streamType: 'PRICE', symbol: 'A', data: 'p2' })).toEqual(result({ matched: 2, sent: 1, conflated: 1 }))
    await endOfTick()

    expect([slow.socket.received, healthy.socket.received]).toEqual([[], ['b1', 'o1', 'p2']])
    slow.socket.buffered = 0
    expect(slow.connection.flush()).toBe(true)
    expect(slow.socket.received).toEqual(['o1', 'b1', 'p2'])
  })

  it('is read during a delivery: a message published by the read is deferred', async () => {
    const results: unknown[] = []
    const { connect, publish } = pressured({
      transport: batching({ bufferedBytes: () => (results.length === 0 && results.push(publish('TICKS', 't1')), 0) }),
    })
    const { socket } = connect('c')

    publish('BOOK', 'b1')
    await endOfTick()

    expect(results).toContainEqual(result({ deferred: true }))
    expect(socket.writes).toEqual([['b1', 't1']])
  })
})

describe('ConnectionManager › a socket with a readable buffer and no transport', () => {
  function bare() {
    const world = pressured({ transport: undefined })
    const socket = new MeteredSocket()
    world.connect('c', socket)
    socket.bufferedAmount = 11
    return { ...world, socket }
  }

  it('gets its queued messages at the next poll once it has room', () => {
    const { publish, clock, socket } = bare()
    publish('BOOK', 'b1')
    publish('BOOK', 'b2')

    clock.advance(50)
    expect(socket.received).toEqual([])
    socket.bufferedAmount = 0
    clock.advance(50)

    expect(socket.writes).toEqual([['b1'], ['b2']])
    expect(clock.pendingTimers).toBe(0)
  })

  it('fails if its send throws while queued messages are sent', () => {
    const { publish, clock, log, socket } = bare()
    publish('BOOK', 'b1')
    socket.bufferedAmount = 0
    socket.onWrite = () => { throw boom }

    clock.advance(50)

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
  })
})

describe('ConnectionManager › a connection that is behind', () => {
  it('has room if its buffer is exactly at the soft limit: queued messages leave at the end of the tick', async () => {
    const { publish, socket } = stuck()
    publish('BOOK', 'b1')

    socket.buffered = 10
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.received).toEqual(['b1', 'b2'])
  })

  it.each([
    ['in a batch', batching()],
    ['message by message', MEASURING],
  ])('gets private messages first, then the newest of each latest stream in its place and the rest in order, %s', (_case, transport) => {
    const { socket, publish, order, recover } = stuck({ transport })

    const results = [
      publish('BOOK', 'b1'),
      publish('PRICE', 'p1'),
      publish('PRICE', 'q1', 'B'),
      publish('TICKS', 't1'),
      publish('PRICE', 'p2'),
      order('o1'),
      publish('BOOK', 'b2'),
      order('o2'),
      publish('PRICE', 'p3'),
    ]
    recover()

    expect(results.map(({ queued, conflated }) => [queued, conflated])).toEqual([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1], [1, 0], [1, 0], [1, 0], [0, 1]])
    expect(socket.received).toEqual(['o1', 'o2', 'b1', 'p3', 'q1', 't1', 'b2'])
  })

  it('keeps its messages in order until it has caught up, even once it has room again', async () => {
    const { socket, publish, order } = stuck()

    publish('BOOK', 'b1')
    socket.buffered = 0
    expect(publish('BOOK', 'b2')).toEqual(result({ matched: 1, queued: 1 }))
    order('o1')
    expect(socket.received).toEqual([])
    await endOfTick()

    expect(socket.received).toEqual(['o1', 'b1', 'b2'])
    expect(publish('BOOK', 'b3')).toEqual(result({ matched: 1, sent: 1 }))
  })

  it('with room gets its queued messages at the end of the tick of the next message, before any poll', async () => {
    const { socket, publish, manager, clock } = stuck({ delivery: { drainIntervalMs: Infinity } })

    publish('BOOK', 'b1')
    await endOfTick()
    socket.buffered = 0
    await endOfTick()
    expect(socket.received).toEqual([])
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.received).toEqual(['b1', 'b2'])
    expect([manager.stats().connectionsBehind, clock.pendingTimers]).toEqual([0, 0])
  })

  it('gets messages up to and including the one that exceeds its room', () => {
    const { socket, publish, clock } = stuck({ delivery: { softLimitBytes: 25 } })
    for (let i = 0; i < 6; i++) publish('BOOK', sized(`b${i}`, 10))
    socket.onWrite = (frames) => void (socket.buffered += frames.join('').length)

    socket.buffered = 10
    clock.advance(50)
    expect(socket.writes).toEqual([[sized('b0', 10), sized('b1', 10)]])
    socket.buffered = 0
    clock.advance(50)

    expect(socket.received).toEqual(['b0', 'b1', 'b2', 'b3', 'b4'])
  })

  it.each([
    ['batched', batching()],
    ['direct', MEASURING],
  ])('has each of its messages accounted for at every moment, %s', async (_case, transport) => {
    const { manager, socket, publish, order, connection } = stuck({ transport, delivery: { hardLimitBytes: 100 } })

    const accounts = [unaccounted(manager)]
    const note = (): unknown => accounts.push(unaccounted(manager))
    for (let i = 0; i < 20; i++) {
      publish('TICKS', sized(`t${i}`, 30))
      note()
      publish('PRICE', `p${i}`)
      note()
    }
    order('o1')
    socket.buffered = 0
    connection.flush()
    note()
    await connection.remove()
    note()

    expect(new Set(accounts)).toEqual(new Set([0]))
    expect(socket.received).toEqual(['o1', 'gap of TICKS:A × 17', 'p19', 't17', 't18', 't19'])
  })

  it('is no longer behind once nothing waits, however much its socket buffers', () => {
    const { manager, clock, connection, publish } = stuck()

    publish('BOOK', 'b1')
    expect(manager.stats()).toMatchObject({ connectionsBehind: 1, waitingBytes: 2, mostWaitingBytes: 2 })
    connection.unsubscribe(BOOK)

    expect(manager.stats()).toMatchObject({ waiting: 0, purged: 1, connectionsBehind: 0, waitingBytes: 0, mostWaitingBytes: 2 })
    expect([clock.pendingTimers, connection.flush()]).toEqual([0, true])
  })
})

describe('ConnectionManager › the hard limit', () => {
  it('does not affect a healthy connection, which gets a synchronous burst beyond both limits completely and in order', async () => {
    const { manager, connect, publish, log } = pressured({ delivery: { hardLimitBytes: 50 } })
    const healthy = connect('healthy')
    const halfHealthy = connect('half-healthy')
    halfHealthy.socket.onWrite = ({ length }) => Math.ceil(length / 2)

    const labels = Array.from({ length: 200 }, (_, i) => `b${i}`)
    for (const label of labels) publish('BOOK', label)
    await endOfTick()

    expect(healthy.socket.received).toEqual(labels)
    expect(log).toEqual([])
    expect(manager.stats()).toMatchObject({ failed: 0, dropped: 0 })
    expect(manager.stats().mostWaitingBytes).toBeLessThanOrEqual(54)
    expect(halfHealthy.socket.received).toEqual(labels.slice(0, halfHealthy.socket.received.length))
  })

  it('removes a stuck connection that exceeds it, after the other recipients got the message', async () => {
    const { manager, socket, connect, publish, log, clock } = stuck({ delivery: { hardLimitBytes: 50 } })
    const other = connect('other')

    const results = Array.from({ length: 6 }, (_, i) => publish('BOOK', sized(`b${i}`, 10)))
    expect(results.at(-1)).toEqual(result({ matched: 2, sent: 1, failed: 1 }))
    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(publish('BOOK', 'b7')).toMatchObject({ matched: 1 })
    await endOfTick()

    expect([socket.writes, socket.closeCalls]).toEqual([[], 1])
    expect(other.socket.received).toEqual(['b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b7'])
    expect(manager.stats()).toMatchObject({ matched: 13, sent: 7, failed: 1, purged: 5, waiting: 0, connectionsBehind: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('removes a slow consumer with terminate, or else with close and the reason', () => {
    const ends: string[] = []
    const closing = batching({ close: (_socket, reason) => void ends.push(`close ${reason}`) })
    const terminating = { ...closing, terminate: () => void ends.push('terminate') }
    const { connect, publish } = pressured({ delivery: { hardLimitBytes: 0 } })
    for (const [id, transport] of Object.entries({ closing, terminating })) connect(id, new PressuredSocket(), { transport }).socket.buffered = 11

    publish('BOOK', 'b1')

    expect(ends).toEqual(['close slow-consumer', 'terminate'])
  })

  it('keeps the reason of a removal that happens before the end of the fan-out', async () => {
    const { manager, socket, connect, connection, publish, log } = stuck({ delivery: { hardLimitBytes: 0 } })
    connect('remover', new PressuredSocket(() => void connection.remove()), { transport: {} })

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 2, sent: 1, failed: 1 }))

    expect([log, socket.closeCalls]).toEqual([[['removed', 'c', 'removed']], 1])
    expect(manager.broadcast({ ...BOOK, data: 'b2' })).toMatchObject({ matched: 1 })
  })

  it('does not apply to a removal: messages that its last write does not accept are purged', async () => {
    const { manager, connect, publish, log } = pressured({ delivery: { hardLimitBytes: 0 } })
    const { connection, socket } = connect('c')
    socket.onWrite = () => 0

    publish('BOOK', 'b1')
    await connection.remove()
    connect('next')

    expect([log, socket.closeCalls]).toEqual([[['removed', 'c', 'removed']], 1])
    expect(manager.stats()).toMatchObject({ matched: 1, purged: 1 })
    expect(manager.broadcast({ ...BOOK, data: 'b2' })).toMatchObject({ matched: 1 })
  })

  it('drops the oldest messages of droppable streams first, with a gap notice in their place', () => {
    const { manager, publish, order, socket, recover, log } = stuck({ delivery: { hardLimitBytes: 200 } })

    publish('BOOK', sized('b1', 20))
    const results = Array.from({ length: 12 }, (_, i) => publish('TICKS', sized(`t${i}`, 20)))
    publish('BOOK', sized('b2', 20))
    order('o1')
    recover()

    expect(results.map(({ queued, dropped }) => [queued, dropped])).toEqual(Array.from({ length: 12 }, () => [1, 0]))
    expect(socket.received).toEqual(['o1', 'b1', 'gap of TICKS:A × 5', 't5', 't6', 't7', 't8', 't9', 't10', 't11', 'b2'])
    expect(log).toEqual([['gap', 'c', 'TICKS:A', 5]])
    expect(manager.stats()).toMatchObject({ matched: 15, sent: 10, dropped: 5, waiting: 0 })
  })

  it('never loses a private message because a droppable stream filled the queue', async () => {
    const { publish, order, socket, recover, log, connection } = stuck({ delivery: { hardLimitBytes: 300 } })

    for (let i = 0; i < 50; i++) publish('TICKS', sized(`t${i}`, 30))
    const results = Array.from({ length: 7 }, (_, i) => order(sized(`o${i}`, 30)))
    expect(results).toEqual(Array.from({ length: 7 }, () => result({ matched: 1, queued: 1 })))
    expect(connection.removed).toBe(false)
    recover()

    expect(socket.received.slice(0, 7)).toEqual(['o0', 'o1', 'o2', 'o3', 'o4', 'o5', 'o6'])
    expect(socket.received[7]).toMatch(/^gap of TICKS:A × /)
    expect(log).toEqual([['gap', 'c', 'TICKS:A', expect.any(Number)]])
  })

  it('never loses a private message to make room for a gap notice', () => {
    const { publish, order, socket, recover, connection } = stuck({ delivery: { hardLimitBytes: 90 } })

    for (const label of ['o1', 'o2', 'o3']) order(sized(label, 30))
    expect(publish('TICKS', sized('t1', 20))).toEqual(result({ matched: 1, dropped: 1 }))
    expect(connection.removed).toBe(false)
    recover()

    expect(socket.received).toEqual(['o1', 'o2', 'o3', 'gap of TICKS:A × 1'])
  })

  it('drops the newest message itself if nothing else can be dropped', () => {
    const { publish, order, socket, recover, manager } = stuck({ delivery: { hardLimitBytes: 100 } })

    order(sized('o1', 30))
    expect(publish('TICKS', sized('t1', 90))).toEqual(result({ matched: 1, dropped: 1 }))
    recover()

    expect(socket.received).toEqual(['o1', 'gap of TICKS:A × 1'])
    expect(manager.stats()).toMatchObject({ sent: 1, dropped: 1, waiting: 0 })
  })

  it('removes the connection if dropping is not enough, and counts dropped messages as dropped and queued ones as purged', () => {
    const { publish, order, manager, log } = stuck({ delivery: { hardLimitBytes: 100 } })

    publish('TICKS', sized('t1', 30))
    publish('BOOK', sized('b1', 30))
    expect(order(sized('o1', 95))).toEqual(result({ matched: 1, failed: 1 }))

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(manager.stats()).toMatchObject({ matched: 3, dropped: 1, purged: 1, failed: 1, waiting: 0 })
  })

  it('counts a message that replaced an older one and then exceeded the limit as failed, and the older one as conflated', () => {
    const { publish, manager, log } = stuck({ delivery: { hardLimitBytes: 100 } })

    publish('PRICE', 'p1')
    expect(publish('PRICE', sized('p2', 101))).toEqual(result({ matched: 1, failed: 1 }))

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(manager.stats()).toMatchObject({ matched: 2, conflated: 1, failed: 1, purged: 0, waiting: 0 })
  })

  it('applies both conflation and dropping to a stream with both, with the gap notice before the next message', () => {
    const { publish, socket, recover, manager } = stuck({ delivery: { hardLimitBytes: 120 } })

    publish('QUOTES', 'q1')
    expect(publish('QUOTES', sized('q2', 121))).toEqual(result({ matched: 1, dropped: 1 }))
    publish('QUOTES', 'q3')
    expect(publish('QUOTES', 'q4')).toEqual(result({ matched: 1, conflated: 1 }))
    recover()

    expect(socket.received).toEqual(['gap of QUOTES:A × 1', 'q4'])
    expect(manager.stats()).toMatchObject({ matched: 4, sent: 1, conflated: 2, dropped: 1, waiting: 0 })
  })

  it('does not stop a message beyond the limits to a healthy connection', async () => {
    const { connect, publish, log } = pressured({ delivery: { hardLimitBytes: 50 } })
    const [batched, direct] = [connect('batched'), connect('direct', new PressuredSocket(), { transport: MEASURING })]

    for (const label of ['b1', 'b2']) expect(publish('BOOK', sized(label, 60))).toMatchObject({ failed: 0, dropped: 0 })
    await endOfTick()

    expect([batched.socket.received, direct.socket.received, log]).toEqual([['b1', 'b2'], ['b1', 'b2'], []])
  })

  it.each(['b1', 'gap of TICKS:A × 1'])('does not stop a message beyond the limits to a connection that has room again, after the queued %s', async (waiting) => {
    const { publish, connection, socket } = stuck({ delivery: { hardLimitBytes: 50 } })
    if (waiting === 'b1') publish('BOOK', 'b1')
    else publish('TICKS', sized('t1', 60))
    socket.buffered = 0

    expect(publish('BOOK', sized('b2', 60))).toEqual(result({ matched: 1, sent: 1 }))
    await endOfTick()

    expect([socket.received, connection.removed]).toEqual([[waiting, 'b2'], false])
  })

  it('queues a message beyond the soft limit like any other', () => {
    const { publish, socket, recover } = stuck()

    publish('BOOK', sized('b1', 500))
    publish('BOOK', sized('b2', 500))
    recover()

    expect(socket.writes).toEqual([[sized('b1', 500)], [sized('b2', 500)]])
  })

  it('of 0 allows no message to wait', () => {
    const { publish, log, manager } = stuck({ delivery: { hardLimitBytes: 0 } })

    expect(publish('PRICE', 'p1')).toEqual(result({ matched: 1, failed: 1 }))

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(manager.stats()).toMatchObject({ failed: 1, purged: 0, mostWaitingBytes: 2 })
  })

  it('applies to messages that a write does not accept, too', async () => {
    const { connect, publish, log, manager } = pressured({ delivery: { softLimitBytes: 100, hardLimitBytes: 5 } })
    const [dropping, kept] = [connect('dropping'), connect('kept')]
    dropping.socket.onWrite = kept.socket.onWrite = () => 0

    manager.sendToConnection('dropping', { ...TICKS, data: sized('t1', 90) })
    manager.sendToConnection('kept', { ...BOOK, data: sized('b1', 90) })
    await endOfTick()

    expect(log).toEqual([['removed', 'kept', 'slow-consumer']])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 0, dropped: 1, purged: 1, waitingBytes: 0, connectionsBehind: 1 })
    expect(publish('PRICE', 'p1', 'C')).toEqual(result())
  })

  it('of Infinity allows all messages to wait', () => {
    const { publish, socket, recover, log } = stuck({ delivery: { hardLimitBytes: Infinity } })

    for (let i = 0; i < 5_000; i++) publish('TICKS', sized(`t${i}`, 1_000))
    recover()

    expect([socket.received.length, log]).toEqual([5_000, []])
  })

  it('is exceeded by a gap notice at most, and never by queued messages', () => {
    const { publish, manager } = stuck({ delivery: { hardLimitBytes: 200 } })

    for (let i = 0; i < 500; i++) {
      publish('TICKS', `t${i}`)
      expect(manager.stats().waitingBytes).toBeLessThanOrEqual(200)
    }

    expect(manager.stats().mostWaitingBytes).toBeLessThanOrEqual(204)
  })
})

describe('ConnectionManager › the soft limit', () => {
  it.each([1e12, Infinity])('of Infinity is never exceeded, not even by a reading of %d', async (reading) => {
    const { connect, publish } = pressured({ delivery: { softLimitBytes: Infinity } })
    const { socket } = connect('c')
    socket.buffered = reading

    for (let i = 0; i < 20; i++) expect(publish('BOOK', sized(`b${i}`, 40))).toEqual(result({ matched: 1, sent: 1 }))
    await endOfTick()

    expect(socket.writes).toHaveLength(1)
  })
})

describe('ConnectionManager › gap notices', () => {
  /** TICKS t0 to t9 were published, and the oldest of them dropped. */
  function withGap(options: Parameters<typeof pressured>[0] = {}) {
    const world = stuck({ ...options, delivery: { hardLimitBytes: 30, ...options.delivery } })
    for (let i = 0; i < 10; i++) world.publish('TICKS', sized(`t${i}`, 10))
    return world
  }

  it('leave on a drain, even if no message follows', () => {
    const { socket, recover, log, manager } = withGap({ delivery: { hardLimitBytes: 5 } })

    expect(log).toEqual([])
    recover()

    expect(socket.received).toEqual(['gap of TICKS:A × 10'])
    expect(log).toEqual([['gap', 'c', 'TICKS:A', 10]])
    expect(manager.stats()).toMatchObject({ matched: 10, sent: 0, dropped: 10, waiting: 0, connectionsBehind: 0 })
  })

  it('are sent once for each stream, each in its place', () => {
    const { connection, socket, publish, recover, log } = stuck({ delivery: { hardLimitBytes: 20 } })
    connection.subscribe({ streamType: 'TICKS', symbol: 'B' })

    publish('TICKS', sized('a1', 60))
    publish('BOOK', sized('b1', 10))
    publish('TICKS', sized('x1', 60), 'B')
    publish('TICKS', sized('a2', 60))
    publish('BOOK', sized('b2', 10))
    recover()

    expect(socket.received).toEqual(['gap of TICKS:A × 2', 'b1', 'gap of TICKS:B × 1', 'b2'])
    expect(log).toEqual([['gap', 'c', 'TICKS:A', 2], ['gap', 'c', 'TICKS:B', 1]])
  })

  it('are framed like messages, once each', () => {
    const framed: unknown[] = []
    const { socket, recover } = withGap({
      transport: batching({
        frame: (text, message) => (text.startsWith('{') && framed.push({ streamType: message?.streamType, symbol: message?.symbol, data: message?.data }), text),
      }),
    })

    recover()

    expect(framed).toEqual([{ streamType: 'TICKS', symbol: 'A', data: { type: 'gap', dropped: 7 } }])
    expect(socket.received).toEqual(['gap of TICKS:A × 7', 't7', 't8', 't9'])
  })

  it('have the documented form for clients', () => {
    const { socket, recover } = withGap()

    recover()

    expect(socket.writes.flat()[0]).toBe('{"type":"gap","stream_type":"TICKS","symbol":"A","dropped":7}')
  })

  it('are reported by an event once they were accepted, not before', async () => {
    const { socket, recover, log, clock } = withGap()
    socket.onWrite = () => 0

    recover()
    expect(log).toEqual([])
    socket.onWrite = () => 1
    clock.advance(50)
    expect(log).toEqual([['gap', 'c', 'TICKS:A', 7]])
    socket.onWrite = () => {}
    clock.advance(50)

    expect(socket.received).toEqual(['gap of TICKS:A × 7', 't7', 't8', 't9'])
    expect(log).toHaveLength(1)
  })

  it('are purged with a stream that is unsubscribed from', () => {
    const { connection, socket, recover, publish, manager } = withGap()

    connection.unsubscribe(TICKS)
    publish('BOOK', 'b1')
    recover()

    expect(socket.received).toEqual(['b1'])
    expect(manager.stats()).toMatchObject({ matched: 11, sent: 1, dropped: 7, purged: 3 })
  })

  it('are not written if their frame hook removes the connection', () => {
    const ends: string[] = []
    const world: Stuck = withGap({
      transport: batching({
        frame: (text) => (text.startsWith('{') && void world.connection.remove(), text),
        close: () => void ends.push('close'),
      }),
    })

    world.recover()

    expect([world.socket.writes, ends]).toEqual([[], ['close']])
    expect(world.manager.stats()).toMatchObject({ dropped: 7, purged: 3, sent: 0 })
  })

  it('that cannot be framed fail the connection, because the gap must not go unnoticed', () => {
    const { recover, log } = withGap({
      transport: batching({
        frame: (text) => {
          if (text.startsWith('{')) throw boom
          return text
        },
      }),
    })

    recover()

    expect(log).toEqual([
      ['error', 'transport', 'c', 'boom'],
      ['error', 'send', 'c', expect.any(String)],
      ['removed', 'c', 'send-failed'],
    ])
  })
})

describe('ConnectionManager › drains', () => {
  const withOnDrain = (hooks: Partial<Transport<PressuredSocket>> = {}) => batching({ ...reportingDrains(), ...hooks })

  it('are polled at the interval, by one timer for all, while any connection is behind', () => {
    const { clock, connect, publish } = pressured({ delivery: { drainIntervalMs: 20 } })
    const sockets = ['c1', 'c2', 'c3'].map((id) => connect(id).socket)
    expect(clock.pendingTimers).toBe(0)
    for (const socket of sockets) socket.buffered = 11

    publish('BOOK', 'b1')
    expect(clock.pendingTimers).toBe(1)
    clock.advance(19)
    for (const socket of sockets.slice(0, 2)) socket.buffered = 0
    expect(sockets.map(({ received }) => received.length)).toEqual([0, 0, 0])
    clock.advance(1)
    expect(sockets.map(({ received }) => received.length)).toEqual([1, 1, 0])
    expect(clock.pendingTimers).toBe(1)
    for (const socket of sockets) socket.buffered = 0
    clock.advance(20)

    expect(sockets.map(({ received }) => received.length)).toEqual([1, 1, 1])
    expect(clock.pendingTimers).toBe(0)
  })

  it('are polled immediately with an interval of 0, and never with one of Infinity', () => {
    const eager = stuck({ delivery: { drainIntervalMs: 0 } })
    const patient = stuck({ delivery: { drainIntervalMs: Infinity } })
    for (const { publish } of [eager, patient]) publish('BOOK', 'b1')

    for (const { socket, clock } of [eager, patient]) {
      socket.buffered = 0
      clock.advance(0)
      clock.advance(1_000_000)
    }

    expect([eager.socket.received, patient.socket.received]).toEqual([['b1'], []])
    expect([eager.clock.pendingTimers, patient.clock.pendingTimers]).toEqual([0, 0])
    patient.connection.drained()
    expect(patient.socket.received).toEqual(['b1'])
  })

  it('may be reported by the host, early, twice, or without need', () => {
    const { connection, socket, publish } = stuck()
    publish('BOOK', 'b1')

    connection.drained()
    expect(socket.received).toEqual([])
    socket.buffered = 0
    connection.drained()
    connection.drained()

    expect(socket.writes).toEqual([['b1']])
  })

  it('reported by the host do not write the batch of the tick if nothing waits', () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    connection.drained()

    expect(socket.writes).toEqual([])
  })

  it('are reported by a transport with onDrain instead of a timer, while the connection is behind', () => {
    const { socket, publish, clock, manager } = stuck({ transport: withOnDrain() })

    expect(socket.listeners.size).toBe(0)
    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    expect([socket.listeners.size, clock.pendingTimers]).toEqual([1, 0])
    socket.drain()

    expect(socket.writes).toEqual([['b1', 'b2']])
    expect([socket.listeners.size, manager.stats().connectionsBehind]).toEqual([0, 0])
  })

  it('that come early or twice are harmless', () => {
    const { socket, publish } = stuck({ transport: withOnDrain() })
    publish('BOOK', 'b1')
    const [listener = () => {}] = [...socket.listeners]

    listener()
    expect([socket.received, socket.listeners.size]).toEqual([[], 1])
    socket.buffered = 0
    listener()
    listener()

    expect(socket.received).toEqual(['b1'])
  })

  it('that leave some messages queued are still listened to', () => {
    const { socket, publish } = stuck({ transport: withOnDrain() })
    publish('BOOK', sized('b1', 20))
    publish('BOOK', sized('b2', 20))
    socket.onWrite = () => void (socket.buffered = 11)

    socket.drain()
    expect([socket.received, socket.listeners.size]).toEqual([['b1'], 1])
    socket.drain()

    expect([socket.received, socket.listeners.size]).toEqual([['b1', 'b2'], 0])
  })

  it('that never come leave the queued messages to the next publish', async () => {
    const { socket, publish, clock } = stuck({ transport: withOnDrain() })
    publish('BOOK', 'b1')

    socket.buffered = 0
    clock.advance(1_000_000)
    expect(socket.received).toEqual([])
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.received).toEqual(['b1', 'b2'])
    expect(socket.listeners.size).toBe(0)
  })

  it.each([
    ['the removal of the connection', ({ connection }: Stuck) => connection.remove()],
    ['a removal without a close', ({ connection }: Stuck) => connection.remove({ close: false })],
    ['the removal of its user', ({ manager }: Stuck) => manager.removeUser('u')],
    ['cleanup', ({ manager }: Stuck) => manager.cleanup()],
  ])('do nothing after %s, and are no longer listened to', async (_case, end) => {
    const world = stuck({ transport: withOnDrain() })
    const { socket, publish, connection } = world
    publish('BOOK', 'b1')
    const [listener = () => {}] = [...socket.listeners]

    await end(world)
    socket.buffered = 0
    listener()
    connection.drained()

    expect([socket.writes, socket.listeners.size]).toEqual([[], 0])
    expect(connection.flush()).toBe(true)
  })

  it.each<[string, Required<Transport<PressuredSocket>>['onDrain']]>([
    ['throws', () => { throw boom }],
    ['returns nothing', () => undefined as never],
    ['returns an object that is not callable', () => ({}) as never],
    ['returns a function that throws', () => () => { throw boom }],
    ['returns a function that rejects', () => () => Promise.reject(boom) as never],
  ])('do no harm if onDrain %s', async (_case, onDrain) => {
    const world = stuck({ transport: batching({ onDrain }) })
    const { socket, publish, connection, manager, clock } = world

    for (let round = 0; round < 2; round++) {
      socket.buffered = 11
      expect(publish('BOOK', `b${round}`)).toEqual(result({ matched: 1, queued: 1 }))
      socket.buffered = 0
      connection.drained()
      await turnsOfOthers(world)
    }

    expect(socket.received).toEqual(['b0', 'b1'])
    expect([manager.stats().connectionsBehind, clock.pendingTimers, connection.removed]).toEqual([0, 0, false])
  })

  it.each<[string, () => unknown]>([
    ['returns nothing', () => undefined],
    ['is asynchronous by mistake', async () => { throw boom }],
  ])('are polled if onDrain %s, which is reported at the stage transport', (_case, onDrain) => {
    const { publish, socket, clock, log } = stuck({ transport: batching({ onDrain: onDrain as never }) })

    publish('BOOK', 'b1')
    socket.buffered = 0
    clock.advance(50)

    expect(socket.received).toEqual(['b1'])
    expect(log).toEqual([['error', 'transport', 'c', expect.any(String)]])
  })

  it('are polled if onDrain throws, which is reported at the stage transport', () => {
    const { publish, socket, recover, log } = stuck({ transport: batching({ onDrain: () => { throw boom } }) })

    publish('BOOK', 'b1')
    recover()

    expect(socket.received).toEqual(['b1'])
    expect(log).toEqual([['error', 'transport', 'c', 'boom']])
  })

  it('whose stop function throws are reported at the stage transport', () => {
    const { publish, socket, log } = stuck({
      transport: batching({
        onDrain: (each, listener) => {
          each.listeners.add(listener)
          return () => { throw boom }
        },
      }),
    })

    publish('BOOK', 'b1')
    socket.drain()

    expect(socket.received).toEqual(['b1'])
    expect(log).toEqual([['error', 'transport', 'c', 'boom']])
  })

  it('are polled by one timer if the messages released by a drain fill the socket again', () => {
    const { publish, socket, recover, clock } = stuck()
    socket.onWrite = () => void (socket.buffered = 11)

    publish('BOOK', sized('b1', 20))
    publish('BOOK', sized('b2', 20))
    recover()

    expect(socket.received).toEqual(['b1'])
    expect(clock.pendingTimers).toBe(1)
  })

  it('are not polled if onDrain flushes everything before it throws', () => {
    const { publish, connection, socket, clock } = stuck({
      transport: batching({
        onDrain: (each) => {
          each.buffered = 0
          connection.flush()
          throw boom
        },
      }),
    })

    publish('BOOK', 'b1')

    expect(socket.received).toEqual(['b1'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('that are reported while onDrain registers release the queued messages, and later ones as well', async () => {
    const transport = withOnDrain()
    const world = stuck({
      transport: {
        ...transport,
        onDrain: (each, listener) => {
          const stop = transport.onDrain?.(each, listener) as () => void
          if (socket.received.length === 0) each.drain()
          return stop
        },
      },
    })
    const { socket, publish } = world

    publish('BOOK', 'b1')
    expect([socket.received, socket.listeners.size]).toEqual([['b1'], 0])
    await turnsOfOthers(world)
    socket.buffered = 11
    publish('BOOK', 'b2')
    socket.drain()

    expect([socket.received, socket.listeners.size]).toEqual([['b1', 'b2'], 0])
  })

  it.each([
    ['removes its connection', ({ connection }: Stuck) => void connection.remove()],
    ['unsubscribes it', ({ connection }: Stuck) => void connection.unsubscribe(BOOK)],
    ['shuts the manager down', ({ manager }: Stuck) => void manager.cleanup()],
  ])('are not listened to any more if onDrain %s', (_case, act) => {
    const transport = withOnDrain()
    const world: Stuck = stuck({
      transport: {
        ...transport,
        onDrain: (socket, listener) => {
          act(world)
          return transport.onDrain?.(socket, listener) as () => void
        },
      },
    })

    world.publish('BOOK', 'b1')

    expect(world.socket.listeners.size).toBe(0)
    expect(world.manager.stats()).toMatchObject({ purged: 1, connectionsBehind: 0 })
  })

  it('defer messages that onDrain publishes during a delivery', () => {
    const results: unknown[] = []
    const { publish } = stuck({
      transport: withOnDrain({ onDrain: () => (results.push(publish('TICKS', 't1')), () => {}) }),
    })

    publish('BOOK', 'b1')

    expect(results).toEqual([result({ deferred: true })])
  })

  it('leave the registry consistent if their stop function removes the connection', () => {
    const world: Stuck = stuck({ transport: batching({ onDrain: () => () => void world.connection.remove() }) })
    const { manager, connection, publish } = world

    publish('BOOK', 'b1')
    connection.unsubscribe(BOOK)

    expect(connection.removed).toBe(true)
    expect([manager.subscriptionCount, manager.streamCount, manager.connectionCount]).toEqual([0, 0, 0])
    expect(manager.stats()).toMatchObject({ matched: 1, purged: 1, connectionsBehind: 0 })
  })

  it('are listened to again for a message that their stop function publishes', () => {
    const transport = withOnDrain()
    let ends = 0
    const { connection, socket, manager, publish } = stuck({
      transport: {
        ...transport,
        onDrain: (each, listener) => {
          const stop = transport.onDrain?.(each, listener)
          return () => {
            stop?.()
            if (ends++ === 0) publish('TICKS', 't1')
          }
        },
      },
    })

    publish('BOOK', 'b1')
    connection.unsubscribe(BOOK)
    expect(manager.stats()).toMatchObject({ waiting: 1, connectionsBehind: 1 })
    socket.drain()

    expect(socket.received).toEqual(['t1'])
  })
})

type Stuck = ReturnType<typeof stuck>

describe('ConnectionManager › queued messages', () => {
  it.each([
    ['the removal of its connection', ({ connection }: Stuck) => connection.remove()],
    ['the removal of its user', ({ manager }: Stuck) => manager.removeUser('u')],
    ['cleanup', ({ manager }: Stuck) => manager.cleanup()],
  ])('are written on %s as far as there is room, before the close', async (_case, end) => {
    const world = stuck()
    const { manager, socket, publish, clock } = world
    const closedAtWrite: number[] = []
    for (const label of ['b1', 'b2', 'b3']) publish('BOOK', sized(label, 20))
    socket.onWrite = () => {
      closedAtWrite.push(socket.closeCalls)
      if (closedAtWrite.length === 2) socket.buffered = 11
    }

    socket.buffered = 0
    await end(world)
    await endOfTick()

    expect(socket.received).toEqual(['b1', 'b2'])
    expect([closedAtWrite, socket.closeCalls]).toEqual([[0, 0], 1])
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 2, purged: 1, waiting: 0, connectionsBehind: 0, waitingBytes: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('are purged completely with a socket that is stuck or gone', async () => {
    for (const close of [true, false]) {
      const { manager, socket, publish, order, connection, clock } = stuck()
      publish('BOOK', 'b1')
      publish('PRICE', 'p1')
      publish('PRICE', 'p2')
      order('o1')
      if (!close) socket.buffered = 0

      await connection.remove({ close })

      expect(socket.writes).toEqual([])
      expect(manager.stats()).toMatchObject({ matched: 4, conflated: 1, purged: 3, waiting: 0, connectionsBehind: 0 })
      expect(clock.pendingTimers).toBe(0)
    }
  })

  it('lose a stream that is unsubscribed from, and keep the rest', () => {
    const { manager, connection, publish, order, socket, recover } = stuck()
    publish('BOOK', 'b1')
    publish('TICKS', 't1')
    order('o1')
    publish('BOOK', 'b2')

    connection.unsubscribe(BOOK)
    connection.subscribe(BOOK)
    publish('BOOK', 'b3')
    recover()

    expect(socket.received).toEqual(['o1', 't1', 'b3'])
    expect(manager.stats()).toMatchObject({ matched: 5, sent: 3, purged: 2 })
  })

  it('lose the messages that only the whole type covered, and keep those that a symbol covers as well', () => {
    const { manager, connection, socket, recover } = stuck()
    connection.subscribe({ streamType: 'ORDERS' })
    for (const symbol of ['A', 'B', undefined]) manager.publish({ streamType: 'ORDERS', symbol, userId: 'u', data: `o${symbol}` })

    connection.unsubscribe({ streamType: 'ORDERS' })
    recover()

    expect(socket.received).toEqual(['oA'])
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 1, purged: 2 })
  })

  it('lose the messages of a removed subscription, for every connection of the user', () => {
    const { manager, connect, publish, socket, recover } = stuck()
    const second = connect('c2')
    second.socket.buffered = 11
    publish('BOOK', 'b1')
    publish('TICKS', 't1')

    manager.removeSubscription({ userId: 'u', ...BOOK })
    second.socket.buffered = 0
    recover()

    expect([socket.received, second.socket.received]).toEqual([['t1'], ['t1']])
  })

  it.each<[string, (world: Stuck) => void, string[]]>([
    ['removes its connection', ({ connection }) => void connection.remove(), ['o1']],
    ['shuts the manager down', ({ manager }) => void manager.cleanup(), ['o1']],
    ['unsubscribes it', ({ connection }) => void connection.unsubscribe(BOOK), ['o1', 't1']],
    ['removes the subscription', ({ manager }) => void manager.removeSubscription({ userId: 'u', ...BOOK }), ['o1', 't1']],
  ])('are counted correctly, without a timer left, if their write %s', (_case, act, received) => {
    for (const transport of [batching(), MEASURING]) {
      const world = stuck({ transport, delivery: { softLimitBytes: 0 } })
      const { socket, publish, order, recover, manager, clock } = world
      order('o1')
      publish('BOOK', 'b1')
      publish('TICKS', 't1')
      publish('BOOK', 'b2')
      socket.onWrite = ([frame]) => { if (frame === 'o1') act(world) }

      recover()

      expect(socket.received).toEqual(received)
      expect([unaccounted(manager), manager.stats().waiting, manager.stats().connectionsBehind, clock.pendingTimers]).toEqual([0, 0, 0, 0])
    }
  })

  it.each<[string, Transport<PressuredSocket>]>([
    ['in a batch', batching()],
    ['message by message', MEASURING],
  ])('are not written if the reading before it removes or unsubscribes, %s', (_case, transport) => {
    for (const act of [({ connection }: Stuck) => void connection.remove(), ({ connection }: Stuck) => void connection.unsubscribe(BOOK)]) {
      let isArmed = false
      const world: Stuck = stuck({
        transport: {
          ...transport,
          bufferedBytes: ({ buffered }) => {
            if (isArmed) act(world)
            return buffered
          },
        },
      })
      world.publish('BOOK', 'b1')

      isArmed = true
      world.recover()

      expect(world.socket.writes).toEqual([])
      expect(world.manager.stats()).toMatchObject({ sent: 0, purged: 1, waiting: 0, connectionsBehind: 0 })
    }
  })

  it.each<[string, Transport<PressuredSocket>, number]>([
    ['in a batch, with room', batching(), 0],
    ['in a batch, without room', batching(), 11],
    ['message by message, with room', MEASURING, 0],
    ['message by message, without room', MEASURING, 11],
  ])('do not include messages to a connection that the reading removes, %s', async (_case, transport, reading) => {
    const { manager, connect, publish, clock } = pressured({
      transport: { ...transport, bufferedBytes: () => (void manager.removeConnection('c'), reading) },
    })
    const { connection, socket } = connect('c')

    expect(publish('BOOK', 'b1')).toMatchObject({ matched: 1, sent: 0, queued: 0 })
    await endOfTick()

    expect([socket.writes, socket.closeCalls]).toEqual([[], 1])
    expect(manager.stats()).toMatchObject({ sent: 0, waiting: 0, connectionsBehind: 0 })
    expect([unaccounted(manager), clock.pendingTimers, connection.flush()]).toEqual([0, 0, true])
  })

  it('leave no timer if a reading flushes them', async () => {
    for (let flushedAt = 1; flushedAt <= 4; flushedAt++) {
      let readings = 0
      const world: Stuck = stuck({
        transport: batching({
          bufferedBytes: (socket) => {
            if (++readings !== flushedAt) return socket.buffered
            socket.buffered = 0
            world.connection.flush()
            return 11
          },
        }),
      })

      world.publish('BOOK', 'b1')
      await endOfTick()
      world.recover()
      world.recover()

      expect(world.socket.received).toEqual(['b1'])
      expect([world.manager.stats().connectionsBehind, world.clock.pendingTimers]).toEqual([0, 0])
    }
  })

  it('lose a stream completely if a write unsubscribes, subscribes again, and accepts nothing', () => {
    const { connection, socket, publish } = stuck()
    for (const label of ['b1', 'b2', 'b3']) publish('BOOK', sized(label, 20))
    socket.onWrite = () => {
      connection.unsubscribe(BOOK)
      connection.subscribe(BOOK)
      return 0
    }

    socket.buffered = 0
    connection.flush()
    socket.onWrite = () => {}
    publish('BOOK', 'b4')
    connection.flush()

    expect(socket.received).toEqual(['b4'])
  })

  it('do not include a message that its connection unsubscribes from while room is made for it', async () => {
    const { manager, connect, publish } = pressured({ delivery: { hardLimitBytes: 20 } })
    const { connection, socket } = connect('c')
    socket.onWrite = () => void connection.unsubscribe(BOOK)

    publish('TICKS', sized('t1', 15))
    expect(publish('BOOK', sized('b1', 15))).toEqual(result({ matched: 1, skipped: 1 }))
    await endOfTick()

    expect(socket.received).toEqual(['t1'])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 1, skipped: 1 })
  })

  it('do not include a message whose socket fails while room is made for it', () => {
    const { manager, connect, publish, log } = pressured({ delivery: { hardLimitBytes: 20 } })
    const { socket } = connect('c')
    socket.onWrite = () => { throw boom }

    publish('TICKS', sized('t1', 15))
    expect(publish('BOOK', sized('b1', 15))).toEqual(result({ matched: 1, failed: 1 }))

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 2, failed: 2, sent: 0 })
  })

  it('fail with the write that throws, and are written no further', () => {
    const { manager, socket, publish, order, recover, log, clock } = stuck({ transport: MEASURING })
    for (const label of ['b1', 'b2', 'b3']) publish('BOOK', label)
    order('o1')
    socket.onWrite = ([text]) => { if (text === 'b1') throw boom }

    recover()

    expect(socket.received).toEqual(['o1', 'b1'])
    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 4, sent: 1, failed: 1, purged: 2, connectionsBehind: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('count as accepted by any return value of send except a rejection', async () => {
    for (const answer of [0, -1, false, null, {}]) {
      const { manager, socket, publish, recover } = stuck({ transport: MEASURING })
      socket.onWrite = () => answer as never
      publish('BOOK', 'b1')

      recover()

      expect(manager.stats()).toMatchObject({ sent: 1, waiting: 0 })
    }
    const { manager, socket, publish, recover, log } = stuck({ transport: MEASURING })
    socket.onWrite = () => Promise.reject(boom)
    publish('BOOK', 'b1')
    recover()
    await endOfTick()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ sent: 1, failed: 0, rejected: 1 })
  })

  it('do not fail their connection if its own publishes are refused, message by message', () => {
    const { publish, recover, socket, log, manager } = stuck({ transport: MEASURING, maxDeferred: 0 })
    publish('BOOK', 'b1')
    socket.onWrite = () => void publish('BOOK', 'refused')

    recover()

    expect([socket.received, log]).toEqual([['b1'], []])
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 1, failed: 0 })
  })

  it('precede a message that their write publishes', () => {
    const { socket, publish, order, recover, manager } = stuck()
    const results: unknown[] = []
    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    socket.onWrite = () => { if (results.length === 0) results.push(order('o1')) }

    recover()
    expect(socket.writes).toEqual([['b1', 'b2']])
    expect(results).toEqual([result({ deferred: true })])
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 2, waiting: 1, deferred: 1 })
  })

  it('are not passed on to a later connection with the same id', async () => {
    const { manager, connection, connect, publish, clock } = stuck()
    publish('BOOK', 'b1')

    await connection.remove()
    const again = connect('c')
    clock.advance(50)
    publish('BOOK', 'b2')
    await endOfTick()

    expect(again.socket.received).toEqual(['b2'])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 1, purged: 1 })
  })

  it('are counted together, over all connections that are behind', () => {
    const { manager, connect, publish, socket, connection } = stuck()
    const second = connect('c2')
    second.socket.buffered = 11

    publish('BOOK', 'b1')
    publish('BOOK', 'b22')
    expect(manager.stats()).toMatchObject({ waiting: 4, connectionsBehind: 2, waitingBytes: 10, mostWaitingBytes: 5 })
    socket.buffered = 0
    connection.flush()

    expect(manager.stats()).toMatchObject({ waiting: 2, connectionsBehind: 1, waitingBytes: 5, mostWaitingBytes: 5 })
  })
})
