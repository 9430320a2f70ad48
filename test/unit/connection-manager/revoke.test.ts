import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type Revocation } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { batching, endOfTick, PressuredSocket, pressured, reportingDrains, unaccounted } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const streams = defineStreams({
  PRICE: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'none' },
  ALERTS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams

/** Alice with two connections and Bob with one, both subscribed to every stream, at both levels. */
function desk() {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, serialize: ({ data }) => String(data) })
  const connect = (id: string, userId: string) => manager.addConnection(id, new FakeSocket(), userId)
  const connections = { a1: connect('a1', 'alice'), a2: connect('a2', 'alice'), b1: connect('b1', 'bob') }
  for (const userId of ['alice', 'bob']) {
    for (const symbol of ['BTC', 'ETH']) for (const streamType of ['PRICE', 'ALERTS', 'ORDERS'] as const) manager.addSubscription({ userId, streamType, symbol })
    for (const streamType of ['NEWS', 'ALERTS', 'ORDERS'] as const) manager.addSubscription({ userId, streamType })
  }
  connections.a1.subscribe({ streamType: 'PRICE', symbol: 'BTC' })
  connections.a2.subscribe({ streamType: 'ORDERS' })
  const keysOf = (userId: string): string[] => manager.getUserSubscriptions(userId).map(({ key }) => key.slice(userId.length + 1)).sort()
  return { manager, clock, ...connections, keysOf }
}

const ALL = ['ALERTS', 'ALERTS:BTC', 'ALERTS:ETH', 'NEWS', 'ORDERS', 'ORDERS:BTC', 'ORDERS:ETH', 'PRICE:BTC', 'PRICE:ETH']

describe('ConnectionManager › revoke', () => {
  it.each<[Revocation<Streams>, payload: unknown]>([
    [{ userId: 'alice', streamType: 'ORDERS' }, { userId: 'alice', streamType: 'ORDERS', symbol: undefined }],
    [{ userId: 'nobody' }, { userId: 'nobody', streamType: undefined, symbol: undefined }],
    [{ streamType: 'PRICE', symbol: 'BTC' }, { userId: undefined, streamType: 'PRICE', symbol: 'BTC' }],
  ])('of %j tells of itself first, then of each subscription that it ends', (revocation, payload) => {
    const { manager } = desk()
    const events: unknown[] = []
    manager.on('subscriptionRemoved', ({ reason }) => events.push(reason))
    manager.on('revoked', (event) => events.push(event))

    const ended = manager.revoke(revocation)

    expect(events).toEqual([payload, ...Array<string>(ended).fill('revoked')])
  })

  it('that is refused tells nobody', () => {
    const { manager } = desk()
    const events: unknown[] = []
    manager.on('revoked', (event) => events.push(event))

    expectCode('ERR_INVALID_ARGUMENT', () => manager.revoke({}))

    expect(events).toEqual([])
  })

  it.each<[Revocation<Streams>, left: string[]]>([
    [{ userId: 'alice' }, []],
    [{ userId: 'alice', streamType: 'PRICE' }, ALL.filter((key) => !key.startsWith('PRICE'))],
    [{ userId: 'alice', streamType: 'ORDERS' }, ALL.filter((key) => !key.startsWith('ORDERS'))],
    [{ userId: 'alice', streamType: 'NEWS' }, ALL.filter((key) => key !== 'NEWS')],
    [{ userId: 'alice', streamType: 'PRICE', symbol: 'BTC' }, ALL.filter((key) => key !== 'PRICE:BTC')],
    // A whole-type subscription would deliver the symbol anyway.
    [{ userId: 'alice', streamType: 'ORDERS', symbol: 'BTC' }, ALL.filter((key) => !['ORDERS', 'ORDERS:BTC'].includes(key))],
    [{ userId: 'alice', streamType: 'ORDERS', symbol: 'nobody has it' }, ALL.filter((key) => key !== 'ORDERS')],
    // If a type takes no symbol, a subscription without one is not a whole-type subscription.
    [{ userId: 'alice', symbol: 'BTC' }, ['ALERTS:ETH', 'NEWS', 'ORDERS:ETH', 'PRICE:ETH']],
  ])("with %j ends every matching subscription of any holder, and no other user's", (revocation, left) => {
    const { manager, keysOf } = desk()

    const ended = manager.revoke(revocation)

    expect(keysOf('alice')).toEqual(left)
    expect(keysOf('bob')).toEqual(ALL)
    expect(ended).toBe(ALL.length - left.length)
  })

  it.each<[Revocation<Streams>, left: string[]]>([
    [{ streamType: 'ORDERS' }, ALL.filter((key) => !key.startsWith('ORDERS'))],
    [{ streamType: 'ALERTS', symbol: 'ETH' }, ALL.filter((key) => !['ALERTS', 'ALERTS:ETH'].includes(key))],
    [{ symbol: 'ETH' }, ['ALERTS:BTC', 'NEWS', 'ORDERS:BTC', 'PRICE:BTC']],
    [{ userId: undefined, streamType: 'PRICE', symbol: null }, ALL.filter((key) => !key.startsWith('PRICE'))],
  ])('with %j ends the matching subscriptions of all users', (revocation, left) => {
    const { manager, keysOf } = desk()

    const ended = manager.revoke(revocation)

    expect([keysOf('alice'), keysOf('bob')]).toEqual([left, left])
    expect(ended).toBe(2 * (ALL.length - left.length))
  })

  it('removes the subscription from every index, and leaves the connections', () => {
    const { manager } = desk()

    manager.revoke({ userId: 'alice' })
    manager.revoke({ userId: 'bob' })

    const { activeConnections, connectionUsers, userConnections, ...rest } = stateOf(manager)
    expect(rest).toEqual({ userSubscriptions: [], streamSubscriptions: {}, counts: { ...NOTHING.counts, connections: 3, users: 2 } })
    expect(activeConnections).toEqual(['a1', 'a2', 'b1'])
  })

  it('ends pending subscriptions, too', () => {
    const { manager, clock } = desk()
    const pending = manager.addSubscription({ userId: 'carol', streamType: 'NEWS' })

    expect(manager.revoke({ userId: 'carol' })).toBe(1)

    expect([pending.status, clock.pendingTimers]).toEqual(['DISCONNECTED', 0])
  })

  it('reports each subscription that ended, before it returns', () => {
    const { manager } = desk()
    const reported: string[] = []
    manager.on('subscriptionRemoved', ({ subscription }) => reported.push(subscription.key))

    manager.revoke({ userId: 'alice', streamType: 'ORDERS', symbol: 'ETH' })

    expect(reported.sort()).toEqual(['alice:ORDERS', 'alice:ORDERS:ETH'])
  })

  it('does nothing if nothing matches', () => {
    const { manager } = desk()
    const before = stateOf(manager)

    expect(manager.revoke({ userId: 'nobody' })).toBe(0)
    expect(manager.revoke({ userId: 'nobody', symbol: 'BTC' })).toBe(0)

    expect(stateOf(manager)).toEqual(before)
  })

  it.each<[unknown, Parameters<typeof expectCode>[0]]>([
    [{}, 'ERR_INVALID_ARGUMENT'],
    [{ userId: undefined, streamType: null, symbol: null }, 'ERR_INVALID_ARGUMENT'],
    [{ user: 'alice' }, 'ERR_INVALID_ARGUMENT'],
    [undefined, 'ERR_INVALID_ARGUMENT'],
    [null, 'ERR_INVALID_ARGUMENT'],
    ['alice', 'ERR_INVALID_ARGUMENT'],
    [{ userId: '' }, 'ERR_INVALID_ID'],
    [{ userId: 7 }, 'ERR_INVALID_ID'],
    [{ userId: 'alice', symbol: '' }, 'ERR_INVALID_ID'],
    [{ streamType: 'PRICE', symbol: 7 }, 'ERR_INVALID_ID'],
    [{ streamType: 'PRICES' }, 'ERR_UNKNOWN_STREAM'],
    [{ streamType: '' }, 'ERR_UNKNOWN_STREAM'],
    [{ streamType: 'NEWS', symbol: 'BTC' }, 'ERR_SYMBOL_NOT_ALLOWED'],
  ])('refuses %j instead of silently revoking nothing', (revocation, code) => {
    const { manager } = desk()
    const before = stateOf(manager)

    expectCode(code, () => manager.revoke(revocation as never))

    expect(stateOf(manager)).toEqual(before)
  })

  it('refuses an argument that cannot be read, with the thrown error as the cause', () => {
    const reason = new Error('hostile')

    const error = expectCode('ERR_INVALID_ARGUMENT', () => desk().manager.revoke({ get userId(): string { throw reason } }))

    expect(error.cause).toBe(reason)
  })

  it('does nothing after the manager was closed', () => {
    const { manager } = desk()
    void manager.cleanup()

    expect(manager.revoke({ userId: 'alice' })).toBe(0)
  })

  it('does not prevent a later subscription', () => {
    const { manager, a1 } = desk()
    manager.revoke({ userId: 'alice' })

    a1.subscribe({ streamType: 'ORDERS' })

    expect(manager.publish({ streamType: 'ORDERS', userId: 'alice', data: 'new' })).toEqual(result({ matched: 1, sent: 1 }))
  })
})

/** A delivery during which something is revoked, at the first connection or in `toJSON`. */
function interrupted() {
  const manager = new ConnectionManager<FakeSocket>({ serialize: ({ data }) => JSON.stringify(data) })
  let interrupt = (): void => {}
  const first = new FakeSocket({ send: () => interrupt() })
  const second = new FakeSocket()
  const bob = new FakeSocket()
  manager.addConnection('a1', first, 'alice')
  manager.addConnection('a2', second, 'alice')
  manager.addConnection('b1', bob, 'bob')
  for (const userId of ['alice', 'bob']) {
    manager.addSubscription({ userId, streamType: 'ORDER_UPDATES' })
    manager.addSubscription({ userId, streamType: 'ORDER_UPDATES', symbol: 'BTC' })
    manager.addSubscription({ userId, streamType: 'PRICE', symbol: 'BTC' })
  }
  return {
    manager,
    first,
    second,
    bob,
    /** Runs once, at the next message. */
    at(act: () => void) {
      interrupt = () => {
        interrupt = () => {}
        act()
      }
    },
    /** Runs when the data is serialized. */
    dataThat: (act: () => void) => ({ toJSON: () => (act(), 'data') }),
  }
}

const KINDS = {
  publish: (manager: ConnectionManager<FakeSocket>, data: unknown) => manager.publish({ streamType: 'ORDER_UPDATES', symbol: 'BTC', userId: 'alice', data }),
  sendToUser: (manager: ConnectionManager<FakeSocket>, data: unknown) => manager.sendToUser('alice', { streamType: 'ORDER_UPDATES', symbol: 'BTC', data }),
}
const PUBLIC_KINDS = {
  'publish, to everybody': (manager: ConnectionManager<FakeSocket>, data: unknown) => manager.publish({ streamType: 'PRICE', symbol: 'BTC', data }),
  'broadcast': (manager: ConnectionManager<FakeSocket>, data: unknown) => manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data }),
}

describe('ConnectionManager › revoke within a delivery', () => {
  it.each(Object.entries(KINDS))('withholds a private message of %s from later recipients', (_kind, send) => {
    const { manager, first, second, at } = interrupted()
    at(() => manager.revoke({ userId: 'alice', streamType: 'ORDER_UPDATES', symbol: 'BTC' }))

    expect(send(manager, 1)).toEqual(result({ matched: 2, sent: 1, skipped: 1 }))

    expect([first.sent, second.sent]).toEqual([['1'], []])
  })

  it.each(Object.entries(PUBLIC_KINDS))('withholds a public message of %s from that user only', (_kind, send) => {
    const { manager, second, bob, at } = interrupted()
    at(() => manager.revoke({ userId: 'alice' }))

    expect(send(manager, 1)).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

    expect([second.sent, bob.sent]).toEqual([[], ['1']])
  })

  it.each([...Object.entries(KINDS), ...Object.entries(PUBLIC_KINDS)])('withholds a message of %s from everybody if it is revoked during serialization', (_kind, send) => {
    const { manager, first, second, bob, dataThat } = interrupted()

    const { sent, matched, skipped } = send(manager, dataThat(() => manager.revoke({ symbol: 'BTC' })))

    expect([sent, skipped]).toEqual([0, matched])
    expect([first.sent, second.sent, bob.sent]).toEqual([[], [], []])
  })

  it('excludes recipients from the revoked message only, and not from later ones', () => {
    const { manager, second, bob, at } = interrupted()
    at(() => manager.revoke({ userId: 'alice' }))
    manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data: 1 })

    expect(manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data: 2 })).toEqual(result({ matched: 3, sent: 3 }))

    expect([second.sent, bob.sent]).toEqual([['2'], ['1', '2']])
  })

  it('excludes nobody from later messages if the revoked message cannot be serialized', () => {
    const { manager, first, second, bob, dataThat } = interrupted()
    const data = dataThat(() => {
      manager.revoke({ userId: 'alice' })
      throw new Error('boom')
    })

    expectCode('ERR_UNSERIALIZABLE', () => manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data }))

    expect(manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data: 2 })).toEqual(result({ matched: 3, sent: 3 }))
    expect([first.sent, second.sent, bob.sent]).toEqual([['2'], ['2'], ['2']])
  })

  it('does not affect a running message of another stream', () => {
    const { manager, second, at } = interrupted()
    at(() => manager.revoke({ userId: 'alice', streamType: 'ORDER_UPDATES' }))

    expect(manager.publish({ streamType: 'PRICE', symbol: 'BTC', data: 1 })).toEqual(result({ matched: 3, sent: 3 }))

    expect(second.sent).toEqual(['1'])
  })

  it.each([
    ...Object.entries(KINDS).map(([kind, send]) => [kind, send, []] as const),
    ...Object.entries(PUBLIC_KINDS).map(([kind, send]) => [kind, send, ['"deferred"', '"after"']] as const),
  ])('withholds a deferred message of %s, even from a user who has subscribed again', (_kind, send, toOthers) => {
    const { manager, first, second, bob, at } = interrupted()
    at(() => {
      send(manager, 'deferred')
      manager.revoke({ userId: 'alice' })
      for (const symbol of ['BTC', undefined]) manager.addSubscription({ userId: 'alice', streamType: 'ORDER_UPDATES', symbol })
      manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTC' })
      send(manager, 'after')
    })

    manager.sendToConnection('a1', { streamType: 'TRADES', symbol: 'BTC', data: 'first' })

    expect(first.sent).toEqual(['"first"', '"after"'])
    expect(second.sent).toEqual(['"after"'])
    expect(bob.sent).toEqual(toOthers)
    const { matched, sent, skipped } = manager.stats()
    expect([matched - sent, skipped]).toEqual([2, 2])
  })

  it('withholds a message that is revoked while it is serialized and then deferred', () => {
    const { manager, second, at, dataThat } = interrupted()
    at(() => {
      manager.sendToUser('alice', { streamType: 'ORDER_UPDATES', data: dataThat(() => manager.revoke({ userId: 'alice' })) })
      manager.sendToUser('alice', { streamType: 'ORDER_UPDATES', data: 'after' })
    })

    manager.sendToConnection('a1', { streamType: 'TRADES', symbol: 'BTC', data: 'first' })

    expect(second.sent).toEqual(['"after"'])
  })

  it('does not affect a deferred message of another stream', () => {
    const { manager, second, at } = interrupted()
    at(() => {
      manager.sendToUser('alice', { streamType: 'PRICE', symbol: 'BTC', data: 'deferred' })
      manager.revoke({ userId: 'alice', streamType: 'ORDER_UPDATES' })
    })

    manager.sendToConnection('a1', { streamType: 'TRADES', symbol: 'BTC', data: 'first' })

    expect(second.sent).toEqual(['"deferred"'])
  })

  it('excludes nobody from later messages if the delivery was over before', () => {
    const { manager, first, second } = interrupted()
    manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data: 1 })

    manager.revoke({ userId: 'alice' })

    manager.broadcast({ streamType: 'PRICE', symbol: 'BTC', data: 2 })
    expect([first.sent, second.sent]).toEqual([['1', '2'], ['1', '2']])
  })

  it('withholds a deferred message from a connection that is added after the revocation', () => {
    const { manager, at } = interrupted()
    const late = new FakeSocket()
    at(() => {
      manager.sendToUser('alice', { streamType: 'ORDER_UPDATES', data: 'deferred' })
      manager.revoke({ userId: 'alice' })
      manager.addConnection('a3', late, 'alice')
    })

    manager.sendToConnection('a1', { streamType: 'TRADES', symbol: 'BTC', data: 'first' })

    expect(late.sent).toEqual([])
  })
})

const ORDERS = { streamType: 'ORDERS', symbol: 'A' } as const

describe('ConnectionManager › revoke, of queued messages', () => {
  it.each<[what: string, buffered: number]>([
    ['in the batch of this tick', 0],
    ['because the connection is behind', 1_000],
  ])('purges them %s, however they were addressed', async (_what, buffered) => {
    const { manager, clock, connect, publish, order } = pressured({ delivery: { softLimitBytes: 100 } })
    const { socket } = connect('c')
    const { socket: other } = connect('d', undefined, { userId: 'v' })
    socket.buffered = buffered
    order('o1')
    manager.sendToUser('u', { ...ORDERS, data: 'o2' })
    manager.sendToConnection('c', { ...ORDERS, symbol: 'B', data: 'o3' })
    publish('BOOK', 'b1')
    manager.broadcast({ streamType: 'BOOK', symbol: 'B', data: 'b2' })
    order('other', 'v')

    manager.revoke({ userId: 'u', streamType: 'ORDERS' })
    manager.revoke({ userId: 'u', streamType: 'BOOK', symbol: 'B' })
    socket.buffered = 0
    clock.advance(50)
    await endOfTick()

    expect(socket.received).toEqual(['b1'])
    expect(other.received.sort()).toEqual(['b1', 'b2', 'other'])
    expect(manager.stats()).toMatchObject({ purged: 4, waiting: 0, waitingBytes: 0 })
    expect(unaccounted(manager)).toBe(0)
  })

  it('purges messages of every type if only a user is named', async () => {
    const { manager, connect, publish, order } = pressured()
    const { socket } = connect('c')
    order('o1')
    publish('PRICE', 'p1')
    publish('TICKS', 't1')

    manager.revoke({ userId: 'u' })
    await endOfTick()

    expect([socket.writes, manager.stats().purged]).toEqual([[], 3])
  })

  it('purges messages to a user without a subscription to them', async () => {
    const { manager } = pressured()
    const socket = new PressuredSocket()
    manager.addConnection('c', socket, 'u')
    manager.sendToUser('u', { ...ORDERS, data: 'o1' })
    manager.sendToUser('u', { streamType: 'BOOK', symbol: 'A', data: 'b1' })
    manager.broadcast({ streamType: 'TICKS', symbol: 'A', data: 't1' })

    expect(manager.revoke({ userId: 'u' })).toBe(0)
    await endOfTick()

    expect([socket.writes, manager.stats().purged]).toEqual([[], 3])
  })

  it('stops waiting for a drain if nothing is queued any more', () => {
    const { manager, connect, order } = pressured({ transport: batching(reportingDrains()) })
    const { socket } = connect('c')
    socket.buffered = 1_000
    order('o1')
    expect(socket.listeners.size).toBe(1)

    manager.revoke({ userId: 'u' })

    expect(socket.listeners.size).toBe(0)
  })

  it('purges messages of all users if no user is named', async () => {
    const { manager, connect, publish } = pressured()
    const sockets = ['c', 'd'].map((id) => connect(id, undefined, { userId: id }).socket)
    publish('BOOK', 'b1')
    publish('TICKS', 't1')

    manager.revoke({ streamType: 'BOOK' })
    await endOfTick()

    expect(sockets.map(({ received }) => received)).toEqual([['t1'], ['t1']])
  })

  it('purges the gap notice of a dropped stream, too', () => {
    const { manager, clock, connect, publish } = pressured({ delivery: { hardLimitBytes: 4 } })
    const { socket } = connect('c')
    socket.buffered = 1_000
    publish('TICKS', 't1')
    publish('TICKS', 't2')
    publish('TICKS', 't3')

    manager.revoke({ userId: 'u', streamType: 'TICKS' })
    socket.buffered = 0
    clock.advance(50)

    expect([socket.writes, manager.stats().connectionsBehind, clock.pendingTimers]).toEqual([[], 0, 0])
  })

  it('purges the messages that follow the write in progress', async () => {
    const { manager, connect, publish, order } = pressured({ delivery: { softLimitBytes: 2 } })
    const { socket } = connect('c')
    socket.onWrite = () => {
      if (socket.writes.length === 1) manager.revoke({ userId: 'u', streamType: 'ORDERS' })
    }
    socket.buffered = 1_000
    order('o1')
    order('o2')
    order('o3')
    publish('BOOK', 'b1')
    socket.buffered = 0
    manager.getConnection('c')?.drained()

    expect(socket.writes).toEqual([['o1', 'o2'], ['b1']])
    expect([manager.stats().purged, unaccounted(manager)]).toEqual([1, 0])
  })

  it('purges messages of the current write if the framing of a gap notice revokes them', () => {
    const { manager, clock, connect, publish, order } = pressured({ delivery: { hardLimitBytes: 6 } })
    const { socket } = connect('c', undefined, {
      transport: {
        ...batching(),
        frame: (text: string) => {
          if (text.includes('gap')) manager.revoke({ userId: 'u', streamType: 'ORDERS' })
          return text
        },
      },
    })
    socket.buffered = 1_000
    publish('TICKS', 't1')
    publish('TICKS', 't2')
    order('o1')
    publish('TICKS', 't3')
    publish('BOOK', 'b1')
    socket.buffered = 0
    clock.advance(50)

    expect(socket.received).not.toContain('o1')
    expect(socket.received).toContain('b1')
    expect(manager.stats()).toMatchObject({ purged: 1, waiting: 0, connectionsBehind: 0 })
    expect([unaccounted(manager), clock.pendingTimers]).toEqual([0, 0])
  })

  it('purges the queued messages of a connection that the same removal has not yet written', () => {
    const { manager, connect, order } = pressured()
    const first = connect('c')
    const second = connect('d')
    first.socket.onWrite = () => void manager.revoke({ userId: 'u', streamType: 'ORDERS' })
    order('o1')

    void manager.removeUser('u')

    expect([first.socket.received, second.socket.received]).toEqual([['o1'], []])
    expect([manager.stats().purged, unaccounted(manager)]).toEqual([1, 0])
  })

  it('purges the queued messages of a connection that a cleanup within a removal has not yet written', () => {
    const { manager, connect, publish } = pressured()
    const first = connect('c')
    const second = connect('d')
    const third = connect('e', undefined, { userId: 'v' })
    publish('BOOK', 'b1')
    first.socket.onWrite = () => void manager.cleanup()
    second.socket.onWrite = () => void manager.revoke({ userId: 'v', streamType: 'BOOK' })

    void manager.removeUser('u')

    expect([second.socket.received, third.socket.received]).toEqual([['b1'], []])
    expect([manager.stats().purged, unaccounted(manager)]).toEqual([1, 0])
  })

  it("does not affect another user's removal in progress", () => {
    const { manager, connect, publish } = pressured()
    const first = connect('c')
    const second = connect('d')
    connect('e', undefined, { userId: 'v' })
    first.socket.onWrite = () => void manager.revoke({ userId: 'v' })
    publish('BOOK', 'b1')

    void manager.removeUser('u')

    expect(second.socket.received).toEqual(['b1'])
  })

  it('withholds a message from the connection whose frame hook revokes it', async () => {
    const { manager, connect, order } = pressured()
    const socket = new PressuredSocket()
    connect('c', socket, {
      transport: {
        ...batching(),
        frame: (text: string) => {
          manager.revoke({ userId: 'u', streamType: 'ORDERS' })
          return text
        },
      },
    })

    expect(order('o1')).toEqual(result({ matched: 1, skipped: 1 }))
    await endOfTick()

    expect(socket.writes).toEqual([])
  })
})
