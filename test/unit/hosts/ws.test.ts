import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions } from '../../../src/index.ts'
import { drain } from '../../../src/operations/index.ts'
import { serveWebSockets, type HostedWebSocket, type ServeWebSocketsOptions } from '../../../src/hosts/ws.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import { expectCode } from '../../support/errors.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { CLOSED, ScriptedSocket } from '../../support/scripted-ws.ts'
import { deferred, settled } from '../protocol/desk.ts'

/** A socket of ws that counts its pings. Its texts go by `send`, because it is no server's socket. */
class PeerSocket extends ScriptedSocket implements HostedWebSocket {
  pings = 0
  override _isServer: unknown = false

  ping(): void {
    this.pings++
  }

  /** What the client was sent: types and codes. */
  get told(): string[] {
    return this.sent.map((text) => {
      const { type, id, code } = JSON.parse(String(text)) as Record<string, unknown>
      return [type, id, code].filter((each) => each !== undefined).join(' ')
    })
  }

  leave(): void {
    this.readyState = CLOSED
    this.emit('close')
  }
}

interface Request {
  readonly user?: string
}

type Options = Partial<ServeWebSocketsOptions<PeerSocket, Request>>

function host(options: Options = {}, managerOptions: Omit<ConnectionManagerOptions<PeerSocket>, 'streams'> = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<PeerSocket>({ clock, ...managerOptions })
  const commands = createCommandServer(manager, { clock })
  const errors: unknown[] = []
  let listener: (socket: PeerSocket, request: Request) => void = () => {}
  const upgrades: ((headers: string[], request: object) => void)[] = []
  const server = {
    closes: 0,
    on: (event: 'connection', given: typeof listener) => void ((event as string) === 'headers' ? upgrades.push(given as never) : (listener = given)),
    close: () => server.closes++,
  }
  const running = serveWebSockets(server, {
    manager,
    commands,
    clock,
    authenticate: ({ user }) => (user === undefined ? undefined : { userId: user, metadata: `of ${user}` }),
    onError: (error) => void errors.push(error),
    ...options,
  })
  const connect = (user?: string): PeerSocket => {
    const socket = new PeerSocket()
    listener(socket, user === undefined ? {} : { user })
    return socket
  }
  return { clock, manager, commands, errors, server, upgrades, running, connect }
}

/** A function that throws when it is bound. */
const unbindable = new Proxy(() => undefined, { getPrototypeOf: () => { throw new Error('read') } })
const unreadable = new Proxy({}, { get: () => { throw new Error('read') } })

const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('serveWebSockets', () => {
  it('adds a client that is authenticated, welcomes it, and carries out its commands', async () => {
    const { manager, connect } = host()
    const socket = connect('alice')

    socket.emit('message', Buffer.from('{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"A"}'))
    await endOfTurn()

    expect(socket.told).toEqual(['welcome', 'subscribed 1'])
    expect([...manager.connections()]).toMatchObject([{ userId: 'alice' }])
    expect([...manager.connections()][0]?.metadata).toBe('of alice')
  })

  it('lets the answer to an upgrade wait for the welcome, until the end of the turn', async () => {
    const { upgrades } = host()
    const calls: string[] = []
    const socket = { cork: () => calls.push('cork'), uncork: () => calls.push('uncork') }
    for (const upgrade of upgrades) {
      upgrade([], { socket })
      upgrade([], {})
    }

    expect(calls).toEqual(['cork'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(calls).toEqual(['cork', 'uncork'])
  })

  it('gives each connection an id of its own', () => {
    const { manager, connect } = host()
    connect('alice')
    connect('alice')

    const ids = [...manager.connections()].map(({ id }) => id)

    expect(new Set(ids).size).toBe(2)
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    ['that nobody knows', () => undefined, 'ERR_UNAUTHENTICATED', 4401],
    ['that nobody knows, as it turns out', () => Promise.resolve(undefined), 'ERR_UNAUTHENTICATED', 4401],
    ['for a reason of the host', () => { throw Object.assign(new Error(), { code: 'ERR_BANNED' }) }, 'ERR_BANNED', 1008],
  ] satisfies [string, Options['authenticate'], string, number][])('refuses a client %s, in a frame and by the close code', async (_, authenticate, code, closeCode) => {
    const { connect, manager, errors } = host({ authenticate })

    const socket = connect('alice')
    await settled()
    socket.emit('message', '{"command":"ping","id":1}')

    expect(socket.told).toEqual([`refused ${code}`])
    expect(socket.closes).toEqual([[closeCode, code]])
    expect(manager.connectionCount).toBe(0)
    expect(errors).toEqual([])
  })

  it.each([
    ['throws', () => { throw new Error('database') }],
    ['rejects', () => Promise.reject(new Error('database'))],
    ['returns no identity', () => 'alice' as never],
    ['returns a user id that is none', () => ({ userId: '' })],
    ['returns what cannot be read', () => new Proxy({}, { get: (_, name) => { if (name === 'then') return undefined; throw new Error('read') } }) as never],
  ] satisfies [string, Options['authenticate']][])('tells the host if authenticate %s, and the client to try again', async (_, authenticate) => {
    const { connect, manager, errors } = host({ authenticate })

    const socket = connect('alice')
    await settled()

    expect(socket.told).toEqual(['refused ERR_FAILED'])
    expect(socket.closes).toEqual([[1011, 'ERR_FAILED']])
    expect(errors).toHaveLength(1)
    expect(manager.connectionCount).toBe(0)
  })

  it('prints such an error once if the host does not listen', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { connect } = host({ onError: undefined, authenticate: () => Promise.reject(new Error('database')) })

    connect()
    connect()
    await settled()

    expect(warn.mock.calls).toEqual([[expect.stringContaining('stream-connection-manager/hosts'), new Error('database')]])
    warn.mockRestore()
  })

  it('prints what a listener of errors throws, and refuses the client all the same', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const fail = (): never => {
      throw new Error('bug')
    }
    const { connect } = host({ onError: fail, authenticate: fail })

    const socket = connect()

    expect(socket.closes).toEqual([[1011, 'ERR_FAILED']])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('stream-connection-manager/hosts'), new Error('bug')]])
    warn.mockRestore()
  })

  it('refuses a client that the manager refuses, with its code', async () => {
    const { connect, manager, errors } = host({}, { quotas: { connectionsPerUser: 1 } })
    connect('alice')

    const over = connect('alice')
    void manager.cleanup()
    const late = connect('bob')
    await settled()

    expect([over.told, over.closes]).toEqual([['refused ERR_QUOTA_EXCEEDED'], [[4429, 'ERR_QUOTA_EXCEEDED']]])
    expect([late.told, late.closes]).toEqual([['refused ERR_CLOSED'], [[1001, 'ERR_CLOSED']]])
    expect(errors).toEqual([])
  })

  it('refuses a client whose authentication takes too long', async () => {
    const late = deferred<{ userId: string }>()
    const { connect, clock, manager } = host({ authenticate: () => late.promise, heartbeatMs: 0 })

    const socket = connect()
    clock.advance(10_000)
    late.resolve({ userId: 'alice' })
    await settled()

    expect(socket.told).toEqual(['refused ERR_TIMEOUT'])
    expect(socket.closes).toEqual([[1013, 'ERR_TIMEOUT']])
    expect([manager.connectionCount, clock.pendingTimers]).toEqual([0, 0])
  })

  it.each([
    ['the client has left', (socket: PeerSocket) => socket.leave()],
    ['the client was refused, because it took too long', (_: PeerSocket, clock: ManualClock) => void clock.advance(10_000)],
  ])('tells the host once if authenticate rejects after %s', async (_, end) => {
    const permission = deferred<{ userId: string }>()
    const { connect, clock, errors } = host({ authenticate: () => permission.promise })
    const socket = connect()

    end(socket, clock)
    const before = socket.told
    permission.reject(new Error('database'))
    await settled()

    expect([errors, socket.told]).toEqual([[new Error('database')], before])
  })

  it('does not tell the host of a refusal that comes too late', async () => {
    const permission = deferred<{ userId: string }>()
    const { connect, clock, errors } = host({ authenticate: () => permission.promise })
    connect()

    clock.advance(10_000)
    permission.reject(Object.assign(new Error(), { code: 'ERR_BANNED' }))
    await settled()

    expect(errors).toEqual([])
  })

  it('adds no client that left while it was authenticated', async () => {
    const permission = deferred<{ userId: string }>()
    const { connect, manager } = host({ authenticate: () => permission.promise })
    const added: unknown[] = []
    manager.on('connectionAdded', (event) => added.push(event))

    const socket = connect()
    socket.leave()
    permission.resolve({ userId: 'alice' })
    await settled()

    expect(added).toEqual([])
    expect(socket.sent).toEqual([])
  })

  it('keeps what a client sends before it is welcomed', async () => {
    const permission = deferred<{ userId: string }>()
    const { connect } = host({ authenticate: () => permission.promise })

    const socket = connect()
    socket.emit('message', '{"command":"ping","id":1}')
    socket.emit('message', '{"command":"ping","id":2}')
    permission.resolve({ userId: 'alice' })
    await settled()
    await endOfTurn()

    expect(socket.told).toEqual(['welcome', 'pong 1', 'pong 2'])
  })

  it.each([
    ['too many texts', 101, 1],
    ['too large texts', 2, 32_769],
  ])('closes a client that sends %s before it is welcomed', async (_, count, units) => {
    const permission = deferred<{ userId: string }>()
    const { connect, manager } = host({ authenticate: () => permission.promise })

    const socket = connect()
    for (let i = 0; i < count; i++) socket.emit('message', Buffer.alloc(units))
    permission.resolve({ userId: 'alice' })
    await settled()

    expect(socket.closes).toEqual([[4429, 'flood']])
    expect(manager.connectionCount).toBe(0)
  })

  it('closes a client that sends something of unknown size before it is welcomed', () => {
    const { connect } = host({ authenticate: () => new Promise(() => {}) })

    const socket = connect()
    socket.emit('message', [Buffer.alloc(1)])

    expect(socket.closes).toEqual([[4429, 'flood']])
  })

  it('takes the time of the runtime if it gets no clock', () => {
    vi.useFakeTimers()
    try {
      const { connect } = host({ clock: undefined, heartbeatMs: 1_000 })
      const socket = connect('alice')

      vi.advanceTimersByTime(1_000)
      socket.leave()

      expect(socket.pings).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('removes a client that leaves', () => {
    const { connect, manager, clock } = host()

    connect('alice').leave()

    expect([manager.connectionCount, clock.pendingTimers]).toEqual([0, 0])
  })

  it('terminates a socket that fails, because a bad frame must not end the process', () => {
    const { connect } = host()
    const socket = connect('alice')

    socket.emit('error', new Error('bad frame'))

    expect(socket.terminations).toBe(1)
  })

  it('terminates a peer that does not answer two pings in a row', () => {
    const { connect, clock } = host({ heartbeatMs: 1_000 })
    const [answering, talking, silent] = [connect('a'), connect('b'), connect('c')]

    for (let i = 0; i < 3; i++) {
      clock.advance(1_000)
      answering.emit('pong')
      talking.emit('message', '{"command":"ping"}')
    }

    expect([answering, talking, silent].map(({ pings, terminations }) => [pings, terminations])).toEqual([[3, 0], [3, 0], [2, 1]])
  })

  it('needs one timer for all pings, and none if there is no heartbeat', () => {
    const all = host()
    const none = host({ heartbeatMs: 0 })

    for (let i = 0; i < 10; i++) for (const { connect } of [all, none]) connect(`user ${i}`)

    expect([all.clock.pendingTimers, none.clock.pendingTimers]).toEqual([1, 0])
  })

  it('asks everybody to move when it is closed, and closes those who stay', async () => {
    const { connect, clock, running, server, manager } = host()
    const [moving, staying] = [connect('alice'), connect('bob')]
    await endOfTurn()

    const closed = running.close({ withinMs: 1_000 })
    await endOfTurn()
    moving.leave()
    clock.advance(1_500)

    expect(await closed).toBe(1)
    expect(staying.told).toEqual(['welcome', 'goodbye'])
    expect(staying.closes).toEqual([[1001, 'going away']])
    expect([server.closes, manager.connectionCount]).toEqual([1, 0])
    expect(running.close()).toBe(running.close())
  })

  it('refuses newcomers with a goodbye and 1012 while its manager drains, each with a moment of its own', () => {
    const { connect, clock, manager } = host()
    connect('alice')
    void drain(manager, { clock, perSecond: 10, overMs: 10_000 })

    const newcomers = [connect('bob'), connect('carol')]

    expect(newcomers.map(({ sent }) => JSON.parse(String(sent[0])) as unknown)).toEqual([
      { type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 10_100, within_ms: 10_100 },
      { type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 10_200, within_ms: 10_200 },
    ])
    expect(newcomers.map(({ closes }) => closes)).toEqual(Array(2).fill([[1012, 'draining, come back in 11 s']]))
    expect(manager.connectionCount).toBe(1)
  })

  it('refuses a client that is being authenticated when its manager begins to drain, in the same way', async () => {
    const { promise, resolve } = deferred<{ userId: string }>()
    const { connect, clock, manager, commands } = host({ authenticate: () => promise })
    const socket = connect('alice')
    void drain(manager, { commands, clock, perSecond: 10, overMs: 10_000 })

    resolve({ userId: 'alice' })
    await settled()

    expect(socket.sent.map((text) => JSON.parse(String(text)) as unknown)).toEqual([
      { type: 'goodbye', reason: 'draining', reconnect: true, after_ms: 10_100, within_ms: 10_100 },
    ])
    expect(socket.closes).toEqual([[1012, 'draining, come back in 11 s']])
    expect(manager.connectionCount).toBe(0)
  })

  it('closes those too that are not authenticated yet', async () => {
    const { connect, running } = host({ authenticate: () => new Promise(() => {}) })
    const socket = connect()

    await running.close()

    expect(socket.closes).toEqual([[1001, 'going away']])
  })

  it('refuses a client that comes after it is closed, even if the manager goes on', async () => {
    const { connect, running, manager, clock } = host()
    await running.close()

    const late = connect('alice')
    late.emit('message', '{"command":"ping","id":1}')
    const timers = clock.pendingTimers
    late.leave()

    expect([late.told, late.closes]).toEqual([['refused ERR_CLOSED'], [[1001, 'ERR_CLOSED']]])
    expect([manager.connectionCount, manager.closed, timers]).toEqual([0, false, 1])
  })

  it('terminates a client that comes after it is closed, if that sends a bad frame', async () => {
    const { connect, running } = host()
    await running.close()

    const late = connect('alice')
    late.emit('error', new Error('bad frame'))

    expect(late.terminations).toBe(1)
  })

  it('adds no client whose authentication ends after it is closed', async () => {
    const permission = deferred<{ userId: string }>()
    const { connect, running, manager } = host({ authenticate: () => permission.promise })
    const added: unknown[] = []
    manager.on('connectionAdded', (event) => added.push(event))
    const socket = connect()
    socket.close = (...why) => void socket.closes.push(why as [number, string]) // it takes its time

    await running.close()
    permission.resolve({ userId: 'alice' })
    await settled()

    expect(added).toEqual([])
    expect([socket.told, socket.closes]).toEqual([[], [[1001, 'going away']]])
  })

  it.each([
    ['manager', { manager: {} }],
    ['manager', { manager: unreadable }],
    ['commands', { commands: undefined }],
    ['authenticate', { authenticate: 'alice' }],
    ['authenticate', { authenticate: unbindable }],
    ['heartbeatMs', { heartbeatMs: -1 }],
    ['authenticateTimeoutMs', { authenticateTimeoutMs: NaN }],
    ['clock', { clock: {} }],
    ['onError', { onError: 1 }],
    ['heartbeat', { heartbeat: 1 }],
  ])('refuses the option %s if it is none', (option, options) => {
    const { option: named } = expectCode('ERR_INVALID_OPTION', () => host(options as Options)) as { option?: string }

    expect(named).toBe(option)
  })
})
