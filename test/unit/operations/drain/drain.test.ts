import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../../src/index.ts'
import { drain, drainOf, type DrainReport, type ManagerDrainOptions } from '../../../../src/operations/index.ts'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { systemClock } from '../../../../src/time/clock.ts'
import { expectCode } from '../../../support/errors.ts'
import { FakeSocket } from '../../../support/fake-socket.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

function desk(clients = 0, closeTimeoutMs = 5_000) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock, closeTimeoutMs })
  const commands = createCommandServer(manager, { clock })
  const errors: unknown[] = []
  let count = 0
  const connect = (): FakeSocket => {
    const socket = new FakeSocket()
    manager.addConnection(`c${count}`, socket, `user ${count++}`)
    return socket
  }
  const open = (): FakeSocket => {
    const socket = connect()
    commands.open(manager.getConnection(`c${count - 1}`)!)
    return socket
  }
  const leave = (id: string): void => void manager.getConnection(id)?.remove({ close: false })
  const begin = (options: ManagerDrainOptions = {}): { report: DrainReport | undefined } => {
    const result: { report: DrainReport | undefined } = { report: undefined }
    void drain(manager, { clock, onError: (error) => void errors.push(error), ...options }).then((report) => (result.report = report))
    return result
  }
  for (let i = 0; i < clients; i++) connect()
  return { clock, manager, commands, errors, connect, open, leave, begin }
}

/** Lets the handlers of settled promises run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** Lets time pass in steps, and the promises of each step settle. */
async function pass(clock: ManualClock, ms: number, stepMs = 50): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await settled()
    clock.advance(stepMs)
  }
  await settled()
}

const lastGoodbye = ({ sent }: FakeSocket): Record<string, unknown> => JSON.parse(sent.at(-1) ?? '{}') as Record<string, unknown>

describe('drain', () => {
  it('closes connections at a steady rate, the oldest first, with code 1012 and a reason', async () => {
    const { clock, manager, begin } = desk(100)
    const sockets = [...manager.connections()].map(({ socket }) => socket)
    const result = begin({ perSecond: 20, overMs: 10_000 })

    const closedAt: number[] = []
    for (let second = 1; second <= 5; second++) {
      await pass(clock, 1_000)
      closedAt.push(sockets.filter(({ closeCalls }) => closeCalls > 0).length)
      expect(sockets.slice(0, closedAt.at(-1)).every(({ closeCalls }) => closeCalls === 1)).toBe(true)
    }

    for (const [index, closed] of closedAt.entries()) expect(Math.abs(closed - 20 * (index + 1))).toBeLessThanOrEqual(2)
    expect(sockets[0]?.closedWith).toEqual({ code: 1012, reason: 'draining' })
    expect(result.report).toMatchObject({ told: 0, left: 0, closed: 100, remained: 0 })
    expect(manager.closed).toBe(true)
  })

  it('takes three quarters of overMs by default, if there are many connections', async () => {
    const { clock, manager, begin } = desk(4_000)
    const result = begin({ overMs: 20_000 })

    await pass(clock, 7_500)
    const atHalf = manager.connectionCount
    await pass(clock, 8_000)

    expect(Math.abs(atHalf - 2_000)).toBeLessThanOrEqual(40)
    expect(result.report).toMatchObject({ closed: 4_000, remained: 0 })
    expect(result.report?.tookMs).toBeLessThanOrEqual(15_500)
  })

  it('sends a hundred away in a second by default, if that is enough', async () => {
    const { clock, manager, begin } = desk(200)
    const result = begin()

    await pass(clock, 1_000)
    const left = manager.connectionCount
    await pass(clock, 1_100)

    expect(Math.abs(left - 100)).toBeLessThanOrEqual(10)
    expect(result.report).toMatchObject({ closed: 200, remained: 0 })
  })

  it('tells the clients of the protocol when to go, and counts those who go by themselves', async () => {
    const { clock, manager, commands, open, leave, begin } = desk()
    const sockets = [open(), open(), open()]
    const result = begin({ commands, overMs: 10_000, perSecond: 1, reason: 'deploy' })

    const goodbyes = sockets.map(lastGoodbye)
    await pass(clock, 1_000)
    leave('c0')
    leave('c1')
    await pass(clock, 2_600)

    expect(goodbyes).toEqual(Array(3).fill({ type: 'goodbye', reason: 'deploy', reconnect: true, after_ms: 0, within_ms: 3_000 }))
    expect(sockets[2]?.closedWith).toEqual({ code: 1012, reason: 'deploy' })
    expect(result.report).toMatchObject({ told: 3, left: 2, closed: 1, remained: 0 })
    expect([manager.closed, clock.pendingTimers]).toEqual([true, 0])
  })

  it('closes nobody in the place of a client that goes by itself', async () => {
    const { clock, manager, leave, begin } = desk(100)
    const result = begin({ perSecond: 20, overMs: 10_000 })

    for (let i = 99; i >= 60; i--) {
      leave(`c${i}`)
      await pass(clock, 50)
    }
    const gone = 100 - manager.connectionCount
    await pass(clock, 5_000)

    expect(gone).toBeLessThanOrEqual(43)
    expect(result.report).toMatchObject({ left: 40, closed: 60, remained: 0 })
  })

  it('goes on a second after many clients went at once', async () => {
    const { clock, manager, leave, begin } = desk(1_000)
    begin({ perSecond: 100, overMs: 60_000 })
    await pass(clock, 1_000)

    for (let i = 500; i < 1_000; i++) leave(`c${i}`)
    const before = manager.connectionCount
    await pass(clock, 950)
    const meanwhile = manager.connectionCount
    await pass(clock, 500)

    expect(before - meanwhile).toBe(0)
    expect(meanwhile - manager.connectionCount).toBeGreaterThan(35)
  })

  it('closes nobody who was told before the time that the client was given', async () => {
    const { clock, commands, open, begin } = desk()
    const sockets = Array.from({ length: 10 }, open)
    begin({ commands, overMs: 10_000, perSecond: 2 })

    await pass(clock, 5_000)

    expect(sockets.every(({ closeCalls }) => closeCalls === 0)).toBe(true)
  })

  it('closes those who ignore the goodbye at a steady rate, and not all at its deadline', async () => {
    const { clock, manager, commands, open, begin } = desk()
    for (let i = 0; i < 1_000; i++) open()
    const result = begin({ commands, overMs: 10_000 })

    const gone: number[] = []
    for (let second = 1; second <= 9; second++) {
      await pass(clock, 1_000)
      gone.push(1_000 - manager.connectionCount)
    }

    const most = Math.max(...gone.map((count, second) => count - (gone[second - 1] ?? 0)))
    expect(most).toBeLessThanOrEqual(1.5 * 1_000 / 7.5)
    expect(result.report).toMatchObject({ told: 1_000, left: 0, closed: 1_000, remained: 0 })
  })

  it('closes nobody while clients go at random moments, as they were told', async () => {
    const { clock, commands, leave, open, begin } = desk()
    const sockets = Array.from({ length: 1_000 }, open)
    begin({ commands, overMs: 10_000 })

    let rest = 1_000
    for (let atMs = 50; atMs <= 7_500; atMs += 50) {
      const expected = 1_000 * atMs / 7_500
      // By chance, fewer have gone: by three standard deviations, at every moment.
      while (1_000 - rest < expected - 3 * Math.sqrt(expected)) leave(`c${--rest}`)
      await pass(clock, 50)
    }

    expect(sockets.filter(({ closeCalls }) => closeCalls > 0)).toEqual([])
  })

  it('closes all that remain at its deadline, and says how many', async () => {
    const { clock, manager, begin } = desk(100)
    const sockets = [...manager.connections()].map(({ socket }) => socket)
    const result = begin({ perSecond: 5, overMs: 10_000 })

    await pass(clock, 9_000)

    expect(result.report).toMatchObject({ left: 0, tookMs: 9_000 })
    expect(result.report?.closed).toBeGreaterThanOrEqual(44)
    expect(result.report!.closed + result.report!.remained).toBe(100)
    expect(sockets.at(-1)?.closedWith).toEqual({ code: 1012, reason: 'draining' })
  })

  it('resolves by its deadline if a socket never closes', async () => {
    const { clock, manager, begin } = desk(0, Infinity)
    manager.addConnection('hanging', new FakeSocket({ close: () => new Promise(() => {}) }), 'alice', {})
    const result = begin({ overMs: 10_000 })

    await pass(clock, 10_000)

    expect(result.report?.tookMs).toBe(10_000)
  })

  it.each([
    ['throws', () => { throw new Error('drain') }],
    ['rejects', () => Promise.reject(new Error('drain'))],
  ])('goes on if the drain of the commands %s', async (_, fail) => {
    const { clock, errors, begin } = desk(2)
    const result = begin({ commands: { sessions: 2, drain: fail }, overMs: 4_000 })

    await pass(clock, 4_000)

    expect(errors).toEqual([new Error('drain')])
    expect(result.report).toMatchObject({ told: 2, closed: 2 })
  })

  it('goes on at its deadline if the drain of the commands never settles', async () => {
    const { clock, begin } = desk(2)
    const result = begin({ commands: { sessions: 2, drain: () => new Promise(() => {}) }, overMs: 4_000 })

    await pass(clock, 4_000)

    expect(result.report).toMatchObject({ told: 2, remained: 2, tookMs: 3_600 })
  })

  it('goes on if the clock fails, and `onError` gets its error', async () => {
    const { clock, errors, begin } = desk(2)
    const failure = new Error('no time')
    let isBroken = false
    const monotonic = (): number => {
      if (isBroken) throw failure
      return clock.monotonic()
    }
    const result = begin({ clock: { now: () => 0, monotonic, setTimeout: clock.setTimeout.bind(clock) } })

    isBroken = true
    await pass(clock, 50)

    expect(errors).toEqual([failure])
    expect(result.report).toMatchObject({ closed: 2, remained: 0 })
  })

  it('closes no more at once after the process stood still', async () => {
    const { clock, manager, begin } = desk(1_000)
    let pauseMs = 0
    const late = { now: () => clock.now(), monotonic: () => clock.monotonic() + pauseMs, setTimeout: clock.setTimeout.bind(clock) }
    begin({ perSecond: 100, overMs: 60_000, clock: late })
    await pass(clock, 1_000)
    const before = manager.connectionCount

    pauseMs = 5_000
    await pass(clock, 50)

    expect(before - manager.connectionCount).toBeGreaterThan(0)
    expect(before - manager.connectionCount).toBeLessThanOrEqual(10)
  })

  it('is over at once if there are no connections, with a perSecond of Infinity, and with an overMs of 0', async () => {
    const [empty, fast, urgent] = [desk(), desk(500), desk(500)]
    const results = [empty.begin(), fast.begin({ perSecond: Infinity }), urgent.begin({ overMs: 0 })]

    for (const { clock } of [empty, fast, urgent]) {
      await settled()
      clock.advance(0)
      await settled()
    }


    expect(results.map(({ report }) => report)).toEqual([
      { told: 0, left: 0, closed: 0, remained: 0, tookMs: 0 },
      { told: 0, left: 0, closed: 500, remained: 0, tookMs: 0 },
      { told: 0, left: 0, closed: 500, remained: 0, tookMs: 0 },
    ])
  })

  it('is over at once if the manager was cleaned up before', async () => {
    const { clock, manager, begin } = desk(2)
    await manager.cleanup()
    const result = begin()

    await pass(clock, 50)

    expect(result.report).toMatchObject({ told: 0, left: 0, closed: 0, remained: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('takes the time of the runtime by default', async () => {
    vi.useFakeTimers()
    try {
      const manager = new ConnectionManager<FakeSocket>()
      for (const id of ['c1', 'c2']) manager.addConnection(id, new FakeSocket(), id)
      const report = drain(manager, { perSecond: 1 })

      await vi.advanceTimersByTimeAsync(1_100)

      expect(await report).toMatchObject({ closed: 2, tookMs: 1_000 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('returns the same promise to a second call', () => {
    const { clock, manager } = desk(3)

    const first = drain(manager, { clock })

    expect(drain(manager, { clock, overMs: 1 })).toBe(first)
    expect(drainOf(manager)?.done).toBe(first)
  })

  it('returns the same promise to a call that a client makes while it is told to go', () => {
    const { clock, manager, commands, open } = desk()
    const socket = open()
    let inner: unknown
    socket.script.send = () => void (inner ??= drain(manager, { clock, commands }))

    const outer = drain(manager, { clock, commands })

    expect(inner).toBe(outer)
  })

  it('resolves by its deadline if somebody else cleans up and waits longer', async () => {
    const { clock, manager, begin } = desk(0, Infinity)
    for (const id of ['a', 'b']) manager.addConnection(id, new FakeSocket({ close: () => new Promise(() => {}) }), id)
    const result = begin({ perSecond: 1, overMs: 10_000 })
    void manager.cleanup({ deadlineMs: 60_000 })

    await pass(clock, 10_000)

    expect(result.report).toMatchObject({ remained: 2, tookMs: 10_000 })
  })

  it.each<[how: string, cleanup: () => Promise<never>]>([
    ['throws', () => { throw new Error('cleanup') }],
    ['rejects', () => Promise.reject(new Error('cleanup'))],
  ])('resolves if the cleanup of a wrapped manager %s, and `onError` gets the error', async (_, cleanup) => {
    const { clock, manager, errors, begin } = desk(2)
    manager.cleanup = cleanup
    const result = begin()

    await pass(clock, 100)

    expect(errors).toEqual([new Error('cleanup')])
    expect(result.report).toMatchObject({ closed: 2, remained: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([['all at once', { perSecond: Infinity }], ['at the deadline', { perSecond: 1, overMs: 1_000 }]])('ends if each client comes back before the next is closed: %s', async (_, options) => {
    const { clock, manager, connect, begin } = desk(3)
    let returns = 0
    manager.on('connectionRemoved', ({ reason }) => void (reason === 'removed' && ++returns <= 100 && connect()))
    const result = begin({ overMs: 1_000, ...options })

    await pass(clock, 50)
    const afterOneTick = returns
    await pass(clock, 1_000)

    expect(afterOneTick).toBeLessThanOrEqual(6)
    expect(result.report).toBeDefined()
    expect(returns).toBeLessThanOrEqual(70)
    expect(manager.connectionCount).toBe(0)
  })

  it('leaves no timer and no listener behind', async () => {
    const { clock, manager, commands, open, begin } = desk(5)
    open()
    const on = vi.spyOn(manager, 'on')
    const result = begin({ commands, overMs: 1_000 })

    await pass(clock, 1_000)

    expect(result.report).toBeDefined()
    expect(clock.pendingTimers).toBe(0)
    expect(on).toHaveBeenCalledTimes(1)
  })

  it('counts those as remained whom the host cleans up meanwhile', async () => {
    const { clock, manager, begin } = desk(5)
    const result = begin({ perSecond: 1, overMs: 60_000 })
    await pass(clock, 1_000)

    void manager.cleanup()
    await pass(clock, 100)

    expect(result.report).toMatchObject({ closed: 2, remained: 3 })
  })

  it.each([undefined, null, {}, new Proxy({}, { get: () => { throw new Error('read') } })])('refuses what is no manager: %#', (manager) => {
    expectCode('ERR_INVALID_ARGUMENT', () => void drain(manager as never))
  })

  it.each([
    ['options', null], ['over', { over: 1 }],
    ['overMs', { overMs: -1 }], ['overMs', { overMs: Infinity }], ['overMs', { overMs: '1' }],
    ['perSecond', { perSecond: 0 }], ['perSecond', { perSecond: NaN }],
    ['commands', { commands: {} }], ['commands', { commands: { drain() {} } }], ['commands', { commands: { drain() {}, get sessions() { throw new Error('read') } } }],
    ['reason', { reason: 1 }], ['reason', { reason: 'ü'.repeat(51) }],
    ['code', { code: 1005 }], ['code', { code: 999 }], ['code', { code: 5_000 }], ['code', { code: 1012.5 }],
    ['onError', { onError: 1 }], ['clock', { clock: {} }],
    ['clock', { clock: { ...systemClock, monotonic() { throw new Error('no time') } } }], ['clock', { clock: { ...systemClock, now: () => NaN } }],
  ])('refuses a bad %s, and drains nothing', (option, options) => {
    const { manager } = desk(1)

    expect(expectCode('ERR_INVALID_OPTION', () => void drain(manager, options as never))).toMatchObject({ option })
    expect(drainOf(manager)).toBeUndefined()
  })
})

describe('drainOf', () => {
  it('is undefined until a manager drains', () => {
    const { manager, begin } = desk(1)
    const before = drainOf(manager)
    begin()

    expect([before, drainOf(manager)]).toEqual([undefined, expect.objectContaining({})])
  })

  it('says how to refuse a newcomer, in HTTP, in a close frame, and in the protocol', () => {
    const { manager, begin } = desk(60)
    begin({ perSecond: 10, overMs: 20_000, reason: 'deploy' })

    expect(drainOf(manager)?.refusal()).toEqual({
      afterMs: 20_100,
      status: 503,
      headers: { 'retry-after': '21' },
      code: 1012,
      reason: 'deploy, come back in 21 s',
      text: '{"type":"goodbye","reason":"deploy","reconnect":true,"after_ms":20100,"within_ms":20100}',
    })
  })

  it('names a later moment to each newcomer, at the rate of the drain, once it is over', () => {
    const { clock, manager, begin } = desk(60)
    begin({ perSecond: 10, overMs: 20_000 })

    const first = [1, 2, 3].map(() => drainOf(manager)?.refusal().afterMs)
    clock.advance(5_000)
    const later = drainOf(manager)?.refusal().afterMs

    expect([...first, later]).toEqual([20_100, 20_200, 20_300, 15_400])
  })

  it('names no moment that is more than a day away, so that the reason fits in a close frame', () => {
    const { manager, begin } = desk(60)
    begin({ perSecond: Number.MIN_VALUE, reason: 'x'.repeat(100) })

    const { afterMs, reason } = drainOf(manager)!.refusal()

    expect(afterMs).toBe(86_400_000)
    expect(reason.length).toBeLessThanOrEqual(123)
  })
})
