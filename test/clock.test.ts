import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { ConnectionManager, type ConnectionManagerOptions } from '../src/index.ts'
import { FakeSocket } from './support/fake-socket.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1
const NEVER = new Promise<void>(() => {})

/** A manager on the default clock, with one subscription that waits for its user. */
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
    // In this order: a stub gives back what it stood for, which is the fake.
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('dates by the wall clock', () => {
    const [subscription] = pendingManager().getUserSubscriptions('alice')

    expect(subscription?.createdAt).toEqual(new Date('2026-01-31T12:00:00.000Z'))
  })

  it('measures durations by a clock that does not jump with the wall clock', () => {
    const manager = pendingManager({ pendingTtlMs: 30_000 })
    vi.advanceTimersByTime(10_000)
    manager.addSubscription({ userId: 'bob', streamType: 'PRICE', symbol: 'BTCUSDT' })

    vi.setSystemTime('2036-01-31T12:00:00.000Z')
    vi.advanceTimersByTime(20_000)

    expect(manager.getSubscribers('PRICE', 'BTCUSDT')).toEqual(['bob'])
  })

  it.each([LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, 2 ** 32 + 10, 3 * LONGEST_TIMER_MS])(
    'waits %d ms, though timers of more than 2 ** 31 - 1 ms fire at once',
    (pendingTtlMs) => {
      const manager = pendingManager({ pendingTtlMs })

      vi.advanceTimersByTime(pendingTtlMs - 1)
      const countBefore = manager.subscriptionCount
      vi.advanceTimersByTime(1)

      expect(countBefore).toBe(1)
      expect(manager.subscriptionCount).toBe(0)
    },
  )

  it('waits as long for a socket to close', async () => {
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

  it('sets no timer for a wait without end', async () => {
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
  ])('leaves no timer behind that is cancelled %s', (_, passedMs) => {
    const manager = pendingManager({ pendingTtlMs: 2 ** 33 })
    vi.advanceTimersByTime(passedMs)
    const timersBefore = vi.getTimerCount()

    manager.removeSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })

    expect(timersBefore).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells every timer that it sets not to keep the process alive', () => {
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
  ])('is content where a timer is %s', (_, timer) => {
    const clearTimeout = vi.fn()
    vi.stubGlobal('setTimeout', () => timer)
    vi.stubGlobal('clearTimeout', clearTimeout)

    systemClock.setTimeout(() => {}, 5)()

    expect(clearTimeout).toHaveBeenCalledExactlyOnceWith(timer)
  })
})

describe('a process that does not clean up', () => {
  it.each([
    ['a pending subscription', `manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })`],
    ['a socket that does not close', `manager.addConnection('c1', { send() {}, close: () => new Promise(() => {}) }, 'alice').remove()`],
    ['a cleanup that waits', `manager.addConnection('c1', { send() {}, close: () => new Promise(() => {}) }, 'alice'); manager.cleanup()`],
  ])('is not kept alive by %s', (_, what) => {
    const library = new URL('../dist/index.js', import.meta.url)
    const program = `import { ConnectionManager } from ${JSON.stringify(library)}
      const manager = new ConnectionManager({ closeTimeoutMs: 600_000, pendingTtlMs: 600_000 })
      ${what}
      process.on('exit', () => console.log('exits by itself'))`

    const { status, signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      timeout: 20_000,
    })

    expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'exits by itself\n' })
  })
})
