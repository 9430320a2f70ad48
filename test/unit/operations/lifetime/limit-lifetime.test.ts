import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../../src/index.ts'
import { drain, limitLifetime, type LifetimeOptions } from '../../../../src/operations/index.ts'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { expectCode } from '../../../support/errors.ts'
import { FakeSocket } from '../../../support/fake-socket.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const DAY_MS = 24 * 3_600_000

function desk(clients = 0) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<FakeSocket>({ clock, quotas: { connections: 100_000 } })
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
  const limit = (options: LifetimeOptions) => limitLifetime(manager, { clock, onError: (error) => void errors.push(error), ...options })
  for (let i = 0; i < clients; i++) connect()
  return { clock, manager, commands, errors, connect, open, limit }
}

describe('limitLifetime', () => {
  it('closes a connection at the end of its lifetime, with code 4000 and a reason', () => {
    const { clock, connect, limit } = desk()
    const running = limit({ maxMs: 10_000, jitter: 0 })
    const socket = connect()

    clock.advance(9_999)
    const before = socket.closeCalls
    clock.advance(1)

    expect([before, socket.closeCalls, running.ended]).toEqual([0, 1, 1])
    expect(socket.closedWith).toEqual({ code: 4000, reason: 'lifetime' })
  })

  it('closes with the code and the reason of its options', () => {
    const { clock, connect, limit } = desk()
    limit({ maxMs: 10_000, code: 4010, reason: '24 hours' })
    const socket = connect()

    clock.advance(10_000)

    expect(socket.closedWith).toEqual({ code: 4010, reason: '24 hours' })
  })

  it('begins the lifetimes of the connections that are there already', () => {
    const { clock, manager, limit } = desk(3)
    limit({ maxMs: 10_000 })

    clock.advance(10_000)

    expect(manager.connectionCount).toBe(0)
  })

  it('spreads the ends of connections that came together evenly over the jitter, by one timer', () => {
    const { clock, manager, limit } = desk(10_000)
    limit({ maxMs: DAY_MS, jitter: 0.5 })
    const timers = clock.pendingTimers

    clock.advance(DAY_MS / 2)
    const inEach: number[] = []
    for (let i = 0; i < 10; i++) {
      const before = manager.connectionCount
      clock.advance(DAY_MS / 20)
      inEach.push(before - manager.connectionCount)
    }

    expect(timers).toBe(1)
    for (const count of inEach) expect(Math.abs(count - 1_000)).toBeLessThanOrEqual(5)
    clock.advance(1_000)
    expect([manager.connectionCount, clock.pendingTimers]).toEqual([0, 0])
  })

  it('spreads them over a tenth of maxMs by default', () => {
    const { clock, manager, limit } = desk(1_000)
    limit({ maxMs: 100_000 })

    const counts = [90_000, 5_000, 6_000].map((ms) => {
      clock.advance(ms)
      return manager.connectionCount
    })

    expect(counts[0]).toBe(1_000)
    expect(Math.abs((counts[1] ?? 0) - 500)).toBeLessThan(120)
    expect(counts[2]).toBe(0)
  })

  it('tells a client of the protocol first, and closes it only if it stays', () => {
    const { clock, manager, commands, open, limit } = desk()
    limit({ maxMs: 10_000, jitter: 0, commands, graceMs: 3_000 })
    const [leaving, staying] = [open(), open()]

    clock.advance(10_000)
    const goodbyes = [leaving, staying].map(({ sent }) => JSON.parse(sent.at(-1) ?? '') as unknown)
    void manager.getConnection('c0')?.remove({ close: false })
    clock.advance(2_999)
    const before = staying.closeCalls
    clock.advance(1)

    expect(goodbyes).toEqual(Array(2).fill({ type: 'goodbye', reason: 'lifetime', reconnect: true, after_ms: 0, within_ms: 3_000 }))
    expect([leaving.closeCalls, before, staying.closeCalls]).toEqual([0, 0, 1])
    expect(staying.closedWith).toEqual({ code: 4000, reason: 'lifetime' })
  })

  it('gives a client of the protocol five seconds by default, and none with a graceMs of 0', () => {
    const [patient, strict] = [desk(), desk()]
    const sockets = [patient, strict].map(({ open }) => open())
    patient.limit({ maxMs: 10_000, jitter: 0, commands: patient.commands })
    strict.limit({ maxMs: 10_000, jitter: 0, commands: strict.commands, graceMs: 0 })

    const closeCalls = [10_000, 4_999, 1].map((ms) => [patient, strict].map(({ clock }, i) => (clock.advance(ms), sockets[i]?.closeCalls)))

    expect(closeCalls).toEqual([[0, 1], [0, 1], [1, 1]])
  })

  it('leaves it to a drain to say goodbye, and to close', async () => {
    const { clock, manager, commands, connect, open, limit } = desk()
    const running = limit({ maxMs: 10_000, jitter: 0, commands })
    const [plain, told] = [connect(), open()]
    void drain(manager, { commands, clock, perSecond: 0.05, overMs: 60_000 })

    clock.advance(15_000)

    expect([plain.closeCalls, told.closeCalls, running.ended]).toEqual([0, 0, 0])
    expect(told.sent.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(['welcome', 'goodbye'])
  })

  it('closes a connection without a session at once, though there are commands', () => {
    const { clock, commands, connect, limit } = desk()
    limit({ maxMs: 10_000, jitter: 0, commands })
    const socket = connect()

    clock.advance(10_000)

    expect(socket.closedWith).toEqual({ code: 4000, reason: 'lifetime' })
  })

  it.each([
    ['find', { find: () => { throw new Error('find') } }],
    ['goodbye', { find: () => ({ goodbye: () => { throw new Error('goodbye') } }) }],
  ])('closes all connections if the %s of the commands throws', (what, commands) => {
    const { clock, errors, manager, limit } = desk(2)
    limit({ maxMs: 10_000, jitter: 0, commands })

    clock.advance(10_000)

    expect(errors).toEqual([new Error(what), new Error(what)])
    expect(manager.connectionCount).toBe(0)
  })

  it('goes on if the clock fails, and `onError` gets its error', () => {
    const { clock, errors, manager, limit } = desk(1)
    const failure = new Error('no time')
    let isBroken = false
    const monotonic = (): number => {
      if (isBroken) throw failure
      return clock.monotonic()
    }
    limit({ maxMs: 10_000, jitter: 0, clock: { now: () => 0, monotonic, setTimeout: clock.setTimeout.bind(clock) } })

    isBroken = true
    clock.advance(10_000)
    const whileBroken = manager.connectionCount
    isBroken = false
    clock.advance(10_000)

    expect([whileBroken, manager.connectionCount, errors]).toEqual([1, 0, [failure]])
  })

  it('does not begin anew when a connection is given to another user', () => {
    const { clock, manager, commands, open, limit } = desk()
    const socket = open()
    limit({ maxMs: 10_000, jitter: 0, commands })
    clock.advance(5_000)

    manager.getConnection('c0')?.reassign('bob')
    clock.advance(5_000)

    expect(JSON.parse(socket.sent.at(-1) ?? '')).toMatchObject({ type: 'goodbye' })
  })

  it('forgets a connection that is removed, and leaves no timer', () => {
    const { clock, manager, limit } = desk(1)
    const running = limit({ maxMs: 10_000 })

    void manager.getConnection('c0')?.remove()

    expect([clock.pendingTimers, running.ended]).toEqual([0, 0])
  })

  it('leaves nothing behind when it is stopped, or the manager cleaned up', async () => {
    const [stopped, cleaned] = [desk(3), desk(3)]
    const running = stopped.limit({ maxMs: 10_000 })
    cleaned.limit({ maxMs: 10_000 })

    running.stop()
    running.stop()
    stopped.connect()
    await cleaned.manager.cleanup()
    stopped.clock.advance(20_000)

    expect([stopped.manager.connectionCount, running.ended]).toEqual([4, 0])
    expect([stopped.clock.pendingTimers, cleaned.clock.pendingTimers]).toEqual([0, 0])
  })

  it('ends a connection after the shortest lifetime', () => {
    const { clock, manager, limit } = desk(1)
    limit({ maxMs: Number.MIN_VALUE })

    clock.advance(2)

    expect([manager.connectionCount, clock.pendingTimers]).toEqual([0, 0])
  })

  it('ends nobody, and has no timer, with a maxMs of Infinity', () => {
    const { clock, manager, limit } = desk(3)
    limit({ maxMs: Infinity })

    clock.advance(1_000 * DAY_MS)

    expect([manager.connectionCount, clock.pendingTimers]).toEqual([3, 0])
  })

  it('takes the time of the runtime by default', () => {
    vi.useFakeTimers()
    try {
      const manager = new ConnectionManager<FakeSocket>()
      manager.addConnection('c1', new FakeSocket(), 'alice')
      limitLifetime(manager, { maxMs: 60_000 })

      vi.advanceTimersByTime(60_000)

      expect(manager.connectionCount).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([undefined, null, {}])('refuses what is no manager: %s', (manager) => {
    expectCode('ERR_INVALID_ARGUMENT', () => limitLifetime(manager as never, { maxMs: 1 }))
  })

  it.each([
    ['options', undefined], ['options', 24], ['max', { max: 1 }],
    ['maxMs', {}], ['maxMs', { maxMs: 0 }], ['maxMs', { maxMs: NaN }], ['maxMs', { maxMs: '1' }],
    ['jitter', { maxMs: 1, jitter: -0.1 }], ['jitter', { maxMs: 1, jitter: 1.1 }], ['jitter', { maxMs: 1, jitter: NaN }],
    ['commands', { maxMs: 1, commands: {} }], ['graceMs', { maxMs: 1, graceMs: -1 }], ['graceMs', { maxMs: 1, graceMs: Infinity }],
    ['reason', { maxMs: 1, reason: 'x'.repeat(101) }], ['code', { maxMs: 1, code: 1012 }], ['code', { maxMs: 1, code: 5_000 }],
    ['onError', { maxMs: 1, onError: 1 }], ['clock', { maxMs: 1, clock: {} }],
    ['clock', { maxMs: 1, clock: { now: () => 0, monotonic() { throw new Error('no time') }, setTimeout: () => () => {} } }],
  ])('refuses a bad %s: %j', (option, options) => {
    expect(expectCode('ERR_INVALID_OPTION', () => limitLifetime(new ConnectionManager(), options as never))).toMatchObject({ option })
  })
})
