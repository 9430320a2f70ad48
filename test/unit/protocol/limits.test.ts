import { describe, expect, it } from 'vitest'
import { FakeSocket } from '../../support/fake-socket.ts'
import { A, B, clientOf, deferred, desk, settled, subscribe, told } from './desk.ts'

/** So many pings, as one text. */
function pings(count: number, firstId = 1): object[] {
  return Array.from({ length: count }, (_, i) => ({ command: 'ping', id: firstId + i }))
}

function countOf(frames: readonly Record<string, unknown>[], type: string): number {
  return frames.filter((frame) => frame['type'] === type).length
}

describe('the limits of a text', () => {
  it('refuse a longer text whole', () => {
    const client = desk({ limits: { textUnits: 40 } }).connect()

    client.session.receive('{"command":"ping","id":1}'.padEnd(41))
    client.session.receive('{"command":"ping","id":2}'.padEnd(40))

    expect(told(client.frames())).toEqual(['refused ERR_TOO_LARGE', 'pong 2'])
  })

  it('count UTF-16 units, of bytes too', () => {
    const client = desk({ limits: { textUnits: 40 } }).connect()
    const text = '{"command":"ping","id":1,"x":"€€€€€€€€"}'

    client.session.receive(Buffer.from(text))
    client.session.receive(Buffer.from(`${text} `))
    client.session.receive(new Uint8Array(121))

    expect(text).toHaveLength(40)
    expect(told(client.frames())).toEqual(['pong 1', 'refused ERR_TOO_LARGE', 'refused ERR_TOO_LARGE'])
  })

  it('refuse an array of too many commands whole, by default more than 100', () => {
    const client = desk().connect()

    client.ask(...pings(101))
    client.ask(...pings(100))

    const frames = client.frames()
    expect(told(frames.slice(0, 2))).toEqual(['refused ERR_TOO_LARGE', 'pong 1'])
    expect(countOf(frames, 'pong')).toBe(100)
  })
})

describe('the rate of a client', () => {
  it('is 1,000 commands at once, and 50 a second', () => {
    const { clock, connect } = desk()
    const client = connect()

    for (let i = 0; i < 11; i++) client.ask(...pings(100))
    const atOnce = countOf(client.frames(), 'pong')
    clock.advance(1_000)
    client.ask(...pings(100))

    expect(atOnce).toBe(1_000)
    expect(countOf(client.frames(), 'pong')).toBe(50)
  })

  it('names for each refused command a later time to come again, and none is too early then', () => {
    const { clock, connect } = desk({ limits: { burst: 1, perSecond: 10 } })
    const client = connect()

    client.ask(...pings(4))
    const refused = client.frames().slice(1)
    let waitedMs = 0
    for (const { retry_ms: retryMs, id } of refused) {
      clock.advance(Number(retryMs) - waitedMs)
      waitedMs = Number(retryMs)
      client.ask({ command: 'ping', id })
    }

    expect(refused).toEqual([2, 3, 4].map((id, i) => ({ type: 'refused', id, code: 'ERR_RATE_LIMITED', retry_ms: 100 * (i + 1) })))
    expect(told(client.frames())).toEqual(['pong 2', 'pong 3', 'pong 4'])
  })

  it('refuses at once, ahead of what waits', () => {
    const { connect } = desk({ limits: { burst: 2 }, authorize: () => new Promise(() => {}) })
    const client = connect()

    client.ask(subscribe(1), subscribe(2), subscribe(3))

    expect(client.frames()).toEqual([{ type: 'refused', id: 3, code: 'ERR_RATE_LIMITED', retry_ms: 20 }])
  })

  it('counts no command that is refused', async () => {
    const { connect } = desk({ limits: { burst: 1, perSecond: 1e-9 }, authorize: () => Promise.resolve(false) })
    const client = connect()

    for (let i = 0; i < 10; i++) {
      client.ask(subscribe(i))
      await settled()
    }

    expect(told(client.frames())).toEqual(Array.from({ length: 10 }, (_, i) => `refused ${i} ERR_FORBIDDEN`))
  })

  it('is each client\'s own', () => {
    const { connect } = desk({ limits: { burst: 1 } })
    const [one, other] = [connect(), connect()]

    one.ask(...pings(2))
    other.ask(...pings(1))

    expect(told(other.frames())).toEqual(['pong 1'])
  })
})

describe('the commands that wait', () => {
  it('are at most 100: one more is refused at once, and told to come again', async () => {
    const permission = deferred<boolean>()
    const { connect } = desk({ authorize: ({ id }) => (id === 0 ? permission.promise : true) })
    const client = connect()

    client.ask(...Array.from({ length: 100 }, (_, id) => subscribe(id)))
    client.ask(subscribe(100))
    const early = client.frames()
    permission.resolve(true)
    await settled()
    client.ask(subscribe(101))

    expect(early).toEqual([{ type: 'refused', id: 100, code: 'ERR_BUSY', retry_ms: 1_000 }])
    expect(countOf(client.frames(), 'subscribed')).toBe(101)
  })

  it('end without a timer if the client goes', () => {
    const { connect, clock } = desk({ authorize: () => new Promise(() => {}), commands: { hang: () => new Promise(() => {}) } })
    const client = connect()
    const other = connect('bob')

    client.ask(subscribe(1), { command: 'hang', id: 2 })
    void client.connection.remove()
    other.ask({ command: 'hang', id: 1 })
    void other.connection.remove()

    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a client that floods', () => {
  it('is refused 2,000 times, and then told to go, and closed with 4429', () => {
    const { connect, server } = desk()
    const client = connect()

    for (let i = 0; i < 40 && !client.connection.removed; i++) client.ask(...pings(100))

    const frames = client.frames()
    expect(countOf(frames, 'pong')).toBe(1_000)
    expect(countOf(frames, 'refused')).toBe(2_001)
    expect(frames.at(-1)).toEqual({ type: 'goodbye', reason: 'flood', reconnect: true, after_ms: 10_000, within_ms: 20_000 })
    expect(client.socket.closedWith).toEqual({ code: 4429, reason: 'flood' })
    expect(server.stats).toMatchObject({ floods: 1, limited: 2_001 })
    expect(server.sessions).toBe(0)
  })

  it('is one that is refused for any reason: what is no command counts as well', () => {
    const { connect } = desk({ limits: { maxRefusals: 3 } })
    const client = connect()

    for (let i = 0; i < 5; i++) client.session.receive('{')

    expect(told(client.frames())).toEqual([...Array.from({ length: 4 }, () => 'refused ERR_BAD_COMMAND'), 'goodbye flood'])
    expect(client.connection.removed).toBe(true)
  })

  it('is not one that is refused now and then, however often in all', () => {
    const { clock, connect } = desk({ limits: { maxRefusals: 3, perSecond: 1 } })
    const client = connect()

    for (let i = 0; i < 100; i++) {
      client.session.receive('{')
      clock.advance(1_000)
    }

    expect(client.connection.removed).toBe(false)
  })

  it('and reads nothing costs at most the hard limit and what its turn brought', () => {
    const { connect, manager } = desk({ commands: { book: () => 'x'.repeat(50_000) } }, { delivery: { softLimitBytes: 1_000, hardLimitBytes: 100_000 } })
    const client = connect('mallory', new FakeSocket({ bufferedAmount: 0 }))

    client.socket.script.send = (text) => void (client.socket.bufferedAmount = (client.socket.bufferedAmount as number) + text.length)
    for (let i = 0; i < 20; i++) client.ask(...Array.from({ length: 100 }, (_, id) => ({ command: 'book', id })))

    // One result, and the refusals of those that found 100 waiting.
    expect(client.socket.sent.join('').length).toBeLessThan(300_000)
    expect(manager.stats().mostWaitingBytes).toBeLessThanOrEqual(100_000)
  })

  it('cannot make the server call the host more often than it may have commands', () => {
    let calls = 0
    const { connect } = desk({ authorize: () => (calls++, new Promise(() => {})) })
    const client = connect()

    for (let i = 0; i < 40; i++) client.ask(...Array.from({ length: 100 }, (_, id) => subscribe(id, i % 2 === 0 ? A : B)))

    expect(calls).toBe(100)
    expect(client.connection.removed).toBe(true)
  })
})

describe('silence', () => {
  it('of a client for idleMs closes it with 4408, and any text ends the silence', () => {
    const { clock, connect, server } = desk({ idleMs: 1_000 })
    const [silent, talking] = [connect('alice'), connect('bob')]

    clock.advance(999)
    talking.session.receive('{')
    clock.advance(1)
    const first = [silent.connection.removed, talking.connection.removed]
    clock.advance(999)

    expect(first).toEqual([true, false])
    expect(silent.socket.closedWith).toEqual({ code: 4408, reason: 'idle' })
    expect([talking.connection.removed, server.stats.idle]).toEqual([true, 2])
    expect(clock.pendingTimers).toBe(0)
  })

  it('of two clients counts the second one as idle only if it is still there after the first one was closed', () => {
    const { clock, connect, manager, server } = desk({ idleMs: 1_000 })
    const [one, other] = [connect(), connect()]
    manager.on('connectionRemoved', () => void other.connection.remove({ close: false }))

    clock.advance(1_000)

    expect([one.socket.closeCalls, other.socket.closeCalls, server.stats.idle]).toEqual([1, 0, 1])
  })

  it('of a client that only receives does not close it', () => {
    const { clock, manager, server } = desk({ idleMs: 1_000 })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    const client = clientOf(connection, server.open(connection, { receiveOnly: true }))

    client.ask({ command: 'ping', id: 1 })
    clock.advance(10_000)

    expect(connection.removed).toBe(false)
  })

  it('of the server for heartbeatMs brings a heartbeat, and any answer ends the silence', () => {
    const { clock, connect } = desk({ heartbeatMs: 1_000 })
    const client = connect()

    clock.advance(999)
    client.ask({ command: 'ping', id: 1 })
    clock.advance(999)
    const early = client.frames()
    clock.advance(1)
    clock.advance(1_000)

    expect(told(early)).toEqual(['pong 1'])
    expect(client.frames()).toEqual([{ type: 'heartbeat' }, { type: 'heartbeat' }])
  })

  it('of the server brings no heartbeat to a client that is removed while another one is sent its own', () => {
    const { clock, connect } = desk({ heartbeatMs: 1_000 })
    const [one, other] = [connect(), connect()]
    one.socket.script.send = () => void other.connection.remove()

    clock.advance(1_000)

    expect([told(one.frames()), told(other.frames())]).toEqual([['heartbeat'], []])
  })

  it('of the server brings no heartbeat while something waits for the client', () => {
    const { clock, connect, trade } = desk({ heartbeatMs: 1_000 }, { delivery: { maxLagMs: Infinity } })
    const client = connect('alice', new FakeSocket({ bufferedAmount: 0 }))
    client.ask(subscribe(1))
    client.socket.bufferedAmount = 100_000
    trade(1)
    const { waitingBytes } = client.connection

    clock.advance(5_000)

    expect(waitingBytes).toBeGreaterThan(0)
    expect(client.connection.waitingBytes).toBe(waitingBytes)
  })

  it('needs one timer for each kind, however many clients there are', () => {
    const { clock, connect } = desk({ idleMs: 1_000, heartbeatMs: 500 })

    for (let i = 0; i < 50; i++) connect(`user ${i}`)

    expect(clock.pendingTimers).toBe(2)
  })

  it('is no matter by default', () => {
    const { clock, connect } = desk()
    const client = connect()

    clock.advance(10_000_000)

    expect(client.frames()).toEqual([])
    expect(client.connection.removed).toBe(false)
  })
})
