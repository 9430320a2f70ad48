import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions } from '../../../src/index.ts'
import { serveEvents, type HostedResponse, type ServeEventsOptions } from '../../../src/hosts/sse.ts'
import { drain } from '../../../src/operations/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import type { SseSocket } from '../../../src/transports/sse.ts'
import { expectCode } from '../../support/errors.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { deferred } from '../protocol/desk.ts'

/** A response of node:http, without a network. */
class FakeResponse extends EventEmitter implements HostedResponse {
  writableLength = 0
  writableEnded = false
  writableFinished = false
  destroyed = false
  head: unknown[] | undefined
  body = ''

  writeHead(...head: unknown[]): void {
    if (this.head !== undefined) throw new Error('The head is written already')
    this.head = head
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    this.body += new TextDecoder().decode(chunk)
    flushed?.()
    return true
  }

  end(text = ''): void {
    this.body += text
    this.writableEnded = true
    this.writableFinished = true
    this.emit('finish')
    this.emit('close')
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }

  /** The frames in the events so far: types and codes. */
  get told(): string[] {
    return [...this.body.matchAll(/^data: (.*)$/gm)].map(([, text]) => {
      const { type, id } = JSON.parse(text ?? '') as Record<string, unknown>
      return [type, id].filter((each) => each !== undefined).join(' ')
    })
  }
}

interface Request {
  readonly url?: string
  readonly user?: string
}
type Options = Partial<ServeEventsOptions<Request>>

function host(options: Options = {}, managerOptions: Omit<ConnectionManagerOptions<SseSocket>, 'streams'> = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<SseSocket>({ clock, ...managerOptions })
  const commands = createCommandServer(manager, { clock, idleMs: 1_000 })
  const errors: unknown[] = []
  const all: ServeEventsOptions<Request> = {
    manager,
    commands,
    clock,
    authenticate: ({ user }) => (user === undefined ? undefined : { userId: user }),
    onError: (error) => void errors.push(error),
    ...options,
  }
  const get = async (request: Request, response = new FakeResponse()) => ({ response, isWelcome: await serveEvents(request, response, all) })
  return { clock, manager, commands, errors, all, get }
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const URL_WITH_COMMANDS = `/events?commands=${encodeURIComponent('[{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"A"},{"command":"ping","id":2}]')}`

describe('serveEvents', () => {
  it('answers with an event stream, welcomes the client, and carries out the commands of its URL', async () => {
    const { get, manager } = host()

    const { response, isWelcome } = await get({ user: 'alice', url: URL_WITH_COMMANDS })
    await endOfTurn()
    manager.publish({ streamType: 'PRICE', symbol: 'A', data: 7 })
    await endOfTurn()

    expect(isWelcome).toBe(true)
    expect(response.head).toEqual([200, expect.objectContaining({ 'content-type': 'text/event-stream' })])
    expect(response.told).toEqual(['welcome', 'subscribed 1', 'pong 2', ''])
  })

  it('does not close a client that cannot send as idle', async () => {
    const { get, clock, manager } = host()
    const { response } = await get({ user: 'alice' })

    clock.advance(10_000)

    expect(manager.connectionCount).toBe(1)
    expect(response.writableEnded).toBe(false)
  })

  it('takes commands that come by POST later', async () => {
    const { get, commands, manager } = host()
    const { response } = await get({ user: 'alice' })
    const [connection] = [...manager.connections()]

    commands.find(connection?.id ?? '', 'alice')?.receive('{"command":"ping","id":3}')
    await endOfTurn()

    expect(commands.find(connection?.id ?? '', 'mallory')).toBeUndefined()
    expect(response.told).toEqual(['welcome', 'pong 3'])
  })

  it.each([
    ['%', '%'],
    ['no JSON', '%7B'],
    ['two question marks', '?commands=%5B%5D'],
  ])('survives a URL with %s', async (_, commands) => {
    const { get } = host()

    const { isWelcome } = await get({ user: 'alice', url: `//[::1?x=1&commands=${commands}` })

    expect(isWelcome).toBe(true)
  })

  it.each([
    ['that nobody knows', () => undefined, 'ERR_UNAUTHENTICATED', 401],
    ['for a reason of the host', () => { throw Object.assign(new Error(), { code: 'ERR_BANNED' }) }, 'ERR_BANNED', 403],
    ['because the host fails', () => Promise.reject(new Error('database')), 'ERR_FAILED', 500],
  ] satisfies [string, Options['authenticate'], string, number][])('refuses a client %s, with a status and a reason', async (_, authenticate, code, status) => {
    const { get, manager, errors } = host({ authenticate })

    const { response, isWelcome } = await get({})

    expect(isWelcome).toBe(false)
    expect(response.head).toEqual([status, { 'content-type': 'application/json', 'cache-control': 'no-store' }])
    expect(response.body).toBe(JSON.stringify({ type: 'refused', code }))
    expect([response.writableEnded, manager.connectionCount]).toEqual([true, 0])
    expect(errors).toHaveLength(status === 500 ? 1 : 0)
  })

  it('refuses a client that the manager refuses', async () => {
    const { get, manager } = host({}, { quotas: { connectionsPerUser: 1 } })
    await get({ user: 'alice' })

    const over = await get({ user: 'alice' })
    void manager.cleanup()
    const late = await get({ user: 'bob' })

    expect([over.response.head?.[0], late.response.head?.[0]]).toEqual([429, 503])
  })

  it.each([
    ['with the connection, so that the server can end', undefined, { connection: 'close' }],
    ['over HTTP/2, which has no such header', { destroyed: false, on() {} }, {}],
  ])('refuses a client while the server shuts down %s', async (_, stream, header) => {
    const { get, manager } = host()
    void manager.cleanup()

    const { response } = await get({ user: 'alice' }, Object.assign(new FakeResponse(), stream && { stream }))

    expect(response.head).toEqual([503, { 'content-type': 'application/json', 'cache-control': 'no-store', ...header }])
    expect(response.body).toBe('{"type":"refused","code":"ERR_CLOSED"}')
  })

  it('refuses a client whose authentication takes too long', async () => {
    const { get, clock } = host({ authenticate: () => new Promise(() => {}), authenticateTimeoutMs: 1_000 })

    const answer = get({})
    clock.advance(1_000)

    expect((await answer).response.head?.[0]).toBe(503)
  })

  it.each([
    ['the client has left', (response: FakeResponse) => response.destroy()],
    ['the client was refused, because it took too long', (_: FakeResponse, clock: ManualClock) => void clock.advance(10_000)],
  ])('tells the host once if authenticate rejects after %s', async (_, end) => {
    const permission = deferred<{ userId: string }>()
    const { get, clock, errors } = host({ authenticate: () => permission.promise })
    const response = new FakeResponse()
    const answer = get({}, response)

    end(response, clock)
    permission.reject(new Error('database'))
    await answer
    await endOfTurn()

    expect(errors).toEqual([new Error('database')])
  })

  it('prints the first fault of all requests if the host does not listen', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { get } = host({ onError: undefined, authenticate: () => Promise.reject(new Error('database')) })

    await get({})
    await get({})

    expect(warn.mock.calls).toEqual([[expect.stringContaining('stream-connection-manager/hosts'), new Error('database')]])
    warn.mockRestore()
  })

  it('adds no client that left while it was authenticated', async () => {
    const permission = deferred<{ userId: string }>()
    const { get, manager, errors } = host({ authenticate: () => permission.promise })
    const response = new FakeResponse()

    const answer = get({}, response)
    response.destroy()
    permission.resolve({ userId: 'alice' })

    expect((await answer).isWelcome).toBe(false)
    expect([manager.connectionCount, errors]).toEqual([0, []])
  })

  it('keeps no connection if the head cannot be written', async () => {
    const { get, manager, errors } = host()
    const response = new FakeResponse()
    response.writeHead(500)

    const { isWelcome } = await get({ user: 'alice' }, response)

    expect(isWelcome).toBe(false)
    expect(manager.connectionCount).toBe(0)
    expect(errors).toHaveLength(1)
  })

  it('sends each client a comment in each interval, by one timer, until it has gone', async () => {
    const { get, clock } = host({ heartbeatMs: 1_000 })
    const [one, other] = [await get({ user: 'alice' }), await get({ user: 'bob' })]
    const timers = clock.pendingTimers

    clock.advance(1_000)
    const beats = [one, other].map(({ response }) => response.body.split('\n').filter((line) => line.startsWith(':')).length)
    one.response.destroy()
    other.response.destroy()

    expect([timers, beats, clock.pendingTimers]).toEqual([1, [1, 1], 0])
  })

  it('answers newcomers with 503 and when to come back while its manager drains', async () => {
    const { get, clock, manager } = host()
    await get({ user: 'alice' })
    void drain(manager, { clock, perSecond: 10, overMs: 10_000 })

    const { response, isWelcome } = await get({ user: 'bob' })

    expect(isWelcome).toBe(false)
    expect(response.head).toEqual([503, expect.objectContaining({ 'retry-after': '11', connection: 'close' })])
    expect(JSON.parse(response.body)).toEqual({ type: 'refused', code: 'ERR_CLOSED', retry_ms: 10_100 })
    expect(manager.connectionCount).toBe(1)
  })

  it('refuses a client that is being authenticated when its manager begins to drain, in the same way', async () => {
    const { promise, resolve } = deferred<{ userId: string }>()
    const { get, clock, manager, commands } = host({ authenticate: () => promise })
    const client = get({ user: 'alice' })
    void drain(manager, { commands, clock, perSecond: 10, overMs: 10_000 })

    resolve({ userId: 'alice' })
    const { response, isWelcome } = await client

    expect([isWelcome, response.head]).toEqual([false, [503, expect.objectContaining({ 'retry-after': '11' })]])
    expect(manager.connectionCount).toBe(0)
  })

  it('refuses options that are none, at once', () => {
    const { all } = host()

    expectCode('ERR_INVALID_OPTION', () => void serveEvents({}, new FakeResponse(), { ...all, authenticate: undefined as never }))
  })
})
