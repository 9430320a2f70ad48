import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../../src/index.ts'
import { startHeartbeat, type BeatingSocket, type HeartbeatOptions } from '../../../../src/operations/index.ts'
import { expectCode } from '../../../support/errors.ts'
import { FakeSocket } from '../../../support/fake-socket.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { ScriptedSocket } from '../../../support/scripted-ws.ts'

/** A socket of ws whose peer may answer pings. */
class PeerSocket extends ScriptedSocket {
  pings = 0
  answers: boolean

  constructor(answers = true) {
    super()
    this.answers = answers
  }

  ping(): void {
    this.pings++
    if (this.answers) this.emit('pong')
  }

  get pongListeners(): number {
    return this.listenerCount('pong')
  }
}

/** A response that counts its comments. */
class EventSocket extends FakeSocket {
  comments = 0

  comment(): void {
    this.comments++
  }
}

type AnySocket = PeerSocket | EventSocket | FakeSocket
type Options = Omit<HeartbeatOptions<AnySocket>, 'socketOf'> & { readonly socketOf?: (socket: AnySocket) => BeatingSocket | undefined }

const INTERVAL_MS = 1_000

type Late = ReturnType<typeof latePeer>

/** A peer that may miss one ping, and a clock whose timers a test can hold, so that something else happens before they fire. */
function latePeer() {
  const clock = new ManualClock()
  const manager = new ConnectionManager<PeerSocket>({ clock })
  const socket = new PeerSocket(false)
  manager.addConnection('c1', socket, 'alice')
  const held = new Set<() => void>()
  let isHeld = false
  const setTimeout = (fn: () => void, ms: number): (() => void) => {
    if (!isHeld) return clock.setTimeout(fn, ms)
    held.add(fn)
    return () => void held.delete(fn)
  }
  const heartbeat = startHeartbeat(manager, { intervalMs: INTERVAL_MS, timeoutMs: INTERVAL_MS, clock: { now: () => 0, monotonic: () => clock.monotonic(), setTimeout } })
  const holdTimers = () => (isHeld = true)
  const fireTimers = (): void => {
    for (const fn of [...held]) fn()
  }
  return { clock, manager, socket, heartbeat, holdTimers, fireTimers }
}

function desk(options: Options = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<AnySocket>({ clock })
  const errors: unknown[] = []
  const start = () =>
    startHeartbeat(manager, {
      intervalMs: INTERVAL_MS,
      clock,
      onError: (error) => void errors.push(error),
      socketOf: (socket) => socket as unknown as BeatingSocket,
      ...options,
    })
  let count = 0
  const connect = <TSocket extends AnySocket>(socket: TSocket): TSocket => {
    manager.addConnection(`c${++count}`, socket, `user ${count}`)
    return socket
  }
  return { clock, manager, errors, start, connect }
}

describe('startHeartbeat', () => {
  it('terminates a peer that leaves two pings in a row unanswered, and removes its connection', () => {
    const { clock, manager, start, connect } = desk()
    const reasons: string[] = []
    manager.on('connectionRemoved', ({ reason }) => void reasons.push(reason))
    const heartbeat = start()
    const [answering, silent] = [connect(new PeerSocket()), connect(new PeerSocket(false))]

    clock.advance(3 * INTERVAL_MS)

    expect([answering, silent].map(({ pings, terminations }) => [pings, terminations])).toEqual([[3, 0], [2, 1]])
    expect(reasons).toEqual(['peer-closed'])
    expect([manager.connectionCount, heartbeat.ended]).toEqual([1, 1])
  })

  it('keeps a peer that answers every second ping', () => {
    const { clock, start, connect } = desk()
    start()
    const socket = connect(new PeerSocket())

    for (let i = 0; i < 10; i++) {
      socket.answers = i % 2 === 1
      clock.advance(INTERVAL_MS)
    }

    expect([socket.pings, socket.terminations]).toEqual([10, 0])
  })

  it('pings connections that were added before it', () => {
    const { clock, start, connect } = desk()
    const socket = connect(new PeerSocket())
    start()

    clock.advance(INTERVAL_MS)

    expect(socket.pings).toBe(1)
  })

  it('sends an event stream comments, which end it if they do not leave', () => {
    const { clock, start, connect } = desk()
    start()
    const socket = connect(new EventSocket())

    clock.advance(3 * INTERVAL_MS)

    expect(socket.comments).toBe(3)
  })

  it('sends no comment to an event stream whose connection is removed', () => {
    const { clock, errors, manager, start, connect } = desk()
    start()
    const socket = connect(new EventSocket())

    void manager.getConnection('c1')?.remove({ close: false })
    clock.advance(3 * INTERVAL_MS)

    expect([socket.comments, clock.pendingTimers, errors]).toEqual([0, 0, []])
  })

  it('spreads the pings of connections that came together, by one timer', () => {
    const { clock, start, connect } = desk()
    start()
    const sockets = Array.from({ length: 640 }, () => connect(new PeerSocket()))
    const timers = clock.pendingTimers

    const inEach: number[] = []
    let before = 0
    for (let i = 0; i < 10; i++) {
      clock.advance(INTERVAL_MS / 10)
      const all = sockets.reduce((sum, { pings }) => sum + pings, 0)
      inEach.push(all - before)
      before = all
    }

    expect(timers).toBe(1)
    expect(before).toBe(640)
    expect(Math.max(...inEach)).toBeLessThan(100)
  })

  it('has one listener on a socket, however often its connection is given to another user, or added again', async () => {
    const { manager, start, connect } = desk()
    start()
    const socket = connect(new PeerSocket())
    const connection = manager.getConnection('c1')

    for (const user of ['bob', 'carol', 'alice']) connection?.reassign(user)
    const afterLogins = socket.pongListeners
    void connection?.remove({ close: false })
    const afterRemoval = socket.pongListeners
    connect(socket)
    connect(socket)

    expect([afterLogins, afterRemoval, socket.pongListeners]).toEqual([1, 0, 1])
  })

  it('pings a socket until the last of its connections is removed', async () => {
    const { clock, manager, start, connect } = desk()
    start()
    const socket = connect(new PeerSocket())
    connect(socket)

    void manager.getConnection('c1')?.remove({ close: false })
    clock.advance(INTERVAL_MS)
    void manager.getConnection('c2')?.remove({ close: false })
    clock.advance(INTERVAL_MS)

    expect([socket.pings, socket.pongListeners, clock.pendingTimers]).toEqual([1, 0, 0])
  })

  it('leaves nothing behind when it is stopped, and does not touch the connections', () => {
    const { clock, manager, start, connect } = desk()
    const heartbeat = start()
    const socket = connect(new PeerSocket(false))
    clock.advance(INTERVAL_MS)

    heartbeat.stop()
    heartbeat.stop()
    const late = connect(new PeerSocket())
    clock.advance(10 * INTERVAL_MS)

    expect([socket.pings, socket.terminations, late.pings]).toEqual([1, 0, 0])
    expect([socket.pongListeners, late.pongListeners, clock.pendingTimers]).toEqual([0, 0, 0])
    expect(manager.connectionCount).toBe(2)
  })

  it('leaves nothing behind after cleanup', async () => {
    const { clock, manager, start, connect } = desk()
    start()
    const socket = connect(new PeerSocket())

    await manager.cleanup()

    expect([socket.listenerCount('pong'), clock.pendingTimers]).toEqual([0, 0])
  })

  it('can ping what a host has wrapped, and leaves out what needs no pings', () => {
    const wrapped = new PeerSocket()
    const socketOf = (socket: AnySocket) => (socket === host ? wrapped : undefined)
    const { clock, errors, start, connect } = desk({ socketOf })
    const host = new FakeSocket()
    start()
    connect(host)
    const other = connect(new PeerSocket())

    clock.advance(INTERVAL_MS)

    expect([wrapped.pings, other.pings, errors]).toEqual([1, 0, []])
  })

  it.each(['c1', 'c2'])('keeps nothing of a connection that socketOf removes while the heartbeat starts: %s', (id) => {
    const { clock, manager, start, connect } = desk({
      socketOf: (socket) => {
        void manager.getConnection(id)?.remove({ close: false })
        return socket as unknown as BeatingSocket
      },
    })
    const sockets = [connect(new PeerSocket()), connect(new PeerSocket())]
    start()

    clock.advance(2 * INTERVAL_MS)
    const [removed, other] = id === 'c1' ? sockets : [...sockets].reverse()

    expect([removed?.pings, removed?.pongListeners, other?.pings]).toEqual([0, 0, 2])
    void manager.getConnection(id === 'c1' ? 'c2' : 'c1')?.remove({ close: false })
    expect(clock.pendingTimers).toBe(0)
  })

  it.each<[does: string, when: string, meanwhile: (peer: Late) => void, counts: [left: number, ended: number, terminated: number]]>([
    ['ends', 'stays silent', () => {}, [0, 1, 1]],
    ['keeps', 'answered during a pause of the process', ({ socket }) => void socket.emit('pong'), [1, 0, 0]],
    ['does not touch', 'is removed meanwhile', ({ manager }) => void manager.getConnection('c1')?.remove({ close: false }), [0, 0, 0]],
    ['keeps', 'stays silent, if it is stopped meanwhile', ({ heartbeat }) => void heartbeat.stop(), [1, 0, 0]],
  ])('%s a peer that %s, when the event loop has read what arrived', (_, _when, meanwhile, counts) => {
    const peer = latePeer()
    peer.clock.advance(INTERVAL_MS)

    peer.holdTimers()
    peer.clock.advance(INTERVAL_MS)
    meanwhile(peer)
    peer.fireTimers()

    expect([peer.manager.connectionCount, peer.heartbeat.ended, peer.socket.terminations]).toEqual(counts)
  })

  it.each([Number.MIN_VALUE, 1e-9])('beats once in a millisecond with an interval of %d', (intervalMs) => {
    const { clock, start, connect } = desk({ intervalMs })
    clock.advance(1e9)
    const socket = connect(new PeerSocket())
    start()

    clock.advance(3)

    expect(socket.pings).toBe(3)
  })

  it('has nothing to do with the removal of a connection that it does not ping', () => {
    const { clock, errors, manager, start, connect } = desk({ socketOf: (socket) => (socket instanceof PeerSocket ? socket : undefined) })
    manager.on('error', ({ error }) => void errors.push(error))
    start()
    connect(new FakeSocket())
    const socket = connect(new PeerSocket())

    void manager.getConnection('c1')?.remove()
    clock.advance(INTERVAL_MS)

    expect([socket.pings, errors]).toEqual([1, []])
  })

  it('tells of a socket that can neither ping nor comment, and beats for the others', () => {
    const { clock, errors, start, connect } = desk()
    start()
    connect(new FakeSocket())
    const socket = connect(new PeerSocket())

    clock.advance(INTERVAL_MS)

    expect(errors).toMatchObject([{ code: 'ERR_INVALID_SOCKET' }])
    expect(socket.pings).toBe(1)
  })

  it.each([
    ['ping', 2], ['terminate', 1], ['on', 1], ['off', 1],
  ] as const)('goes on for other sockets if the %s of one throws', (method, count) => {
    const { clock, errors, manager, start, connect } = desk()
    start()
    const broken = Object.assign(new PeerSocket(false), { [method]: () => { throw new Error(method) } })
    connect(broken)
    const socket = connect(new PeerSocket())

    clock.advance(3 * INTERVAL_MS)

    expect(errors).toEqual(Array(count).fill(new Error(method)))
    expect(socket.pings).toBe(3)
    expect(manager.getConnection('c1') === undefined).toBe(method !== 'on')
  })

  it('tells of a socketOf that returns a promise, and its rejection does not end the process', async () => {
    const { errors, start, connect } = desk({ socketOf: (() => Promise.reject(new Error('late'))) as never })
    start()
    connect(new PeerSocket())

    await new Promise((resolve) => void setImmediate(resolve))

    expect(errors).toMatchObject([{ code: 'ERR_INVALID_SOCKET' }])
  })

  it('goes on if socketOf throws, and prints the first error if nobody listens', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const error = new Error('mine')
    const { clock, start, connect } = desk({
      onError: undefined,
      socketOf: (socket) => {
        if (socket instanceof FakeSocket) throw error
        return socket
      },
    })
    start()
    connect(new FakeSocket())
    connect(new FakeSocket())
    const socket = connect(new PeerSocket())

    clock.advance(INTERVAL_MS)

    expect(socket.pings).toBe(1)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('stream-connection-manager/operations'), error]])
    warn.mockRestore()
  })

  it('goes on if the clock fails, and `onError` gets its error', () => {
    const manual = new ManualClock()
    const failure = new Error('no time')
    let isBroken = false
    const monotonic = (): number => {
      if (isBroken) throw failure
      return manual.monotonic()
    }
    const { errors, start, connect } = desk({ clock: { now: () => 0, monotonic, setTimeout: manual.setTimeout.bind(manual) } })
    start()
    const socket = connect(new PeerSocket())

    isBroken = true
    manual.advance(INTERVAL_MS)
    const whileBroken = socket.pings
    isBroken = false
    manual.advance(INTERVAL_MS)

    expect([whileBroken, errors]).toEqual([0, [failure]])
    expect(socket.pings).toBeGreaterThan(0)
  })

  it.each([
    [undefined, 2], [Number.MIN_VALUE, 1], [1, 1], [1_000, 1], [1_001, 2], [5_000, 5], [Infinity, 9],
  ])('ends a silent peer after timeoutMs, rounded up to intervals: %s', (timeoutMs, pings) => {
    const { clock, start, connect } = desk({ timeoutMs })
    start()
    const socket = connect(new PeerSocket(false))

    clock.advance(9 * INTERVAL_MS)

    expect([socket.pings, socket.terminations]).toEqual([pings, pings === 9 ? 0 : 1])
  })

  it.each([undefined, 5_000, Infinity])('sends nothing, and has no timer, with an interval of 0 and a timeoutMs of %s', (timeoutMs) => {
    const { clock, start, connect } = desk({ intervalMs: 0, timeoutMs })
    start()
    const socket = connect(new PeerSocket())

    clock.advance(100_000)

    expect([socket.pings, clock.pendingTimers]).toEqual([0, 0])
  })

  it('pings every 30 seconds by default, by the clock of the runtime', () => {
    vi.useFakeTimers()
    try {
      const manager = new ConnectionManager<PeerSocket>()
      const heartbeat = startHeartbeat(manager)
      const socket = new PeerSocket()
      manager.addConnection('c1', socket, 'alice')

      vi.advanceTimersByTime(90_000)
      heartbeat.stop()

      expect(socket.pings).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([undefined, null, {}, 'manager', new Proxy({}, { get: () => { throw new Error('read') } })])('refuses what is no manager: %#', (manager) => {
    expectCode('ERR_INVALID_ARGUMENT', () => startHeartbeat(manager as never))
  })

  it.each([
    ['options', null], ['options', 30_000], ['interval', { interval: 1 }],
    ['intervalMs', { intervalMs: -1 }], ['intervalMs', { intervalMs: Infinity }], ['intervalMs', { intervalMs: '1' }], ['intervalMs', { intervalMs: NaN }],
    ['timeoutMs', { timeoutMs: 0 }], ['timeoutMs', { timeoutMs: NaN }], ['timeoutMs', { timeoutMs: null }],
    ['socketOf', { socketOf: {} }], ['onError', { onError: 1 }], ['clock', { clock: {} }],
    ['clock', { clock: { now: () => 0, monotonic() { throw new Error('no time') }, setTimeout: () => () => {} } }],
  ])('refuses a bad %s: %j', (option, options) => {
    const facts = expectCode('ERR_INVALID_OPTION', () => startHeartbeat(new ConnectionManager<PeerSocket>(), options as never))

    expect(facts).toMatchObject({ option })
  })
})
