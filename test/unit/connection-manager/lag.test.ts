import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { batching, endOfTick, pressured, PressuredSocket, sized, reportingDrains, unaccounted } from '../../support/pressured-socket.ts'

/** One stuck connection, in a manager with a maxLagMs of one second. */
function stuck(transport = batching()) {
  const world = pressured({ delivery: { maxLagMs: 1_000, drainIntervalMs: Infinity } })
  const { connection, socket } = world.connect('c', new PressuredSocket(), { transport })
  socket.buffered = 1_000_000
  const recover = (): void => {
    socket.buffered = 0
    connection.drained()
  }
  return { ...world, connection, socket, recover }
}

describe('ConnectionManager › maxLagMs', () => {
  it.each([
    ['polled', batching()],
    ['with drains reported', batching(reportingDrains())],
    ['direct', { bufferedBytes: ({ buffered }: PressuredSocket) => buffered }],
  ])('removes a connection whose message may not be dropped, even if nothing is published, %s', (_case, transport) => {
    const { publish, clock, log, manager, socket } = stuck(transport)

    publish('BOOK', 'b1')
    clock.advance(999)
    expect(log).toEqual([])
    clock.advance(1)

    expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    expect([manager.stats(), unaccounted(manager)]).toMatchObject([{ purged: 1, waiting: 0, connectionsBehind: 0 }, 0])
    expect([socket.received, clock.pendingTimers]).toEqual([[], 0])
  })

  it.each([0, 1])('removes a connection that is behind because a write accepted %d of three messages, even if no drain is reported', async (accepted) => {
    const transport = batching({ write: () => accepted, bufferedBytes: () => 0, onDrain: () => () => {} })
    const world = pressured({ delivery: { maxLagMs: 1_000, drainIntervalMs: Infinity } })
    world.connect('c', new PressuredSocket(), { transport })
    for (const label of ['b1', 'b2', 'b3']) world.publish('BOOK', label)
    await endOfTick()

    world.clock.advance(999)
    expect(world.log).toEqual([])
    world.clock.advance(1)

    expect(world.log).toEqual([['removed', 'c', 'slow-consumer']])
  })

  it('drops a droppable message, and puts a gap notice in its place', () => {
    const { publish, clock, log, recover, socket, manager } = stuck()

    publish('TICKS', 't1')
    publish('TICKS', 't2')
    clock.advance(600)
    publish('TICKS', 't3')
    clock.advance(400)
    expect(manager.stats()).toMatchObject({ dropped: 2, waiting: 1 })
    recover()

    expect(socket.received).toEqual(['gap of TICKS:A × 2', 't3'])
    expect(log).toEqual([['gap', 'c', 'TICKS:A', 2]])
  })

  it('counts from the publish of the newest message if it replaced an older one', () => {
    const { publish, clock, log, recover, socket } = stuck()

    for (let i = 0; i < 8; i++) {
      publish('PRICE', `p${i}`)
      publish('QUOTES', `q${i}`)
      clock.advance(400)
    }
    recover()

    expect(socket.received).toEqual(['p7', 'q7'])
    expect(log).toEqual([])
  })

  it('finds an old message behind a newer one, and leaves the rest', () => {
    const { publish, clock, recover, socket, manager } = stuck()

    publish('QUOTES', 'q1')
    publish('TICKS', 't1')
    clock.advance(500)
    publish('QUOTES', 'q2')
    clock.advance(500)
    publish('TICKS', 't2')
    expect([manager.stats(), unaccounted(manager)]).toMatchObject([{ conflated: 1, dropped: 1, waiting: 2 }, 0])
    recover()

    expect(socket.received).toEqual(['q2', 'gap of TICKS:A × 1', 't2'])
  })

  it('drops by size the messages that are left after dropping by age', () => {
    const { publish, clock, recover, socket } = stuck()
    publish('QUOTES', sized('q1', 300))
    publish('TICKS', sized('t1', 300))
    clock.advance(500)
    publish('QUOTES', sized('q2', 300))
    clock.advance(500)
    publish('TICKS', sized('t2', 300))
    publish('TICKS', sized('t3', 300), 'A')
    publish('TICKS', sized('t4', 300))
    recover()

    expect(socket.received).toEqual(['gap of QUOTES:A × 1', 'gap of TICKS:A × 1', 't2', 't3', 't4'])
  })

  it('removes a connection whose private message or text waits for too long', () => {
    for (const wait of ['order', 'send'] as const) {
      const { order, connection, clock, log } = stuck()
      if (wait === 'order') order('o1')
      else connection.send('ack')

      clock.advance(1_000)

      expect(log).toEqual([['removed', 'c', 'slow-consumer']])
    }
  })

  it('does not apply any more once the connection has caught up', () => {
    const { publish, clock, log, recover } = stuck()

    publish('BOOK', 'b1')
    recover()
    expect(clock.pendingTimers).toBe(0)
    clock.advance(10_000)

    expect(log).toEqual([])
  })

  it('is checked by one timer, however many connections are behind', () => {
    const world = pressured({ delivery: { maxLagMs: 1_000, drainIntervalMs: Infinity } })
    for (let i = 0; i < 20; i++) world.connect(`c${i}`).socket.buffered = 1_000
    for (let i = 0; i < 5; i++) {
      world.publish('BOOK', 'b')
      world.clock.advance(10)
    }

    expect(world.clock.pendingTimers).toBe(1)
    world.clock.advance(1_000)
    expect([world.manager.connectionCount, world.clock.pendingTimers]).toEqual([0, 0])
  })

  it('prevents the delivery of an old message even if the timer was lost', () => {
    const { publish, clock, recover, socket, manager } = stuck()
    publish('TICKS', 't1')
    clock.advance(1_500)
    recover()

    expect(socket.received).toEqual(['gap of TICKS:A × 1'])
    expect(manager.stats()).toMatchObject({ dropped: 1 })
  })

  it('of 0 removes a connection at once, and of Infinity never', () => {
    const world = pressured({ delivery: { maxLagMs: 0 } })
    const { socket } = world.connect('c')
    socket.buffered = 11
    world.publish('BOOK', 'b1')
    expect(world.log).toEqual([['removed', 'c', 'slow-consumer']])

    const patient = pressured({ delivery: { maxLagMs: Infinity, drainIntervalMs: Infinity } })
    patient.connect('c').socket.buffered = 11
    patient.publish('BOOK', 'b1')
    patient.clock.advance(1e12)
    expect(patient.manager.stats()).toMatchObject({ waiting: 1, connectionsBehind: 1 })
  })

  it.each([-1, NaN, '1', null])('is refused as %o', (maxLagMs) => {
    expect(() => new ConnectionManager({ delivery: { maxLagMs: maxLagMs as never } })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'delivery.maxLagMs' }),
    )
  })

  it('is 60 seconds by default: a slow client gets no older trade', async () => {
    const world = pressured({ delivery: { maxLagMs: undefined, drainIntervalMs: Infinity } })
    const { socket } = world.connect('c')
    socket.buffered = 11
    world.publish('TICKS', 't1')

    world.clock.advance(59_999)
    expect(world.manager.stats().dropped).toBe(0)
    world.clock.advance(1)

    expect(world.manager.stats().dropped).toBe(1)
  })
})
