import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ORDERS, PRICE, price } from '../../support/messages.ts'
import { PressuredSocket, pressured, unaccounted } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const hanging = (): FakeSocket => new FakeSocket({ close: () => new Promise(() => {}) })

/** A manager with these sockets, each the connection of its own user, subscribed to PRICE:BTCUSDT. */
function managing(...sockets: FakeSocket[]) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock })
  for (const [i, socket] of sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`).subscribe(PRICE)
  return { clock, manager }
}

describe('ConnectionManager › cleanup', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('removes everything and closes every socket once, before it returns', () => {
    const sockets = [new FakeSocket(), new FakeSocket()]
    const { manager, clock } = managing(...sockets)
    manager.addSubscription({ userId: 'nobody yet', ...PRICE })

    void manager.cleanup()

    expect(manager.closed).toBe(true)
    expect(stateOf(manager)).toEqual(NOTHING)
    expect(sockets.map(({ closeCalls }) => closeCalls)).toEqual([1, 1])
    expect(clock.pendingTimers).toBe(0)
  })

  it('reports how many connections were closed, failed to close and timed out', async () => {
    const shared = new FakeSocket()
    const { manager, clock } = managing(
      new FakeSocket(),
      new FakeSocket({ close: () => Promise.resolve() }),
      new FakeSocket({ close: () => { throw new Error('no') } }),
      new FakeSocket({ close: () => Promise.reject(new Error('no')) }),
      hanging(),
      shared,
    )
    manager.addConnection('again', shared, 'u0')

    const report = manager.cleanup()
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(5_000)

    expect(await report).toEqual({ closed: 4, failed: 2, timedOut: 1 })
    expect(shared.closeCalls).toBe(1)
  })

  it('closes all sockets in parallel, under one deadline, and leaves no timer', async () => {
    const { manager, clock } = managing(...Array.from({ length: 50 }, hanging))
    const stages: string[] = []
    manager.on('error', ({ stage }) => stages.push(stage))
    let report: unknown

    const cleanup = manager.cleanup({ deadlineMs: 300 }).then((value) => (report = value))
    clock.advance(299)
    await Promise.resolve()
    expect(report).toBeUndefined()
    clock.advance(1)
    await cleanup

    expect(report).toEqual({ closed: 0, failed: 0, timedOut: 50 })
    expect(stages).toHaveLength(50)
    expect(clock.pendingTimers).toBe(0)
  })

  it('waits 5 s by default, and indefinitely with an infinite deadline', async () => {
    const { manager, clock } = managing(hanging())
    const report = manager.cleanup()
    clock.advance(5_000)
    expect(await report).toEqual({ closed: 0, failed: 0, timedOut: 1 })

    const patient = managing(hanging())
    void patient.manager.cleanup({ deadlineMs: Infinity })
    expect(patient.clock.pendingTimers).toBe(0)
  })

  it('counts only settled closes with a deadline of 0', async () => {
    const { manager, clock } = managing(new FakeSocket({ close: () => Promise.resolve() }), hanging())

    const report = manager.cleanup({ deadlineMs: 0 })
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(0)

    expect(await report).toEqual({ closed: 1, failed: 0, timedOut: 1 })
  })

  it('returns the same promise to every caller, also from within a close or a listener', async () => {
    const promises: unknown[] = []
    const { manager } = managing(new FakeSocket({ close: () => promises.push(manager.cleanup()) }))
    manager.on('connectionRemoved', () => promises.push(manager.cleanup()))

    const cleanup = manager.cleanup()
    promises.push(manager.cleanup({ deadlineMs: 1 }))
    promises.push(manager.cleanup({ deadlineMs: -1 }))

    expect(promises).toHaveLength(4)
    for (const promise of promises) expect(promise).toBe(cleanup)
    expect(await cleanup).toEqual({ closed: 1, failed: 0, timedOut: 0 })
    expect(manager.cleanup()).toBe(cleanup)
  })

  it('refuses every later call that would add state or deliver', async () => {
    const { manager } = managing(new FakeSocket())
    const connection = manager.getConnection('c0')
    await manager.cleanup()

    for (const refused of [
      () => manager.addConnection('new', new FakeSocket(), 'alice'),
      () => manager.addSubscription({ userId: 'alice', ...PRICE }),
      () => connection?.subscribe(PRICE),
      () => manager.publish(price()),
      () => manager.sendToUser('u0', price()),
      () => manager.sendToConnection('c0', price()),
      () => manager.broadcast(price()),
    ]) {
      expectCode('ERR_CLOSED', refused)
    }

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('still answers queries and removals', async () => {
    const { manager } = managing(new FakeSocket())
    const connection = manager.getConnection('c0')
    await manager.cleanup()

    expect(manager.getUserConnections('u0')).toEqual([])
    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual([])
    expect(manager.removeSubscription({ userId: 'u0', ...PRICE })).toBe(false)
    expect(connection?.removed).toBe(true)
    expect(connection?.unsubscribe(PRICE)).toBe(false)
    expect(await connection?.remove()).toBe(false)
    expect(await manager.removeConnection('c0')).toBe(false)
    expect(await manager.removeUser('u0')).toBe(0)
  })

  it('refuses a new connection from within a close or a listener', () => {
    const refusals: unknown[] = []
    const tryToJoin = (): void => void refusals.push(expectCode('ERR_CLOSED', () => manager.addConnection('new', new FakeSocket(), 'new')))
    const { manager } = managing(new FakeSocket({ close: tryToJoin }), new FakeSocket())
    manager.on('connectionRemoved', tryToJoin)

    void manager.cleanup()

    expect(refusals).toHaveLength(3)
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('stops a running delivery: the remaining recipients are skipped, and nothing is sent afterwards', () => {
    const sockets = [new FakeSocket(), new FakeSocket({ send: () => void manager.cleanup() }), new FakeSocket()]
    const { manager } = managing(...sockets)

    expect(manager.publish(price())).toEqual(result({ matched: 3, sent: 2, skipped: 1 }))

    expect(sockets.map(({ sent }) => sent.length)).toEqual([1, 1, 0])
    expect(sockets.map(({ closeCalls }) => closeCalls)).toEqual([1, 1, 1])
  })

  it('drops deferred messages', () => {
    const socket = new FakeSocket({ send: () => { manager.publish(price('deferred')); void manager.cleanup() } })
    const { manager } = managing(socket)

    manager.publish(price('first'))

    expect(socket.received).toEqual(['first'])
    expect(manager.stats()).toMatchObject({ matched: 1, sent: 1 })
  })

  it.each([['a toJSON', 'toJSON'], ['a getter of the message', 'getter']])('delivers nothing if it is called by %s', (_case, from) => {
    const socket = new FakeSocket()
    const { manager } = managing(socket)
    const cleanUp = (): string => (void manager.cleanup(), 'too late')

    if (from === 'toJSON') expect(manager.publish(price({ toJSON: cleanUp }))).toEqual(result({ matched: 1, skipped: 1 }))
    else expectCode('ERR_CLOSED', () => manager.publish({ ...PRICE, get data() { return cleanUp() } }))

    expect(socket.sent).toEqual([])
  })

  it('refuses a connection whose getter cleans up', () => {
    const { manager } = managing(new FakeSocket())
    const connection = manager.getConnection('c0')
    const trap = (field: string) => ({ ...ORDERS, userId: 'u0', get [field]() { void manager.cleanup(); return undefined } }) as never

    expectCode('ERR_CLOSED', () => connection?.subscribe(trap('filters')))
    expectCode('ERR_CLOSED', () => manager.addSubscription(trap('filters')))

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it.each([
    [null, 'options'],
    [7, 'options'],
    ['now', 'options'],
    [{ deadline: 5 }, 'deadline'],
  ])('refuses %j as options, naming %s, and changes nothing', (options, option) => {
    const manager = new ConnectionManager<FakeSocket>()
    manager.addConnection('c1', new FakeSocket(), 'alice')

    const error = expectCode('ERR_INVALID_OPTION', () => manager.cleanup(options as never))

    expect(error).toMatchObject({ option })
    expect(error).not.toHaveProperty('cause')
    expect([manager.closed, manager.connectionCount]).toEqual([false, 1])
  })

  it('writes nothing more for a removal that it was called from', () => {
    const { manager, connect, order, publish } = pressured()
    const sent: string[] = []
    const writing = (name: string, act = () => {}) => new PressuredSocket((frames) => {
      sent.push(`${name} ${frames.join()}`)
      act()
    })
    connect('c', writing('c', () => {
      void manager.cleanup()
      sent.push('cleaned up')
    }))
    connect('d', writing('d'))
    connect('e', writing('e'), { userId: 'v' })
    order('o1')
    publish('BOOK', 'b1')

    void manager.removeUser('u')

    expect(sent).toEqual(['c o1,b1', 'd o1,b1', 'e b1', 'cleaned up'])
    expect([unaccounted(manager), manager.stats().sent]).toEqual([0, 5])
  })

  it('shuts down once, even if a getter of its options shuts down as well', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const { socket } = manager.addConnection('c1', new FakeSocket(), 'alice')
    let inner: unknown

    const outer = manager.cleanup({
      get deadlineMs() {
        inner = manager.cleanup()
        return 5
      },
    })

    expect(outer).toBe(inner)
    expect([await outer, socket.closeCalls]).toEqual([{ closed: 1, failed: 0, timedOut: 0 }, 1])
  })

  it.each([-1, NaN, '5', -Infinity, null])('refuses %j as a deadline, and changes nothing', (deadlineMs) => {
    const { manager } = managing(new FakeSocket())

    expectCode('ERR_INVALID_OPTION', () => manager.cleanup({ deadlineMs: deadlineMs as number }))

    expect(manager.closed).toBe(false)
    expect(manager.connectionCount).toBe(1)
  })

  it('runs at the end of an await using block', async () => {
    const socket = new FakeSocket()
    const { manager } = managing(socket)

    expect(Object.getOwnPropertyDescriptor(manager, Symbol.asyncDispose)?.enumerable).toBe(false)
    await manager[Symbol.asyncDispose]()

    expect(manager.closed).toBe(true)
    expect(socket.closeCalls).toBe(1)
  })

  it('adds no method called "undefined" if Symbol.asyncDispose does not exist', () => {
    vi.stubGlobal('Symbol', { iterator: Symbol.iterator })
    const manager = new ConnectionManager()
    vi.unstubAllGlobals()

    expect(Reflect.ownKeys(manager)).not.toContain('undefined')
  })

  it('resolves at once if there is nothing to close', async () => {
    expect(await new ConnectionManager().cleanup()).toEqual({ closed: 0, failed: 0, timedOut: 0 })
  })

  describe('during earlier closes', () => {
    const SETTLED = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

    /** A socket whose close settles or fails when the test calls a function. */
    function closable() {
      let [close, fail] = [(): void => {}, (_error: Error): void => {}]
      const socket = new FakeSocket({ close: () => new Promise<void>((resolve, reject) => ([close, fail] = [resolve, reject])) })
      return { socket, close: () => close(), fail: () => fail(new Error('cannot close')) }
    }

    it('waits for them, and counts each once', async () => {
      const [first, second] = [closable(), closable()]
      const { manager, clock } = managing(first.socket, second.socket, hanging(), new FakeSocket())
      for (const id of ['c0', 'c1', 'c2']) void manager.removeConnection(id)
      let report: unknown

      const cleanup = manager.cleanup().then((value) => (report = value))
      first.close()
      second.fail()
      await SETTLED()
      expect(report).toBeUndefined()
      clock.advance(5_000)
      await cleanup

      expect(report).toEqual({ closed: 2, failed: 1, timedOut: 1 })
      expect(clock.pendingTimers).toBe(0)
    })

    it('counts a close once for each connection that it serves', async () => {
      const { socket, close } = closable()
      const { manager } = managing(new FakeSocket())
      for (const id of ['a', 'b']) manager.addConnection(id, socket, 'alice')
      void manager.removeUser('alice')

      const cleanup = manager.cleanup()
      close()

      expect(await cleanup).toEqual({ closed: 3, failed: 0, timedOut: 0 })
      expect(socket.closeCalls).toBe(1)
    })

    it('does not count a close that settled or timed out before', async () => {
      const { manager, clock } = managing(new FakeSocket(), new FakeSocket({ close: () => Promise.resolve() }), hanging())
      const removals = ['c0', 'c1', 'c2'].map((id) => manager.removeConnection(id))
      await SETTLED()
      clock.advance(5_000)
      await Promise.all(removals)

      expect(await manager.cleanup()).toEqual({ closed: 0, failed: 0, timedOut: 0 })
    })

    it.each([
      ['its own deadline', 700, 5_000, 700],
      ['the deadline of the removal, if that is earlier', 5_000, 700, 700],
      ['its own deadline, even if the removal waits indefinitely', 700, Infinity, 700],
      ['the deadline of the removal, even if the cleanup waits indefinitely', Infinity, 700, 700],
    ])('waits until %s', async (_until, deadlineMs, closeTimeoutMs, settlesAtMs) => {
      const clock = new ManualClock()
      const manager = new ConnectionManager<FakeSocket>({ clock, closeTimeoutMs })
      void manager.addConnection('c', hanging(), 'u').remove()
      let report: unknown

      const cleanup = manager.cleanup({ deadlineMs }).then((value) => (report = value))
      clock.advance(settlesAtMs - 1)
      await SETTLED()
      expect(report).toBeUndefined()
      clock.advance(1)
      await cleanup

      expect(report).toEqual({ closed: 0, failed: 0, timedOut: 1 })
    })

    it('leaves a close that outlives its own deadline to the removal, which terminates it at its deadline', async () => {
      const clock = new ManualClock()
      const terminate = vi.fn()
      const manager = new ConnectionManager<FakeSocket>({ clock, closeTimeoutMs: 1_000, transport: { terminate } })
      const socket = hanging()
      const settled = vi.fn()
      void manager.addConnection('c', socket, 'u').remove().then(settled)

      const cleanup = manager.cleanup({ deadlineMs: 100 })
      clock.advance(100)
      const report = await cleanup
      const callsBefore = [terminate.mock.calls.length, settled.mock.calls.length]
      clock.advance(900)
      await SETTLED()

      expect(report).toEqual({ closed: 0, failed: 0, timedOut: 1 })
      expect(callsBefore).toEqual([0, 0])
      expect(terminate).toHaveBeenCalledExactlyOnceWith(socket)
      expect(settled).toHaveBeenCalledTimes(1)
      expect(clock.pendingTimers).toBe(0)
    })

    it('counts only settled closes with a deadline of 0', async () => {
      const { manager, clock } = managing(new FakeSocket({ close: () => Promise.resolve() }), hanging())
      for (const id of ['c0', 'c1']) void manager.removeConnection(id)

      const report = manager.cleanup({ deadlineMs: 0 })
      await SETTLED()
      clock.advance(0)

      expect(await report).toEqual({ closed: 1, failed: 0, timedOut: 1 })
    })

    it('counts a close as closed that called it and then returned, also if the deadline passes in the same turn', async () => {
      let report: unknown
      const { manager, clock } = managing(new FakeSocket({ close: () => void (report = manager.cleanup({ deadlineMs: 0 })) }))
      void manager.removeConnection('c0')

      clock.advance(0)

      expect(await report).toEqual({ closed: 1, failed: 0, timedOut: 0 })
      expect(clock.pendingTimers).toBe(0)
    })

    it('counts the closes of the removal that it was called from, also those not yet begun', async () => {
      const { manager, clock } = managing(
        new FakeSocket({ close: () => { void manager.cleanup({ deadlineMs: 300 }); return Promise.resolve() } }),
        hanging(),
      )
      manager.addConnection('late', hanging(), 'u0')
      manager.addConnection('later', new FakeSocket(), 'u0')

      void manager.removeUser('u0')
      await SETTLED()
      clock.advance(300)

      expect(await manager.cleanup()).toEqual({ closed: 2, failed: 0, timedOut: 2 })
    })

    it('counts the pending closes of slow and failed connections', async () => {
      const broken = new FakeSocket({ send: () => { throw new Error('broken') }, close: () => new Promise(() => {}) })
      const { manager, clock } = managing(broken)
      manager.publish(price())

      const report = manager.cleanup()
      clock.advance(5_000)

      expect(await report).toEqual({ closed: 0, failed: 0, timedOut: 1 })
    })
  })
})
