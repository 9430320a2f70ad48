import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, ORDERS, PRICE, price } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const hanging = (): FakeSocket => new FakeSocket({ close: () => new Promise(() => {}) })

describe('ConnectionManager › connections', () => {
  it('returns a handle with the id and user of the connection', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()

    const connection = manager.addConnection('c1', socket, 'alice')

    expect(connection).toMatchObject({ id: 'c1', userId: 'alice', removed: false })
    expect(connection.socket).toBe(socket)
    expect(manager.getConnection('c1')).toBe(connection)
    expect([...manager.connections()]).toEqual([connection])
  })

  it('returns the existing handle for the same id, socket and user', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')

    expect(manager.addConnection('c1', socket, 'alice')).toBe(connection)
    expect(manager.connectionCount).toBe(1)
  })

  it.each([
    ['another socket', (_first: FakeSocket) => ({ socket: new FakeSocket(), userId: 'alice' })],
    ['another user', (first: FakeSocket) => ({ socket: first, userId: 'bob' })],
  ])('refuses an id in use with %s, and changes nothing', (_case, other) => {
    const manager = new ConnectionManager<FakeSocket>()
    const first = new FakeSocket()
    manager.addConnection('c1', first, 'alice')
    const before = stateOf(manager)
    const { socket, userId } = other(first)

    const error = expectCode('ERR_DUPLICATE_CONNECTION', () => manager.addConnection('c1', socket, userId))

    expect(error).toMatchObject({ connectionId: 'c1', userId })
    expect(stateOf(manager)).toEqual(before)
    expect(first.closeCalls).toBe(0)
  })

  it('counts one socket under two ids as two connections', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')
    manager.addConnection('c2', socket, 'alice')

    const result = manager.broadcast(price('tick'))

    expect(result).toMatchObject({ matched: 2, sent: 2 })
    expect(socket.received).toEqual(['tick', 'tick'])
    expect(manager.getUserConnections('alice')).toEqual([socket, socket])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'socket'],
    ['without send', { close() {} }],
    ['without close', { send() {} }],
    ['with a send that is not a function', { send: true, close() {} }],
    ['with a getter that throws', { get send() { throw new Error('hostile') }, close() {} }],
  ])('refuses a socket that is %s, and changes nothing', (_case, socket) => {
    const manager = new ConnectionManager<FakeSocket>()

    const error = expectCode('ERR_INVALID_SOCKET', () => manager.addConnection('c1', socket as never, 'alice'))

    expect(error).not.toHaveProperty('cause', undefined)
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it.each(['', 'x'.repeat(256), '\uD800', 7, null, {}])(
    'refuses %j as a connection id and as a user id, and changes nothing',
    (id) => {
      const manager = new ConnectionManager<FakeSocket>()

      expectCode('ERR_INVALID_ID', () => manager.addConnection(id as string, new FakeSocket(), 'alice'))
      expectCode('ERR_INVALID_ID', () => manager.addConnection('c1', new FakeSocket(), id as string))

      expect(stateOf(manager)).toEqual(NOTHING)
    },
  )

  it.each(['__proto__', 'constructor', 'toString', 'a:b', '%3A', ' ', '\u0000', '🚀', 'x'.repeat(255)])(
    'accepts %j as a connection id and a user id',
    async (id) => {
      const manager = new ConnectionManager<FakeSocket>()
      const [socket, other] = [new FakeSocket(), new FakeSocket()]
      manager.addConnection('other', other, 'other')
      manager.addConnection(id, socket, id)
      manager.addSubscription({ userId: id, ...PRICE })

      manager.publish(price())

      expect(socket.received).toEqual(['price'])
      expect(other.received).toEqual([])
      expect(manager.userConnections.get(id)).toEqual([id])
      expect(await manager.removeConnection(id)).toBe(true)
      expect(manager.userSubscriptions.size).toBe(0)
    },
  )

  it('finds nothing for unknown and malformed ids, without throwing', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    manager.addConnection('c1', new FakeSocket(), 'alice')

    for (const id of ['nobody', '', '\uD800', '__proto__', 7, null, undefined, {}, Symbol('id')] as never[]) {
      expect(manager.getConnection(id)).toBeUndefined()
      expect(manager.getUserConnections(id)).toEqual([])
      expect(manager.getUserSubscriptions(id)).toEqual([])
      expect(manager.getSubscribers(id, id)).toEqual([])
      expect(manager.removeSubscription({ userId: id, streamType: id, symbol: id })).toBe(false)
      expect(await manager.removeConnection(id)).toBe(false)
      expect(await manager.removeUser(id)).toBe(0)
    }
    expect(manager.connectionCount).toBe(1)
  })

  it('lists the sockets and connection ids of a user, oldest first, after any removal', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const sockets = Array.from({ length: 40 }, () => new FakeSocket())
    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, 'alice')

    for (let i = 0; i < 40; i += 2) void manager.removeConnection(`c${i}`)
    manager.addConnection('newest', sockets[0] as FakeSocket, 'alice')

    const odd = sockets.filter((_, i) => i % 2 === 1)
    expect(manager.getUserConnections('alice')).toEqual([...odd, sockets[0]])
    expect(manager.userConnections.get('alice')?.slice(-2)).toEqual(['c39', 'newest'])
  })

  it('allows removals during an iteration over connections', () => {
    const manager = new ConnectionManager<FakeSocket>()
    for (let i = 0; i < 10; i++) manager.addConnection(`c${i}`, new FakeSocket(), 'alice')

    for (const connection of manager.connections()) void connection.remove()

    expect(stateOf(manager)).toEqual(NOTHING)
  })
})

describe('ConnectionManager › removing', () => {
  it('changes the state before the call returns, and closes the socket once', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')

    void manager.removeConnection('c1')
    void manager.removeConnection('c1')
    void connection.remove()

    expect(socket.closeCalls).toBe(1)
    expect(connection.removed).toBe(true)
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('ends all subscriptions of a user with the last connection, in the same call, and no others', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    manager.addConnection('c2', new FakeSocket(), 'bob')
    for (const userId of ['alice', 'bob']) {
      manager.addSubscription({ userId, ...PRICE })
      manager.addSubscription({ userId, ...ORDERS })
    }
    connection.subscribe(BTC_ORDERS)

    void connection.remove()

    expect(manager.getUserSubscriptions('alice')).toEqual([])
    expect(Object.fromEntries(manager.streamSubscriptions)).toEqual({ 'PRICE:BTCUSDT': ['bob'], ORDER_UPDATES: ['bob'] })
  })

  it('returns whether this call removed the connection', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

    expect(await connection.remove()).toBe(true)
    expect(await connection.remove()).toBe(false)
    expect(await manager.removeConnection('c1')).toBe(false)
  })

  it('leaves the socket alone with close: false', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')

    expect(await connection.remove({ close: false })).toBe(true)

    expect(socket.closeCalls).toBe(0)
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('never removes a later connection with the same id through a stale handle', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const stale = manager.addConnection('c1', new FakeSocket(), 'alice')
    await stale.remove()
    const socket = new FakeSocket()
    const current = manager.addConnection('c1', socket, 'bob')
    current.subscribe(PRICE)

    expect(await stale.remove()).toBe(false)
    expect(stale.unsubscribe(PRICE)).toBe(false)

    expect(current.removed).toBe(false)
    expect(socket.closeCalls).toBe(0)
    expect(manager.publish(price())).toMatchObject({ sent: 1 })
  })

  it('waits for a slow close', async () => {
    const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
    let finishClosing = (): void => {}
    const socket = new FakeSocket({ close: () => new Promise<void>((resolve) => (finishClosing = resolve)) })
    manager.addConnection('c1', socket, 'alice')
    const events: string[] = []

    const removal = manager.removeConnection('c1').then(() => events.push('removed'))
    await Promise.resolve()
    events.push('closed')
    finishClosing()
    await removal

    expect(events).toEqual(['closed', 'removed'])
  })

  it.each([
    ['throws', () => { throw new Error('cannot close') }],
    ['rejects', () => Promise.reject(new Error('cannot close'))],
    ['returns a thenable that throws', () => ({ then() { throw new Error('cannot close') } })],
    ['returns an object whose then throws', () => ({ get then() { throw new Error('cannot close') } })],
    ['returns a promise with a replaced then', () => Object.assign(Promise.resolve(), { then() { throw new Error('cannot close') } })],
  ])('reports a close that %s, and never throws', async (_case, close) => {
    const manager = new ConnectionManager<FakeSocket>({ clock: new ManualClock() })
    const connection = manager.addConnection('c1', new FakeSocket({ close }), 'alice')
    const errors: unknown[] = []
    manager.on('error', (event) => errors.push(event))

    expect(await connection.remove()).toBe(true)

    expect(errors).toEqual([{ error: new Error('cannot close'), stage: 'close', connection }])
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('reports a close that has not settled after closeTimeoutMs, and resolves', async () => {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock, closeTimeoutMs: 700 })
    const connection = manager.addConnection('c1', hanging(), 'alice')
    const stages: string[] = []
    manager.on('error', ({ stage }) => stages.push(stage))

    const removal = connection.remove()
    clock.advance(699)
    expect(stages).toEqual([])
    clock.advance(1)

    expect(stages).toEqual(['close'])
    expect(await removal).toBe(true)
  })

  it('waits 5 s for a close by default', () => {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock })
    const stages: string[] = []
    manager.on('error', ({ stage }) => stages.push(stage))

    void manager.addConnection('c1', hanging(), 'alice').remove()
    clock.advance(4_999)
    expect(stages).toEqual([])
    clock.advance(1)

    expect(stages).toEqual(['close'])
  })

  it('reports a close once, even if it rejects after its deadline', async () => {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock })
    let fail = (_error: Error): void => {}
    const socket = new FakeSocket({ close: () => new Promise<void>((_, reject) => (fail = reject)) })
    const errors: unknown[] = []
    manager.on('error', ({ error }) => errors.push(error))

    const removal = manager.addConnection('c1', socket, 'alice').remove()
    clock.advance(5_000)
    fail(new Error('late'))
    await removal
    await Promise.resolve()

    expect(errors).toHaveLength(1)
  })

  it('sets no timer with an infinite closeTimeoutMs, and leaves none behind after a close', async () => {
    const clock = new ManualClock()
    const patient = new ConnectionManager<FakeSocket>({ clock, closeTimeoutMs: Infinity })
    void patient.addConnection('c1', hanging(), 'alice').remove()
    expect(clock.pendingTimers).toBe(0)

    const manager = new ConnectionManager<FakeSocket>({ clock })
    await manager.addConnection('c1', new FakeSocket({ close: () => Promise.resolve() }), 'alice').remove()

    expect(clock.pendingTimers).toBe(0)
  })

  it('tolerates a close that calls back into the manager', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const answers: Promise<unknown>[] = []
    const socket = new FakeSocket({
      close: () => {
        answers.push(manager.removeConnection('c1'), manager.getConnection('c2')?.remove() ?? Promise.resolve('gone'))
      },
    })
    manager.addConnection('c1', socket, 'alice')
    manager.addConnection('c2', new FakeSocket(), 'alice')

    expect(await manager.removeConnection('c1')).toBe(true)

    expect(await Promise.all(answers)).toEqual([false, true])
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('removes all connections of a user, and returns how many', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const sockets = [new FakeSocket(), new FakeSocket()]
    const kept = new FakeSocket()
    for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, 'alice')
    manager.addConnection('kept', kept, 'bob')
    manager.addSubscription({ userId: 'alice', ...PRICE })

    const removal = manager.removeUser('alice')

    expect(stateOf(manager)).toMatchObject({ activeConnections: ['kept'], userSubscriptions: [] })
    expect(await removal).toBe(2)
    expect(sockets.map(({ closeCalls }) => closeCalls)).toEqual([1, 1])
    expect(kept.closeCalls).toBe(0)
  })

  it.each(['ali', 'alicex', 'ALICE', ' alice', 'alice:', 'alic\u0435', 'alice\0'])('keeps a user apart from one whose id is %j', async (alike) => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')
    manager.addSubscription({ userId: 'alice', ...PRICE })
    const before = stateOf(manager)
    manager.addConnection('c2', new FakeSocket(), alike)
    manager.addSubscription({ userId: alike, ...PRICE })

    expect(await manager.removeUser(alike)).toBe(1)

    expect(stateOf(manager)).toEqual(before)
    expect(socket.closeCalls).toBe(0)
  })

  it('removes the pending subscriptions of a user without a connection, too', async () => {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock })
    manager.addSubscription({ userId: 'alice', ...PRICE })

    expect(await manager.removeUser('alice')).toBe(0)

    expect(stateOf(manager)).toEqual(NOTHING)
    expect(clock.pendingTimers).toBe(0)
  })
})
