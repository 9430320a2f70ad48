import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/time/clock.ts'
import { ConnectionManager, type Clock, type ConnectionManagerOptions } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1
const NEVER = new Promise<void>(() => {})

/** A manager on the default clock, with one pending subscription. */
function pendingManager(options: ConnectionManagerOptions = {}): ConnectionManager {
  const manager = new ConnectionManager(options)
  manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
  return manager
}

describe('the default clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-01-31T12:00:00.000Z') })
  })

  afterEach(() => {
    // In this order: unstubbing restores the fake functions, and then the real ones are restored.
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('dates by the wall clock', () => {
    const [subscription] = pendingManager().getUserSubscriptions('alice')

    expect(subscription?.createdAt).toEqual(new Date('2026-01-31T12:00:00.000Z'))
  })

  it('measures durations by a clock that ignores jumps of the wall clock', () => {
    const manager = pendingManager({ pendingTtlMs: 30_000 })
    vi.advanceTimersByTime(10_000)
    manager.addSubscription({ userId: 'bob', streamType: 'PRICE', symbol: 'BTCUSDT' })

    vi.setSystemTime('2036-01-31T12:00:00.000Z')
    vi.advanceTimersByTime(20_000)

    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['bob'])
  })

  it.each([LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, 2 ** 32 + 10, 3 * LONGEST_TIMER_MS])(
    'waits %d ms, although timers of more than 2 ** 31 - 1 ms fire at once',
    (pendingTtlMs) => {
      const manager = pendingManager({ pendingTtlMs })

      vi.advanceTimersByTime(pendingTtlMs - 1)
      const countBefore = manager.subscriptionCount
      vi.advanceTimersByTime(1)

      expect(countBefore).toBe(1)
      expect(manager.subscriptionCount).toBe(0)
    },
  )

  it('waits more than 2 ** 31 - 1 ms for a socket to close', async () => {
    const manager = new ConnectionManager({ closeTimeoutMs: LONGEST_TIMER_MS + 1 })
    const connection = manager.addConnection('c1', new FakeSocket({ close: () => NEVER }), 'alice')
    const settled = vi.fn()

    const removal = connection.remove().then(settled)
    await vi.advanceTimersByTimeAsync(LONGEST_TIMER_MS)
    const callsBefore = settled.mock.calls.length
    await vi.advanceTimersByTimeAsync(1)
    await removal

    expect(callsBefore).toBe(0)
    expect(settled).toHaveBeenCalledExactlyOnceWith(true)
  })

  it('sets no timer for an infinite wait', async () => {
    const manager = pendingManager({ pendingTtlMs: Infinity, closeTimeoutMs: Infinity })
    let settle = (): void => {}
    const closing = new Promise<void>((resolve) => (settle = resolve))
    const removal = manager.addConnection('c1', new FakeSocket({ close: () => closing }), 'bob').remove()
    const timers = vi.getTimerCount()

    settle()

    expect(timers).toBe(0)
    expect(await removal).toBe(true)
  })

  it.each([
    ['at once', 0],
    ['long after it was set', LONGEST_TIMER_MS + 5],
  ])('leaves no timer behind if it is cancelled %s', (_, passedMs) => {
    const manager = pendingManager({ pendingTtlMs: 2 ** 33 })
    vi.advanceTimersByTime(passedMs)
    const timersBefore = vi.getTimerCount()

    manager.removeSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })

    expect(timersBefore).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('unrefs every timer that it sets', () => {
    const timers: { readonly fire: () => void; readonly ms: number; readonly unref: () => void }[] = []
    vi.stubGlobal('setTimeout', (fire: () => void, ms: number) => {
      timers.push({ fire, ms, unref: vi.fn() })
      return timers.at(-1)
    })

    systemClock.setTimeout(() => {}, LONGEST_TIMER_MS + 5)
    timers[0]?.fire()

    expect(timers.map(({ ms }) => ms)).toEqual([LONGEST_TIMER_MS, 5])
    for (const { unref } of timers) expect(unref).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['a number', 7],
    ['an object without unref', { id: 7 }],
    ['null', null],
  ])('accepts a timer that is %s', (_, timer) => {
    const clearTimeout = vi.fn()
    vi.stubGlobal('setTimeout', () => timer)
    vi.stubGlobal('clearTimeout', clearTimeout)

    systemClock.setTimeout(() => {}, 5)()

    expect(clearTimeout).toHaveBeenCalledExactlyOnceWith(timer)
  })
})

/** Runs a program on the built package, and returns how its process ended and what it printed. */
function ran(program: string) {
  const library = new URL('../../../dist/index.js', import.meta.url)
  const testing = new URL('../../../dist/testing.js', import.meta.url)
  const source = `import { ConnectionManager } from ${JSON.stringify(library)}
    import { ManualClock } from ${JSON.stringify(testing)}
    const stuck = { send() {}, close: () => new Promise(() => {}) }
    const clockWithout = (setTimeout) => ({ now: Date.now, monotonic: () => performance.now(), setTimeout })
    const unreferenced = clockWithout((fn, ms) => { const timer = setTimeout(fn, ms).unref(); return () => clearTimeout(timer) })
    const throwing = clockWithout(() => { throw new Error('no timers left') })
    const forgetful = clockWithout(() => () => {})
    ${program}`
  const { status, signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, signal, stdout }
}

describe('a process that waits for sockets to close', () => {
  const WAYS = [
    ['cleanup()', 'manager.cleanup({ deadlineMs: 50 })', '{"closed":0,"failed":0,"timedOut":1}'],
    ['removeConnection()', `manager.removeConnection('c1')`, 'true'],
    ['removeUser()', `manager.removeUser('alice')`, '1'],
    ['connection.remove()', 'connection.remove()', 'true'],
    ['cleanup() of a removal under way', 'void connection.remove(); await manager.cleanup({ deadlineMs: 50 })', '{"closed":0,"failed":0,"timedOut":1}'],
  ] as const

  it.each(WAYS)('stays alive until the promise of %s settles', (_way, call, printed) => {
    const { status, stdout } = ran(`const manager = new ConnectionManager({ closeTimeoutMs: 50 })
      const connection = manager.addConnection('c1', stuck, 'alice')
      ${call.startsWith('void') ? call.replace('await', 'const answer = await') : `const answer = await ${call}`}
      console.log(JSON.stringify(answer))`)

    expect({ status, stdout }).toEqual({ status: 0, stdout: `${printed}\n` })
  })

  it.each([
    ['whose timers do not keep it alive', 'unreferenced'],
    ['that cannot set timers', 'throwing'],
    ['that loses its timers', 'forgetful'],
  ])('stays alive until then on a clock %s', (_which, clock) => {
    const { status, stdout } = ran(`const manager = new ConnectionManager({ clock: ${clock}, closeTimeoutMs: 50 })
      const connection = manager.addConnection('c1', stuck, 'alice')
      console.log(await connection.remove())`)

    expect({ status, stdout }).toEqual({ status: 0, stdout: 'true\n' })
  })

  it('ends with the last of those promises', () => {
    const { status, signal, stdout } = ran(`const manager = new ConnectionManager({ closeTimeoutMs: 600_000 })
      manager.addConnection('c1', { send() {}, close: async () => {} }, 'alice')
      console.log(JSON.stringify(await manager.cleanup({ deadlineMs: 600_000 })))`)

    expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: '{"closed":1,"failed":0,"timedOut":0}\n' })
  })
})

describe('a process that does not clean up', () => {
  it.each([
    ['a pending subscription', '{}', `manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })`],
    [
      'a stream that is about to become idle',
      '{}',
      `manager.addConnection('c1', { send() {}, close() {} }, 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' }); void manager.removeUser('alice')`,
    ],
    ['a removal that waits indefinitely', '{ closeTimeoutMs: Infinity }', `void manager.addConnection('c1', stuck, 'alice').remove()`],
    ['a cleanup that waits indefinitely', '{}', `manager.addConnection('c1', stuck, 'alice'); void manager.cleanup({ deadlineMs: Infinity })`],
    ['a removal on a clock that stands still', '{ clock: new ManualClock() }', `void manager.addConnection('c1', stuck, 'alice').remove()`],
  ])('is not kept alive by %s', (_, options, what) => {
    const { status, signal, stdout } = ran(`
      const manager = new ConnectionManager({ closeTimeoutMs: 600_000, pendingTtlMs: 600_000, idleDelayMs: 600_000, ...${options} })
      ${what}
      process.on('exit', () => console.log('exits by itself'))`)

    expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'exits by itself\n' })
  })
})

/** A clock with methods that a test replaces, and the manager's errors. */
function onClock(parts: Partial<Clock> = {}, options: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const { now, monotonic, setTimeout } = clock
  const own: Clock = {
    now: () => now.call(clock),
    monotonic: () => monotonic.call(clock),
    setTimeout: (...timer) => setTimeout.apply(clock, timer),
    ...parts,
  }
  const manager = new ConnectionManager<FakeSocket>({ clock: own, pendingTtlMs: 100, idleDelayMs: 100, closeTimeoutMs: 100, ...options })
  const errors: unknown[][] = []
  manager.on('error', ({ error, stage }) => errors.push([stage, error]))
  return { clock, own, manager, errors }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const ALICES = { userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' } as const

describe('a faulty clock', () => {
  const noTimer = new Error('no timers left')
  const noTimers = { setTimeout: () => { throw noTimer } }

  it('is replaced by a timer of the runtime if it cannot set one, and is reported', async () => {
    const { manager, errors } = onClock(noTimers, { pendingTtlMs: 5 })
    const expired = new Promise<void>((resolve) => manager.on('subscriptionRemoved', () => resolve()))

    const { status } = manager.addSubscription(ALICES)
    const countBefore = manager.subscriptionCount
    await expired

    expect([status, countBefore, manager.subscriptionCount]).toEqual(['PENDING', 1, 0])
    expect(errors).toEqual([['listener', noTimer]])
  })

  it('does not delay the promise of a removal or the change of state', async () => {
    const { manager, errors } = onClock(noTimers, { closeTimeoutMs: 5 })
    const connection = manager.addConnection('c1', new FakeSocket({ close: () => NEVER }), 'alice')

    const removal = connection.remove()

    expect([connection.removed, manager.connectionCount]).toEqual([true, 0])
    expect(errors).toEqual([['close', noTimer]])
    expect(await removal).toBe(true)
  })

  it('does not block a cleanup', async () => {
    const { manager } = onClock(noTimers)
    manager.addConnection('c1', new FakeSocket({ close: () => NEVER }), 'alice')

    expect(await manager.cleanup({ deadlineMs: 5 })).toEqual({ closed: 0, failed: 0, timedOut: 1 })
  })

  it('still makes a stream idle', async () => {
    const { manager, errors } = onClock(noTimers, { idleDelayMs: 5 })
    const idle = new Promise<void>((resolve) => manager.on('streamIdle', () => resolve()))
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice')
    connection.subscribe(ALICES)

    expect(connection.unsubscribe(ALICES)).toBe(true)
    await idle

    expect(errors).toEqual([['listener', noTimer]])
  })

  it.each([
    ['nothing', () => undefined],
    ['a number', () => 7],
    ['a promise that rejects', () => Promise.reject(new Error('async'))],
  ])('is reported if its setTimeout returns %s, and a cancelled timer stays cancelled', (_what, answer) => {
    let fire = (): void => {}
    const { manager, errors } = onClock({ setTimeout: (fn) => ((fire = fn), answer() as never) })

    manager.addSubscription(ALICES)
    manager.removeSubscription(ALICES)
    manager.addSubscription(ALICES)
    const [late] = [fire]
    manager.removeSubscription(ALICES)
    late()

    expect(errors).toEqual([['listener', expect.any(TypeError)], ['listener', expect.any(TypeError)]])
  })

  it.each([
    ['throws', () => { throw noTimer }],
    ['rejects', () => Promise.reject(noTimer)],
  ])('is contained if a cancel %s', async (_how, cancel) => {
    const { manager, errors } = onClock({ setTimeout: () => cancel as () => void })
    manager.addSubscription(ALICES)

    expect(manager.removeSubscription(ALICES)).toBe(true)
    await turn()

    expect(errors.filter(([, error]) => error !== noTimer)).toEqual([])
    expect(manager.subscriptionCount).toBe(0)
  })

  it('runs no callback in the middle of a call, even if its setTimeout calls at once', async () => {
    const { manager } = onClock({ setTimeout: (fn) => (fn(), () => {}) })
    const expired = new Promise<void>((resolve) => manager.on('subscriptionRemoved', () => resolve()))

    const subscription = manager.addSubscription(ALICES)
    const [status, count] = [subscription.status, manager.subscriptionCount]
    await expired

    expect([status, count]).toEqual(['PENDING', 1])
    expect([subscription.status, manager.subscriptionCount]).toEqual(['DISCONNECTED', 0])
  })

  it('has no effect if it fires a timer twice or after a cancel', () => {
    const timers: (() => void)[] = []
    const { clock, manager } = onClock({ setTimeout: (fn) => (timers.push(fn), () => {}) })
    const removed = vi.fn()
    manager.on('subscriptionRemoved', removed)
    manager.addSubscription(ALICES)
    clock.advance(100)
    timers[0]?.()
    manager.addSubscription(ALICES)
    timers[0]?.()
    const callsBefore = removed.mock.calls.length

    manager.removeSubscription(ALICES)
    manager.addSubscription(ALICES)
    timers[1]?.()

    expect([callsBefore, removed.mock.calls.length, manager.subscriptionCount]).toEqual([1, 2, 1])
  })

  it.each([NaN, Infinity, 5n, '5', undefined, null, 8.64e15 + 1])('falls back to the last valid reading for dates if now() returns %s', async (reading) => {
    const { clock, own, manager, errors } = onClock()
    const readings = vi.spyOn(own, 'now')
    manager.addConnection('c1', new FakeSocket(), 'alice')
    clock.advance(1_000)
    const good = manager.addSubscription(ALICES).createdAt
    clock.advance(1_000)

    readings.mockReturnValue(reading as number)
    const bad = [1, 2].map((i) => manager.addSubscription({ ...ALICES, symbol: `S${i}` }).createdAt)
    const { sent } = manager.publish({ ...ALICES, userId: undefined, data: 1 })
    readings.mockRestore()
    await turn()

    expect(bad).toEqual([good, good])
    expect(sent).toBe(1)
    expect(errors).toEqual([['listener', expect.any(TypeError)]])
    expect(manager.addSubscription({ ...ALICES, symbol: 'S3' }).createdAt).toEqual(new Date(good.getTime() + 1_000))
  })

  it.each([NaN, Infinity, -Infinity, 5n, '5', undefined, null])('counts no time as passed if monotonic() returns %s', (reading) => {
    const { clock, own, manager } = onClock()
    const readings = vi.spyOn(own, 'monotonic')
    clock.advance(50)
    manager.addSubscription(ALICES)

    readings.mockReturnValue(reading as number)
    manager.addSubscription({ ...ALICES, symbol: 'ETHUSDT' })
    const countBefore = manager.subscriptionCount
    readings.mockRestore()
    clock.advance(99)
    const countInTime = manager.subscriptionCount
    clock.advance(1)

    expect([countBefore, countInTime, manager.subscriptionCount]).toEqual([2, 2, 0])
  })

  it.each(['now', 'monotonic'] as const)('is contained if %s() throws, and reported once', async (name) => {
    const reason = new Error('no time')
    const { own, manager, errors } = onClock()
    vi.spyOn(own, name).mockImplementation(() => { throw reason })

    manager.addSubscription(ALICES)
    manager.addSubscription({ ...ALICES, userId: 'bob' })
    manager.publish({ ...ALICES, userId: undefined, data: 1 })
    await turn()

    expect(manager.subscriptionCount).toBe(2)
    expect(errors).toEqual([['listener', reason]])
  })

  it('continues from its latest reading if its monotonic() goes back', () => {
    const { clock, own, manager } = onClock()
    clock.advance(1_000_000)
    manager.addSubscription(ALICES)
    const { monotonic } = own
    own.monotonic = () => monotonic() - 1_000_000

    manager.addSubscription({ ...ALICES, userId: 'bob' })
    clock.advance(100)

    expect(manager.subscriptionCount).toBe(0)
  })

  it('passes no time if its monotonic() repeats an earlier reading', () => {
    const { clock, own, manager } = onClock()
    clock.advance(1_000_000)
    manager.addSubscription(ALICES)
    const { monotonic } = own
    own.monotonic = () => monotonic() - 1_000_000
    manager.addSubscription({ ...ALICES, userId: 'bob' })

    own.monotonic = monotonic
    manager.addSubscription({ ...ALICES, userId: 'carol' })
    clock.advance(1)
    expect(manager.subscriptionCount).toBe(3)
    clock.advance(100)

    expect(manager.subscriptionCount).toBe(0)
  })

  it.each([
    ['now', 'NaN', () => NaN],
    ['now', 'an invalid date', () => 8.64e15 + 1],
    ['now', 'a BigInt', () => 5n],
    ['now', 'nothing', () => {}],
    ['now', 'a date', () => new Date(0)],
    ['monotonic', 'NaN', () => NaN],
    ['monotonic', 'Infinity', () => Infinity],
    ['monotonic', 'a BigInt', () => 5n],
    ['monotonic', 'a text', () => '5'],
    ['monotonic', 'a promise that rejects', () => Promise.reject(new Error('async'))],
  ])('is refused as an option if %s() returns %s', (name, _what, reading) => {
    const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => () => {}, [name]: reading }

    expect(expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ clock: clock as never }))).toMatchObject({ option: 'clock' })
  })

  it.each(['now', 'monotonic'])('is refused as an option if %s() throws, with the thrown error as the cause', (name) => {
    const reason = new Error('no time')
    const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => () => {}, [name]: () => { throw reason } }

    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ clock }))

    expect(error).toMatchObject({ option: 'clock', cause: reason })
  })
})

describe('a manager whose timers were lost', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.advanceTimersByTime(3_600_000)
  })
  afterEach(() => vi.useRealTimers())

  /** A manager whose timers were set by fake timers that are gone, and a log of its events. */
  function left(act: (manager: ConnectionManager<FakeSocket>) => void, options: ConnectionManagerOptions<FakeSocket>) {
    const manager = new ConnectionManager<FakeSocket>(options)
    const log: string[] = []
    manager.on('streamIdle', ({ symbol }) => log.push(`idle ${symbol}`))
    manager.on('subscriptionRemoved', ({ subscription: { symbol } }) => log.push(`removed ${symbol}`))
    act(manager)
    vi.useRealTimers()
    log.length = 0
    return { manager, log }
  }

  const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const subscribeAndLeave = (manager: ConnectionManager<FakeSocket>): void => {
    manager.addConnection('c1', new FakeSocket(), 'alice').subscribe(ALICES)
    void manager.removeUser('alice')
  }

  it.each<[call: string, call: (manager: ConnectionManager<FakeSocket>) => unknown]>([
    ['unsubscribes', (manager) => {
      const connection = manager.addConnection('c2', new FakeSocket(), 'bob')
      connection.subscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })
      connection.unsubscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })
    }],
    ['connects', (manager) => manager.addConnection('c2', new FakeSocket(), 'bob')],
    ['subscribes', (manager) => manager.addSubscription({ ...ALICES, symbol: 'ETHUSDT', userId: 'bob' })],
    ['lists the active streams', (manager) => manager.activeStreams()],
    ['publishes to nobody', (manager) => manager.publish({ ...ALICES, userId: undefined, data: 1 })],
  ])('makes a stream idle when somebody %s', async (_call, call) => {
    const { manager, log } = left(subscribeAndLeave, { idleDelayMs: 1 })
    await passed(5)
    const logBefore = [...log]

    call(manager)
    await vi.waitUntil(() => log.includes('idle BTCUSDT'))

    expect(logBefore).toEqual([])
    expect(manager.activeStreams().map(({ symbol }) => symbol)).not.toContain('BTCUSDT')
  })

  it('expires pending subscriptions when somebody subscribes, even if the quota refuses that', async () => {
    const options = { pendingTtlMs: 1, quotas: { pendingUsers: 1 } }
    const { manager, log } = left((each) => each.addSubscription(ALICES), options)
    await passed(5)

    expectCode('ERR_QUOTA_EXCEEDED', () => manager.addSubscription({ ...ALICES, userId: 'bob' }))
    await vi.waitUntil(() => log.length > 0)

    expect(log).toEqual(['removed BTCUSDT'])
    expect(manager.addSubscription({ ...ALICES, userId: 'bob' }).status).toBe('PENDING')
  })

  it('settles a waiting removal when somebody connects', async () => {
    const removals: Promise<unknown>[] = []
    const remove = (manager: ConnectionManager<FakeSocket>): void => {
      removals.push(manager.addConnection('c1', new FakeSocket({ close: () => NEVER }), 'alice').remove())
    }
    const { manager } = left(remove, { closeTimeoutMs: 1 })
    await passed(5)

    manager.addConnection('c2', new FakeSocket(), 'bob')

    expect(await Promise.all(removals)).toEqual([true])
  })

  it('settles a waiting removal at the next removal and at a cleanup', async () => {
    const removals: Promise<unknown>[] = []
    const remove = (manager: ConnectionManager<FakeSocket>, id: string): void => {
      removals.push(manager.addConnection(id, new FakeSocket({ close: () => NEVER }), 'alice').remove())
    }
    const { manager } = left((each) => remove(each, 'c1'), { closeTimeoutMs: 1 })
    await passed(5)

    remove(manager, 'c2')

    expect(await Promise.all(removals)).toEqual([true, true])
    expect(await manager.cleanup()).toEqual({ closed: 0, failed: 0, timedOut: 0 })
  })
})

describe('a removal that waits for a close', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    // In this order: unstubbing restores the fake functions, and then the real ones are restored.
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  const runtimes = (parts: Partial<Clock> = {}): Clock => ({ now: () => Date.now(), monotonic: () => performance.now(), setTimeout: () => () => {}, ...parts })

  /** Removes a connection, and returns a function that is called when the removal settles. */
  function removing(clock: Clock | undefined, closeTimeoutMs = 10_000, close: () => Promise<void> = () => NEVER) {
    const manager = new ConnectionManager({ clock, closeTimeoutMs })
    const settled = vi.fn()
    void manager.addConnection('c1', new FakeSocket({ close }), 'alice').remove().then(settled)
    return settled
  }

  it('keeps the process alive with a timer of the runtime, until it settles', async () => {
    const held = new Set<unknown>()
    vi.stubGlobal('setTimeout', () => {
      const timer = { unref: () => held.delete(timer) }
      held.add(timer)
      return timer
    })
    vi.stubGlobal('clearTimeout', (timer: unknown) => held.delete(timer))
    let close = (): void => {}

    const settled = removing(undefined, 10_000, () => new Promise((resolve) => (close = resolve)))
    const heldBefore = held.size
    close()
    for (let i = 0; i < 10; i++) await Promise.resolve()

    expect([heldBefore, held.size, settled.mock.calls.length]).toEqual([1, 0, 1])
  })

  it('stops keeping the process alive after a second if the clock stands still, and settles by that clock alone', async () => {
    const clock = new ManualClock()
    const otherTimers = vi.getTimerCount()
    const settled = removing(clock)

    await vi.advanceTimersByTimeAsync(999)
    const timersBefore = vi.getTimerCount() - otherTimers
    await vi.advanceTimersByTimeAsync(1)
    const timersAfter = vi.getTimerCount() - otherTimers
    await vi.advanceTimersByTimeAsync(1e6)
    const callsBefore = settled.mock.calls.length
    clock.advance(10_000)
    await vi.advanceTimersByTimeAsync(0)

    expect([timersBefore, timersAfter, callsBefore, settled.mock.calls.length]).toEqual([1, 0, 0, 1])
  })

  it('settles a second late if the clock loses the timer', async () => {
    const settled = removing(runtimes())

    await vi.advanceTimersByTimeAsync(10_999)
    const callsBefore = settled.mock.calls.length
    await vi.advanceTimersByTimeAsync(1_001)

    expect([callsBefore, settled.mock.calls.length, vi.getTimerCount()]).toEqual([0, 1, 0])
  })

  it.each<[how: string, broken: () => Partial<Clock>]>([
    ['sets no timer and stands still', () => ({ monotonic: () => 0, setTimeout: () => { throw new Error('no timers left') } })],
    ['returns no function and stands still', () => ({ monotonic: () => 0, setTimeout: () => undefined as never })],
    ['returns no valid time any more', () => {
      let reading = 0
      return { monotonic: () => (reading === 0 ? reading++ : NaN) }
    }],
  ])('settles even if the clock %s', async (_how, broken) => {
    const settled = removing(runtimes(broken()))

    await vi.advanceTimersByTimeAsync(12_500)

    expect([settled.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it('checks less and less often during a long wait', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const settled = removing(runtimes(), 86_400_000)

    await vi.advanceTimersByTimeAsync(86_410_000)

    expect(settled).toHaveBeenCalledTimes(1)
    expect(set.mock.calls.length).toBeLessThan(100)
  })
})
