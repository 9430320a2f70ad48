import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type AuthorizationRequest, type Connection, type ConnectionManagerOptions, type Transport } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { endOfTick } from '../../support/pressured-socket.ts'
import { stateOf } from '../../support/state.ts'

const streams = defineStreams({
  PRICE: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams
type Options = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams'>

const BTC = { streamType: 'PRICE', symbol: 'BTC' } as const
const ETH = { streamType: 'PRICE', symbol: 'ETH' } as const
const ORDERS = { streamType: 'ORDERS' } as const

/** The fields of all events. */
interface Facts extends Partial<Record<'from' | 'userId' | 'change' | 'reason' | 'streamType' | 'symbol', string>> {
  readonly connection?: { readonly id: string }
  readonly subscription?: { readonly key: string; readonly status: string }
}

/** A manager whose texts are the data of their messages. Alice has `a1` and `a2`, Bob has `b1`. `guest` is a connection of a guest. */
function desk(options: Options = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, serialize: ({ data }) => String(data), ...options })
  const connect = (id: string, userId: string, socket = new FakeSocket()) => manager.addConnection(id, socket, userId)
  const [a1, a2, b1] = [connect('a1', 'alice'), connect('a2', 'alice'), connect('b1', 'bob')]
  const socket = new FakeSocket()
  const guest = connect('g', 'guest', socket)
  const price = (data: string, symbol = 'BTC') => manager.publish({ streamType: 'PRICE', symbol, data })
  const order = (userId: string, data: string) => manager.publish({ streamType: 'ORDERS', userId, data })
  return { clock, manager, connect, a1, a2, b1, guest, socket, price, order }
}

/** The same, and a log of all events. */
function logged(options?: Options) {
  const world = desk(options)
  const log: string[] = []
  for (const name of EVENT_NAMES) {
    world.manager.on(name, (event) => {
      const { connection, from, userId, subscription, change, reason, streamType, symbol } = event as unknown as Facts
      const facts = [subscription?.key, subscription?.status, change, streamType, symbol, connection?.id, from, userId, reason]
      log.push([name, ...facts.filter((fact) => fact !== undefined)].join(' '))
    })
  }
  return { ...world, log }
}

/** A transport that writes nothing until it is told to, so that messages wait. */
function stuckUntilTold() {
  let isStuck = true
  const transport: Transport<FakeSocket> = { write: (socket, texts) => (isStuck ? 0 : socket.write(texts)) }
  return { transport, release: () => void (isStuck = false) }
}

describe('connection.reassign', () => {
  it('makes the connection the new user’s, in every index', () => {
    const { manager, guest, socket } = desk()

    guest.reassign('alice')

    expect(guest.userId).toBe('alice')
    expect(JSON.stringify(guest)).toBe('{"id":"g","userId":"alice"}')
    expect(manager.connectionUsers.get('g')).toBe('alice')
    expect(manager.userConnections.get('alice')).toEqual(['a1', 'a2', 'g'])
    expect(manager.getUserConnections('alice').at(-1)).toBe(socket)
    expect(manager.userConnections.has('guest')).toBe(false)
    expect([manager.userCount, manager.connectionCount]).toEqual([2, 4])
  })

  it('leaves nothing of a user who has nothing left, and all of one who has', () => {
    const { manager, guest, a1 } = desk()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    guest.subscribe(ORDERS)

    guest.reassign('bob')
    a1.reassign('bob')

    expect(manager.getUserSubscriptions('guest')).toEqual([])
    expect(manager.getUserSubscriptions('alice').map(({ key }) => key)).toEqual(['alice:ORDERS'])
    expect(stateOf(manager).counts).toEqual({ connections: 4, users: 2, subscriptions: 1, streams: 1 })
  })

  it('moves the connection’s own public subscriptions, with their filters, and ends its private ones', () => {
    const { manager, guest, price, order, socket } = desk()
    const old = guest.subscribe({ ...BTC, filters: { depth: 5 } })
    const oldOrders = guest.subscribe(ORDERS)

    guest.reassign('alice')
    price('p1')
    order('guest', 'o1')
    order('alice', 'o2')

    expect([old.status, oldOrders.status]).toEqual(['DISCONNECTED', 'DISCONNECTED'])
    expect(guest.subscriptions().map(({ subscription, filters }) => [subscription.key, subscription.status, filters])).toEqual([
      ['alice:PRICE:BTC', 'CONNECTED', { depth: 5 }],
    ])
    expect(manager.getSubscribers('PRICE', 'BTC')).toEqual(['alice'])
    expect(socket.sent).toEqual(['p1'])
  })

  it('releases the old user’s subscriptions, and takes up the new user’s', () => {
    const { manager, guest, price, order, socket } = desk()
    manager.addSubscription({ userId: 'guest', ...BTC })
    manager.addSubscription({ userId: 'guest', ...ORDERS })
    manager.addSubscription({ userId: 'alice', ...ETH })
    manager.addSubscription({ userId: 'alice', ...ORDERS })

    guest.reassign('alice')
    price('btc')
    price('eth', 'ETH')
    order('alice', 'o1')
    order('guest', 'o2')

    expect(socket.sent).toEqual(['eth', 'o1'])
    expect(manager.getSubscribers('PRICE', 'BTC')).toEqual([])
  })

  it('keeps the old user’s subscriptions for their other connections', () => {
    const { manager, a1, a2, price } = desk()
    manager.addSubscription({ userId: 'alice', ...BTC })
    a1.subscribe(BTC)
    a1.subscribe(ETH)
    a2.subscribe(ETH)

    a1.reassign('bob')

    expect(manager.getUserSubscriptions('alice').map(({ key, status }) => `${key} ${status}`)).toEqual([
      'alice:PRICE:BTC CONNECTED',
      'alice:PRICE:ETH CONNECTED',
    ])
    expect(manager.getUserSubscriptions('bob').map(({ key }) => key)).toEqual(['bob:PRICE:BTC', 'bob:PRICE:ETH'])
    expect([price('btc').sent, price('eth', 'ETH').sent]).toEqual([2, 2])
  })

  it('gives the connection one copy of what covers it in several ways, before and after', () => {
    const { manager, guest, price, socket } = desk()
    const news = (symbol: string, data: string) => manager.publish({ streamType: 'NEWS', symbol, data })
    manager.addSubscription({ userId: 'guest', ...BTC })
    guest.subscribe(BTC)
    guest.subscribe({ streamType: 'NEWS' })
    guest.subscribe({ streamType: 'NEWS', symbol: 'BTC' })
    manager.addSubscription({ userId: 'alice', ...BTC })
    manager.addSubscription({ userId: 'alice', streamType: 'NEWS', symbol: 'ETH' })

    guest.reassign('alice')
    price('p')
    news('BTC', 'n1')
    news('ETH', 'n2')
    news('XRP', 'n3')
    guest.unsubscribe({ streamType: 'NEWS' })
    news('BTC', 'n4')
    news('XRP', 'n5')

    expect(socket.sent).toEqual(['p', 'n1', 'n2', 'n3', 'n4'])
  })

  it.each<[string, string | undefined, string | undefined]>([
    ['of the type, which the new user holds', 'BTC', undefined],
    ['of the symbol, which the new user holds', undefined, 'BTC'],
  ])('gives the connection one copy of what it brings along and %s covers', (_which, own, ofUser) => {
    const { manager, guest, socket } = desk()
    guest.subscribe({ streamType: 'NEWS', symbol: own })
    manager.addSubscription({ userId: 'alice', streamType: 'NEWS', symbol: ofUser })

    guest.reassign('alice')
    manager.publish({ streamType: 'NEWS', symbol: 'BTC', data: 'n1' })

    expect(socket.sent).toEqual(['n1'])
  })

  it('leaves no subscriptions of a user whose last one the connection takes with it, although the user stays online', () => {
    const { manager, a1 } = desk()
    a1.subscribe(BTC)

    a1.reassign('bob')

    expect([...manager.userSubscriptions.keys()]).toEqual(['bob'])
    expect(manager.userSubscriptions.size).toBe(1)
    expect(manager.getSubscribers('PRICE', 'BTC')).toEqual(['bob'])
  })

  it('leaves the subscriptions of the old user’s other connections', () => {
    const { manager, a1, a2 } = desk()
    a1.subscribe(BTC)
    a2.subscribe(ETH)

    a1.reassign('bob')

    expect([...manager.userSubscriptions.keys()]).toEqual(['alice', 'bob'])
    expect(manager.userSubscriptions.size).toBe(2)
    expect(manager.getUserSubscriptions('alice').map(({ key }) => key)).toEqual(['alice:PRICE:ETH'])
  })

  it('leaves a public stream that the new user’s other connection holds alone', () => {
    const { manager, guest, b1, socket, price } = desk()
    manager.addSubscription({ userId: 'guest', ...BTC })
    b1.subscribe(BTC)
    guest.reassign('bob')
    price('1')

    expect([socket.sent, guest.subscriptions()]).toEqual([[], []])
  })

  it('counts the new user as pending no longer, and the old one not as pending', () => {
    const { manager, a1, guest } = desk({ quotas: { pendingUsers: 1 } })
    const pend = (userId: string) => () => manager.addSubscription({ userId, ...BTC })
    pend('carol')()
    expectCode('ERR_QUOTA_EXCEEDED', pend('dave'))
    a1.subscribe(ORDERS)
    a1.reassign('carol')
    pend('dave')()
    expectCode('ERR_QUOTA_EXCEEDED', pend('erin'))
    guest.reassign('dave')
    pend('erin')()

    expectCode('ERR_QUOTA_EXCEEDED', pend('frank'))
  })

  it('counts a kept stream once in its demand, whether or not the new user had it', () => {
    const { clock, manager, guest, b1, log } = logged({ idleDelayMs: 10 })
    b1.subscribe(BTC)
    guest.subscribe(BTC)
    guest.reassign('bob')
    log.length = 0
    for (const each of [guest, b1]) each.unsubscribe(BTC)
    clock.advance(10)

    expect(log.filter((line) => line.startsWith('stream'))).toEqual(['streamIdle PRICE BTC'])
    expect([...manager.activeStreams()]).toEqual([])
  })

  it('ends the demand for a private stream that the old user’s other connections do not hold', () => {
    const { clock, manager, a1, log } = logged({ idleDelayMs: 10 })
    a1.subscribe(ORDERS)
    log.length = 0
    a1.reassign('bob')
    clock.advance(10)

    expect(log.filter((line) => line.startsWith('stream'))).toEqual(['streamIdle ORDERS alice'])
    expect([...manager.activeStreams()]).toEqual([])
  })

  it('does nothing for the same user', () => {
    const { guest, log } = logged()
    const subscription = guest.subscribe(BTC)
    log.length = 0

    guest.reassign('guest')

    expect([subscription.status, log]).toEqual(['CONNECTED', []])
  })

  it('does nothing for the same user, even if the user has the most connections that are allowed', () => {
    const { a1, manager } = desk({ quotas: { connectionsPerUser: 2 } })

    a1.reassign('alice')

    expect(manager.userConnections.get('alice')).toEqual(['a1', 'a2'])
  })

  it('connects the new user’s pending subscriptions', () => {
    const { manager, guest, clock } = desk()
    const pending = manager.addSubscription({ userId: 'carol', ...BTC })

    guest.reassign('carol')
    clock.advance(60_000)

    expect(pending.status).toBe('CONNECTED')
    expect(stateOf(manager).counts.subscriptions).toBe(1)
  })

  it('leaves the count of pending users alone if a new user comes online without subscriptions', () => {
    const { manager, guest } = desk({ quotas: { pendingUsers: 1 } })
    manager.addSubscription({ userId: 'dave', ...BTC })

    guest.reassign('carol')

    expectCode('ERR_QUOTA_EXCEEDED', () => manager.addSubscription({ userId: 'erin', ...BTC }))
  })

  it('tells of it in the order: reassigned, online, what began, what ended, offline', () => {
    const { manager, guest, log } = logged()
    guest.subscribe(BTC)
    guest.subscribe(ORDERS)
    manager.addSubscription({ userId: 'carol', ...ETH })
    log.length = 0

    guest.reassign('carol')

    expect(log).toEqual([
      'connectionReassigned g guest',
      'userOnline carol',
      'subscriptionChanged carol:PRICE:ETH CONNECTED status',
      'streamActive PRICE ETH',
      'subscriptionAdded carol:PRICE:BTC CONNECTED g',
      'subscriptionRemoved guest:PRICE:BTC DISCONNECTED g reassigned',
      'subscriptionRemoved guest:ORDERS DISCONNECTED g reassigned',
      'userOffline guest reassigned',
    ])
  })

  it('tells of holders that come and go, if both users stay online and have the streams already', () => {
    const { manager, a1, a2, log } = logged()
    manager.addSubscription({ userId: 'bob', ...BTC })
    for (const connection of [a1, a2]) connection.subscribe(BTC)
    log.length = 0

    a1.reassign('bob')

    expect(log).toEqual([
      'connectionReassigned a1 alice',
      'subscriptionChanged bob:PRICE:BTC CONNECTED holder-added a1',
      'subscriptionChanged alice:PRICE:BTC CONNECTED holder-removed a1',
    ])
  })

  it('tells that a subscription was reassigned that ends although its user stays online', () => {
    const { manager, a1, log } = logged()
    manager.addSubscription({ userId: 'bob', ...BTC })
    a1.subscribe(BTC)
    a1.subscribe(ORDERS)
    log.length = 0

    a1.reassign('bob')

    expect(log.filter((line) => line.startsWith('subscriptionRemoved'))).toEqual([
      'subscriptionRemoved alice:PRICE:BTC DISCONNECTED a1 reassigned',
      'subscriptionRemoved alice:ORDERS DISCONNECTED a1 reassigned',
    ])
  })

  it.each([0, 1_000])('lets no public stream flicker, with an idle delay of %d ms', (idleDelayMs) => {
    const { manager, guest, log, clock } = logged({ idleDelayMs })
    guest.subscribe(BTC)
    manager.addSubscription({ userId: 'guest', ...ETH })
    manager.addSubscription({ userId: 'carol', ...ETH })
    log.length = 0

    guest.reassign('carol')
    clock.advance(2_000)

    expect(log.filter((line) => line.startsWith('stream'))).toEqual([])
  })

  it('changes the demand for private streams, which belong to their users', () => {
    const { manager, guest, log } = logged({ idleDelayMs: 0 })
    guest.subscribe(ORDERS)
    manager.addSubscription({ userId: 'carol', ...ORDERS })
    log.length = 0

    guest.reassign('carol')

    expect(log.filter((line) => line.startsWith('stream'))).toEqual(['streamActive ORDERS carol', 'streamIdle ORDERS guest'])
  })

  it('flushes what the socket takes before, as the old user’s', async () => {
    const { manager, connect } = desk({ transport: { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) } })
    const socket = new FakeSocket()
    const connection = connect('x', 'xavier', socket)
    connection.subscribe(ORDERS)
    manager.publish({ streamType: 'ORDERS', userId: 'xavier', data: 'o1' })

    connection.reassign('alice')

    expect(socket.sent).toEqual(['o1'])
    await endOfTick()
  })

  it('purges the old user’s private messages and texts that still wait, and keeps public ones in their place', async () => {
    const { transport, release } = stuckUntilTold()
    const { manager, guest, socket, price, order } = desk({ transport })
    for (const stream of [BTC, ETH, ORDERS] as const) manager.addSubscription({ userId: 'guest', ...stream })
    price('p1')
    order('guest', 'o1')
    guest.send('text of the guest')
    price('p2', 'ETH')
    price('p3')

    guest.reassign('alice')
    guest.send('welcome, alice')
    release()
    guest.flush()
    await endOfTick()

    expect(socket.sent).toEqual(['welcome, alice', 'p1', 'p2', 'p3'])
    expect(manager.stats()).toMatchObject({ matched: 6, sent: 4, purged: 2, waiting: 0 })
  })

  it('ends a running delivery of the old user’s private message before it reaches the connection, and only for this connection', () => {
    const { manager, connect, a1, a2, order } = desk()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    const a3 = connect('a3', 'alice')
    a1.socket.script.send = () => a2.reassign('bob')

    const result = order('alice', 'o1')

    expect([a1, a2, a3].map(({ socket }) => socket.sent)).toEqual([['o1'], [], ['o1']])
    expect(result).toMatchObject({ matched: 3, sent: 2, skipped: 1 })
  })

  it('keeps deferred messages and texts for the old user from the connection', () => {
    const { manager, a1, guest, socket } = desk()
    a1.subscribe(BTC)
    guest.subscribe(BTC)
    a1.socket.script.send = () => {
      a1.socket.script.send = undefined
      guest.send('text of the guest')
      manager.sendToConnection('g', { streamType: 'ORDERS', data: 'o1' })
      manager.sendToUser('guest', { streamType: 'ORDERS', data: 'o2' })
      guest.reassign('alice')
      guest.send('welcome, alice')
      manager.sendToConnection('g', { streamType: 'ORDERS', data: 'o3' })
    }

    manager.publish({ ...BTC, data: 'p1' })

    expect(socket.sent).toEqual(['p1', 'welcome, alice', 'o3'])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void]>([
    ['the connection holds it and goes on holding it', ({ guest }) => void guest.subscribe(BTC)],
    ['both users hold it', ({ manager }) => {
      for (const userId of ['guest', 'alice']) manager.addSubscription({ userId, ...BTC })
    }],
  ])('misses no message of a public stream that is being delivered, if %s', (_case, subscribe) => {
    const world = desk()
    const { a1, b1, guest, socket, price } = world
    b1.subscribe(BTC)
    subscribe(world)
    b1.socket.script.send = () => guest.reassign('alice')

    const result = price('p1')
    price('p2')

    expect(socket.sent).toEqual(['p1', 'p2'])
    expect(result).toMatchObject({ skipped: 0 })
    expect(a1.removed).toBe(false)
  })

  it('gets the new user’s private messages that are deferred and have not begun', () => {
    const { manager, b1, guest, socket } = desk()
    manager.addSubscription({ userId: 'alice', ...ORDERS })
    b1.subscribe(BTC)
    b1.socket.script.send = () => {
      manager.publish({ ...ORDERS, userId: 'alice', data: 'o1' })
      guest.reassign('alice')
    }

    manager.publish({ ...BTC, data: 'p1' })

    expect(socket.sent).toEqual(['o1'])
  })

  it('gets what comes after a running message that was revoked for the old user', () => {
    const { manager, a1, a2, socket } = desk()
    a1.socket.script.send = () => {
      a1.socket.script.send = undefined
      manager.revoke({ userId: 'guest', streamType: 'PRICE' })
      manager.getConnection('g')?.reassign('bob')
    }

    manager.broadcast({ ...BTC, data: 'p1' })
    manager.broadcast({ ...BTC, data: 'p2' })

    expect([a2.socket.sent, socket.sent]).toEqual([['p1', 'p2'], ['p2']])
  })

  it('does not get a message that is being delivered if only the old user was subscribed', () => {
    const { manager, b1, guest, socket, price } = desk()
    b1.subscribe(BTC)
    manager.addSubscription({ userId: 'guest', ...BTC })
    b1.socket.script.send = () => guest.reassign('alice')

    expect(price('p1')).toMatchObject({ matched: 2, sent: 1, skipped: 1 })

    expect(socket.sent).toEqual([])
  })

  describe('with authorize', () => {
    /** A desk where `authorize` answers by the user and the stream, and a log of what it was asked since the subscribes. */
    function guarded(isAllowed: (request: AuthorizationRequest<FakeSocket, Streams>) => boolean, options: Options = {}) {
      const asked: unknown[] = []
      const world = desk({
        ...options,
        authorize: (request) => {
          if (request.userId !== 'guest') asked.push([request.userId, request.streamType, request.symbol, request.filters, request.connection?.id])
          return isAllowed(request)
        },
      })
      return { ...world, asked }
    }

    it('is asked of each own public stream with the new user’s id, and the connection loses what it refuses', () => {
      const { guest, socket, price, asked } = guarded(({ userId, symbol }) => userId === 'guest' || symbol === 'ETH')
      const refused = guest.subscribe({ ...BTC, filters: { depth: 5 } })
      guest.subscribe(ETH)
      guest.subscribe(ORDERS)

      guest.reassign('alice')
      price('btc')
      price('eth', 'ETH')

      expect(asked).toEqual([['alice', 'PRICE', 'BTC', { depth: 5 }, 'g'], ['alice', 'PRICE', 'ETH', undefined, 'g']])
      expect(guest.subscriptions().map(({ subscription }) => subscription.key)).toEqual(['alice:PRICE:ETH'])
      expect([socket.sent, refused.status]).toEqual([['eth'], 'DISCONNECTED'])
    })

    it('is not asked if the user stays the same', () => {
      const { a1, asked } = guarded(() => true)
      a1.subscribe(BTC)
      asked.length = 0

      a1.reassign('alice')

      expect(asked).toEqual([])
    })

    it('is asked once of a stream that the connection holds and that also has messages for it', () => {
      const { transport } = stuckUntilTold()
      const { guest, price, asked } = guarded(() => true, { transport })
      guest.subscribe(BTC)
      price('p1')

      guest.reassign('alice')

      expect(asked).toEqual([['alice', 'PRICE', 'BTC', undefined, 'g']])
    })

    it('is not asked of a private stream whose messages wait', () => {
      const { transport } = stuckUntilTold()
      const { guest, order, asked } = guarded(() => true, { transport })
      guest.subscribe(ORDERS)
      order('guest', 'o1')

      guest.reassign('alice')

      expect(asked).toEqual([])
    })

    it('takes the symbol "undefined" for another stream than the whole type', () => {
      const { guest } = guarded(({ userId, symbol }) => userId === 'guest' || symbol === 'undefined')
      guest.subscribe({ streamType: 'NEWS', symbol: 'undefined' })
      guest.subscribe({ streamType: 'NEWS' })

      guest.reassign('alice')

      expect(guest.subscriptions().map(({ subscription }) => subscription.key)).toEqual(['alice:NEWS:undefined'])
    })

    it('purges what waits of a stream that it refuses, also of one that only the old user held', () => {
      const { transport, release } = stuckUntilTold()
      const { manager, guest, socket, price } = guarded(({ userId, symbol }) => userId === 'guest' || symbol === 'ETH', { transport })
      manager.addSubscription({ userId: 'guest', ...BTC })
      manager.addSubscription({ userId: 'guest', ...ETH })
      price('p1')
      price('p2', 'ETH')

      guest.reassign('alice')
      release()
      guest.flush()

      expect(socket.sent).toEqual(['p2'])
    })

    it.each([
      ['refuses its stream', 'BTC', []],
      ['allows its stream', 'ETH', ['p1']],
    ])('purges what a write could not take if it %s', (_case, symbol, received) => {
      let isFirst = true
      const { manager, guest, socket, price } = guarded(({ userId, symbol: asked }) => userId === 'guest' || asked === 'ETH', {
        transport: {
          write: (to: FakeSocket, texts: readonly string[]) => {
            if (!isFirst) return to.write(texts)
            isFirst = false
            guest.reassign('alice')
            return 0
          },
        },
      })
      manager.addSubscription({ userId: 'guest', streamType: 'PRICE', symbol })
      price('p1', symbol)

      guest.flush()
      guest.flush()

      expect([guest.userId, socket.sent]).toEqual(['alice', received])
    })

    it.each([
      ['refuses its stream', 'BTC', []],
      ['allows its stream', 'ETH', ['p1']],
    ])('keeps the connection from a message that is being framed for it if it %s', (_case, symbol, received) => {
      const { manager, guest, socket, price } = guarded(({ userId, symbol: asked }) => userId === 'guest' || asked === 'ETH', {
        transport: {
          frame: (text) => (guest.reassign('alice'), text),
          write: (to: FakeSocket, texts: readonly string[]) => to.write(texts),
        },
      })
      manager.addSubscription({ userId: 'guest', streamType: 'PRICE', symbol })

      price('p1', symbol)
      guest.flush()

      expect([guest.userId, socket.sent]).toEqual(['alice', received])
    })

    it('ends a running delivery of a stream that it refuses', () => {
      const { b1, guest, socket, price } = guarded(({ userId, symbol }) => userId !== 'alice' || symbol === 'ETH')
      b1.subscribe(BTC)
      guest.subscribe(BTC)
      b1.socket.script.send = () => guest.reassign('alice')

      expect(price('p1')).toMatchObject({ matched: 2, sent: 1, skipped: 1 })

      expect(socket.sent).toEqual([])
    })

    it.each<[string, unknown]>([['throws', () => { throw new Error('no') }], ['returns a promise', async () => true], ['returns a truthy value', () => 1]])(
      'refuses if it %s',
      (_case, answer) => {
        const { guest } = guarded((request) => request.userId === 'guest' || (answer as () => boolean)())
        guest.subscribe(BTC)

        guest.reassign('alice')

        expect(guest.subscriptions()).toEqual([])
      },
    )

    it('is asked of what it subscribed meanwhile', () => {
      let isFirst = true
      const { guest, asked } = guarded(({ userId, connection }) => {
        if (userId === 'alice' && isFirst) {
          isFirst = false
          connection?.subscribe(ETH)
        }
        return userId === 'guest' || userId === 'alice'
      })
      guest.subscribe(BTC)

      guest.reassign('alice')

      expect(asked.map((each) => (each as string[])[2])).toEqual(['BTC', 'ETH'])
      expect(guest.subscriptions().map(({ subscription }) => subscription.key)).toEqual(['alice:PRICE:BTC', 'alice:PRICE:ETH'])
    })

    it.each<[string, (connection: Connection<FakeSocket, Streams>) => unknown]>([
      ['authorize', (connection) => connection.subscribe(ORDERS)],
      ['a getter of the request', (connection) => connection.subscribe({ get streamType() { return connection.reassign('bob'), 'ORDERS' as const } })],
    ])('lets nobody subscribe the new user by the permission of the old one, if %s gives the connection away', (_who, subscribe) => {
      let isGivenAway = false
      const { guest, manager } = guarded(({ userId, connection }) => {
        if (userId === 'guest' && !isGivenAway) connection?.reassign('bob')
        isGivenAway = true
        return userId === 'guest'
      })

      const error = expectCode('ERR_FORBIDDEN', () => subscribe(guest))

      expect(error).toMatchObject({ userId: 'guest', connectionId: 'g', streamType: 'ORDERS' })
      expect([guest.userId, manager.subscriptionCount, guest.subscriptions()]).toEqual(['bob', 0, []])
    })

    it('that removes the connection makes the call throw', () => {
      const { guest, manager } = guarded(({ userId, connection }) => {
        if (userId === 'alice') void connection?.remove()
        return true
      })
      guest.subscribe(BTC)

      expectCode('ERR_UNKNOWN_CONNECTION', () => guest.reassign('alice'))

      expect(manager.connectionUsers.has('g')).toBe(false)
    })

    it('that gives the connection to somebody else first does not confuse the outcome', () => {
      const { guest, manager } = guarded(({ userId, connection }) => {
        if (userId === 'alice') connection?.reassign('bob')
        return true
      })
      guest.subscribe(BTC)

      guest.reassign('alice')

      expect(guest.userId).toBe('alice')
      expect(manager.getSubscribers('PRICE', 'BTC')).toEqual(['alice'])
    })

    it('that gives the connection to the new user first leaves nothing to do', () => {
      const reassigned: string[] = []
      let isFirst = true
      const { guest, manager } = guarded(({ userId, connection }) => {
        const mustReassign = userId === 'alice' && isFirst
        if (mustReassign) isFirst = false
        if (mustReassign) connection?.reassign('alice')
        return true
      })
      manager.on('connectionReassigned', ({ connection, from }) => reassigned.push(`${from} → ${connection.userId}`))
      guest.subscribe(BTC)

      guest.reassign('alice')

      expect(reassigned).toEqual(['guest → alice'])
    })

    it('that closes the manager makes the call throw', () => {
      const { guest, manager } = guarded(({ userId }) => {
        if (userId === 'alice') void manager.cleanup()
        return true
      })
      guest.subscribe(BTC)

      expectCode('ERR_CLOSED', () => guest.reassign('alice'))
    })
  })

  describe('changes nothing', () => {
    it.each([
      ['an empty id', '', 'ERR_INVALID_ID'],
      ['no id', undefined, 'ERR_INVALID_ID'],
      ['a number', 7, 'ERR_INVALID_ID'],
    ] as const)('for %s', (_what, userId, code) => {
      const { guest } = desk()

      expectCode(code, () => guest.reassign(userId as string))

      expect(guest.userId).toBe('guest')
    })

    it('for a removed connection, also for its own user', async () => {
      const { guest, manager } = desk()
      await guest.remove()

      for (const userId of ['alice', 'guest']) {
        expect(expectCode('ERR_UNKNOWN_CONNECTION', () => guest.reassign(userId))).toMatchObject({ connectionId: 'g' })
      }

      expect(manager.userConnections.get('alice')).toEqual(['a1', 'a2'])
    })

    it('once cleanup began', async () => {
      const { guest, manager } = desk()
      const done = manager.cleanup()

      expectCode('ERR_CLOSED', () => guest.reassign('alice'))

      await done
    })

    it('if the new user has too many connections', () => {
      const { guest, manager, price } = desk({ quotas: { connectionsPerUser: 2 } })
      guest.subscribe(BTC)
      const before = stateOf(manager)

      const error = expectCode('ERR_QUOTA_EXCEEDED', () => guest.reassign('alice'))

      expect(error).toMatchObject({ quota: 'connectionsPerUser', userId: 'alice', connectionId: 'g' })
      expect(stateOf(manager)).toEqual(before)
      expect(price('p').sent).toBe(1)
    })

    it('if the new user would have too many subscriptions, counting each stream once', () => {
      const { guest, manager } = desk({ quotas: { subscriptionsPerUser: 2 } })
      guest.subscribe(BTC)
      guest.subscribe(ETH)
      manager.addSubscription({ userId: 'alice', streamType: 'NEWS' })
      manager.addSubscription({ userId: 'bob', ...BTC })
      const before = stateOf(manager)

      const error = expectCode('ERR_QUOTA_EXCEEDED', () => guest.reassign('alice'))
      const after = stateOf(manager)
      guest.reassign('bob')

      expect(error).toMatchObject({ quota: 'subscriptionsPerUser', userId: 'alice' })
      expect(after).toEqual(before)
      expect(guest.userId).toBe('bob')
    })
  })
})
