import { describe, expect, it } from 'vitest'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { clientOf, desk, settled, subscribe, told } from './desk.ts'

describe('a goodbye', () => {
  it('tells the client why it has to go and when to come back, and leaves the rest to the client', () => {
    const { clock, connect } = desk()
    const client = connect()

    client.session.goodbye({ reason: 'moving', afterMs: 100, withinMs: 2_000 })
    clock.advance(100_000)

    expect(client.frames()).toEqual([{ type: 'goodbye', reason: 'moving', reconnect: true, after_ms: 100, within_ms: 2_000 }])
    expect(client.connection.removed).toBe(false)
  })

  it('closes after closeInMs, with a code', () => {
    const { clock, connect } = desk()
    const [one, other] = [connect(), connect()]

    one.session.goodbye({ reason: 'moving', closeInMs: 2_000 })
    other.session.goodbye({ reason: 'gone', closeInMs: 1_000, reconnect: false })
    clock.advance(1_000)
    const early = [one.connection.removed, other.connection.removed]
    clock.advance(1_000)

    expect(early).toEqual([false, true])
    expect(one.socket.closedWith).toEqual({ code: 4000, reason: 'moving' })
    expect(other.socket.closedWith).toEqual({ code: 4403, reason: 'gone' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('closes at once with closeInMs 0, behind the frame', () => {
    const { connect } = desk()
    const client = connect()

    client.session.goodbye({ reason: 'token expired', closeInMs: 0, code: 4401 })

    expect(client.frames()).toEqual([{ type: 'goodbye', reason: 'token expired', reconnect: true, after_ms: 0, within_ms: 0 }])
    expect(client.socket.closedWith).toEqual({ code: 4401, reason: 'token expired' })
  })

  it('closes nothing if the client has gone by itself', () => {
    const { clock, connect } = desk()
    const client = connect()

    client.session.goodbye({ reason: 'moving', closeInMs: 1_000 })
    void client.connection.remove({ close: false })
    clock.advance(1_000)

    expect(client.socket.closeCalls).toBe(0)
  })

  it('closes nothing if the client is removed while another one is closed at the same time', () => {
    const { clock, connect, manager } = desk()
    const [one, other] = [connect(), connect()]
    manager.on('connectionRemoved', () => void other.connection.remove({ close: false }))
    for (const { session } of [one, other]) session.goodbye({ reason: 'moving', closeInMs: 1_000 })

    clock.advance(1_000)

    expect([one.socket.closeCalls, other.socket.closeCalls]).toEqual([1, 0])
  })

  it.each([
    ['no options', undefined],
    ['no reason', {}],
    ['a reason that does not fit into a close frame', { reason: '€'.repeat(42) }],
    ['a code that is not the application\'s', { reason: 'x', code: 1006 }],
    ['a negative time', { reason: 'x', afterMs: -1 }],
    ['a window that ends before it begins', { reason: 'x', afterMs: 2, withinMs: 1 }],
    ['a time that is no number', { reason: 'x', closeInMs: NaN }],
    ['a reconnect that is no boolean', { reason: 'x', reconnect: 'no' }],
    ['an unknown field', { reason: 'x', retry: true }],
  ])('refuses %s, and nothing has happened', (_, goodbye) => {
    const { connect } = desk()
    const client = connect()

    expectCode('ERR_INVALID_ARGUMENT', () => client.session.goodbye(goodbye as never))

    expect(client.frames()).toEqual([])
  })
})

describe('a drain', () => {
  it('asks everybody to move within five seconds, and resolves when all have gone', async () => {
    const { connect, server, clock } = desk()
    const clients = [connect(), connect()]

    const drained = server.drain()
    for (const { connection } of clients) void connection.remove({ close: false })

    expect(clients.map((client) => client.frames())).toEqual(clients.map(() => [{ type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 0, within_ms: 5_000 }]))
    expect(await drained).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('resolves half a second after the time is over, to the number of those who stay', async () => {
    const { connect, server, clock } = desk()
    connect()
    connect()
    let left: number | undefined
    void server.drain({ afterMs: 1_000, withinMs: 2_000 }).then((count) => (left = count))

    clock.advance(2_499)
    await settled()
    const early = left
    clock.advance(1)
    await settled()

    expect([early, left]).toEqual([undefined, 2])
  })

  it('serves clients until they go', () => {
    const { connect, server, trade } = desk()
    const client = connect()

    void server.drain()
    client.ask(subscribe(1))
    trade(1)

    expect(told(client.frames())).toEqual(['goodbye draining', 'subscribed 1', '1'])
  })

  it('sends on at once who comes later, without a welcome', () => {
    const { manager, server } = desk()
    void server.drain({ reason: 'deploy', withinMs: 3_000 })

    const connection = manager.addConnection('late', new FakeSocket(), 'alice')
    const client = clientOf(connection, server.open(connection))

    expect(client.frames()).toEqual([{ type: 'goodbye', reason: 'deploy', reconnect: true, after_ms: 0, within_ms: 3_000 }])
  })

  it('resolves at once if nobody is there, and twice is once', async () => {
    const { connect, server } = desk()
    const client = connect()
    const first = server.drain()
    const second = server.drain({ reason: 'again' })
    void client.connection.remove()

    expect([await first, await second, await desk().server.drain()]).toEqual([0, 0, 0])
    expect(told(client.frames())).toEqual(['goodbye draining'])
  })

  it('refuses times that make no sense', () => {
    const { server } = desk()

    expectCode('ERR_INVALID_ARGUMENT', () => server.drain({ withinMs: -1 }))
    expectCode('ERR_INVALID_ARGUMENT', () => server.drain({ afterMs: 10_000, withinMs: 5_000 }))
  })
})
