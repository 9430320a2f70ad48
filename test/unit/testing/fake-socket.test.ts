import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, parseServerMessage } from '../../../src/index.ts'
import { FakeSocket } from '../../../src/testing/fake-socket.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { order, price } from '../../support/messages.ts'
import { endOfTick } from '../../support/pressured-socket.ts'

const MOMENT = new Date('2026-01-31T12:00:00.000Z')

describe('FakeSocket', () => {
  it('records what it is sent as texts, as data and as messages', () => {
    const socket = new FakeSocket()
    const manager = new ConnectionManager()
    manager.addConnection('c1', socket, 'alice')

    manager.sendToUser('alice', { ...price({ bid: 1 }), timestamp: MOMENT })
    manager.sendToUser('alice', { ...order('alice', [2]), timestamp: MOMENT })

    expect(socket.sent).toEqual([
      '{"stream_type":"PRICE","symbol":"BTCUSDT","data":{"bid":1},"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}',
      '{"stream_type":"ORDER_UPDATES","symbol":null,"data":[2],"timestamp":"2026-01-31T12:00:00.000Z","user_id":"alice"}',
    ])
    expect(socket.received).toEqual([{ bid: 1 }, [2]])
    expect(socket.messages).toEqual([
      { streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 }, timestamp: MOMENT, userId: undefined },
      { streamType: 'ORDER_UPDATES', symbol: undefined, data: [2], timestamp: MOMENT, userId: 'alice' },
    ])
    expect(socket.writes).toEqual(socket.sent.map((text) => [text]))
  })

  it('parses gap notices', () => {
    const streams = defineStreams({ TICKS: { audience: 'public', overflow: 'drop' } })
    const socket = new FakeSocket({ bufferedAmount: 100 })
    const manager = new ConnectionManager({ streams, delivery: { softLimitBytes: 10, hardLimitBytes: 300 } })
    const connection = manager.addConnection('c1', socket, 'alice')
    connection.subscribe({ streamType: 'TICKS', symbol: 'A' })
    for (const data of [1, 2, 3, 4, 5]) manager.publish({ streamType: 'TICKS', symbol: 'A', data })

    socket.drain()
    connection.drained()

    const gap = { type: 'gap', streamType: 'TICKS', symbol: 'A', dropped: 2 }
    expect(socket.received).toEqual([gap, 3, 4, 5])
    expect(socket.messages[0]).toEqual(gap)
  })

  it('parses a message that has a "type" key of its own as a message', () => {
    const socket = new FakeSocket()

    socket.send('{"type":"gap","stream_type":"PRICE","symbol":"A","data":1,"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}')

    expect(socket.received).toEqual([1])
  })

  it('parses a text without data as a message, unless it says that it is a gap', () => {
    const socket = new FakeSocket()

    socket.send('{"stream_type":"PRICE","symbol":"A","timestamp":"2026-01-31T12:00:00.000Z","user_id":null}')

    expect(socket.messages).toEqual([{ streamType: 'PRICE', symbol: 'A', data: undefined, timestamp: MOMENT, userId: undefined }])
  })

  it('throws if a text is not JSON, which only a custom serializer can produce', () => {
    const socket = new FakeSocket()
    socket.send('64000')
    socket.send('BTC 64000')

    expect(() => socket.messages).toThrow(SyntaxError)
    expect(socket.sent).toEqual(['64000', 'BTC 64000'])
  })

  it('throws, rejects later or hangs as its script says', async () => {
    const errors: unknown[] = []
    const manager = new ConnectionManager<FakeSocket>({ closeTimeoutMs: 0 })
    manager.on('error', ({ stage, error }) => errors.push([stage, error]))
    const refusing = new FakeSocket({ send: () => { throw 'refused' } })
    const failing = new FakeSocket({ send: () => Promise.reject('failed later'), close: () => Promise.reject('close failed') })
    const hanging = new FakeSocket({ send: () => new Promise(() => {}), close: () => new Promise(() => {}) })
    for (const [i, socket] of [refusing, failing, hanging].entries()) manager.addConnection(`c${i}`, socket, 'alice')

    const result = manager.sendToUser('alice', price())
    await endOfTick()

    expect(result).toMatchObject({ matched: 3, sent: 2, failed: 1 })
    expect(errors).toEqual([['send', 'refused'], ['send', 'failed later'], ['close', 'close failed']])
    expect([refusing, failing, hanging].map(({ sent }) => sent.length)).toEqual([1, 1, 1])
    expect([...manager.activeConnections.values()]).toEqual([hanging])
  })

  it('follows a script that is changed later', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')

    manager.sendToUser('alice', price(1))
    socket.script.send = () => { throw new Error('gone') }
    const { failed } = manager.sendToUser('alice', price(2))

    expect([failed, socket.received, socket.closeCalls]).toEqual([1, [1, 2], 1])
  })

  it('can publish from within a send: that message comes next', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket: FakeSocket = new FakeSocket({ send: () => socket.sent.length === 1 && manager.sendToUser('alice', price('second')) })
    manager.addConnection('c1', socket, 'alice')

    manager.sendToUser('alice', price('first'))

    expect(socket.received).toEqual(['first', 'second'])
  })

  it('can call back from within a close, and counts each close', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket: FakeSocket = new FakeSocket({ close: () => void manager.addConnection('c1', new FakeSocket(), 'bob') })
    const connection = manager.addConnection('c1', socket, 'alice')

    await connection.remove()

    expect(socket.closeCalls).toBe(1)
    expect(manager.getConnection('c1')?.userId).toBe('bob')
  })

  it('has no readable buffer unless it is made with one', () => {
    expect('bufferedAmount' in new FakeSocket()).toBe(false)
    expect('bufferedAmount' in new FakeSocket({ bufferedAmount: undefined })).toBe(false)
    expect(new FakeSocket({ bufferedAmount: 'a lot' }).bufferedAmount).toBe('a lot')
  })

  it.each<[reading: string, bufferedAmount: unknown, waiting: number]>([
    ['none', undefined, 0],
    ['a full buffer', 100_000, 1],
    ['room', 0, 0],
    ['nonsense', NaN, 0],
  ])('reports whether it is slow by its buffer: %s', (_, bufferedAmount, waiting) => {
    const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
    manager.addConnection('c1', new FakeSocket({ bufferedAmount }), 'alice')

    expect(manager.sendToUser('alice', price())).toMatchObject({ queued: waiting, sent: 1 - waiting })
  })

  describe('given bytes in a batch', () => {
    const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)]

    it('records them apart from the texts, and its script gets only the texts', () => {
      const batches: unknown[] = []
      const socket = new FakeSocket({ write: (texts) => void batches.push(texts) })

      socket.write(['a', one, 'b', two])

      expect([socket.sent, socket.sentBytes, socket.writes, batches]).toEqual([['a', 'b'], [one, two], [['a', 'b']], [['a', 'b']]])
    })

    it.each([
      [0, [], []],
      [1, ['a'], []],
      [2, ['a'], [one]],
      [3, ['a', 'b'], [one]],
      [9, ['a', 'b'], [one, two]],
    ])('accepts the first %i messages of both kinds if its script says so', (accepted, texts, bytes) => {
      const socket = new FakeSocket({ write: () => accepted })
      socket.send('before')
      socket.send(two)

      socket.write(['a', one, 'b', two])

      expect([socket.sent, socket.sentBytes, socket.writes.at(-1)]).toEqual([['before', ...texts], [two, ...bytes], texts])
    })

    it('keeps what its script sends meanwhile', () => {
      const socket: FakeSocket = new FakeSocket({
        write() {
          socket.send('meanwhile')
          socket.send(two)
          return 0
        },
      })

      socket.write(['a', one])

      expect([socket.sent, socket.sentBytes]).toEqual([['meanwhile'], [two]])
    })
  })

  describe('given a batch', () => {
    it('records it as one write, in a copy', () => {
      const socket = new FakeSocket()
      const batch = ['a', 'b']

      const answer = socket.write(batch)
      batch.length = 0

      expect([socket.writes, socket.sent, answer]).toEqual([[['a', 'b']], ['a', 'b'], undefined])
    })

    it.each<[answer: unknown, taken: readonly string[]]>([
      [2, ['a', 'b']],
      [1.9, ['a']],
      [0, []],
      [-1, []],
      [NaN, []],
      [9, ['a', 'b', 'c']],
      [undefined, ['a', 'b', 'c']],
      ['2', ['a', 'b', 'c']],
    ])('accepts as many messages as the return value %s says', (answer, taken) => {
      const socket = new FakeSocket({ write: () => answer })

      expect(socket.write(['a', 'b', 'c'])).toBe(answer)
      expect([socket.sent, socket.writes]).toEqual([taken, [taken]])
    })

    it('keeps a message that was sent from within the write, however much of the write was accepted', () => {
      const socket: FakeSocket = new FakeSocket({ write: () => (socket.send('within'), 1) })
      socket.send('before')

      socket.write(['a', 'b'])

      expect(socket.sent).toEqual(['before', 'a', 'within'])
      expect(socket.writes).toEqual([['before'], ['a'], ['within']])
    })

    it('also records the messages of a write that its script throws on', () => {
      const socket = new FakeSocket({ write: () => { throw new Error('gone') } })

      expect(() => socket.write(['a'])).toThrow('gone')
      expect(socket.sent).toEqual(['a'])
    })
  })

  it('counts calls of terminate, and follows its script', () => {
    const calls: string[] = []
    const socket = new FakeSocket({ terminate: () => void calls.push('terminated') })

    socket.terminate()
    new FakeSocket().terminate()

    expect([socket.terminateCalls, socket.closeCalls, calls]).toEqual([1, 0, ['terminated']])
  })

  it('notifies drain listeners once for each registration, until they stop', () => {
    const socket = new FakeSocket({ bufferedAmount: 5 })
    const calls: unknown[] = []
    const listener = (): void => void calls.push(socket.bufferedAmount)
    const [stop] = [socket.onDrain(listener), socket.onDrain(listener)]

    socket.drain()
    stop()
    socket.drain()

    expect(calls).toEqual([0, 0, 0])
    expect(socket.drainListeners.size).toBe(1)
  })

  it('does not notify a listener that is added during a drain', () => {
    const socket = new FakeSocket()
    const calls: string[] = []
    socket.onDrain(() => {
      calls.push('first')
      socket.onDrain(() => void calls.push('late'))
    })

    socket.drain()

    expect(calls).toEqual(['first'])
    expect('bufferedAmount' in socket).toBe(false)
  })
})

describe('FakeSocket › notices', () => {
  it('reads what manager.notifyGap and manager.setStreamStatus send, as parseServerMessage does', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    const stream = { streamType: 'TRADES', symbol: 'BTCUSDT' } as const
    manager.addConnection('c', socket, 'alice').subscribe(stream)

    manager.notifyGap(stream, undefined)
    manager.setStreamStatus(stream, 'ERROR')

    expect(socket.messages).toEqual(socket.sent.map((text) => parseServerMessage(text)))
    expect(socket.received).toEqual([{ type: 'gap', ...stream, dropped: undefined }, { type: 'status', ...stream, status: 'ERROR' }])
  })
})
