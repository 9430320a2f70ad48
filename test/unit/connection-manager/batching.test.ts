import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import type { ManagerTransport, Transport } from '../../../src/ports/transport.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ORDERS, order, PRICE, price } from '../../support/messages.ts'
import { batching, endOfTick, PressuredSocket, pressured, unaccounted } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const
const boom = new Error('boom')

describe('ConnectionManager › a transport with a write', () => {
  it('gets the messages of one tick as one write, at its end, in the order of publishing', async () => {
    const { connect, publish, order } = pressured({ delivery: { softLimitBytes: 100 } })
    const { socket } = connect('c')

    const results = [publish('BOOK', 'b1'), publish('PRICE', 'p1'), order('o1'), publish('PRICE', 'p2'), publish('TICKS', 't1')]
    expect(results).toEqual(Array.from({ length: 5 }, () => result({ matched: 1, sent: 1 })))
    expect(socket.writes).toEqual([])
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'p1', 'o1', 'p2', 't1']])
  })

  it('gets one write a tick, however many awaits that tick has, and none in an idle one', async () => {
    const { connect, publish } = pressured()
    const { socket } = connect('c')

    publish('BOOK', 'b1')
    await Promise.resolve()
    await Promise.resolve()
    publish('BOOK', 'b2')
    await endOfTick()
    await endOfTick()
    publish('BOOK', 'b3')
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'b2'], ['b3']])
  })

  it('may keep and change the array', async () => {
    const { connect, publish } = pressured()
    const socket = new PressuredSocket((frames) => void (frames as string[]).splice(0))
    connect('c', socket)
    const other = connect('d')

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()

    expect([socket.received, other.socket.received]).toEqual([['b1', 'b2'], ['b1', 'b2']])
  })

  it.each([
    ['the soft limit', { softLimitBytes: 4 }],
    ['the hard limit', { softLimitBytes: 100, hardLimitBytes: 6 }],
  ])('gets one write that ends with the first message beyond %s', async (_what, delivery) => {
    const { connect, publish } = pressured({ delivery })
    const { socket } = connect('c')

    for (const label of ['b1', 'b2', 'b3']) publish('BOOK', label)
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'b2', 'b3']])
  })

  it('does not count purged messages towards a full batch', async () => {
    const { connect, publish } = pressured({ delivery: { softLimitBytes: 5 } })
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    publish('TICKS', 't1')
    connection.unsubscribe({ streamType: 'TICKS', symbol: 'A' })
    for (const label of ['b2', 'b3', 'b4']) publish('BOOK', label)
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'b2', 'b3'], ['b4']])
  })

  it('receives messages to a connection, to a user and to everybody', async () => {
    const { manager, connect } = pressured()
    const [first, second, stranger] = [connect('c1'), connect('c2'), connect('c3', new PressuredSocket(), { userId: 'other' })]

    manager.sendToConnection('c1', { ...BOOK, data: '1' })
    manager.sendToUser('u', { streamType: 'ORDERS', data: '2' })
    manager.broadcast({ ...BOOK, data: '3' })
    await endOfTick()

    expect([first, second, stranger].map(({ socket }) => socket.writes)).toEqual([[['1', '2', '3']], [['2', '3']], [['3']]])
  })

  it('is not called for a connection without messages', async () => {
    const { manager, connect } = pressured()
    const [first, second] = [connect('c1'), connect('c2')]

    manager.sendToConnection('c1', { ...BOOK, data: '1' })
    await endOfTick()

    expect([first.socket.writes, second.socket.writes]).toEqual([[['1']], []])
  })

  it('gets a message that it publishes itself in the next write', async () => {
    const { connect, publish } = pressured()
    const results: unknown[] = []
    const { socket } = connect('c')
    socket.onWrite = () => { if (results.length === 0) results.push(publish('BOOK', 'from within')) }

    publish('BOOK', 'b1')
    await endOfTick()
    await endOfTick()

    expect(results).toEqual([result({ deferred: true })])
    expect(socket.writes).toEqual([['b1'], ['from within']])
  })

  it('publishes after the running tick: its messages reach nobody before that tick is written everywhere', async () => {
    const { connect, publish } = pressured()
    const [first, second] = [connect('c1'), connect('c2')]
    first.socket.onWrite = ([frame]) => { if (frame === 'b1') publish('TICKS', 't1') }

    publish('BOOK', 'b1')
    await endOfTick()
    await endOfTick()

    expect(second.socket.writes).toEqual([['b1'], ['t1']])
    expect(first.socket.writes).toEqual([['b1'], ['t1']])
  })

  it.each<[string, PressuredSocket['onWrite'], number]>([
    ['nothing', () => {}, 2],
    ['a promise that never settles', () => new Promise(() => {}), 2],
    ['more than it was given', () => 7, 2],
    ['as many as it was given', ({ length }) => length, 2],
    ['Infinity', () => Infinity, 2],
    ['one', () => 1, 1],
    ['one and a half', () => 1.5, 1],
    ['zero', () => 0, 0],
    ['less than one', () => 0.9, 0],
    ['a negative number', () => -1, 0],
    ['NaN', () => NaN, 0],
  ])('accepts as many messages as it says if it returns %s', async (_case, onWrite, accepted) => {
    const { manager, connect, publish, log } = pressured()
    connect('c', new PressuredSocket(onWrite))

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()

    expect(manager.stats()).toMatchObject({ sent: accepted, waiting: 2 - accepted })
    expect([unaccounted(manager), log]).toEqual([0, []])
  })

  it('is offered rejected messages again, in order, before later ones', async () => {
    const { manager, clock, connect, publish, order } = pressured({ delivery: { softLimitBytes: 100 } })
    const { socket } = connect('c')
    socket.onWrite = () => 2

    for (const label of ['b1', 'b2', 'b3', 'b4', 'b5']) publish('BOOK', label)
    await endOfTick()
    expect(publish('BOOK', 'b6')).toEqual(result({ matched: 1, queued: 1 }))
    expect(order('o1')).toEqual(result({ matched: 1, queued: 1 }))
    socket.onWrite = () => {}
    clock.advance(50)

    expect(socket.received).toEqual(['b1', 'b2', 'o1', 'b3', 'b4', 'b5', 'b6'])
    expect(manager.stats()).toMatchObject({ sent: 7, waiting: 0, connectionsBehind: 0 })
  })

  it('is offered the same frames again, without framing them anew', async () => {
    let made = 0
    const frame = (text: string) => ({ text, number: ++made })
    const offers: number[] = []
    const transport: Transport<PressuredSocket, { text: string; number: number }> = {
      frame,
      write: (_socket, frames) => (offers.push(...frames.map(({ number }) => number)), offers.length > 2 ? undefined : 0),
    }
    const { clock, connect, publish } = pressured({ transport })
    connect('c')

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()
    clock.advance(50)

    expect(offers).toEqual([1, 2, 1, 2])
    expect(made).toBe(2)
  })

  it.each([
    ['removes its own connection', ({ connection }: Connected) => void connection.remove()],
    ['shuts the manager down', (_connected: Connected, manager: Manager) => void manager.cleanup()],
  ])('is not called again once it %s', async (_case, act) => {
    const { manager, connect, publish } = pressured()
    const connected = connect('c')
    connected.socket.onWrite = () => (act(connected, manager), 1)

    for (const label of ['b1', 'b2', 'b3']) publish('BOOK', label)
    await endOfTick()
    await endOfTick()

    expect(connected.socket.received).toEqual(['b1'])
    expect(connected.socket.writes).toHaveLength(1)
    expect(connected.socket.closeCalls).toBe(1)
    expect(manager.stats()).toMatchObject({ sent: 1, purged: 2, connectionsBehind: 0 })
    expect(connected.connection.flush()).toBe(true)
  })

  it('may remove another connection, whose batch is written before its socket is closed', async () => {
    const { connect, publish, log } = pressured()
    const [first, second] = [connect('c1'), connect('c2')]
    first.socket.onWrite = () => void second.connection.remove()
    second.socket.onWrite = () => void expect(second.socket.closeCalls).toBe(0)

    publish('BOOK', 'b1')
    await endOfTick()

    expect([second.socket.writes, second.socket.closeCalls]).toEqual([[['b1']], 1])
    expect(log).toEqual([['removed', 'c2', 'removed']])
  })

  it('may shut the manager down while it is called in the removal of a user whose other connections have no write', async () => {
    const { manager, connect, publish, log } = pressured()
    const [first, second] = [connect('c1'), connect('c2', new PressuredSocket(), { transport: {} })]
    first.socket.onWrite = () => void manager.cleanup()

    publish('BOOK', 'b1')
    expect(await manager.removeUser('u')).toBe(2)

    expect(log).toEqual([['removed', 'c1', 'removed'], ['removed', 'c2', 'removed']])
    expect([first.socket.closeCalls, second.socket.closeCalls]).toEqual([1, 1])
  })

  it('purges the messages that it did not accept from a stream that it unsubscribes from', async () => {
    const { manager, clock, connect, publish } = pressured({ delivery: { softLimitBytes: 100 } })
    const { connection, socket } = connect('c')
    socket.onWrite = () => (connection.unsubscribe(BOOK), 0)

    for (const label of ['1', '2']) for (const streamType of ['BOOK', 'TICKS'] as const) publish(streamType, `${streamType} ${label}`.toLowerCase())
    await endOfTick()
    socket.onWrite = () => {}
    clock.advance(50)

    expect(socket.received).toEqual(['ticks 1', 'ticks 2'])
    expect(manager.stats()).toMatchObject({ sent: 2, purged: 2, waiting: 0 })
  })

  it('is not re-entered by a flush from within it, which returns false', async () => {
    const { connect, publish } = pressured({ delivery: { softLimitBytes: 0 } })
    const { connection, socket } = connect('c')
    const [depths, answers]: [number[], boolean[]] = [[], []]
    let depth = 0
    socket.onWrite = () => {
      depths.push(++depth)
      answers.push(connection.flush())
      depth--
    }

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.writes).toEqual([['b1'], ['b2']])
    expect([depths, answers]).toEqual([[1, 1], [false, false]])
    expect(connection.flush()).toBe(true)
  })

  it('fails its connection if it throws, even if that is the refusal of its own publish, because it is unknown how far it came', async () => {
    const { manager, connect, publish, log } = pressured({ maxDeferred: 0 })
    const { socket } = connect('c')
    socket.onWrite = () => void publish('BOOK', 'refused')

    publish('BOOK', 'b1')
    await endOfTick()

    expect(log).toEqual([['error', 'send', 'c', expect.any(String)], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 0, failed: 1 })
    expectCode('ERR_UNKNOWN_STREAM', () => manager.publish({ streamType: 'NONE', data: 1 } as never))
  })
})

type Manager = ReturnType<typeof pressured>['manager']
type Connected = ReturnType<ReturnType<typeof pressured>['connect']>

describe('ConnectionManager › a write that fails', () => {
  it('fails its messages, purges the rest, and removes only its own connection', async () => {
    const { manager, connect, publish, log } = pressured({ delivery: { softLimitBytes: 5 } })
    const [bad, good] = [connect('bad'), connect('good')]
    bad.socket.onWrite = ([frame]) => { if (frame === 'b4') throw boom }
    bad.socket.buffered = 6

    for (const label of ['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b9']) publish('BOOK', label)
    await endOfTick()
    bad.socket.buffered = 0
    bad.connection.drained()

    expect(good.socket.received).toEqual(['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b9'])
    expect(bad.socket.writes).toEqual([['b1', 'b2', 'b3'], ['b4', 'b5', 'b6']])
    expect(log).toEqual([['error', 'send', 'bad', 'boom'], ['removed', 'bad', 'send-failed']])
    expect(bad.socket.closeCalls).toBe(1)
    expect(manager.stats()).toMatchObject({ matched: 18, sent: 12, failed: 3, purged: 3, waiting: 0, connectionsBehind: 0 })
  })

  it('removes its connection if it rejects, and counts its messages as sent and rejected', async () => {
    const { manager, connect, publish, log } = pressured()
    const { socket } = connect('c')
    socket.onWrite = () => Promise.reject(boom)

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()
    await endOfTick()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 2, failed: 0, rejected: 2, purged: 0 })
  })

  it('purges the batch of the current tick if it rejects', async () => {
    const { manager, connect, publish } = pressured()
    const { socket } = connect('c')
    let reject = (_error: Error): void => {}
    socket.onWrite = () => new Promise((_, rejecting) => (reject = rejecting))
    publish('BOOK', 'b1')
    await endOfTick()

    publish('BOOK', 'b2')
    reject(boom)
    await endOfTick()

    expect(socket.writes).toEqual([['b1']])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 1, failed: 0, rejected: 1, purged: 1 })
  })

  it('purges the queued messages if it rejects', async () => {
    const { manager, clock, connect, publish } = pressured({ delivery: { softLimitBytes: 5 } })
    const { socket } = connect('c')
    socket.buffered = 6
    for (const label of ['b1', 'b2', 'b3', 'b4', 'b5']) publish('BOOK', label)
    socket.buffered = 0
    socket.onWrite = () => ((socket.buffered = 100), Promise.reject(boom))
    await endOfTick()
    await endOfTick()

    expect(socket.writes).toEqual([['b1', 'b2', 'b3']])
    expect(manager.stats()).toMatchObject({ matched: 5, sent: 3, failed: 0, rejected: 3, purged: 2, waiting: 0, connectionsBehind: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([
    ['a removal', (manager: Manager) => manager.removeConnection('c')],
    ['a cleanup', (manager: Manager) => manager.cleanup()],
    ['removing its user', (manager: Manager) => manager.removeUser('u')],
  ])('is reported, with one close, if it fails during %s', async (_case, remove) => {
    const { manager, connect, publish, log } = pressured()
    const { socket } = connect('c')
    socket.onWrite = () => { throw boom }

    publish('BOOK', 'b1')
    await remove(manager)

    expect(log).toContainEqual(['error', 'send', 'c', 'boom'])
    expect(log).toHaveLength(2)
    expect(socket.closeCalls).toBe(1)
    expect(manager.stats()).toMatchObject({ matched: 1, failed: 1, sent: 0, purged: 0 })
  })

  it('is reported before flush returns', () => {
    const { connect, publish, log } = pressured()
    const { connection, socket } = connect('c')
    socket.onWrite = () => { throw boom }

    publish('BOOK', 'b1')
    connection.flush()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(connection.removed).toBe(true)
  })

  it('is reported before flush returns if its return value cannot be read', () => {
    const { manager, connect, publish, log } = pressured()
    const { connection, socket } = connect('c')
    socket.onWrite = () => ({ get then() { throw boom } }) as never

    publish('BOOK', 'b1')
    connection.flush()

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
    expect(manager.stats()).toMatchObject({ sent: 0, failed: 1 })
  })

  it('removes its connection even if a listener flushed the queue', async () => {
    const { manager, connect, publish } = pressured()
    const [first, second] = [connect('c1'), connect('c2')]
    second.socket.buffered = 100
    publish('BOOK', 'b1')
    await endOfTick()
    first.socket.onWrite = second.socket.onWrite = () => { throw boom }
    manager.on('connectionRemoved', ({ connection }) => {
      second.socket.buffered = 0
      if (connection.id === 'c1') second.connection.flush()
    })

    publish('BOOK', 'b2')
    await endOfTick()

    expect([first.connection.removed, second.connection.removed]).toEqual([true, true])
  })

  it('removes its connection if a serialization that flushed it throws afterwards', () => {
    const { manager, connect, publish, log } = pressured()
    const { connection, socket } = connect('c')
    socket.onWrite = () => { throw boom }
    const data = { toString: () => { connection.flush(); throw new Error('no text') } }

    publish('BOOK', 'b1')
    expectCode('ERR_UNSERIALIZABLE', () => manager.publish({ ...BOOK, data }))

    expect(log).toEqual([['error', 'send', 'c', 'boom'], ['removed', 'c', 'send-failed']])
  })
})

describe('ConnectionManager › frames', () => {
  /** A transport that counts its frames, and writes their texts. */
  function framing(name: string, frame = (text: string) => text) {
    const framed: string[] = []
    const transport = batching<{ name: string; text: string }>({
      frame: (text) => (framed.push(text), { name, text: frame(text) }),
      write: (socket, frames) => socket.write(frames.map(({ name: of, text }) => `${of} ${text}`)),
    })
    return { transport: transport as ManagerTransport<PressuredSocket>, framed }
  }

  it('are made once for each publish and transport, and shared by users', async () => {
    const { connect, publish } = pressured({ delivery: { softLimitBytes: 100 } })
    const [x, y] = [framing('x'), framing('y')]
    const sockets = [x, y, x, y].map(({ transport }, i) => connect(`c${i}`, new PressuredSocket(), { userId: `u${i}`, transport }).socket)

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await endOfTick()

    expect([x.framed, y.framed]).toEqual([['b1', 'b2'], ['b1', 'b2']])
    expect(sockets.map(({ writes }) => writes)).toEqual([[['x b1', 'x b2']], [['y b1', 'y b2']], [['x b1', 'x b2']], [['y b1', 'y b2']]])
  })

  it('are made during the publish, also for slow connections', () => {
    const { connect, publish } = pressured()
    const { transport, framed } = framing('x')
    const { socket } = connect('c', new PressuredSocket(), { transport })

    publish('BOOK', 'b1')
    expect(framed).toEqual(['b1'])
    socket.buffered = 100
    publish('BOOK', 'b2')

    expect(framed).toEqual(['b1', 'b2'])
  })

  it('are not made if there is no recipient or no write', () => {
    const framed: string[] = []
    const frame = (text: string): string => (framed.push(text), text)
    const { connect, publish } = pressured({ transport: { frame } })
    const { socket } = connect('c')

    publish('BOOK', 'b1')
    publish('BOOK', 'b2', 'unheard of')

    expect([socket.writes, framed]).toEqual([[['b1']], []])
  })

  it('are made from the text and the message', () => {
    const calls: unknown[] = []
    const transport = batching({ frame: (...call) => (calls.push(call), call[0]) })
    const { connect, order } = pressured({ transport })
    connect('c')

    order('o1')

    expect(calls).toEqual([['o1', { streamType: 'ORDERS', symbol: 'A', data: 'o1', timestamp: new Date('2026-01-31T12:00:00.000Z'), userId: 'u' }]])
  })

  it('that cannot be made fail the message for that transport only, are reported once, and remove no connection', async () => {
    const { manager, connect, publish, log } = pressured({ delivery: { softLimitBytes: 100 } })
    const { transport, framed } = framing('x', (text) => { if (text === 'bad') throw boom; return text })
    const [first, second] = [connect('c1', new PressuredSocket(), { transport }), connect('c2', new PressuredSocket(), { transport })]
    const other = connect('c3')

    publish('BOOK', 'b1')
    expect(publish('BOOK', 'bad')).toEqual(result({ matched: 3, sent: 1, failed: 2 }))
    publish('BOOK', 'b3')
    await endOfTick()

    expect(log).toEqual([['error', 'transport', 'c1', 'boom']])
    expect(framed).toEqual(['b1', 'bad', 'b3'])
    expect([first, second, other].map(({ socket }) => socket.writes)).toEqual([[['x b1', 'x b3']], [['x b1', 'x b3']], [['b1', 'bad', 'b3']]])
    expect(manager.stats()).toMatchObject({ matched: 9, sent: 7, failed: 2 })
  })

  it('that are promises by mistake count as failed, without an unhandled rejection', async () => {
    const { connect, publish, log } = pressured()
    const { socket } = connect('c', new PressuredSocket(), { transport: batching({ frame: (async () => { throw boom }) as never }) })

    expect(publish('BOOK', 'b1')).toEqual(result({ matched: 1, failed: 1 }))
    await endOfTick()

    expect(socket.writes).toEqual([])
    expect(log).toEqual([['error', 'transport', 'c', expect.any(String)]])
  })

  it('are made again if a message is published again', async () => {
    const { connect, publish } = pressured()
    const { transport, framed } = framing('x')
    connect('c', new PressuredSocket(), { transport })

    for (let i = 0; i < 2; i++) publish('BOOK', 'same')

    expect(framed).toEqual(['same', 'same'])
  })

  it('may publish: such a message is deferred', async () => {
    const results: unknown[] = []
    const transport = batching({ frame: (text) => (text === 'b1' && results.push(publish('TICKS', 't1')), text) })
    const { connect, publish } = pressured({ transport })
    const { socket } = connect('c')

    publish('BOOK', 'b1')
    await endOfTick()

    expect(results).toEqual([result({ deferred: true })])
    expect(socket.writes).toEqual([['b1', 't1']])
  })
})

describe('Connection › flush', () => {
  it('writes the batch at once, and nothing at the end of the tick', async () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    expect(connection.flush()).toBe(true)
    expect(socket.writes).toEqual([['b1']])
    await endOfTick()
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.writes).toEqual([['b1'], ['b2']])
  })

  it('returns true, without touching the socket, if nothing is queued or nothing can be written', async () => {
    const { connect } = pressured()
    const batched = connect('batched')
    const plain = connect('plain', new PressuredSocket(), { transport: {} })

    expect([batched.connection.flush(), plain.connection.flush()]).toEqual([true, true])
    await batched.connection.remove()
    expect(batched.connection.flush()).toBe(true)

    expect([batched.socket.writes, plain.socket.writes]).toEqual([[], []])
  })

  it('returns false while there is no room', () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')
    socket.buffered = 11

    publish('BOOK', 'b1')

    expect(connection.flush()).toBe(false)
    socket.buffered = 10
    expect(connection.flush()).toBe(true)
    expect(socket.received).toEqual(['b1'])
  })

  it('lets the host write between earlier and later messages', async () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'before')
    connection.flush()
    socket.send('host')
    publish('BOOK', 'after')
    await endOfTick()

    expect(socket.received).toEqual(['before', 'host', 'after'])
  })
})

describe('ConnectionManager › a batch that is not written yet', () => {
  it.each([
    ['the removal of its connection', ({ connection }: Connected) => connection.remove()],
    ['removeConnection', (_connected: Connected, manager: Manager) => manager.removeConnection('c')],
    ['removeUser', (_connected: Connected, manager: Manager) => manager.removeUser('u')],
    ['cleanup', (_connected: Connected, manager: Manager) => manager.cleanup()],
  ])('is written on %s, before the socket is closed', async (_case, remove) => {
    const { manager, connect, publish } = pressured()
    const connected = connect('c')
    const closedAtWrite: number[] = []
    connected.socket.onWrite = () => void closedAtWrite.push(connected.socket.closeCalls)

    publish('BOOK', 'b1')
    const removed = remove(connected, manager)
    expect(connected.socket.writes).toEqual([['b1']])
    await removed
    await endOfTick()

    expect([connected.socket.writes, connected.socket.closeCalls, closedAtWrite]).toEqual([[['b1']], 1, [0]])
    expect(manager.stats()).toMatchObject({ sent: 1, purged: 0 })
  })

  it('is purged if the peer has gone', async () => {
    const { manager, connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    await connection.remove({ close: false })
    await endOfTick()

    expect([socket.writes, socket.closeCalls]).toEqual([[], 0])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 0, purged: 2 })
  })

  it('loses only the messages of a stream that its connection unsubscribes from', async () => {
    const { manager, connect, publish } = pressured()
    const { connection, socket } = connect('c')
    const other = connect('other')

    for (const label of ['1', '2']) for (const streamType of ['BOOK', 'TICKS'] as const) publish(streamType, `${streamType[0]}${label}`)
    connection.unsubscribe(BOOK)
    await endOfTick()

    expect(socket.writes).toEqual([['T1', 'T2']])
    expect(other.socket.writes).toEqual([['B1', 'T1', 'B2', 'T2']])
    expect(manager.stats()).toMatchObject({ matched: 8, sent: 6, purged: 2 })
  })

  it('is not written if it was emptied', async () => {
    const { connect, publish } = pressured()
    const { connection, socket } = connect('c')

    publish('BOOK', 'b1')
    connection.unsubscribe(BOOK)
    expect(connection.flush()).toBe(true)
    await endOfTick()

    expect(socket.writes).toEqual([])
  })

  it('keeps the messages of a stream that its user still holds', async () => {
    const { manager, connect, publish } = pressured()
    const { connection, socket } = connect('c')
    manager.addSubscription({ userId: 'u', ...BOOK })

    publish('BOOK', 'b1')
    connection.unsubscribe(BOOK)
    await endOfTick()

    expect(socket.writes).toEqual([['b1']])
  })

  it('keeps the messages that a subscription covers, and loses the rest of their type', async () => {
    const { manager, connect } = pressured()
    const { connection, socket } = connect('c')
    const ordersOf = (symbol: string | undefined, label: string) => manager.publish({ streamType: 'ORDERS', symbol, userId: 'u', data: label })
    connection.subscribe({ streamType: 'ORDERS' })

    ordersOf('A', 'a1')
    connection.unsubscribe({ streamType: 'ORDERS', symbol: 'A' })
    ordersOf('A', 'a2')
    connection.subscribe({ streamType: 'ORDERS', symbol: 'B' })
    ordersOf('B', 'b1')
    ordersOf(undefined, 'none')
    expect(connection.flush()).toBe(true)
    ordersOf('A', 'a3')
    ordersOf('B', 'b2')
    ordersOf(undefined, 'none again')
    connection.unsubscribe({ streamType: 'ORDERS' })
    await endOfTick()

    expect(socket.received).toEqual(['a1', 'a2', 'b1', 'none', 'b2'])
  })

  it('loses the messages of a removed subscription for all of its holders', async () => {
    const { manager, connect, publish } = pressured()
    const [first, second] = [connect('c1'), connect('c2')]

    publish('BOOK', 'b1')
    manager.removeSubscription({ userId: 'u', ...BOOK })
    await endOfTick()

    expect([first.socket.writes, second.socket.writes]).toEqual([[], []])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 0, purged: 2 })
  })

  it('loses messages revoked for everybody, even if they were not sent by subscription', async () => {
    const { manager } = pressured()
    const sockets = [new PressuredSocket(), new PressuredSocket()]
    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`)

    manager.broadcast({ ...BOOK, data: 'b1' })
    manager.broadcast({ streamType: 'TICKS', symbol: 'A', data: 't1' })
    expect(manager.revoke({ streamType: 'BOOK' })).toBe(0)
    await endOfTick()

    expect(sockets.map(({ writes }) => writes)).toEqual([[['t1']], [['t1']]])
    expect(manager.stats()).toMatchObject({ matched: 4, sent: 2, purged: 2 })
  })
})

describe('ConnectionManager › several kinds of sockets', () => {
  it('sends each message at once to a socket without a transport or readable buffer', () => {
    const socket = new FakeSocket()
    const manager = new ConnectionManager<FakeSocket>({ delivery: { softLimitBytes: 0, hardLimitBytes: 0 } })
    const connection = manager.addConnection('c', socket, 'alice')
    connection.subscribe(PRICE)
    connection.subscribe(ORDERS)

    expect(manager.publish(price(1))).toEqual(result({ matched: 1, sent: 1 }))
    expect(socket.received).toEqual([1])
    expect(manager.publish(order('alice', 2))).toEqual(result({ matched: 1, sent: 1 }))
    expect(manager.publish(price(3))).toEqual(result({ matched: 1, sent: 1 }))

    expect(socket.received).toEqual([1, 2, 3])
    expect(manager.stats()).toMatchObject({ sent: 3, connectionsBehind: 0, mostWaitingBytes: 0 })
  })

  it("uses each connection's own transport, or else that of the manager", async () => {
    const { connect, publish } = pressured()
    const byDefault = connect('default')
    const shouting = connect('shouting', new PressuredSocket(), {
      transport: batching({ frame: (text) => text.toUpperCase() }) as ManagerTransport<PressuredSocket>,
    })
    const direct = connect('direct', new PressuredSocket(), { transport: {} })

    publish('BOOK', 'b1')
    publish('BOOK', 'b2')
    const atOnce = [byDefault, shouting, direct].map(({ socket }) => socket.writes.length)
    await endOfTick()

    expect(atOnce).toEqual([0, 0, 2])
    expect([byDefault, shouting, direct].map(({ socket }) => socket.writes)).toEqual([[['b1', 'b2']], [['B1', 'B2']], [['b1'], ['b2']]])
  })

  it('keeps the batches of two connections on one socket apart', async () => {
    const { manager, connect, publish } = pressured()
    const socket = new PressuredSocket()
    connect('c1', socket)
    connect('c2', socket)

    publish('BOOK', 'b1')
    await endOfTick()
    await manager.removeConnection('c1')
    publish('BOOK', 'b2')
    await endOfTick()

    expect(socket.writes).toEqual([['b1'], ['b1'], ['b2']])
  })

  it('calls send as a method, with the text alone, for a socket without a queue', () => {
    const calls: unknown[] = []
    const socket = new PressuredSocket()
    socket.send = function (this: unknown, ...args: unknown[]) { calls.push(this === socket, args) }
    const { connect, publish } = pressured({ transport: { bufferedBytes: () => 0 } })
    connect('c', socket)

    publish('BOOK', 'b1')

    expect(calls).toEqual([true, ['b1']])
  })
})
