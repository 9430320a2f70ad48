import { describe, expect, it } from 'vitest'
import { ConnectionManager, ConnectionManagerError, createStreamMessage, defineStreams, parseStreamMessage, rawJson, type Connection } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, order, ORDERS, PRICE, price } from '../../support/messages.ts'
import { result } from '../../support/result.ts'

/** A manager with one connection for each named user, subscribed to PRICE:BTCUSDT and ORDER_UPDATES. */
function audience(...users: string[]) {
  const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
  const sockets: Record<string, FakeSocket> = Object.create(null)
  for (const user of users) {
    const socket = new FakeSocket()
    sockets[user] = socket
    manager.addConnection(`${user}'s`, socket, user)
    manager.addSubscription({ userId: user, ...PRICE })
    manager.addSubscription({ userId: user, ...ORDERS })
  }
  const received = (): Record<string, unknown[]> =>
    Object.fromEntries(Object.entries(sockets).map(([user, socket]) => [user, socket.received]))
  return { manager, sockets, received }
}

/** Data that counts how often it is serialized. */
function counted(value: unknown = 'counted') {
  const data = { serializations: 0, toJSON: () => (data.serializations++, value) }
  return data
}

describe('ConnectionManager › publish', () => {
  it('delivers the wire form to the subscribers of exactly that stream', () => {
    const { manager, sockets } = audience('alice', 'bob')
    manager.addConnection('deaf', new FakeSocket(), 'carol')
    manager.addSubscription({ userId: 'carol', streamType: 'PRICE', symbol: 'ETHUSDT' })

    expect(manager.publish(price({ bid: 1 }))).toEqual(result({ matched: 2, sent: 2 }))

    const text = '{"stream_type":"PRICE","symbol":"BTCUSDT","data":{"bid":1},"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}'
    expect([sockets['alice']?.sent, sockets['bob']?.sent]).toEqual([[text], [text]])
    expect(manager.getConnection('deaf')?.socket.sent).toEqual([])
  })

  it('serializes a message once, however many recipients there are', () => {
    const { manager } = audience('alice', 'bob', 'carol')
    const data = counted()

    manager.publish(price(data))

    expect(data.serializations).toBe(1)
  })

  it('does not serialize a message without recipients', () => {
    const { manager } = audience('alice')
    const data = counted()

    expect(manager.publish(price(data, 'ETHUSDT'))).toEqual(result())
    expect(manager.publish(order('nobody', data))).toEqual(result())
    expect(manager.sendToUser('nobody', price(data))).toEqual(result())
    expect(manager.sendToConnection('none', price(data))).toEqual(result())
    expect(manager.publish(price(1n, 'ETHUSDT'))).toEqual(result())

    expect(data.serializations).toBe(0)
  })

  it.each([
    ['a cycle', () => { const data: Record<string, unknown> = {}; data['self'] = data; return data }],
    ['a BigInt', () => 1n],
    ['a throwing toJSON', () => ({ toJSON() { throw new Error('no') } })],
    ['undefined', () => undefined],
    ['a function', () => () => {}],
    ['a symbol', () => Symbol('data')],
  ])('throws if data is %s, and delivers nothing', (_case, data) => {
    const { manager, received } = audience('alice', 'bob')

    const message = { ...PRICE, data: data() }

    expectCode('ERR_UNSERIALIZABLE', () => manager.publish(message))
    expectCode('ERR_UNSERIALIZABLE', () => manager.broadcast(message))
    expectCode('ERR_UNSERIALIZABLE', () => manager.sendToUser('alice', message))
    expectCode('ERR_UNSERIALIZABLE', () => manager.sendToConnection('alice\'s', message))

    expect(received()).toEqual({ alice: [], bob: [] })
    expect(manager.publish(price('next'))).toEqual(result({ matched: 2, sent: 2 }))
  })

  it('writes raw JSON unchanged', () => {
    const { manager, sockets } = audience('alice')

    manager.publish(price(rawJson('{ "bid": 1.10 }')))

    expect(sockets['alice']?.sent[0]).toContain('"data":{ "bid": 1.10 },')
  })

  it('accepts results of createStreamMessage and parseStreamMessage', () => {
    const { manager, received } = audience('alice')
    const text = '{"stream_type":"ORDER_UPDATES","symbol":null,"data":"read","timestamp":"2026-01-31T12:00:00.000Z","user_id":"alice"}'

    manager.publish(createStreamMessage(price('made')))
    manager.publish(parseStreamMessage(text))

    expect(received()).toEqual({ alice: ['made', 'read'] })
  })

  it('uses the serialize option instead of the wire form, once a message', () => {
    const messages: unknown[] = []
    const serialize = (message: unknown): string => (messages.push(message), 'custom')
    const manager = new ConnectionManager<FakeSocket>({ serialize, clock: new ManualClock() })
    const sockets = [new FakeSocket(), new FakeSocket()]
    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`)

    manager.broadcast(price({ bid: 1 }))

    expect(sockets.map(({ sent }) => sent)).toEqual([['custom'], ['custom']])
    expect(messages).toEqual([
      { streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 }, timestamp: new Date('2026-01-31T12:00:00.000Z'), userId: undefined },
    ])
  })

  it.each([
    ['throws', () => { throw new Error('no') }],
    ['returns neither a string nor bytes', () => 7 as never],
  ])('throws if the serialize option %s', (_case, serialize) => {
    const manager = new ConnectionManager<FakeSocket>({ serialize })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')

    expectCode('ERR_UNSERIALIZABLE', () => manager.broadcast(price()))

    expect(socket.sent).toEqual([])
  })

  it('causes no unhandled rejection if the serialize option is asynchronous by mistake', async () => {
    const manager = new ConnectionManager<FakeSocket>({ serialize: (async () => { throw new Error('unheard') }) as never })
    manager.addConnection('c1', new FakeSocket(), 'alice')

    // An unhandled rejection fails the run.
    expectCode('ERR_UNSERIALIZABLE', () => manager.broadcast(price()))
    await new Promise((resolve) => setImmediate(resolve))

    expect(manager.stats().sent).toBe(0)
  })

  it('refuses a message that cannot be read, with the thrown error as the cause', () => {
    const { manager } = audience('alice')
    const reason = new Error('hostile')

    const error = expectCode('ERR_INVALID_MESSAGE', () => manager.publish({ ...PRICE, get data() { throw reason } }))

    expect(error.cause).toBe(reason)
  })

  it.each([
    ['a string', 'PRICE', 'ERR_INVALID_MESSAGE'],
    ['null', null, 'ERR_INVALID_MESSAGE'],
    ['an unknown stream type', { streamType: 'GOSSIP', data: 1 }, 'ERR_UNKNOWN_STREAM'],
    ['a missing symbol', { streamType: 'PRICE', data: 1 }, 'ERR_SYMBOL_REQUIRED'],
    ['a bad symbol', { streamType: 'PRICE', symbol: '', data: 1 }, 'ERR_INVALID_ID'],
    ['a timestamp that is not a Date', { ...price(), timestamp: 1 }, 'ERR_INVALID_MESSAGE'],
    ['an invalid Date', { ...price(), timestamp: new Date(NaN) }, 'ERR_INVALID_MESSAGE'],
    ['a private message without its user', { ...ORDERS, data: 1 }, 'ERR_RECIPIENT_REQUIRED'],
    ['a private message with a null user', { ...ORDERS, data: 1, userId: null }, 'ERR_RECIPIENT_REQUIRED'],
    ['a private message with a bad user', { ...ORDERS, data: 1, userId: '' }, 'ERR_INVALID_ID'],
    ['a public message with a user', { ...price(), userId: 'alice' }, 'ERR_RECIPIENT_NOT_ALLOWED'],
  ] as const)('refuses %s', (_case, message, code) => {
    const { manager, received } = audience('alice')

    expectCode(code, () => manager.publish(message as never))

    expect(received()).toEqual({ alice: [] })
  })

  it('reads each field of a message once, so that it reaches only the recipient that was checked', () => {
    const { manager, received } = audience('alice', 'bob')
    const users = ['alice', 'bob']

    manager.publish({ ...ORDERS, data: 'private', get userId() { return users.shift() } } as never)

    expect(received()).toEqual({ alice: ['private'], bob: [] })
  })
})

describe('ConnectionManager › privacy', () => {
  it('delivers a private message only to its user\'s subscribed connections', () => {
    const { manager, received } = audience('alice', 'bob')
    const unsubscribed = new FakeSocket()
    manager.addConnection('carol\'s', unsubscribed, 'carol')

    expect(manager.publish(order('alice', 'filled', 'BTCUSDT'))).toEqual(result({ matched: 1, sent: 1 }))
    expect(manager.publish(order('carol', 'filled'))).toEqual(result())

    expect(received()).toEqual({ alice: ['filled'], bob: [] })
    expect(unsubscribed.sent).toEqual([])
  })

  it('keeps users with similar ids apart', () => {
    const users = ['a', 'a:b', 'a%3Ab', 'a:ORDER_UPDATES', 'A', ' a', '__proto__', '\u00E1', 'a\u0301']
    const { manager, received } = audience(...users)

    for (const user of users) manager.publish(order(user, user))

    expect(received()).toEqual(Object.fromEntries(users.map((user) => [user, [user]])))
  })

  it('fills in the user of a private message in sendToUser and sendToConnection', () => {
    const { manager, sockets } = audience('alice', 'bob')

    manager.sendToUser('alice', { ...ORDERS, data: 'to the user' })
    manager.sendToConnection('alice\'s', { ...ORDERS, data: 'to the connection' })

    expect(sockets['alice']?.sent.map((text) => parseStreamMessage(text).userId)).toEqual(['alice', 'alice'])
    expect(sockets['bob']?.sent).toEqual([])
  })

  it('refuses to send a private message to another user', () => {
    const { manager, received } = audience('alice', 'bob')

    expectCode('ERR_RECIPIENT_MISMATCH', () => manager.sendToUser('bob', order('alice')))
    expectCode('ERR_RECIPIENT_MISMATCH', () => manager.sendToUser('nobody', order('alice')))
    expectCode('ERR_RECIPIENT_MISMATCH', () => manager.sendToConnection('bob\'s', order('alice')))

    expect(received()).toEqual({ alice: [], bob: [] })
  })

  it('refuses to broadcast a private message, with and without its user', () => {
    const { manager, received } = audience('alice')

    expectCode('ERR_RECIPIENT_REQUIRED', () => manager.broadcast({ ...ORDERS, data: 1 } as never))
    expectCode('ERR_RECIPIENT_NOT_ALLOWED', () => manager.broadcast(order('alice') as never))

    expect(received()).toEqual({ alice: [] })
  })

  it('leaves the user out of a public message that is sent to one user', () => {
    const { manager, sockets } = audience('alice')

    manager.sendToUser('alice', price())

    expect(sockets['alice']?.sent[0]).toContain('"user_id":null')
    expectCode('ERR_RECIPIENT_NOT_ALLOWED', () => manager.sendToUser('alice', { ...price(), userId: 'alice' } as never))
  })
})

describe('ConnectionManager › sending without subscriptions', () => {
  it('reaches all connections of a user with sendToUser', () => {
    const { manager, received } = audience('alice', 'bob')
    const second = new FakeSocket()
    manager.addConnection('alice\'s second', second, 'alice')

    expect(manager.sendToUser('alice', price('hello', 'ETHUSDT'))).toEqual(result({ matched: 2, sent: 2 }))

    expect(received()).toEqual({ alice: ['hello'], bob: [] })
    expect(second.received).toEqual(['hello'])
  })

  it('matches nobody if the connection of a deferred sendToConnection was removed', () => {
    const manager = new ConnectionManager()
    const addressee = manager.addConnection('c1', new FakeSocket(), 'alice')
    const send = (): void => {
      manager.sendToConnection('c1', price('late'))
      void addressee.remove()
    }
    manager.addConnection('c2', new FakeSocket({ send }), 'bob')

    manager.sendToUser('bob', price('first'))

    expect(manager.stats()).toMatchObject({ matched: 1, sent: 1, skipped: 0, deferred: 1 })
  })

  it('reaches one connection with sendToConnection', () => {
    const { manager, received } = audience('alice')
    const second = new FakeSocket()
    manager.addConnection('alice\'s second', second, 'alice')

    expect(manager.sendToConnection('alice\'s second', price('hello'))).toEqual(result({ matched: 1, sent: 1 }))

    expect(received()).toEqual({ alice: [] })
    expect(second.received).toEqual(['hello'])
  })

  it('reaches every connection once with broadcast', () => {
    const { manager, received } = audience('alice', 'bob')
    const unsubscribed = new FakeSocket()
    manager.addConnection('carol\'s', unsubscribed, 'carol')

    expect(manager.broadcast(price('hello'))).toEqual(result({ matched: 3, sent: 3 }))

    expect({ ...received(), carol: unsubscribed.received }).toEqual({ alice: ['hello'], bob: ['hello'], carol: ['hello'] })
  })

  it.each(['', '\uD800', 'x'.repeat(256), 7, null, undefined])('refuses %j as the id of a recipient', (id) => {
    const { manager } = audience('alice')

    expectCode('ERR_INVALID_ID', () => manager.sendToUser(id as string, price()))
    expectCode('ERR_INVALID_ID', () => manager.sendToConnection(id as string, price()))
  })

  it('validates what it sends', () => {
    const { manager } = audience('alice')

    for (const send of [
      (message: never) => manager.sendToUser('alice', message),
      (message: never) => manager.sendToConnection('alice\'s', message),
      (message: never) => manager.broadcast(message),
    ]) {
      expectCode('ERR_INVALID_MESSAGE', () => send(null as never))
      expectCode('ERR_UNKNOWN_STREAM', () => send({ streamType: 'GOSSIP', data: 1 } as never))
      expectCode('ERR_SYMBOL_REQUIRED', () => send({ streamType: 'PRICE', data: 1 } as never))
    }
  })
})

describe('ConnectionManager › recipients', () => {
  it('are fixed before serialization: a connection that subscribes in toJSON gets the next message', () => {
    const { manager, received } = audience('alice')
    const late = new FakeSocket()
    const data = { toJSON: () => { manager.addConnection('late', late, 'alice'); return 'first' } }

    expect(manager.publish(price(data))).toEqual(result({ matched: 1, sent: 1 }))
    manager.publish(price('second'))

    expect(received()).toEqual({ alice: ['first', 'second'] })
    expect(late.received).toEqual(['second'])
  })

  it('are skipped if they are removed or unsubscribed in toJSON', () => {
    const { manager, received } = audience('alice', 'bob', 'carol')
    const data = {
      toJSON() {
        void manager.removeConnection('alice\'s')
        manager.removeSubscription({ userId: 'bob', ...PRICE })
        return 'first'
      },
    }

    expect(manager.publish(price(data))).toEqual(result({ matched: 3, sent: 1, skipped: 2 }))

    expect(received()).toEqual({ alice: [], bob: [], carol: ['first'] })
  })

  it.each(['broadcast', 'sendToUser', 'sendToConnection'] as const)('of a %s are fixed, and skipped, in the same way', (method) => {
    const manager = new ConnectionManager<FakeSocket>()
    const [socket, late] = [new FakeSocket(), new FakeSocket()]
    manager.addConnection('c1', socket, 'alice')
    const data = {
      toJSON() {
        void manager.removeConnection('c1')
        manager.addConnection('c1', late, 'alice')
        return 'first'
      },
    }
    const send = {
      broadcast: () => manager.broadcast(price(data)),
      sendToUser: () => manager.sendToUser('alice', price(data)),
      sendToConnection: () => manager.sendToConnection('c1', price(data)),
    }

    expect(send[method]()).toEqual(result({ matched: 1, skipped: 1 }))

    expect([socket.sent, late.sent]).toEqual([[], []])
  })

  /** Three users, the first of whom runs `act` when it receives a message. */
  function acting(act: (manager: ConnectionManager<FakeSocket>) => void) {
    const manager = new ConnectionManager<FakeSocket>()
    const sockets: FakeSocket[] = [0, 1, 2].map((i) => new FakeSocket({ send: () => { if (i === 0) act(manager) } }))
    for (const [i, socket] of sockets.entries()) {
      manager.addConnection(`c${i}`, socket, `u${i}`)
      manager.addSubscription({ userId: `u${i}`, ...PRICE })
    }
    return { manager, copies: () => sockets.map(({ sent }) => sent.length) }
  }

  it('include a connection that leaves and rejoins in its own send, once', () => {
    const { manager, copies } = acting((manager) => {
      manager.removeSubscription({ userId: 'u0', ...PRICE })
      manager.addSubscription({ userId: 'u0', ...PRICE })
    })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 3 }))

    expect(copies()).toEqual([1, 1, 1])
  })

  it('do not include a later connection that another one removes before its turn', () => {
    const { manager, copies } = acting((manager) => void manager.removeConnection('c2'))

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

    expect(copies()).toEqual([1, 1, 0])
  })

  it('do not include a later connection that leaves and rejoins before its turn: it gets the next message', () => {
    const { manager, copies } = acting((manager) => {
      if (manager.removeSubscription({ userId: 'u2', ...PRICE })) manager.addSubscription({ userId: 'u2', ...PRICE })
    })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))
    expect(copies()).toEqual([1, 1, 0])
    expect(manager.publish(price())).toMatchObject({ matched: 3 })
  })

  it('do not include a connection that is added during the delivery', () => {
    const late = new FakeSocket()
    const { manager } = acting((manager) => {
      manager.addConnection('late', late, 'late')
      manager.addSubscription({ userId: 'late', ...PRICE })
    })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 3 }))
    expect(late.sent).toEqual([])
    manager.publish(price('next'))

    expect(late.received).toEqual(['next'])
  })

  it('are excluded by a revocation, even if one of them has left before', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const sockets = [new FakeSocket({ send: () => manager.revoke(PRICE) }), new FakeSocket(), new FakeSocket()]
    const [, second] = sockets.map((socket, i) => manager.addConnection(`c${i}`, socket, 'alice'))
    manager.addSubscription({ userId: 'alice', ...PRICE })
    void second?.remove()

    expect(manager.publish(price())).toEqual(result({ matched: 2, sent: 1, skipped: 1 }))

    expect(sockets.map(({ sent }) => sent.length)).toEqual([1, 0, 0])
  })

  it('are unaffected if everybody leaves and others join in the middle of a delivery', () => {
    const { manager, copies } = acting((manager) => {
      for (const connection of manager.connections()) void connection.remove()
      for (let i = 0; i < 100; i++) manager.addConnection(`n${i}`, new FakeSocket(), 'new').subscribe(PRICE)
    })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 1, skipped: 2 }))

    expect(copies()).toEqual([1, 0, 0])
    expect(manager.publish(price())).toEqual(result({ matched: 100, sent: 100 }))
  })

  describe('with overlapping subscriptions, to the whole type and to a symbol', () => {
    const streams = defineStreams({ TICKS: { audience: 'public', symbol: 'optional' } })
    const WHOLE = { streamType: 'TICKS' } as const
    const EXACT = { streamType: 'TICKS', symbol: 'BTCUSDT' } as const
    type Handle = Connection<FakeSocket, typeof streams>

    /** Two connections with overlapping subscriptions, and one to the whole type alone, which is served first and then runs `act`. */
    function bothWays(act: (overlapping: readonly [Handle, Handle]) => void) {
      const manager = new ConnectionManager<FakeSocket, typeof streams>({ streams })
      const handles: Handle[] = []
      const actor = new FakeSocket({ send: () => act(handles as unknown as readonly [Handle, Handle]) })
      manager.addConnection('actor', actor, 'actor').subscribe(WHOLE)
      const sockets = [new FakeSocket(), new FakeSocket()]
      for (const [i, socket] of sockets.entries()) {
        const connection = manager.addConnection(`c${i}`, socket, `u${i}`)
        connection.subscribe(WHOLE)
        connection.subscribe(EXACT)
        handles.push(connection)
      }
      const publish = () => manager.publish({ ...EXACT, data: 'tick' })
      return { manager, publish, copies: () => sockets.map(({ sent }) => sent.length) }
    }

    it('get one copy', () => {
      const { publish, copies } = bothWays(() => {})

      expect(publish()).toEqual(result({ matched: 3, sent: 3 }))
      expect(publish()).toEqual(result({ matched: 3, sent: 3 }))

      expect(copies()).toEqual([2, 2])
    })

    it.each(['whole', 'exact'] as const)('still get the message if they release the %s subscription before their turn', (left) => {
      const { publish, copies } = bothWays(([first]) => first.unsubscribe(left === 'whole' ? WHOLE : EXACT))

      expect(publish()).toEqual(result({ matched: 3, sent: 3 }))
      expect(publish()).toEqual(result({ matched: 3, sent: 3 }))

      expect(copies()).toEqual([2, 2])
    })

    it('are skipped if they release both, or are removed, before their turn', () => {
      const { publish, copies } = bothWays(([first, second]) => {
        first.unsubscribe(WHOLE)
        first.unsubscribe(EXACT)
        void second.remove()
      })

      expect(publish()).toEqual(result({ matched: 3, sent: 1, skipped: 2 }))

      expect(copies()).toEqual([0, 0])
    })

    it('get the next message if they release both and subscribe again', () => {
      const { publish, copies } = bothWays(([first]) => {
        for (const stream of [WHOLE, EXACT]) if (first.unsubscribe(stream)) first.subscribe(stream)
      })

      expect(publish()).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

      expect(copies()).toEqual([0, 1])
    })

    it('do not overlap with the whole of another type', () => {
      const types = defineStreams({ TICKS: { audience: 'public', symbol: 'optional' }, DEPTH: { audience: 'public', symbol: 'optional' } })
      const manager = new ConnectionManager({ streams: types })
      const [first, second] = [new FakeSocket(), new FakeSocket()]
      const connection = manager.addConnection('c1', first, 'alice')
      connection.subscribe(EXACT)
      connection.subscribe({ streamType: 'DEPTH' })
      manager.addConnection('c2', second, 'bob').subscribe(WHOLE)

      expect(manager.publish({ ...EXACT, data: 'tick' })).toEqual(result({ matched: 2, sent: 2 }))

      expect([first.sent.length, second.sent.length]).toEqual([1, 1])
    })

    it('are still recognised after many changes', () => {
      const { manager, publish, copies } = bothWays(() => {})
      for (let i = 0; i < 50; i++) {
        const connection = manager.addConnection(`x${i}`, new FakeSocket(), `u${i % 3}`)
        manager.addSubscription({ userId: `u${i % 3}`, ...(i % 2 ? WHOLE : EXACT) })
        if (i % 4) void connection.remove()
      }
      for (const userId of ['u0', 'u1', 'u2']) {
        for (const stream of [WHOLE, EXACT]) manager.removeSubscription({ userId, ...stream })
      }
      manager.getConnection('c0')?.subscribe(EXACT)
      manager.getConnection('c1')?.subscribe(WHOLE)

      expect(publish()).toEqual(result({ matched: 3, sent: 3 }))

      expect(copies()).toEqual([1, 1])
    })
  })
})

describe('ConnectionManager › isolation', () => {
  const boom = new Error('boom')

  /** Three subscribers, of which the middle one has a scripted send. */
  function withBadSocket(send: () => unknown) {
    const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
    const sockets = [new FakeSocket(), new FakeSocket({ send }), new FakeSocket()]
    for (const [i, socket] of sockets.entries()) {
      manager.addConnection(`c${i}`, socket, `u${i}`)
      manager.addSubscription({ userId: `u${i}`, ...PRICE })
    }
    const bad = manager.getConnection('c1')
    const log: unknown[] = []
    manager.on('error', (event) => log.push(event))
    manager.on('connectionRemoved', ({ connection, reason }) => log.push([connection.id, reason]))
    return { manager, sockets, bad, log, received: () => sockets.map((socket) => socket.received) }
  }

  it('counts a send that throws as failed, reports it, and removes the connection after the fan-out', () => {
    const { manager, sockets, bad, log, received } = withBadSocket(() => { throw boom })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(received()).toEqual([['price'], ['price'], ['price']])
    expect(log).toEqual([{ error: boom, stage: 'send', connection: bad }, ['c1', 'send-failed']])
    expect(sockets.map(({ closeCalls }) => closeCalls)).toEqual([0, 1, 0])
    expect(manager.publish(price('next'))).toEqual(result({ matched: 2, sent: 2 }))
  })

  it('removes no connection during the fan-out', () => {
    const counts: number[] = []
    const { manager, sockets } = withBadSocket(() => { throw boom })
    const witness = new FakeSocket({ send: () => counts.push(manager.connectionCount) })
    manager.addConnection('witness', witness, 'witness').subscribe(PRICE)

    manager.publish(price())

    expect(counts).toEqual([4])
    expect(sockets[1]?.closeCalls).toBe(1)
  })

  it.each([
    ['rejects', () => Promise.reject(boom)],
    ['returns a thenable that rejects', () => ({ then: (_resolve: unknown, reject: (error: unknown) => void) => reject(boom) })],
    ['returns a thenable that throws', () => ({ then() { throw boom } })],
    ['returns a promise with a replaced then', () => Object.assign(Promise.resolve(), { then() { throw boom } })],
    ['returns a function with a then that throws', () => Object.assign(() => {}, { then() { throw boom } })],
  ])('counts a delivery as rejected if the send %s later, reports it, and removes the connection', async (_case, send) => {
    const { manager, bad, log } = withBadSocket(send)

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 3 }))
    expect(manager.stats()).toMatchObject({ matched: 3, sent: 3, rejected: 0 })
    await new Promise((resolve) => setImmediate(resolve))

    expect(manager.stats()).toMatchObject({ matched: 3, sent: 3, failed: 0, rejected: 1 })
    expect(log).toEqual([{ error: boom, stage: 'send', connection: bad }, ['c1', 'send-failed']])
  })

  it('counts a send as failed if the then of its return value cannot be read', () => {
    const { manager, log, bad } = withBadSocket(() => ({ get then() { throw boom } }))

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(log).toEqual([{ error: boom, stage: 'send', connection: bad }, ['c1', 'send-failed']])
  })

  it.each([
    ['a promise that never settles', () => new Promise(() => {})],
    ['a promise that resolves', () => Promise.resolve()],
    ['a number, as Bun does', () => 0],
    ['a boolean, as uWebSockets does', () => false],
    ['an object', () => ({})],
    ['null', () => null],
  ])('does not count %s as a failure', async (_case, send) => {
    const { manager, log } = withBadSocket(send)

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 3 }))
    await new Promise((resolve) => setImmediate(resolve))

    expect(log).toEqual([])
    expect(manager.stats()).toMatchObject({ sent: 3, failed: 0 })
  })

  it('counts a socket that removes itself and then throws as failed, and removes it once', () => {
    const { manager, sockets, log } = withBadSocket(() => {
      void manager.removeConnection('c1')
      throw boom
    })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, failed: 1 }))

    expect(sockets[1]?.closeCalls).toBe(1)
    expect(log).toMatchObject([['c1', 'removed'], { error: boom, stage: 'send' }])
  })

  it('reports each of several failures, and delivers to all others', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const errors: unknown[] = []
    manager.on('error', ({ error, connection }) => errors.push([error, connection?.id]))
    for (let i = 0; i < 10; i++) {
      manager.addConnection(`c${i}`, new FakeSocket({ send: () => { if (i % 3 === 0) throw i } }), 'alice')
    }
    manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(manager.publish(price())).toEqual(result({ matched: 10, sent: 6, failed: 4 }))

    expect(errors).toEqual([[0, 'c0'], [3, 'c3'], [6, 'c6'], [9, 'c9']])
    expect(manager.connectionCount).toBe(6)
  })

  it('never lets the throw of a listener into the publish', () => {
    const { manager } = withBadSocket(() => { throw boom })
    manager.on('error', () => { throw new Error('listener') })
    manager.on('connectionRemoved', () => { throw new Error('listener') })

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, failed: 1 }))
  })
})

describe('ConnectionManager › one order', () => {
  it('delivers a message published inside a send after the running message, to everybody', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const results: unknown[] = []
    const sockets = [0, 1, 2].map((i) => new FakeSocket({
      send: (text) => { if (i === 1 && text.includes('"first"')) results.push(manager.publish(price('second')), manager.publish(price('third'))) },
    }))
    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`).subscribe(PRICE)

    expect(manager.publish(price('first'))).toEqual(result({ matched: 3, sent: 3 }))

    expect(results).toEqual([result({ deferred: true }), result({ deferred: true })])
    for (const socket of sockets) expect(socket.received).toEqual(['first', 'second', 'third'])
    expect(manager.stats()).toMatchObject({ matched: 9, sent: 9, deferred: 2 })
  })

  it('defers every kind of send in one order', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket: FakeSocket = new FakeSocket({
      send: (text) => {
        if (!text.includes('"first"')) return
        expect(manager.sendToUser('alice', price('user')).deferred).toBe(true)
        expect(manager.broadcast(price('all')).deferred).toBe(true)
        expect(manager.sendToConnection('c1', price('connection')).deferred).toBe(true)
        expect(manager.publish(order('alice', 'private')).deferred).toBe(true)
      },
    })
    manager.addConnection('c1', socket, 'alice').subscribe(ORDERS)

    manager.broadcast(price('first'))

    expect(socket.received).toEqual(['first', 'user', 'all', 'connection', 'private'])
  })

  it('fixes the recipients of a deferred message at its delivery', () => {
    const late = new FakeSocket()
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket({
      send: (text) => {
        if (!text.includes('"first"')) return
        manager.publish(price('second'))
        manager.addConnection('late', late, 'late').subscribe(PRICE)
      },
    })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price('first'))

    expect(late.received).toEqual(['second'])
  })

  it('validates and serializes a deferred message when it is published', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const data = { value: 'as it was' }
    const codes: unknown[] = []
    const socket = new FakeSocket({
      send: (text) => {
        if (!text.includes('"first"')) return
        for (const message of [price(1n), { ...price(), symbol: '' }, { ...ORDERS, data: 1 }]) {
          try {
            manager.publish(message as never)
          } catch (error) {
            codes.push((error as { code: unknown }).code)
          }
        }
        manager.publish(price(data))
        data.value = 'changed'
      },
    })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price('first'))

    expect(codes).toEqual(['ERR_UNSERIALIZABLE', 'ERR_INVALID_ID', 'ERR_RECIPIENT_REQUIRED'])
    expect(socket.received).toEqual(['first', { value: 'as it was' }])
  })

  it('defers a message published in toJSON, and delivers it even if the running message cannot be serialized', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    expectCode('ERR_UNSERIALIZABLE', () =>
      manager.publish(price({ toJSON() { manager.publish(price('deferred')); throw new Error('no') } })),
    )

    expect(socket.received).toEqual(['deferred'])
    expect(manager.publish(price('next')).deferred).toBe(false)
  })

  it('defers messages that a listener publishes during a delivery, and failures in it', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const deferred: boolean[] = []
    manager.on('connectionRemoved', () => deferred.push(manager.publish(price('somebody left')).deferred))
    const socket = new FakeSocket()
    manager.addConnection('bad', new FakeSocket({ send: () => { throw new Error('boom') } }), 'bad').subscribe(PRICE)
    manager.addConnection('good', socket, 'good').subscribe(PRICE)

    manager.publish(price('first'))

    expect(deferred).toEqual([true])
    expect(socket.received).toEqual(['first', 'somebody left'])
  })

  it('delivers a message that a listener publishes at once if no delivery runs', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const results: unknown[] = []
    manager.on('connectionAdded', ({ connection }) => results.push(manager.sendToConnection(connection.id, price('welcome'))))
    const socket = new FakeSocket()

    manager.addConnection('c1', socket, 'alice')

    expect(results).toEqual([result({ matched: 1, sent: 1 })])
    expect(socket.received).toEqual(['welcome'])
  })

  it('removes a connection whose send threw before the next deferred message', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const bad = new FakeSocket({ send: () => { manager.publish(price('deferred')); throw new Error('boom') } })
    manager.addConnection('bad', bad, 'alice').subscribe(PRICE)

    manager.publish(price('first'))

    expect(bad.received).toEqual(['first'])
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 0, failed: 1 })
  })

  /** A socket that publishes one more message for each one that it receives. */
  function endless(options: { maxDeferred?: number }) {
    const manager = new ConnectionManager<FakeSocket>(options)
    const refusals: unknown[] = []
    manager.on('error', (event) => refusals.push(event))
    let published = 0
    const socket = new FakeSocket({ send: () => { published++; manager.publish(price(published)) } })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)
    return { manager, socket, refusals }
  }

  it('retains nothing of a deferred message after its delivery', async () => {
    const made: WeakRef<object>[] = []
    const manager = new ConnectionManager<FakeSocket>()
    const publishSome = (): void => {
      const data = { seq: made.length }
      made.push(new WeakRef(data))
      manager.broadcast(price(data))
    }
    manager.addConnection('c1', new FakeSocket({ send: () => made.length === 0 && publishSome() }), 'alice')

    manager.broadcast(price())
    await collectGarbage()

    expect(made.map((data) => data.deref())).toEqual([undefined])
  })

  it('limits a chain of publishes to maxDeferred, without blaming the socket that it passed through', () => {
    const { manager, socket, refusals } = endless({ maxDeferred: 5 })

    expect(manager.publish(price(0))).toEqual(result({ matched: 1, sent: 1 }))

    expect(socket.received).toEqual([0, 1, 2, 3, 4, 5])
    expect(refusals).toEqual([])
    expect(manager.connectionCount).toBe(1)
    expect(manager.stats()).toMatchObject({ sent: 6, failed: 0, deferred: 5 })
    expect(manager.publish(price('again'))).toMatchObject({ sent: 1 })
    expect(socket.sent).toHaveLength(12)
  })

  it('defers 10,000 messages by default', () => {
    const { manager } = endless({})

    manager.publish(price(0))

    expect(manager.stats().deferred).toBe(10_000)
  })

  it('defers none with a maxDeferred of 0', () => {
    const { manager, socket } = endless({ maxDeferred: 0 })

    manager.publish(price(0))

    expect(socket.received).toEqual([0])
  })

  it('limits a chain that publishes from toJSON, too', () => {
    const manager = new ConnectionManager<FakeSocket>({ maxDeferred: 3 })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)
    const refusals: unknown[] = []
    const chain = (left: number): unknown => ({
      toJSON() {
        try {
          if (left > 0) manager.publish(price(chain(left - 1)))
        } catch (refusal) {
          refusals.push(refusal)
        }
        return left
      },
    })

    manager.publish(price(chain(10)))

    expect(refusals).toMatchObject([{ code: 'ERR_PUBLISH_DEPTH', limit: 3 }])
    expect(socket.received).toEqual([10, 7, 8, 9])
  })

  it('does not count a message that could not be serialized as deferred', () => {
    const manager = new ConnectionManager<FakeSocket>({ maxDeferred: 1 })
    const socket = new FakeSocket({
      send: (text) => {
        if (!text.includes('"first"')) return
        for (let i = 0; i < 3; i++) expectCode('ERR_UNSERIALIZABLE', () => manager.publish(price(1n)))
        manager.publish(price('deferred'))
      },
    })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price('first'))

    expect(socket.received).toEqual(['first', 'deferred'])
    expect(manager.stats().deferred).toBe(1)
  })

  it('fails a socket that throws such a refusal of another manager, or a forged one', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const other = endless({ maxDeferred: 0 })
    let theirs: unknown
    other.manager.on('error', ({ error }) => (theirs = error))
    for (const [i, error] of [
      () => theirs,
      () => new ConnectionManagerError('ERR_PUBLISH_DEPTH', 'made up'),
      () => Object.assign(new Error('made up'), { code: 'ERR_PUBLISH_DEPTH' }),
    ].entries()) {
      manager.addConnection(`c${i}`, new FakeSocket({ send: () => { throw error() } }), 'alice')
    }

    expect(manager.broadcast(price())).toEqual(result({ matched: 3, failed: 3 }))
  })

  it('throws at the caller of a publish beyond maxDeferred', () => {
    const manager = new ConnectionManager<FakeSocket>({ maxDeferred: 1 })
    let refusal: unknown
    const socket = new FakeSocket({
      send: (text) => {
        if (!text.includes('"first"')) return
        manager.publish(price('deferred'))
        refusal = expectCode('ERR_PUBLISH_DEPTH', () => manager.publish(price('too many')))
      },
    })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price('first'))

    expect(refusal).toMatchObject({ limit: 1 })
    expect(socket.received).toEqual(['first', 'deferred'])
  })

  it('does not blame an asynchronous socket for the refusal either', async () => {
    const manager = new ConnectionManager<FakeSocket>({ maxDeferred: 0 })
    const socket = new FakeSocket({ send: async () => { manager.publish(price('too many')) } })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price('first'))
    await new Promise((resolve) => setImmediate(resolve))

    expect(manager.connectionCount).toBe(1)
    expect(manager.stats()).toMatchObject({ sent: 1, failed: 0 })
  })

  it('keeps one order across a private and a public stream, and two levels of nesting', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket({
      send: (text) => { if (text.includes('"1"')) { manager.publish(order('alice', '2', 'BTCUSDT')); manager.publish(price('3')) } },
    })
    const connection = manager.addConnection('c1', socket, 'alice')
    connection.subscribe(PRICE)
    connection.subscribe(BTC_ORDERS)
    manager.addSubscription({ userId: 'alice', ...ORDERS })

    manager.publish(price('1'))
    manager.publish(order('alice', '4'))

    expect(socket.received).toEqual(['1', '2', '3', '4'])
  })
})

describe('ConnectionManager › stats', () => {
  it('sums up the outcomes of all messages', () => {
    const { manager } = audience('alice', 'bob')
    manager.addConnection('bad', new FakeSocket({ send: () => { throw new Error('boom') } }), 'bad').subscribe(PRICE)

    manager.publish(price())
    manager.publish(price({ toJSON: () => { void manager.removeConnection('bob\'s'); return 1 } }))
    manager.publish(order('alice'))

    const stats = manager.stats()
    expect(stats).toEqual({
      matched: 6,
      sent: 4,
      conflated: 0,
      dropped: 0,
      failed: 1,
      skipped: 1,
      purged: 0,
      rejected: 0,
      gapNotices: 0,
      deferred: 0,
      waiting: 0,
      connectionsBehind: 0,
      waitingBytes: 0,
      mostWaitingBytes: 0,
    })
    const { sent, waiting, conflated, dropped, failed, skipped, purged } = stats
    expect(sent + waiting + conflated + dropped + failed + skipped + purged).toBe(stats.matched)
  })

  it('is a copy', () => {
    const { manager } = audience('alice')

    Object.assign(manager.stats(), { sent: 99 })

    expect(manager.stats().sent).toBe(0)
  })
})
