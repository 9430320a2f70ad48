import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Transport } from '../../../src/ports/transport.ts'
import { batching, endOfTick, MeteredSocket, PressuredSocket, pressured, sized, reportingDrains } from '../../support/pressured-socket.ts'

/** Each kind of socket with a readable buffer, which its writes fill. */
const KINDS: readonly [string, () => { socket: PressuredSocket; transport: Transport<PressuredSocket> }][] = [
  ['a transport that writes and measures', () => ({ socket: filling(new PressuredSocket()), transport: batching() })],
  ['a transport that also reports drains', () => ({ socket: filling(new PressuredSocket()), transport: batching(reportingDrains()) })],
  ['a transport that only measures', () => ({ socket: filling(new PressuredSocket()), transport: { bufferedBytes: ({ buffered }) => buffered } })],
  ['a socket with bufferedAmount', () => ({ socket: withBufferedAmount(filling(new PressuredSocket())), transport: {} })],
  ['a socket with getBufferedAmount', () => ({ socket: withGetBufferedAmount(filling(new PressuredSocket())), transport: {} })],
]

function filling(socket: PressuredSocket): PressuredSocket {
  socket.onWrite = (frames) => void (socket.buffered += frames.join('').length)
  return socket
}

function withBufferedAmount(socket: PressuredSocket): PressuredSocket {
  return Object.defineProperty(socket, 'bufferedAmount', { get: () => socket.buffered })
}

function withGetBufferedAmount(socket: PressuredSocket): PressuredSocket {
  return Object.assign(socket, { getBufferedAmount: () => socket.buffered })
}

/** Limits that are small compared to a message. */
const LIMITS = { softLimitBytes: 1_000, hardLimitBytes: 5_000 }
const MESSAGE_UNITS = 500

describe.each(KINDS)('ConnectionManager › the turns of %s', (_kind, make) => {
  function connected() {
    const world = pressured({ delivery: LIMITS, transport: {} })
    const { socket, transport } = make()
    const { connection } = world.connect('c', socket, { transport })
    let count = 0
    const burst = (messages: number): string[] => {
      const labels = Array.from({ length: messages }, () => `b${++count}`)
      for (const label of labels) world.publish('BOOK', sized(label, MESSAGE_UNITS))
      return labels
    }
    return { ...world, connection, socket, burst }
  }

  it('deliver a burst to a socket that is read, completely and in order, whatever its size', async () => {
    const { socket, burst, manager, log } = connected()

    const labels = burst(40)
    await endOfTick()

    expect(socket.received).toEqual(labels)
    expect([manager.stats(), log]).toMatchObject([{ sent: 40, waiting: 0, connectionsBehind: 0 }, []])
  })

  it('neither conflate nor drop within the turn', async () => {
    const { socket, publish, manager } = connected()

    for (let i = 0; i < 20; i++) {
      publish('PRICE', sized(`p${i}`, MESSAGE_UNITS))
      publish('TICKS', sized(`t${i}`, MESSAGE_UNITS))
      publish('QUOTES', sized(`q${i}`, MESSAGE_UNITS))
    }
    await endOfTick()

    expect(socket.received).toHaveLength(60)
    expect(manager.stats()).toMatchObject({ sent: 60, conflated: 0, dropped: 0 })
  })

  it('allow one more turn after a burst, whatever is still buffered, and decide in the one after that', async () => {
    const { socket, burst, manager } = connected()

    const first = burst(10)
    await endOfTick()
    const second = burst(10)
    await endOfTick()
    burst(3)
    await endOfTick()

    expect(socket.received).toEqual([...first, ...second])
    expect(manager.stats()).toMatchObject({ sent: 20, waiting: 3, connectionsBehind: 1, waitingBytes: 1_500 })
  })

  it('make a connection fall behind at once if it got nothing in the turn before and its buffer exceeds the limit', () => {
    const { socket, burst, manager } = connected()
    socket.buffered = 1_000_000

    burst(2)

    expect(socket.received).toEqual([])
    expect(manager.stats()).toMatchObject({ waiting: 2, connectionsBehind: 1 })
  })

  it('remove a client that never reads as a slow consumer, with bounded memory', async () => {
    const { socket, burst, log } = connected()

    for (let turn = 0; turn < 10 && log.length === 0; turn++) {
      burst(4)
      await endOfTick()
    }

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    // The soft limit, one write, and two turns.
    expect(socket.buffered).toBeLessThanOrEqual(1_000 + MESSAGE_UNITS + 2 * 4 * MESSAGE_UNITS)
  })

  it('never make a client that reads between turns fall behind', async () => {
    const { socket, burst, manager } = connected()

    for (let turn = 0; turn < 20; turn++) {
      burst(10)
      await endOfTick()
      socket.buffered = 0
    }

    expect(manager.stats()).toMatchObject({ sent: 200, connectionsBehind: 0 })
    expect(socket.received).toHaveLength(200)
  })

  it.each([
    ['remove()', ({ connection }: ReturnType<typeof connected>) => connection.remove()],
    ['removeUser()', ({ manager }: ReturnType<typeof connected>) => manager.removeUser('u')],
    ['cleanup()', ({ manager }: ReturnType<typeof connected>) => manager.cleanup()],
  ])('write everything on %s', async (_how, end) => {
    const world = connected()

    const labels = world.burst(40)
    await end(world)

    expect(world.socket.received).toEqual(labels)
    expect(world.manager.stats()).toMatchObject({ sent: 40, purged: 0 })
  })

  it('write the last message of a turn after a burst on cleanup()', async () => {
    const { burst, order, socket, manager } = connected()

    const labels = burst(40)
    await endOfTick()
    order('the last')
    await manager.cleanup()

    expect(socket.received).toEqual([...labels, 'the last'])
  })

  it('deliver a burst on connect completely', async () => {
    const world = pressured({ delivery: LIMITS, transport: {} })
    const { socket, transport } = make()
    world.manager.on('connectionAdded', ({ connection }) => {
      for (let i = 0; i < 40; i++) world.manager.sendToConnection(connection.id, { streamType: 'BOOK', symbol: 'A', data: sized(`b${i}`, MESSAGE_UNITS) })
    })

    world.connect('c', socket, { transport })
    await endOfTick()

    expect(socket.received).toHaveLength(40)
  })
})

describe('ConnectionManager › a turn', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('reads the room of a socket once, whatever is published in it', async () => {
    let readings = 0
    const { connect, publish } = pressured({ transport: batching({ bufferedBytes: () => (readings++, 0) }) })
    connect('c')

    for (let i = 0; i < 10; i++) publish('BOOK', 'b')
    await endOfTick()

    expect(readings).toBe(1)
  })

  it.each([
    ['in doubt at its first message', 10_000, 1],
    ['not in doubt at its first message', 0, 0],
  ])('remembers that a socket was %s, whatever it has buffered later in the turn', async (_what, buffered, behind) => {
    const { connect, publish, manager } = pressured({ delivery: LIMITS })
    const { socket } = connect('c')
    publish('BOOK', 'b1')
    await endOfTick()

    socket.buffered = buffered
    publish('BOOK', 'b2')
    socket.buffered = 0
    publish('BOOK', 'b3')
    await endOfTick()
    socket.buffered = 10_000
    publish('BOOK', 'b4')

    expect([socket.received, manager.stats().connectionsBehind]).toEqual([['b1', 'b2', 'b3'], behind])
  })

  it('queues messages at once if a write refuses them', async () => {
    const { connect, publish, manager } = pressured({ delivery: { softLimitBytes: 5 } })
    const { socket } = connect('c')
    socket.onWrite = () => 1

    for (const label of ['b1', 'b2', 'b3', 'b4', 'b5']) publish('BOOK', label)

    expect(socket.received).toEqual(['b1'])
    expect(manager.stats()).toMatchObject({ sent: 1, waiting: 4, connectionsBehind: 1 })
  })

  it('does not apply while a connection is behind: a drain writes only as much as there is room for', () => {
    const { connect, publish } = pressured({ transport: { bufferedBytes: ({ buffered }) => buffered } })
    const { connection, socket } = connect('c')
    socket.buffered = 11
    for (let i = 0; i < 5; i++) publish('BOOK', `b${i}`)
    socket.onWrite = ([text = '']) => void (socket.buffered += text.length)

    socket.buffered = 8
    expect(connection.flush()).toBe(false)

    expect(socket.received).toEqual(['b0', 'b1'])
  })

  it('with a soft limit of 0 ends before unsent data makes anything wait', async () => {
    const { connect, publish, manager } = pressured({ delivery: { softLimitBytes: 0 } })
    const { socket } = connect('c')
    socket.onWrite = () => void (socket.buffered = 1)

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()
    publish('BOOK', 'b3')
    await endOfTick()
    publish('BOOK', 'b4')

    expect(socket.received).toEqual(['b1', 'b2', 'b3'])
    expect(manager.stats()).toMatchObject({ sent: 3, waiting: 1 })
  })

  it('belongs to the manager: a socket beside others is judged by its own buffer', async () => {
    const { connect, publish, manager } = pressured({ delivery: LIMITS, transport: {} })
    const stuck = withBufferedAmount(new PressuredSocket())
    connect('stuck', stuck)
    connect('other', new MeteredSocket(), { userId: 'v' })
    publish('BOOK', sized('b1', MESSAGE_UNITS))
    await endOfTick()

    // The bytes written in this turn explain the reading once; the next turn decides.
    stuck.buffered = 2_000
    publish('BOOK', sized('b2', MESSAGE_UNITS))
    await endOfTick()
    publish('BOOK', sized('b3', MESSAGE_UNITS))

    expect(stuck.received).toEqual(['b1', 'b2'])
    expect(manager.stats()).toMatchObject({ connectionsBehind: 1, waiting: 1 })
  })

  it.each([
    ['batched', batching()],
    ['direct', {}],
  ])('whose end is lost is ended by the clock, %s', async (_case, transport) => {
    vi.stubGlobal('setImmediate', () => {})
    const { connect, publish, clock, manager } = pressured({ transport: {} })
    const socket = withBufferedAmount(filling(new PressuredSocket()))
    connect('c', socket, { transport })

    for (let turn = 0; turn < 8; turn++) {
      publish('BOOK', sized(`b${turn}`, 100))
      clock.advance(100)
    }

    expect(socket.received.length).toBeGreaterThan(0)
    expect(manager.stats()).toMatchObject({ connectionsBehind: 1 })
  })

  it('does not start again after a write that refuses despite room: the connection is polled at the interval', async () => {
    let writes = 0
    const { connect, publish, clock } = pressured({ transport: batching({ write: () => (writes++, 0), bufferedBytes: () => 0 }) })
    connect('c')
    publish('BOOK', 'b1')
    for (let turn = 0; turn < 5; turn++) await endOfTick()
    expect(writes).toBe(1)

    clock.advance(50)
    for (let turn = 0; turn < 5; turn++) await endOfTick()

    expect(writes).toBe(2)
  })

  it('ends in a microtask, once, if a write refuses and there is no setImmediate', async () => {
    vi.stubGlobal('setImmediate', undefined)
    let writes = 0
    const { connect, publish } = pressured({ transport: batching({ write: () => (writes++, 0), bufferedBytes: () => 0 }) })
    const { connection } = connect('c')

    publish('BOOK', 'b1')
    connection.drained()
    for (let i = 0; i < 20; i++) await Promise.resolve()

    expect(writes).toBeLessThanOrEqual(2)
  })

  it('knows how much it wrote before it exceeded the limit', async () => {
    const { connect, publish, manager, log } = pressured({ delivery: { softLimitBytes: 65_536, hardLimitBytes: 1_048_576 }, transport: {} })
    const socket = withBufferedAmount(filling(new PressuredSocket()))
    socket.buffered = 60_000
    connect('c', socket)
    const other = connect('other', new MeteredSocket(), { userId: 'v' })
    other.connection.subscribe({ streamType: 'BOOK', symbol: 'B' })

    publish('BOOK', sized('b1', 20_000))
    publish('BOOK', sized('b2', 2_000), 'B')
    for (let i = 0; i < 12; i++) publish('BOOK', sized(`b${i + 3}`, 100_000))

    expect(log).toEqual([])
    expect(manager.stats()).toMatchObject({ connectionsBehind: 0, waiting: 0 })
    expect(socket.received).toHaveLength(13)
  })

  it('adds no send queue for a socket that accepts its burst, whatever its subscriptions', async () => {
    const { manager, connect, publish } = pressured({ delivery: LIMITS, transport: {} })
    const socket = withBufferedAmount(filling(new PressuredSocket()))
    const { connection } = connect('c', socket)
    let sends = 0
    socket.send = () => void sends++
    socket.buffered = 0

    for (let i = 0; i < 10; i++) {
      publish('BOOK', sized(`b${i}`, MESSAGE_UNITS))
      socket.buffered += MESSAGE_UNITS
    }
    void connection.remove({ close: false })
    await endOfTick()

    expect(sends).toBe(10)
    expect(manager.stats()).toMatchObject({ sent: 10, connectionsBehind: 0 })
  })

  it('whose end was swallowed by fake timers ends with the next one, by real timers', async () => {
    const { connect, publish } = pressured()
    const { socket } = connect('c')
    vi.stubGlobal('setImmediate', () => {})
    publish('BOOK', 'b1')
    vi.unstubAllGlobals()

    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'b2']])
  })

  it('stays one turn if it is long, however often its end is rescheduled', async () => {
    const { connect, publish, clock, manager } = pressured()
    const { socket } = connect('c')
    filling(socket)

    for (let i = 0; i < 50; i++) {
      publish('BOOK', `b${i}`)
      clock.jump(100)
    }
    await endOfTick()

    expect(socket.received).toHaveLength(50)
    expect(manager.stats()).toMatchObject({ sent: 50, connectionsBehind: 0 })
  })
})

describe('ConnectionManager › a poll for drains', () => {
  it.each<[string, (world: ReturnType<typeof pressured>) => unknown]>([
    ['a publish to others', ({ publish }) => publish('BOOK', 'b2', 'B')],
    ['activeStreams()', ({ manager }) => manager.activeStreams()],
    ['a subscribe', ({ manager }) => manager.getConnection('other')?.subscribe({ streamType: 'BOOK', symbol: 'C' })],
  ])('is set again by %s once its timer was lost', async (_call, act) => {
    const timers: (() => void)[] = []
    let nowMs = 0
    const clock = { now: () => nowMs, monotonic: () => nowMs, setTimeout: (fn: () => void) => (timers.push(fn), () => {}) }
    const world = pressured({ clock })
    const { socket } = world.connect('c')
    const other = world.connect('other', new PressuredSocket(), { userId: 'v' })
    other.connection.subscribe({ streamType: 'BOOK', symbol: 'B' })
    socket.buffered = 11
    world.publish('BOOK', 'b1')
    // The end of a turn would send the message as well.
    await endOfTick()
    timers.length = 0
    socket.buffered = 0

    nowMs = 1_000
    act(world)
    for (const fire of timers.splice(0)) fire()

    expect(socket.received).toContain('b1')
  })
})
