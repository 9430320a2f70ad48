import { describe, expect, it } from 'vitest'
import { A, B, C, deferred, desk, recoveringDesk, settled, subscribe, told, unsubscribe, type DeskOptions } from './desk.ts'

describe('authorize', () => {
  it('gets the connection, its user, and what the client sent', () => {
    const requests: unknown[] = []
    const { connect } = desk({ authorize: (request) => requests.push(request) > 0 })
    const client = connect('alice')

    client.ask(subscribe(7, A, { filters: { depth: 5 }, position: 'e1:3' }))

    expect(requests).toEqual([{ connection: client.connection, userId: 'alice', streamType: 'TRADES', symbol: 'A', filters: { depth: 5 }, position: 'e1:3', id: 7 }])
  })

  it.each([
    ['false', () => false],
    ['a promise of false', () => Promise.resolve(false)],
    ['anything but true', () => 'yes' as unknown as boolean],
    ['a promise of anything but true', () => Promise.resolve(1 as unknown as boolean)],
  ])('refuses by %s, and nothing is held', async (_, authorize) => {
    const { connect, manager } = desk({ authorize })
    const client = connect()

    client.ask(subscribe(1))
    await settled()

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_FORBIDDEN' }])
    expect(manager.subscriptionCount).toBe(0)
  })

  it.each([
    ['throws', () => { throw new Error('database') }],
    ['rejects', () => Promise.reject(new Error('database'))],
  ] satisfies [string, DeskOptions['authorize']][])('that %s tells the client to try again, and the host what went wrong', async (_, authorize) => {
    const { connect, errors, manager } = desk({ authorize })
    const client = connect()

    client.ask(subscribe(1))
    await settled()

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_FAILED', retry_ms: 1_000 }])
    expect(errors).toEqual([new Error('database')])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('that throws an error with a code refuses with it', () => {
    const { connect, errors } = desk({
      authorize: () => {
        throw Object.assign(new Error(), { code: 'ERR_UNPAID' })
      },
    })
    const client = connect()

    client.ask(subscribe(1))

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_UNPAID' }])
    expect(errors).toEqual([])
  })

  it('that takes too long tells the client to try again, and a late true subscribes nothing', async () => {
    const permission = deferred<boolean>()
    const { clock, connect, manager } = desk({ authorize: () => permission.promise })
    const client = connect()

    client.ask(subscribe(1))
    clock.advance(10_000)
    permission.resolve(true)
    await settled()

    expect(client.frames()).toEqual([{ type: 'refused', id: 1, code: 'ERR_TIMEOUT', retry_ms: 1_000 }])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('is asked for many commands at the same time', () => {
    const asked: unknown[] = []
    const { connect } = desk({
      authorize: ({ symbol }) => {
        asked.push(symbol)
        return new Promise(() => {})
      },
    })

    connect().ask(subscribe(1, A), subscribe(2, B), subscribe(3, C))

    expect(asked).toEqual(['A', 'B', 'C'])
  })

  it('subscribes nothing if the connection went meanwhile', async () => {
    const permission = deferred<boolean>()
    const { connect, manager, clock } = desk({ authorize: () => permission.promise })
    const client = connect()
    connect()

    client.ask(subscribe(1))
    void client.connection.remove()
    permission.resolve(true)
    await settled()

    expect(manager.subscriptionCount).toBe(0)
    expect(client.frames()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  it('is followed by that of the manager', () => {
    const { connect } = desk({ authorize: () => true }, { authorize: () => false })
    const client = connect()

    client.ask(subscribe(1))

    expect(told(client.frames())).toEqual(['refused 1 ERR_FORBIDDEN'])
  })
})

describe('a command that waits while its connection is given to another user', () => {
  it('does not subscribe the new user, whatever the answer for the old one was', async () => {
    const permission = deferred<boolean>()
    const asked: string[] = []
    const { connect, manager } = desk({ authorize: ({ userId }) => (asked.push(userId), asked.length === 1 ? permission.promise : false) })
    const client = connect('alice')

    client.ask(subscribe(1))
    client.connection.reassign('mallory')
    permission.resolve(true)
    await settled()
    client.ask(subscribe(2))

    expect(client.frames()).toEqual([
      { type: 'refused', id: 1, code: 'ERR_STALE', retry_ms: 0 },
      { type: 'refused', id: 2, code: 'ERR_FORBIDDEN' },
    ])
    expect(asked).toEqual(['alice', 'mallory'])
    expect(manager.getUserSubscriptions('mallory')).toEqual([])
  })

  it('is refused, all of them, and in order', () => {
    const calls: unknown[] = []
    const { connect } = desk({ authorize: () => new Promise(() => {}), commands: { pay: () => calls.push('pay') } })
    const client = connect('alice')

    client.ask(subscribe(1, A), subscribe(2, B), { command: 'pay', id: 3 }, unsubscribe(4, C))
    client.connection.reassign('mallory')

    expect(told(client.frames())).toEqual(['refused 1 ERR_STALE', 'refused 2 ERR_STALE', 'refused 3 ERR_STALE', 'unsubscribed 4'])
    expect(calls).toEqual([])
  })

  it('goes on if it is the login, at once or later', async () => {
    const { connect } = desk({
      commands: {
        login: ({ connection, data }) => {
          connection.reassign(String(data))
          return connection.userId
        },
        loginLater: async ({ connection, data }) => {
          await Promise.resolve()
          connection.reassign(String(data))
          await Promise.resolve()
          return connection.userId
        },
      },
    })
    const client = connect('guest')

    client.ask({ command: 'login', id: 1, data: 'alice' }, subscribe(2))
    client.ask({ command: 'loginLater', id: 3, data: 'bob' }, subscribe(4))
    await settled()
    client.ask(subscribe(5))

    expect(told(client.frames())).toEqual(['result 1 alice', 'subscribed 2', 'result 3 bob', 'refused 4 ERR_STALE', 'subscribed 5'])
  })
})

describe('a command that waits while its stream is revoked', () => {
  it.each([
    ['the stream', { streamType: 'TRADES', symbol: 'A' }],
    ['the type', { streamType: 'TRADES' }],
    ['the user', { userId: 'alice' }],
    ['the symbol', { symbol: 'A' }],
  ] as const)('is refused, by %s, because its permission may be older than the revocation', async (_, revocation) => {
    const head = deferred<boolean>()
    const { connect, manager } = desk({ authorize: ({ symbol }) => (symbol === 'A' ? true : head.promise) })
    const client = connect('alice')

    client.ask(subscribe(1, { stream_type: 'PRICE', symbol: 'Z' }), subscribe(2, A))
    manager.revoke(revocation)
    head.resolve(true)
    await settled()

    expect(told(client.frames()).at(-1)).toBe('refused 2 ERR_STALE')
    expect(manager.getUserSubscriptions('alice').filter(({ symbol }) => symbol === 'A')).toEqual([])
  })

  it.each([
    ['of another user', { userId: 'bob' }],
    ['of another symbol', { streamType: 'TRADES', symbol: 'B' }],
    ['of another type', { streamType: 'PRICE' }],
  ] as const)('is carried out if the revocation is %s', async (_, revocation) => {
    const permission = deferred<boolean>()
    const { connect, manager } = desk({ authorize: () => permission.promise })
    const client = connect('alice')

    client.ask(subscribe(1, A))
    manager.revoke(revocation)
    permission.resolve(true)
    await settled()

    expect(told(client.frames())).toEqual(['subscribed 1'])
  })
})

describe('a command that asks for no stream', () => {
  it('is carried out in its turn, although streams were revoked while it waited', async () => {
    const head = deferred<string>()
    const { connect, manager } = desk({ commands: { wait: () => head.promise, echo: ({ data }) => data } })
    const client = connect('alice')
    client.ask({ command: 'wait', id: 1 }, unsubscribe(2), { command: 'echo', id: 3, data: 'x' })

    manager.revoke({ userId: 'alice' })
    head.resolve('done')
    await settled()

    expect(told(client.frames())).toEqual(['result 1 done', 'unsubscribed 2', 'result 3 x'])
  })
})

describe('a client that loses a subscription without having asked for it', () => {
  it('is told that it was revoked, and each of the user\'s connections that holds it is', () => {
    const { connect, manager, trade, server } = desk()
    const [one, other, third] = [connect('alice'), connect('alice'), connect('alice')]
    one.ask(subscribe(1))
    other.ask(subscribe(1))
    for (const client of [one, other, third]) client.frames()

    manager.revoke({ userId: 'alice', streamType: 'TRADES' })
    trade(1)

    expect(one.frames()).toEqual([{ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'revoked' }])
    expect(told(other.frames())).toEqual(['unsubscribed revoked'])
    expect(third.frames()).toEqual([])
    expect(server.stats.ended).toBe(2)
  })

  it('is told that the host ended it', () => {
    const { connect, manager } = desk()
    const [one, other] = [connect('alice'), connect('alice')]
    one.ask(subscribe(1))
    other.ask(subscribe(1))
    one.frames()
    other.frames()

    one.connection.unsubscribe({ streamType: 'TRADES', symbol: 'A' })
    const first = [told(one.frames()), told(other.frames())]
    manager.removeSubscription({ userId: 'alice', streamType: 'TRADES', symbol: 'A' })

    expect(first).toEqual([['unsubscribed unsubscribed'], []])
    expect([told(one.frames()), told(other.frames())]).toEqual([[], ['unsubscribed unsubscribed']])
  })

  it('is told only of the one that the host ended', () => {
    const { connect } = desk()
    const [one, other] = [connect('alice'), connect('alice')]
    one.ask(subscribe(1), subscribe(2, B))
    other.ask(subscribe(1), subscribe(2, B))
    one.frames()

    one.connection.unsubscribe({ streamType: 'TRADES', symbol: 'A' })

    expect(one.frames()).toEqual([{ type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'unsubscribed' }])
  })

  it('is told nothing if its connection goes in the same batch', () => {
    const { connect, manager, server } = desk()
    const client = connect('alice')
    client.ask(subscribe(1))
    client.frames()

    manager.batch(() => {
      manager.revoke({ userId: 'alice' })
      void client.connection.remove()
    })

    expect(client.frames()).toEqual([])
    expect(server.stats.ended).toBe(0)
  })

  it('is not told of what it gave up itself, while another connection holds it', () => {
    const { connect } = desk()
    const [one, other] = [connect('alice'), connect('alice')]
    one.ask(subscribe(1))
    other.ask(subscribe(1))
    one.frames()

    one.ask(unsubscribe(2))

    expect(told(one.frames())).toEqual(['unsubscribed 2'])
  })

  it('is not told of subscriptions of the user, or of those that the host made', () => {
    const { connect, manager } = desk()
    manager.addSubscription({ userId: 'alice', streamType: 'TRADES', symbol: 'A' })
    const client = connect('alice')
    client.connection.subscribe({ streamType: 'TRADES', symbol: 'B' })

    manager.revoke({ userId: 'alice' })

    expect(client.frames()).toEqual([])
  })

  it('is told of what the user holds as well', () => {
    const { connect, manager } = desk()
    manager.addSubscription({ userId: 'alice', streamType: 'TRADES', symbol: 'A' })
    const client = connect('alice')
    client.ask(subscribe(1))
    client.frames()

    manager.revoke({ userId: 'alice' })

    expect(told(client.frames())).toEqual(['unsubscribed revoked'])
  })

  it('is told after a login which subscriptions the new user does not have', () => {
    const { connect, trade } = desk({}, { authorize: ({ userId, symbol }) => userId === 'alice' || symbol !== 'B' })
    const client = connect('alice')
    client.ask(subscribe(1, A), subscribe(2, B), subscribe(3, { stream_type: 'ORDERS' }))
    client.frames()

    client.connection.reassign('bob')
    trade(1)

    expect(client.frames()).toMatchObject([
      { type: 'unsubscribed', stream_type: 'TRADES', symbol: 'B', reason: 'reassigned' },
      { type: 'unsubscribed', stream_type: 'ORDERS', symbol: null, reason: 'reassigned' },
      { data: 1 },
    ])
  })

  it('is told of an end after a login as before', () => {
    const { connect, manager } = desk()
    const client = connect('alice')
    const other = connect('alice')
    client.ask(subscribe(1))
    other.ask(subscribe(1))
    client.connection.reassign('bob')
    client.frames()
    other.frames()

    manager.revoke({ userId: 'bob' })

    expect(told(client.frames())).toEqual(['unsubscribed revoked'])
    expect(other.frames()).toEqual([])
  })

  it('is not told of an end that came before it subscribed again, in one batch', () => {
    const { connect, manager, trade } = desk()
    const client = connect('alice')
    client.ask(subscribe(1))
    client.frames()

    manager.batch(() => {
      manager.revoke({ userId: 'alice' })
      client.ask(subscribe(2))
    })
    trade(1)

    expect(told(client.frames())).toEqual(['subscribed 2', '1'])
  })

  it('is not told of an end if it subscribed again while another client was told', () => {
    const { connect, manager, trade } = desk()
    const [one, other] = [connect('alice'), connect('alice')]
    one.ask(subscribe(1))
    other.ask(subscribe(1))
    other.frames()
    one.socket.script.send = () => {
      one.socket.script.send = undefined
      other.ask(subscribe(2))
    }

    manager.revoke({ userId: 'alice' })
    trade(1)
    const first = told(other.frames())
    manager.revoke({ userId: 'alice' })

    expect(first).toEqual(['subscribed 2', '1'])
    expect(told(other.frames())).toEqual(['unsubscribed revoked'])
  })

  it('is not told, after a login, of what it gave up while it was told of the rest', () => {
    const { connect } = desk({}, { authorize: ({ userId, symbol }) => userId === 'alice' || symbol !== 'A' })
    const client = connect('alice')
    client.ask(subscribe(1, A), subscribe(2, B))
    client.frames()
    client.socket.script.send = () => {
      client.socket.script.send = undefined
      client.ask(unsubscribe(3, B))
    }

    client.connection.reassign('bob')
    client.connection.reassign('carol')

    expect(told(client.frames())).toEqual(['unsubscribed reassigned', 'unsubscribed 3'])
  })

  it('keeps what it holds if it names a stream that looks the same', () => {
    const { connect, manager } = desk()
    const client = connect('alice')
    client.ask(subscribe(1, { stream_type: 'TRADES', symbol: 'B:' }))

    client.ask(unsubscribe(2, { stream_type: 'TRADES:B' }), unsubscribe(3, { stream_type: 'TRADES:B', symbol: '' }))
    manager.revoke({ userId: 'alice' })

    expect(told(client.frames())).toEqual(['subscribed 1', 'unsubscribed 2', 'unsubscribed 3', 'unsubscribed revoked'])
  })
})

describe('onSubscribed', () => {
  it('is called between the answer and the first live message', () => {
    const { connect, manager, trade } = desk({
      onSubscribed: ({ connection, streamType, symbol, id }) => {
        trade('live')
        connection.send(JSON.stringify({ data: `snapshot of ${streamType}:${symbol} for ${id}` }))
      },
    })
    const client = connect()

    client.ask(subscribe(7))

    expect(told(client.frames())).toEqual(['subscribed 7', 'live', 'snapshot of TRADES:A for 7'])
    expect(manager.subscriptionCount).toBe(1)
  })

  it.each([
    ['throws', () => { throw new Error('no book') }, new Error('no book')],
    ['returns a promise', () => Promise.resolve() as unknown as void, expect.any(TypeError)],
    ['returns a promise that rejects', () => Promise.reject(new Error('later')) as unknown as void, expect.any(TypeError)],
  ])('that %s ends the subscription, and the client is told', (_, onSubscribed, error) => {
    const { connect, manager, errors, trade } = desk({ onSubscribed })
    const client = connect()

    client.ask(subscribe(7))
    trade(1)
    manager.revoke({ userId: 'alice' })

    expect(client.frames()).toEqual([
      { type: 'subscribed', id: 7, stream_type: 'TRADES', symbol: 'A', recovered: null },
      { type: 'unsubscribed', stream_type: 'TRADES', symbol: 'A', reason: 'failed' },
    ])
    expect(errors).toEqual([error])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('comes after the replay of a recovery', () => {
    const { connect, trade } = recoveringDesk({ onSubscribed: ({ connection }) => void connection.send('{"data":"snapshot"}') })
    const first = connect()
    first.ask(subscribe(1))
    trade(1)
    const client = connect()

    client.ask(subscribe(1, A, { position: 'e1:0' }))

    expect(told(client.frames())).toEqual(['subscribed 1', '1', 'snapshot'])
  })
})
