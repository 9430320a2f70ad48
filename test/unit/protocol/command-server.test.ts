import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { A, B, clientOf, deferred, desk, settled, subscribe, told, unsubscribe } from './desk.ts'

describe('a command server', () => {
  it('welcomes a client with the version, its connection, and how long each side may be silent', () => {
    const { manager, server } = desk({ idleMs: 60_000, heartbeatMs: 30_000 })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    const client = clientOf(connection, server.open(connection))

    expect(client.frames()).toEqual([{ type: 'welcome', version: 1, connection_id: 'c1', idle_ms: 60_000, heartbeat_ms: 30_000 }])
    expect(server.sessions).toBe(1)
  })

  it('tells a client that cannot send that its silence is no matter', () => {
    const { manager, server } = desk({ idleMs: 60_000 })
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    const client = clientOf(connection, server.open(connection, { receiveOnly: true }))

    expect(client.frames()).toMatchObject([{ idle_ms: 0, heartbeat_ms: 0 }])
  })

  it('returns the same session for the same connection, and welcomes it once', () => {
    const { server, connect } = desk()
    const client = connect()

    expect(server.open(client.connection)).toBe(client.session)
    expect(client.frames()).toEqual([])
  })

  it('refuses to open a connection that was removed, or is another manager\'s', () => {
    const { server, connect } = desk()
    const { connection } = connect()
    void connection.remove()
    const stranger = desk().connect().connection

    expectCode('ERR_UNKNOWN_CONNECTION', () => server.open(connection))
    expectCode('ERR_UNKNOWN_CONNECTION', () => server.open(stranger))
    expect(server.sessions).toBe(0)
  })

  it('subscribes, answers, and then delivers what is published', () => {
    const { connect, trade } = desk()
    const client = connect()

    client.ask(subscribe(7))
    trade(1)

    expect(client.frames()).toEqual([
      { type: 'subscribed', id: 7, stream_type: 'TRADES', symbol: 'A', recovered: null },
      expect.objectContaining({ stream_type: 'TRADES', symbol: 'A', data: 1 }),
    ])
  })

  it('says without a recovery that a position cannot be recovered', () => {
    const client = desk().connect()

    client.ask(subscribe(7, A, { position: 'e1:3' }))

    expect(client.frames()).toMatchObject([{ type: 'subscribed', id: 7, recovered: false }])
  })

  it('answers before the listeners of the subscription send anything', () => {
    const { manager, connect, trade } = desk()
    const client = connect()
    manager.on('subscriptionAdded', () => trade('of a listener'))

    client.ask(subscribe(1))

    expect(told(client.frames())).toEqual(['subscribed 1', 'of a listener'])
  })

  it('passes the filters on', () => {
    const client = desk().connect()

    client.ask(subscribe(1, A, { filters: { depth: 5 } }))

    expect(client.connection.subscriptions()).toMatchObject([{ filters: { depth: 5 } }])
  })

  it('unsubscribes, and answers the same if there was nothing to unsubscribe from', () => {
    const client = desk().connect()
    client.ask(subscribe(1))
    client.frames()

    client.ask(unsubscribe(2), unsubscribe(3))

    expect(client.frames()).toEqual([
      { type: 'unsubscribed', id: 2, stream_type: 'TRADES', symbol: 'A' },
      { type: 'unsubscribed', id: 3, stream_type: 'TRADES', symbol: 'A' },
    ])
    expect(client.connection.subscriptions()).toEqual([])
  })

  it('answers without an id to commands without one, except that it sends no result', () => {
    const client = desk({ commands: { echo: ({ data }) => data } }).connect()

    client.ask({ command: 'subscribe', ...A }, { command: 'unsubscribe', ...A }, { command: 'ping' }, { command: 'echo' }, { command: 'nonsense' })

    expect(told(client.frames())).toEqual(['subscribed', 'unsubscribed', 'pong', 'refused ERR_UNKNOWN_COMMAND'])
  })

  it('refuses what the manager refuses, with its code', () => {
    const { connect } = desk({}, { authorize: ({ symbol }) => symbol !== 'B', quotas: { filterUnits: 20 } })
    const client = connect()

    client.ask(
      subscribe(1, B),
      subscribe(2, { stream_type: 'NOTHING', symbol: 'A' }),
      subscribe(3, { stream_type: 'TRADES' }),
      subscribe(4, A, { filters: { long: 'x'.repeat(20) } }),
      subscribe(5, { stream_type: 'TRADES', symbol: '' }),
    )

    expect(told(client.frames())).toEqual([
      'refused 1 ERR_FORBIDDEN',
      'refused 2 ERR_UNKNOWN_STREAM',
      'refused 3 ERR_SYMBOL_REQUIRED',
      'refused 4 ERR_QUOTA_EXCEEDED',
      'refused 5 ERR_INVALID_ID',
    ])
  })

  it.each([
    ['no JSON', '{'],
    ['a number', '7'],
    ['null', 'null'],
    ['an array in an array', '[[]]'],
    ['an object without a command', '{}'],
    ['a command that is no text', '{"command":7}'],
    ['a negative id', '{"command":"ping","id":-1}'],
    ['an id that is no whole number', '{"command":"ping","id":1.5}'],
    ['an id that is a text', '{"command":"ping","id":"1"}'],
    ['an id that is null', '{"command":"ping","id":null}'],
    ['a stream type that is no text', '{"command":"subscribe","stream_type":7,"symbol":"A"}'],
    ['a symbol that is no text', '{"command":"subscribe","stream_type":"TRADES","symbol":7}'],
    ['filters that are an array', '{"command":"subscribe","stream_type":"TRADES","symbol":"A","filters":[]}'],
    ['nothing', undefined],
    ['an object', {}],
    ['a number that is no text', 7],
    ['a proxy that throws', new Proxy({}, { get: () => { throw new Error('read') }, getPrototypeOf: () => { throw new Error('read') } })],
    ['an object whose toString throws', { toString: () => { throw new Error('read') } }],
  ])('refuses %s, and goes on', (_, text) => {
    const { connect, errors } = desk()
    const client = connect()

    client.session.receive(text)
    client.ask({ command: 'ping', id: 1 })

    expect(told(client.frames())).toEqual(['refused ERR_BAD_COMMAND', 'pong 1'])
    expect(errors).toEqual([])
  })

  it('names the id of a command that is flawed otherwise', () => {
    const client = desk().connect()

    client.ask({ command: 'subscribe', id: 7 }, { id: 8 })

    expect(told(client.frames())).toEqual(['refused 7 ERR_BAD_COMMAND', 'refused 8 ERR_BAD_COMMAND'])
  })

  it.each([
    ['a Buffer', (text: string) => Buffer.from(text)],
    ['an ArrayBuffer', (text: string) => new TextEncoder().encode(text).buffer],
    ['a part of a larger buffer', (text: string) => new TextEncoder().encode(`  ${text}`).subarray(2)],
  ])('reads the UTF-8 in %s', (_, bytesOf) => {
    const { connect } = desk({ commands: { echo: ({ data }) => data } })
    const client = connect()

    client.session.receive(bytesOf('{"command":"echo","id":1,"data":"é😀"}'))

    expect(told(client.frames())).toEqual(['result 1 é😀'])
  })

  it('ignores what comes after the connection has gone', () => {
    const { connect, server } = desk()
    const client = connect()
    void client.connection.remove()

    client.ask(subscribe(1))
    client.session.goodbye({ reason: 'late' })

    expect(client.frames()).toEqual([])
    expect(server.sessions).toBe(0)
  })

  it('finds a session by its connection and its user, and by no other user', () => {
    const { server, connect } = desk()
    const { session, connection } = connect('alice')

    expect(server.find(connection.id, 'alice')).toBe(session)
    expect(server.find(connection.id, 'bob')).toBeUndefined()
    expect(server.find('nobody', 'alice')).toBeUndefined()
    expect(server.find('__proto__', 'alice')).toBeUndefined()
  })

  it('does not take a connection for an earlier one with the same id', () => {
    const { manager, server, trade } = desk()
    const first = manager.addConnection('same', new FakeSocket(), 'alice')
    server.open(first)
    void first.remove()
    const second = manager.addConnection('same', new FakeSocket(), 'alice')
    const client = clientOf(second, server.open(second))

    client.ask(subscribe(1))
    void first.remove()
    trade(1)

    expect(told(client.frames())).toEqual(['welcome', 'subscribed 1', '1'])
    expect(server.sessions).toBe(1)
  })

  it('does not serve a connection that has no session', () => {
    const { connect, manager, server } = desk()
    const client = connect('alice')
    const other = manager.addConnection('other', new FakeSocket(), 'alice')
    const failures: unknown[] = []
    manager.on('error', (failure) => failures.push(failure))

    other.reassign('bob')

    expect(failures).toEqual([])
    expect(other.socket.sent).toEqual([])
    expect(client.frames()).toEqual([])
    expect([server.sessions, server.find('other', 'bob')]).toEqual([1, undefined])
  })

  it('counts what it does', () => {
    const { connect, server } = desk({ commands: { fail: () => { throw Object.assign(new Error(), { code: 'ERR_MINE' }) } } })
    const client = connect()

    client.ask(subscribe(1), unsubscribe(2), { command: 'fail', id: 3 })
    client.session.receive('{')

    expect(server.stats).toEqual({ texts: 2, commands: 4, answers: 5, refused: 2, limited: 0, timeouts: 0, floods: 0, idle: 0, ended: 0 })
  })
})

describe('the order of answers', () => {
  it('is that of the commands, however long each takes', async () => {
    const permissions = new Map([['A', deferred<boolean>()], ['B', deferred<boolean>()]])
    const { connect } = desk({ authorize: ({ symbol = '' }) => permissions.get(symbol)?.promise ?? true })
    const client = connect()

    client.ask(subscribe(1, A), subscribe(2, B), unsubscribe(3, A), { command: 'nonsense', id: 4 })
    permissions.get('B')?.resolve(true)
    await settled()
    const before = client.frames()
    permissions.get('A')?.resolve(true)
    await settled()

    expect(before).toEqual([])
    expect(told(client.frames())).toEqual(['subscribed 1', 'subscribed 2', 'unsubscribed 3', 'refused 4 ERR_UNKNOWN_COMMAND'])
  })

  it('is kept by the refusal of what is no command', async () => {
    const permission = deferred<boolean>()
    const { connect } = desk({ authorize: () => permission.promise })
    const client = connect()

    client.ask(subscribe(1), { command: 7, id: 2 }, unsubscribe(3))
    permission.resolve(true)
    await settled()

    expect(told(client.frames())).toEqual(['subscribed 1', 'refused 2 ERR_BAD_COMMAND', 'unsubscribed 3'])
  })

  it('has a pong at once, ahead of what waits', () => {
    const { connect } = desk({ authorize: () => new Promise(() => {}) })
    const client = connect()

    client.ask(subscribe(1), { command: 'ping', id: 2 })

    expect(client.frames()).toEqual([{ type: 'pong', id: 2 }])
  })

  it('has the answer before each message of the stream', async () => {
    const permission = deferred<boolean>()
    const { connect, trade } = desk({ authorize: () => permission.promise })
    const client = connect()

    client.ask(subscribe(1))
    trade('before')
    permission.resolve(true)
    await settled()
    trade('after')

    expect(told(client.frames())).toEqual(['subscribed 1', 'after'])
  })

  it('is kept if a command calls back into its session', () => {
    const { connect } = desk({ commands: { again: ({ session }) => session.receive('{"command":"unsubscribe","id":2,"stream_type":"TRADES","symbol":"A"}') } })
    const client = connect()

    client.ask({ command: 'again', id: 1 }, unsubscribe(3))

    expect(told(client.frames())).toEqual(['result 1', 'unsubscribed 2', 'unsubscribed 3'])
  })
})

describe('the authority of a command', () => {
  it('is its own connection: another connection of the user receives nothing', () => {
    const { connect, trade } = desk()
    const [one, other] = [connect('alice'), connect('alice')]

    one.ask(subscribe(1))
    other.ask(unsubscribe(1))
    trade(1)

    expect(told(one.frames())).toEqual(['subscribed 1', '1'])
    expect(told(other.frames())).toEqual(['unsubscribed 1'])
  })

  it('does not end a subscription of the user', () => {
    const { manager, connect, trade } = desk()
    manager.addSubscription({ userId: 'alice', streamType: 'TRADES', symbol: 'A' })
    const client = connect('alice')

    client.ask(unsubscribe(1))
    trade(1)

    expect(told(client.frames())).toEqual(['unsubscribed 1', '1'])
  })

  it('does not change by what a command claims', () => {
    const { manager, connect } = desk()
    const victim = connect('bob')
    const client = connect('alice')

    client.session.receive(`{"command":"subscribe","id":1,"stream_type":"ORDERS","user_id":"bob","userId":"bob","connection_id":"${victim.connection.id}","__proto__":{"userId":"bob"}}`)
    manager.publish({ streamType: 'ORDERS', userId: 'bob', data: 'of bob' })

    expect(told(client.frames())).toEqual(['subscribed 1'])
    expect(victim.frames()).toEqual([])
  })
})

describe('a command of the host', () => {
  it('gets the data, the connection and the session, and its answer is the result', async () => {
    const calls: unknown[] = []
    const { connect } = desk({
      commands: {
        add: ({ connection, data, session }) => {
          calls.push([connection.id, session.connection === connection])
          const [a, b] = data as number[]
          return Promise.resolve((a ?? 0) + (b ?? 0))
        },
        nothing: () => {},
      },
    })
    const client = connect()

    client.ask({ command: 'add', id: 1, data: [2, 3] }, { command: 'nothing', id: 2 })
    await settled()

    expect(client.frames()).toEqual([{ type: 'result', id: 1, data: 5 }, { type: 'result', id: 2, data: null }])
    expect(calls).toEqual([[client.connection.id, true]])
  })

  it('begins when the commands before it have their answers', async () => {
    const log: unknown[] = []
    const first = deferred<void>()
    const { connect } = desk({ commands: { first: () => (log.push('first'), first.promise), second: () => void log.push('second') } })
    const client = connect()

    client.ask({ command: 'first', id: 1 }, { command: 'second', id: 2 })
    await settled()
    const before = [...log]
    first.resolve()
    await settled()

    expect(before).toEqual(['first'])
    expect(log).toEqual(['first', 'second'])
    expect(told(client.frames())).toEqual(['result 1', 'result 2'])
  })

  it('refuses with the code of what it throws, and with its retryMs', async () => {
    const refusal = Object.assign(new Error('no'), { code: 'ERR_NO_FUNDS', retryMs: 250.5 })
    const { connect, errors } = desk({
      commands: {
        throws: () => {
          throw refusal
        },
        rejects: () => Promise.reject(refusal),
      },
    })
    const client = connect()

    client.ask({ command: 'throws', id: 1 }, { command: 'rejects', id: 2 })
    await settled()

    expect(client.frames()).toEqual([
      { type: 'refused', id: 1, code: 'ERR_NO_FUNDS', retry_ms: 251 },
      { type: 'refused', id: 2, code: 'ERR_NO_FUNDS', retry_ms: 251 },
    ])
    expect(errors).toEqual([])
  })

  it.each([
    ['an error without a code', new Error('bug')],
    ['an error with a code of another kind', Object.assign(new Error('bug'), { code: 'ECONNREFUSED' })],
    ['an error whose code is too long', Object.assign(new Error('bug'), { code: `ERR_${'X'.repeat(64)}` })],
    ['no error', 'bug'],
    ['nothing', undefined],
    ['an object that throws', new Proxy({}, { get: () => { throw new Error('read') } })],
  ])('that throws %s is refused with ERR_FAILED, and the host is told', (_, thrown) => {
    const { connect, errors } = desk({
      commands: {
        fail: () => {
          throw thrown
        },
      },
    })
    const client = connect()

    client.ask({ command: 'fail', id: 1 })

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_FAILED' }])
    expect(errors).toHaveLength(1)
  })

  it.each([
    ['has no JSON form', 7n],
    ['is a function', () => {}],
    ['cannot be read', { toJSON: () => { throw new Error('bug') } }],
  ])('whose result %s is refused, and the host is told', (_, result) => {
    const { connect, errors } = desk({ commands: { odd: () => result } })
    const client = connect()

    client.ask({ command: 'odd', id: 1 })

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_FAILED' }])
    expect(errors).toHaveLength(1)
  })

  it('whose result is too long for the manager is refused with its code', () => {
    const { connect } = desk({ commands: { long: () => 'x'.repeat(1_000) } }, { quotas: { messageUnits: 500 } })
    const client = connect()

    client.ask({ command: 'long', id: 1 })

    expect(told(client.frames())).toEqual(['refused 1 ERR_QUOTA_EXCEEDED'])
  })

  it('that takes too long is refused, and what it answers later is ignored', async () => {
    const late = deferred<string>()
    const { clock, connect, server } = desk({ commands: { slow: () => late.promise }, limits: { commandTimeoutMs: 1_000 } })
    const client = connect()

    client.ask({ command: 'slow', id: 1 }, unsubscribe(2))
    clock.advance(1_000)
    late.resolve('late')
    await settled()

    expect(client.frames()).toEqual([
      { type: 'refused', id: 1, code: 'ERR_TIMEOUT' },
      { type: 'unsubscribed', id: 2, stream_type: 'TRADES', symbol: 'A' },
    ])
    expect(server.stats.timeouts).toBe(1)
  })

  it('is found by its own name only, whatever objects inherit', () => {
    const { connect } = desk({ commands: { echo: ({ data }) => data } })
    const client = connect()

    client.ask({ command: '__proto__', id: 1 }, { command: 'constructor', id: 2 }, { command: 'toString', id: 3 })

    expect(told(client.frames())).toEqual(['refused 1 ERR_UNKNOWN_COMMAND', 'refused 2 ERR_UNKNOWN_COMMAND', 'refused 3 ERR_UNKNOWN_COMMAND'])
  })

  it('may remove its own connection', () => {
    const { connect, server } = desk({ commands: { leave: ({ connection }) => void connection.remove() } })
    const client = connect()

    client.ask({ command: 'leave', id: 1 }, subscribe(2))

    expect(client.frames()).toEqual([])
    expect(server.sessions).toBe(0)
  })

  it('that throws after it has removed its own connection is told to the host, and not answered', () => {
    const { connect, errors, server } = desk({
      commands: {
        leave: ({ connection }) => {
          void connection.remove()
          throw new Error('gone')
        },
      },
    })
    const client = connect()

    client.ask({ command: 'leave', id: 1 })

    expect(client.frames()).toEqual([])
    expect(errors).toEqual([new Error('gone')])
    expect(server.stats.refused).toBe(0)
  })

  it('that removes its own connection in a batch leaves the commands behind it without answers', () => {
    const { connect, manager, server } = desk({
      commands: {
        leave: ({ connection, session }) => manager.batch(() => {
          session.receive('{"command":"unknown","id":2}')
          void connection.remove()
        }),
      },
    })
    const client = connect()

    manager.batch(() => client.ask({ command: 'leave' }))

    expect(client.frames()).toEqual([])
    expect(server.stats).toMatchObject({ commands: 2, refused: 0 })
  })

  it('is called as a method of the commands', () => {
    const commands: Record<string, () => unknown> = {
      greet() {
        return Object.keys(this as unknown as object)
      },
    }
    const client = desk({ commands }).connect()

    client.ask({ command: 'greet', id: 1 })

    expect(told(client.frames())).toEqual(['result 1 greet'])
  })
})

describe('errors of the host', () => {
  /** A clock that refuses to set a timer. */
  const brokenClock = { now: () => 0, monotonic: () => 0, setTimeout: () => { throw new Error('no timer') } }

  it('in its clock are told, and the commands behind have their answers', () => {
    const { connect, errors } = desk({ clock: brokenClock, commands: { hang: () => new Promise(() => {}), echo: ({ data }) => data } })
    const client = connect()

    client.ask({ command: 'hang', id: 1 }, { command: 'echo', id: 2, data: 'x' })

    expect(told(client.frames())).toEqual(['result 2 x'])
    expect(errors).toEqual([new Error('no timer')])
  })

  it('in its clock are told if a command fails before it waits, and the session goes on', () => {
    const { connect, errors } = desk({ clock: brokenClock, authorize: () => new Promise(() => {}) })
    const client = connect()

    client.ask(subscribe(1))
    client.ask({ command: 'ping', id: 2 })

    expect(told(client.frames())).toEqual(['pong 2'])
    expect(errors).toEqual([new Error('no timer')])
  })

  it('that leave a client without an answer close its connection with 1011', () => {
    const { connect, errors } = desk({}, { quotas: { messageUnits: 150 } })
    const client = connect()

    client.ask(subscribe(1, { stream_type: 'TRADES', symbol: 'x'.repeat(100) }))

    expect(client.frames()).toEqual([])
    expect(client.socket.closedWith).toEqual({ code: 1011, reason: 'an answer could not be sent' })
    expect(errors).toMatchObject([{ code: 'ERR_QUOTA_EXCEEDED' }])
  })

  it('are printed once if nobody listens', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const manager = new ConnectionManager()
    const server = createCommandServer(manager, {
      commands: {
        fail: () => {
          throw new Error('bug')
        },
      },
    })
    const session = server.open(manager.addConnection('c1', new FakeSocket(), 'alice'))

    session.receive('[{"command":"fail"},{"command":"fail"}]')

    expect(warn.mock.calls).toEqual([[expect.stringContaining('stream-connection-manager/protocol'), new Error('bug')]])
    warn.mockRestore()
  })

  it('that a listener of errors throws, or rejects with, end there', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const fail = (): never => {
      throw new Error('bug')
    }
    const throwing = desk({ commands: { fail }, onError: fail }).connect()
    const rejecting = desk({ commands: { fail }, onError: (() => Promise.reject(new Error('bug'))) as () => void }).connect()

    throwing.ask({ command: 'fail', id: 1 })
    rejecting.ask({ command: 'fail', id: 1 })
    await settled()

    expect([...told(throwing.frames()), ...told(rejecting.frames())]).toEqual(['refused 1 ERR_FAILED', 'refused 1 ERR_FAILED'])
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
  })
})
