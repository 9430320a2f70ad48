import { describe, expect, it } from 'vitest'
import { ConnectionManager, type Stats } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { batching, endOfTick, PressuredSocket, pressured, sized, unaccounted } from '../../support/pressured-socket.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const COUNTERS = ['matched', 'sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'rejected', 'gapNotices', 'deferred'] as const satisfies (keyof Stats)[]
const TRADES = { streamType: 'TRADES', symbol: 'X' } as const

describe('ConnectionManager › stats() › counters', () => {
  it('count a message as waiting until it is handed to the socket, and as sent afterwards', async () => {
    const { connect, publish, manager } = pressured()
    connect('c')

    publish('BOOK', 'b1')
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 0, waiting: 1, waitingBytes: 2 })
    await endOfTick()

    expect(manager.stats()).toMatchObject({ matched: 1, sent: 1, waiting: 0, waitingBytes: 0 })
  })

  it('count all waiting messages at every moment, including batches of the current tick', async () => {
    const { connect, publish, manager } = pressured({ transport: batching() })
    const looks: unknown[] = []
    const look = (): void => {
      const { waiting, waitingBytes } = manager.stats()
      looks.push([waiting, waitingBytes])
    }
    for (const id of ['c1', 'c2', 'c3']) connect(id, new PressuredSocket(look))
    publish('BOOK', 'b1')

    await endOfTick()

    // Messages in the current write count until they are accepted, but their bytes do not.
    expect(looks).toEqual([[3, 4], [2, 2], [1, 0]])
  })

  it('count dropped messages once if a write refuses their gap notice, with nothing else queued', async () => {
    const world = pressured({ delivery: { hardLimitBytes: 0 } })
    const { connection, socket } = world.connect('c')
    socket.onWrite = () => 0
    world.publish('QUOTES', 'q1')
    await endOfTick()

    socket.onWrite = () => (connection.unsubscribe({ streamType: 'BOOK', symbol: 'A' }), 0)
    world.publish('QUOTES', 'q2')
    socket.onWrite = () => {}
    world.clock.advance(50)

    expect([world.manager.stats(), unaccounted(world.manager)]).toMatchObject([{ matched: 2, dropped: 2, waiting: 0, gapNotices: 1 }, 0])
    expect(socket.received).toEqual(['gap of QUOTES:A × 2'])
  })

  it('do not decrease if a socket later rejects what it accepted', async () => {
    const manager = new ConnectionManager()
    manager.on('error', () => {})
    const socket = new FakeSocket({ send: () => Promise.reject(new Error('late')) })
    manager.addConnection('c', socket, 'alice').subscribe(TRADES)

    manager.publish({ ...TRADES, data: 1 })
    expect(manager.stats()).toMatchObject({ sent: 1, failed: 0, rejected: 0 })
    await endOfTick()

    expect(manager.stats()).toMatchObject({ sent: 1, failed: 0, rejected: 1 })
  })

  it('never decrease, and add up at every moment, in random operations', async () => {
    const random = seededRandom(7)
    const below = (n: number): number => Math.floor(random() * n)
    const world = pressured({ delivery: { hardLimitBytes: 60, maxLagMs: 200 } })
    let before: Stats | undefined
    const look = (): void => {
      const now = world.manager.stats()
      for (const name of COUNTERS) expect(now[name], name).toBeGreaterThanOrEqual(before?.[name] ?? 0)
      expect(unaccounted(world.manager)).toBe(0)
      expect(Math.min(now.waiting, now.waitingBytes, now.connectionsBehind)).toBeGreaterThanOrEqual(0)
      expect(now.mostWaitingBytes).toBeGreaterThanOrEqual(before?.mostWaitingBytes ?? 0)
      before = now
    }
    for (let step = 0; step < 3_000; step++) {
      const choice = below(12)
      if (world.manager.connectionCount < 3) {
        const socket = new PressuredSocket(([text = '']) => {
          look()
          if (random() < 0.02) throw new Error('broken')
          if (random() < 0.02) return Promise.reject(new Error('late'))
          if (random() < 0.2) socket.buffered += text.length
          return random() < 0.1 ? 0 : undefined
        })
        world.connect(`c${step}`, socket, { userId: `u${below(2)}`, transport: [{}, batching(), { bufferedBytes: () => socket.buffered }][below(3)] as never })
      }
      const [connection] = [...world.manager.connections()].slice(below(3))
      if (choice < 4) world.publish((['PRICE', 'BOOK', 'TICKS', 'QUOTES'] as const)[below(4)] ?? 'BOOK', sized(`m${step}`, 10))
      else if (choice === 4) world.order(`o${step}`, `u${below(2)}`)
      else if (choice === 5) connection?.send('text')
      else if (choice === 6) connection?.unsubscribe({ streamType: 'TICKS', symbol: 'A' })
      else if (choice === 7) connection?.subscribe({ streamType: 'TICKS', symbol: 'A' })
      else if (choice === 8) world.clock.advance(below(100))
      else if (choice === 9) connection?.flush()
      else if (choice === 10 && random() < 0.2) {
        void connection?.remove()
        connection?.send('too late')
      }
      else await endOfTick()
      if (connection !== undefined && random() < 0.1) (connection.socket as PressuredSocket).buffered = 0
      look()
    }
    await world.manager.cleanup()
    look()

    expect(before).toMatchObject({ waiting: 0, waitingBytes: 0, connectionsBehind: 0 })
    for (const name of COUNTERS.filter((each) => each !== 'deferred')) expect(before?.[name], name).toBeGreaterThan(0)
  })
})

describe('ConnectionManager › stats() › mostWaitingBytes', () => {
  it.each<[string, (world: ReturnType<typeof pressured>) => unknown]>([
    ['is unsubscribed from', ({ manager }) => manager.getConnection('c')?.unsubscribe({ streamType: 'PRICE', symbol: 'A' })],
    ['is revoked', ({ manager }) => manager.revoke({ userId: 'u' })],
    ['is lost because its peer has gone', ({ manager }) => manager.getConnection('c')?.remove({ close: false })],
    ['is written', ({ manager }) => manager.getConnection('c')?.flush()],
    ['is conflated, because a write refuses it', async ({ manager }) => {
      Object.assign(manager.getConnection('c')?.socket ?? {}, { onWrite: () => 0 })
      await endOfTick()
    }],
    ['is still queued', () => {}],
  ])('includes a batch that %s', async (_case, act) => {
    const world = pressured({ delivery: { softLimitBytes: 100 } })
    world.connect('c')
    for (let i = 0; i < 10; i++) world.publish('PRICE', sized(`p${i}`, 1))

    await act(world)

    expect(world.manager.stats().mostWaitingBytes).toBe(20)
  })
})

describe('ConnectionManager › a frame with a byteLength', () => {
  /** Frames whose byte count differs from the length of their texts. */
  const binary = (bytes: number) => ({ frame: () => new Uint8Array(bytes), write: () => 0, bufferedBytes: () => 1e6 })

  it('is counted by that, and not by its text', () => {
    const world = pressured({ transport: {} })
    world.connect('c', new PressuredSocket(), { transport: binary(100) as never })

    for (let i = 0; i < 10; i++) world.publish('BOOK', 'b')
    expect(world.manager.stats()).toMatchObject({ waiting: 10, waitingBytes: 1_000 })
    world.publish('BOOK', 'b')

    expect(world.log).toEqual([['removed', 'c', 'slow-consumer']])
    expect(world.manager.stats().mostWaitingBytes).toBe(1_100)
  })

  it('is counted by that in a batch, separately for each transport', async () => {
    const world = pressured({ transport: {} })
    for (const bytes of [7, 11]) world.connect(`c${bytes}`, new PressuredSocket(), { transport: { ...binary(bytes), bufferedBytes: () => 0, write: () => {} } as never })

    world.publish('BOOK', 'b')
    expect(world.manager.stats()).toMatchObject({ waitingBytes: 18 })
    await endOfTick()

    expect(world.manager.stats()).toMatchObject({ waitingBytes: 0, mostWaitingBytes: 11, sent: 2 })
  })

  it.each([['not a number', '5'], ['NaN', NaN], ['a negative number', -1], ['a fraction', 0.5], ['Infinity', Infinity], ['too large to add up', 2 ** 53]])('is counted by its text if the byteLength is %s', (_case, byteLength) => {
    const world = pressured({ transport: {} })
    const transport = { frame: () => ({ byteLength }), write: () => {}, bufferedBytes: () => 0 }
    world.connect('c', new PressuredSocket(), { transport: transport as never })

    world.publish('BOOK', 'b12')

    expect(world.manager.stats().waitingBytes).toBe(3)
  })

  it('is counted by its text if the byteLength is a promise that rejects, which is handled', async () => {
    const rejections: unknown[] = []
    const listener = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', listener)
    const world = pressured({ transport: {} })
    const transport = { frame: () => ({ get byteLength() { return Promise.reject(new Error('boom')) } }), write: () => {} }
    world.connect('c', new PressuredSocket(), { transport: transport as never })

    world.publish('BOOK', 'b12')
    expect(world.manager.stats().waitingBytes).toBe(3)
    await endOfTick()
    await endOfTick()
    process.off('unhandledRejection', listener)

    expect(rejections).toEqual([])
  })

  it('stays within the hard limit if one frame has an absurd byteLength', () => {
    const world = pressured({ transport: {}, delivery: { hardLimitBytes: 10 } })
    let length = Infinity
    const transport = { frame: (text: string) => ({ byteLength: length, text }), write: () => 0, bufferedBytes: () => 1e6 }
    world.connect('c', new PressuredSocket(), { transport: transport as never })
    world.publish('QUOTES', 'q1')
    length = 3

    for (let i = 0; i < 5; i++) world.publish('BOOK', `b${i}`)

    expect(world.log).toEqual([['removed', 'c', 'slow-consumer']])
  })

  it('fails the message for its transport if reading the byteLength throws', () => {
    const world = pressured({ transport: {} })
    const transport = { frame: () => ({ get byteLength() { throw new Error('boom') } }), write: () => {} }
    world.connect('c', new PressuredSocket(), { transport: transport as never })

    expect(world.publish('BOOK', 'b')).toMatchObject({ matched: 1, failed: 1 })
    expect(world.log).toEqual([['error', 'transport', 'c', 'boom']])
  })
})
