import { describe, expect, it } from 'vitest'
import { ConnectionManager, type CloseReason, type ConnectionManagerOptions, type Transport } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { PRICE, price } from '../../support/messages.ts'

const NEVER = (): Promise<void> => new Promise(() => {})
const SETTLED = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

/** A scripted transport, and a log of its calls: hook, socket, reason. */
function closing({ close, terminate }: { close?: (() => unknown) | undefined; terminate?: (() => unknown) | undefined }, name = '') {
  const log: unknown[][] = []
  const transport: Transport<FakeSocket> = {
    // Its buffer is so full that one message exceeds the limit.
    bufferedBytes: () => 1,
    ...(close && { close: (socket, reason) => (log.push([`${name}close`, socket, reason]), close() as void) }),
    ...(terminate && { terminate: (...facts) => (log.push([`${name}terminate`, ...facts]), terminate() as void) }),
  }
  return { log, transport }
}

/** A manager to which every subscriber is a slow consumer, and a log of its errors. */
function managing(options: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const delivery = { softLimitBytes: 0, hardLimitBytes: 0 }
  const manager = new ConnectionManager<FakeSocket>({ clock, delivery, ...options })
  const errors: unknown[] = []
  const reasons: CloseReason[] = []
  manager.on('error', ({ error, stage }) => errors.push([stage, (error as Error).message]))
  manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))
  return { clock, manager, errors, reasons }
}

type Managed = ReturnType<typeof managing>['manager']

/** The ways to remove a connection and close its socket. */
const ENDS: readonly (readonly [reason: CloseReason, way: string, end: (manager: Managed) => unknown])[] = [
  ['removed', 'removeConnection', (manager) => manager.removeConnection('c1')],
  ['removed', 'removeUser', (manager) => manager.removeUser('alice')],
  ['removed', 'connection.remove', (manager) => manager.getConnection('c1')?.remove()],
  ['removed', 'connection.remove with close: true', (manager) => manager.getConnection('c1')?.remove({ close: true })],
  ['cleanup', 'cleanup', (manager) => manager.cleanup()],
]

describe('ConnectionManager › closing by a transport', () => {
  it.each(ENDS)('gets the reason %s, by %s', async (reason, _way, end) => {
    const { log, transport } = closing({ close() {}, terminate() {} })
    const { manager, reasons } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')

    await end(manager)

    expect(log).toEqual([['close', socket, reason]])
    expect(socket.closeCalls).toBe(0)
    expect(reasons).toEqual([reason])
  })

  it.each<[how: string, transport: Transport<FakeSocket>, send: () => unknown]>([
    ['a send that throws', {}, () => { throw new Error('broken') }],
    ['a send that rejects', {}, () => Promise.reject(new Error('broken'))],
    ['a write that throws', { write: () => { throw new Error('broken') } }, () => {}],
    ['a write that rejects', { write: () => Promise.reject(new Error('broken')) }, () => {}],
  ])('gets the reason send-failed, after %s', async (_how, hooks, send) => {
    const { log, transport } = closing({ close() {}, terminate() {} })
    const { manager, reasons } = managing({ transport: { ...transport, ...hooks, bufferedBytes: () => 0 } })
    const socket = new FakeSocket({ send })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())
    await SETTLED()

    expect(log).toEqual([['close', socket, 'send-failed']])
    expect(socket.closeCalls).toBe(0)
    expect(reasons).toEqual(['send-failed'])
  })

  it('is not called for a peer that has gone', async () => {
    const { log, transport } = closing({ close() {}, terminate() {} })
    const { manager, clock, reasons } = managing({ transport })
    const socket = new FakeSocket()

    await manager.addConnection('c1', socket, 'alice').remove({ close: false })
    clock.advance(1e6)

    expect(log).toEqual([])
    expect(socket.closeCalls).toBe(0)
    expect(reasons).toEqual(['peer-closed'])
  })

  it('falls back to the socket if the transport has no close', async () => {
    const { log, transport } = closing({ terminate() {} })
    const { manager } = managing({ transport })
    const socket = new FakeSocket()

    await manager.addConnection('c1', socket, 'alice').remove()

    expect(socket.closeCalls).toBe(1)
    expect(log).toEqual([])
  })

  it('delays the promise of a removal until it is done', async () => {
    let finish = (): void => {}
    const { transport } = closing({ close: () => new Promise<void>((resolve) => (finish = resolve)) })
    const { manager } = managing({ transport })
    const steps: string[] = []

    const removal = manager.addConnection('c1', new FakeSocket(), 'alice').remove().then(() => steps.push('removed'))
    await SETTLED()
    steps.push('closed')
    finish()
    await removal

    expect(steps).toEqual(['closed', 'removed'])
  })

  it.each([
    ['throws', () => { throw new Error('cannot close') }],
    ['rejects', () => Promise.reject(new Error('cannot close'))],
  ])('is contained if it %s, and followed by terminate', async (_how, close) => {
    const { log, transport } = closing({ close, terminate() {} })
    const { manager, clock, errors } = managing({ transport })
    const socket = new FakeSocket()

    expect(await manager.addConnection('c1', socket, 'alice').remove()).toBe(true)
    clock.advance(1e6)

    expect(errors).toEqual([['close', 'cannot close']])
    expect(log).toEqual([['close', socket, 'removed'], ['terminate', socket]])
    expect(socket.closeCalls).toBe(0)
  })

  it('precedes the listeners of the removal', () => {
    const { manager } = managing()
    const socket = new FakeSocket()
    const closeCalls: number[] = []
    manager.on('connectionRemoved', () => closeCalls.push(socket.closeCalls))

    void manager.addConnection('c1', socket, 'alice').remove()

    expect(closeCalls).toEqual([1])
  })

  it.each([['has no terminate', {}], ['does not exist', undefined]])('is reported once if it fails and the transport %s', async (_case, transport) => {
    const { manager, errors } = managing({ transport })
    const socket = new FakeSocket({ close: () => { throw new Error('cannot close') } })

    await manager.addConnection('c1', socket, 'alice').remove()

    expect(errors).toEqual([['close', 'cannot close']])
    expect(socket.closeCalls).toBe(1)
  })

  it('counts in the report of a cleanup as the close of a socket does', async () => {
    const { manager, clock } = managing()
    const closes = [() => {}, () => Promise.resolve(), () => { throw new Error('no') }, () => Promise.reject(new Error('no')), NEVER]
    for (const [i, close] of closes.entries()) {
      manager.addConnection(`c${i}`, new FakeSocket(), 'alice', { transport: closing({ close }).transport })
    }

    const report = manager.cleanup()
    await SETTLED()
    clock.advance(5_000)

    expect(await report).toEqual({ closed: 2, failed: 2, timedOut: 1 })
  })

  it('happens once for a socket that serves two connections of a removed user', async () => {
    const { log, transport } = closing({ close() {} })
    const { manager } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')
    manager.addConnection('c2', socket, 'alice')

    expect(await manager.removeUser('alice')).toBe(2)

    expect(log).toEqual([['close', socket, 'removed']])
  })
})

describe('ConnectionManager › closing a slow consumer', () => {
  it('terminates, without a close', async () => {
    const { log, transport } = closing({ close() {}, terminate() {} })
    const { manager, reasons, errors } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())
    await SETTLED()

    expect(reasons).toEqual(['slow-consumer'])
    expect(log).toEqual([['terminate', socket]])
    expect(socket.closeCalls).toBe(0)
    expect(errors).toEqual([])
  })

  it('closes, with the reason, if the transport cannot terminate', () => {
    const { log, transport } = closing({ close() {} })
    const { manager } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())

    expect(log).toEqual([['close', socket, 'slow-consumer']])
    expect(socket.closeCalls).toBe(0)
  })

  it('closes the socket if the transport can do neither', () => {
    const { transport } = closing({})
    const { manager, reasons } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())

    expect(reasons).toEqual(['slow-consumer'])
    expect(socket.closeCalls).toBe(1)
  })

  it('closes a socket without a transport that reports its own buffer', () => {
    const { manager, reasons, errors } = managing()
    const socket = Object.assign(new FakeSocket(), { bufferedAmount: 1 })
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())

    expect(reasons).toEqual(['slow-consumer'])
    expect(socket.closeCalls).toBe(1)
    expect(errors).toEqual([])
  })

  it.each([
    ['throws', () => { throw new Error('cannot terminate') }],
    ['rejects', () => Promise.reject(new Error('cannot terminate'))],
  ])('reports a terminate that %s at the stage close, closes instead, and never throws into a publish', async (_how, terminate) => {
    const { log, transport } = closing({ close() {}, terminate })
    const { manager, errors } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    expect(manager.publish(price())).toMatchObject({ matched: 1, failed: 1 })
    await SETTLED()

    expect(errors).toEqual([['close', 'cannot terminate']])
    expect(log).toEqual([['terminate', socket], ['close', socket, 'slow-consumer']])
    expect(manager.connectionCount).toBe(0)
  })

  it('terminates once, even if terminate returns a promise that never settles', async () => {
    const { log, transport } = closing({ terminate: NEVER })
    const { manager, clock } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice').subscribe(PRICE)

    manager.publish(price())
    clock.advance(1e6)
    await SETTLED()

    expect(log).toEqual([['terminate', socket]])
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('ConnectionManager › a close that outlives its deadline', () => {
  /** Removes a connection, or cleans up, with a deadline of 700 ms. */
  const DEADLINES: readonly (readonly [way: string, end: (manager: Managed) => Promise<unknown>, reason: CloseReason])[] = [
    ['of a removal', (manager) => manager.removeConnection('c1'), 'removed'],
    ['of a cleanup', (manager) => manager.cleanup({ deadlineMs: 700 }), 'cleanup'],
  ]

  it.each(DEADLINES)('is followed by one terminate, at the deadline %s', async (_way, end, reason) => {
    const { log, transport } = closing({ close: NEVER, terminate() {} })
    const { manager, clock, errors } = managing({ transport, closeTimeoutMs: 700 })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice')

    const ended = end(manager)
    clock.advance(699)
    expect(log).toEqual([['close', socket, reason]])
    clock.advance(1)
    expect(log).toEqual([['close', socket, reason], ['terminate', socket]])
    await ended
    clock.advance(1e6)

    expect(log).toHaveLength(2)
    expect(errors).toEqual([['close', expect.stringContaining('700')]])
  })

  it('is followed by terminate, even if it is the close of the socket itself', () => {
    const { log, transport } = closing({ terminate() {} })
    const { manager, clock } = managing({ transport })
    const socket = new FakeSocket({ close: NEVER })

    void manager.addConnection('c1', socket, 'alice').remove()
    clock.advance(5_000)

    expect(socket.closeCalls).toBe(1)
    expect(log).toEqual([['terminate', socket]])
  })

  it('is followed by one terminate for a socket that serves several connections', async () => {
    const { log, transport } = closing({ close: NEVER, terminate() {} })
    const { manager, clock } = managing({ transport })
    const socket = new FakeSocket()
    for (const id of ['c1', 'c2', 'c3']) manager.addConnection(id, socket, 'alice')

    const report = manager.cleanup()
    clock.advance(5_000)

    expect(log).toEqual([['close', socket, 'cleanup'], ['terminate', socket]])
    expect(await report).toEqual({ closed: 0, failed: 0, timedOut: 3 })
  })

  it('is not terminated if it settles in time, and leaves no timer', async () => {
    const { log, transport } = closing({ close: () => Promise.resolve(), terminate() {} })
    const { manager, clock } = managing({ transport })

    await manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    expect(clock.pendingTimers).toBe(0)
    clock.advance(1e6)

    expect(log.map(([hook]) => hook)).toEqual(['close'])
  })

  it('is waited for indefinitely, without terminate, with an infinite deadline', () => {
    const { log, transport } = closing({ close: NEVER, terminate() {} })
    const { manager, clock } = managing({ transport, closeTimeoutMs: Infinity })

    void manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    clock.advance(1e9)

    expect(log.map(([hook]) => hook)).toEqual(['close'])
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([
    ['throws', () => { throw new Error('cannot terminate') }],
    ['rejects', () => Promise.reject(new Error('cannot terminate'))],
  ])('is reported, and so is a terminate that then %s', async (_how, terminate) => {
    const { transport } = closing({ close: NEVER, terminate })
    const { manager, clock, errors } = managing({ transport, closeTimeoutMs: 700 })

    const removal = manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    clock.advance(700)

    expect(await removal).toBe(true)
    await SETTLED()
    expect(errors).toEqual([
      ['close', expect.stringContaining('700')],
      ['close', 'cannot terminate'],
    ])
  })

  it('is reported by its deadline if the return value of terminate cannot be read', () => {
    const { transport } = closing({ close: NEVER, terminate: () => ({ get then() { throw new Error('no then') } }) })
    const { manager, clock, errors } = managing({ transport, closeTimeoutMs: 700 })
    void manager.addConnection('c1', new FakeSocket(), 'alice').remove()

    clock.advance(700)

    expect(errors).toEqual([['close', 'close() did not settle within 700 ms'], ['close', 'no then']])
  })

  it('does not report a failure after it was terminated', async () => {
    let fail = (_error: Error): void => {}
    const { transport } = closing({ close: () => new Promise((_, reject) => (fail = reject)), terminate: () => fail(new Error('terminated')) })
    const { manager, clock, errors } = managing({ transport, closeTimeoutMs: 700 })

    const removal = manager.addConnection('c1', new FakeSocket(), 'alice').remove()
    clock.advance(700)
    await removal
    await SETTLED()

    expect(errors).toEqual([['close', expect.stringContaining('700')]])
  })
})

describe('ConnectionManager › the transport of a connection', () => {
  it("replaces the manager's transport as a whole", async () => {
    const general = closing({ close() {}, terminate() {} }, 'general ')
    const own = closing({ close() {} }, 'own ')
    const { manager } = managing({ transport: general.transport })
    const [first, second, third] = [new FakeSocket(), new FakeSocket(), new FakeSocket()]
    manager.addConnection('c1', first, 'alice', { transport: own.transport })
    manager.addConnection('c2', second, 'alice')
    manager.addConnection('c3', third, 'alice', { transport: {} })

    await manager.removeUser('alice')

    expect(own.log).toEqual([['own close', first, 'removed']])
    expect(general.log).toEqual([['general close', second, 'removed']])
    expect(third.closeCalls).toBe(1)
  })

  it.each([['nothing', undefined], ['no transport', {}], ['undefined', { transport: undefined }]])("defaults to the manager's if it is given as %s", async (_case, options) => {
    const { log, transport } = closing({ close() {} })
    const { manager } = managing({ transport })
    const socket = new FakeSocket()
    manager.addConnection('c1', socket, 'alice', options)

    await manager.removeConnection('c1')

    expect(log).toEqual([['close', socket, 'removed']])
  })

  it('does not change when the same connection is added again with another one', async () => {
    const [first, second] = [closing({ close() {} }), closing({ close() {} })]
    const { manager } = managing()
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice', { transport: first.transport })

    expect(manager.addConnection('c1', socket, 'alice', { transport: second.transport })).toBe(connection)
    expect(manager.addConnection('c1', socket, 'alice', { transport: undefined })).toBe(connection)
    expect(manager.addConnection('c1', socket, 'alice')).toBe(connection)
    await connection.remove()

    expect(first.log).toEqual([['close', socket, 'removed']])
    expect(second.log).toEqual([])
  })
})
