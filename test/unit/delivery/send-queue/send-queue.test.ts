import { describe, expect, it } from 'vitest'
import type { Connection } from '../../../../src/index.ts'
import { collectGarbage } from '../../../support/garbage.ts'
import { batching, endOfTick, PressuredSocket, pressured, unaccounted } from '../../../support/pressured-socket.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const
const TICKS = { streamType: 'TICKS', symbol: 'A' } as const

describe('ConnectionSendQueue', () => {
  it.each([
    ['removes its connection', (connection) => connection?.remove()],
    ['unsubscribes it', (connection) => connection?.unsubscribe(BOOK)],
  ] as [string, (connection: Connection | undefined) => unknown][])('skips a message whose frame %s', async (_case, act) => {
    const hooked = batching({
      frame: (text) => {
        void act(world.manager.getConnection('c') as Connection | undefined)
        return text
      },
    })
    const world = pressured()
    const { socket } = world.connect('c', new PressuredSocket(), { transport: hooked })

    expect(world.publish('BOOK', 'b1')).toMatchObject({ matched: 1, sent: 0, skipped: 1 })
    await endOfTick()

    expect(socket.writes).toEqual([])
    expect(unaccounted(world.manager)).toBe(0)
  })

  it('writes a message even if its frame hook unsubscribes from another stream', async () => {
    const hooked = batching({
      frame: (text) => {
        world.manager.getConnection('c')?.unsubscribe(TICKS)
        return text
      },
    })
    const world = pressured()
    const { socket } = world.connect('c', new PressuredSocket(), { transport: hooked })

    expect(world.publish('BOOK', 'b1')).toMatchObject({ matched: 1, sent: 1, skipped: 0 })
    await endOfTick()

    expect(socket.writes).toEqual([['b1']])
  })

  it('purges a stream that the framing of a gap notice unsubscribes from, and writes the rest at once', () => {
    const hooked = batching({
      frame: (text) => {
        if (text.includes('"gap"')) world.manager.getConnection('c')?.unsubscribe({ streamType: 'ORDERS', symbol: 'A' })
        return text
      },
    })
    const world = pressured({ delivery: { hardLimitBytes: 6 } })
    const { connection, socket } = world.connect('c', new PressuredSocket(), { transport: hooked })
    socket.buffered = 11
    world.publish('TICKS', 't1')
    world.publish('TICKS', 't2')
    world.order('o1')
    world.publish('BOOK', 'b1')
    socket.buffered = 0

    expect(connection.flush()).toBe(true)

    expect(socket.received).toEqual(['gap of TICKS:A × 1', 't2', 'b1'])
    expect([world.manager.stats(), unaccounted(world.manager)]).toMatchObject([{ dropped: 1, purged: 1, waiting: 0 }, 0])
  })

  it('counts later messages as failed once its socket failed in the middle of a delivery', async () => {
    const world = pressured()
    const { connection, socket } = world.connect('c')
    socket.buffered = 11
    world.publish('BOOK', 'b1')
    socket.buffered = 0
    socket.onWrite = () => { throw new Error('broken') }
    const data = { toString: () => (connection.drained(), 'b2') }

    expect(world.manager.publish({ ...BOOK, data })).toMatchObject({ matched: 1, sent: 0, failed: 1 })
    await endOfTick()

    expect(world.manager.stats()).toMatchObject({ matched: 2, sent: 0, waiting: 0, failed: 2 })
    expect([connection.removed, unaccounted(world.manager)]).toEqual([true, 0])
  })

  it('counts later messages as failed once its socket failed, even if the connection was removed in the meantime', () => {
    const hooked = batching({
      frame: (text) => {
        if (text === 'b2') {
          connection.drained()
          void connection.remove()
        }
        return text
      },
    })
    const world = pressured()
    const { connection, socket } = world.connect('c', new PressuredSocket(), { transport: hooked })
    socket.buffered = 11
    world.publish('BOOK', 'b1')
    socket.buffered = 0
    socket.onWrite = () => { throw new Error('broken') }

    expect(world.publish('BOOK', 'b2')).toMatchObject({ matched: 1, failed: 1, skipped: 0 })

    expect([world.manager.stats(), unaccounted(world.manager)]).toMatchObject([{ failed: 2, waiting: 0 }, 0])
  })

  it('keeps the queued texts, but not the objects they were made from', async () => {
    const world = pressured()
    const { socket } = world.connect('c')
    socket.buffered = 11
    const made: WeakRef<object>[] = []
    const publishSome = (): void => {
      const data = { toString: () => 'b1' }
      made.push(new WeakRef(data))
      world.manager.publish({ ...BOOK, data })
    }

    publishSome()
    await collectGarbage()

    expect(made.map((data) => data.deref())).toEqual([undefined])
    expect(world.manager.stats()).toMatchObject({ waiting: 1, waitingBytes: 2 })
  })

  it('keeps the messages that a write refused, even if the rest was unsubscribed from in the meantime', () => {
    const world = pressured()
    const { connection, socket } = world.connect('c')
    socket.buffered = 11
    world.publish('BOOK', 'b1')
    world.publish('TICKS', 't1')
    socket.buffered = 10
    socket.onWrite = () => {
      connection.unsubscribe(TICKS)
      return 0
    }

    connection.flush()
    expect([socket.received, world.manager.stats()]).toMatchObject([[], { waiting: 1, purged: 1, connectionsBehind: 1 }])
    socket.onWrite = () => {}

    expect(connection.flush()).toBe(true)
    expect(socket.received).toEqual(['b1'])
    expect([unaccounted(world.manager), world.clock.pendingTimers]).toEqual([0, 0])
  })
})
