import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest'
import { ConnectionManager, type ErrorStage } from '../../../src/index.ts'
import { FakeSocket, fakeTransport } from '../../../src/testing/index.ts'
import { PRICE, price } from '../../support/messages.ts'

const FAILURE = new Error('EPIPE')

let warn: Mock
beforeEach(() => { warn = vi.spyOn(console, 'warn').mockImplementation(() => {}) })
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function fail(): never {
  throw FAILURE
}

let count = 0

/** Makes the `send` of a socket fail, which removes its connection. */
function failToSend(manager: ConnectionManager): void {
  const id = `c${++count}`
  manager.addConnection(id, new FakeSocket({ send: fail }), 'alice')
  manager.sendToConnection(id, price())
}

const FAILURES: Readonly<Record<ErrorStage, (manager: ConnectionManager) => unknown>> = {
  send: failToSend,
  close: (manager) => manager.addConnection(`c${++count}`, new FakeSocket({ close: fail }), 'alice').remove(),
  listener(manager) {
    const end = manager.on('userOnline', fail)
    void manager.addConnection(`c${++count}`, new FakeSocket(), `u${count}`).remove({ close: false })
    end()
  },
  transport(manager) {
    const connection = manager.addConnection(`c${++count}`, new FakeSocket(), 'alice', { transport: fakeTransport({ frame: fail }) })
    manager.sendToConnection(connection.id, price())
    connection.flush()
    void connection.remove({ close: false })
  },
  recorder(manager) {
    const left = manager.addConnection(`c${++count}`, new FakeSocket(), 'alice')
    left.subscribe({ ...PRICE, symbol: 'recorded' })
    manager.publish(price(1, 'recorded'), { except: left })
    void left.remove({ close: false })
  },
  authorize(manager) {
    const connection = manager.addConnection(`c${++count}`, new FakeSocket(), 'alice')
    expect(() => connection.subscribe(PRICE)).toThrow()
    void connection.remove({ close: false })
  },
}
const STAGES = Object.keys(FAILURES) as ErrorStage[]

function failing(): ConnectionManager {
  const recorder = { attach() {}, record: (_message: unknown, text: string) => text, skip: fail }
  return new ConnectionManager({ authorize: ({ symbol }) => symbol === 'recorded' || fail(), recorder })
}

describe('ConnectionManager › an error without a listener', () => {
  it.each(STAGES)('is printed once at the stage %s, with the error and a hint on how to listen', (stage) => {
    const manager = failing()

    FAILURES[stage](manager)
    FAILURES[stage](manager)

    expect(warn).toHaveBeenCalledTimes(1)
    const [text, error] = warn.mock.calls[0] as [string, unknown]
    expect(text).toContain(`"${stage}"`)
    expect(text).toContain("manager.on('error', ")
    expect(error).toBe(FAILURE)
  })

  it('is printed once for each stage and manager', () => {
    const managers = [failing(), failing()]

    for (const manager of [...managers, ...managers]) for (const stage of STAGES) FAILURES[stage](manager)

    expect(warn).toHaveBeenCalledTimes(2 * STAGES.length)
  })

  it('is printed without ids or the content of messages', () => {
    const manager = new ConnectionManager()
    manager.addConnection('secret-connection', new FakeSocket({ send: fail }), 'secret-user')

    manager.sendToUser('secret-user', { streamType: 'PRICE', symbol: 'SECRET', data: 'secret data' })

    expect(JSON.stringify(warn.mock.calls)).not.toMatch(/secret/i)
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it.each(STAGES)('is not printed at the stage %s while there is a listener, and is printed once there is none', (stage) => {
    const manager = failing()
    const heard = vi.fn()
    const end = manager.on('error', heard)

    FAILURES[stage](manager)
    expect([heard.mock.calls.length, warn.mock.calls.length]).toEqual([1, 0])
    end()
    FAILURES[stage](manager)
    FAILURES[stage](manager)

    expect([heard.mock.calls.length, warn.mock.calls.length]).toEqual([1, 1])
  })

  it('is not printed when an error listener throws', () => {
    const manager = new ConnectionManager()
    manager.on('error', fail)

    failToSend(manager)

    expect(warn).not.toHaveBeenCalled()
  })

  it('is printed for a later failure: a rejection of send, of close, and of a listener', async () => {
    const manager = new ConnectionManager()
    manager.on('userOnline', () => Promise.reject(FAILURE))
    manager.addConnection('c1', new FakeSocket({ send: () => Promise.reject(FAILURE), close: () => Promise.reject(FAILURE) }), 'alice')

    manager.sendToConnection('c1', price())
    await new Promise((resolve) => setImmediate(resolve))

    expect(warn.mock.calls.map(([text]) => /"(\w+)"/.exec(text as string)?.[1]).sort()).toEqual(['close', 'listener', 'send'])
  })

  it('is printed after the state change', () => {
    const manager = new ConnectionManager()
    const counts: number[] = []
    warn.mockImplementation(() => void counts.push(manager.connectionCount))

    failToSend(manager)

    expect(counts).toEqual([0])
  })

  it.each<[what: string, console: unknown]>([
    ['is missing', undefined],
    ['is null', null],
    ['has no warn', {}],
    ['has a warn that is not a function', { warn: 'loud' }],
    ['has a warn that throws', { warn: fail }],
    ['cannot be read', { get warn() { return fail() } }],
    ['has a warn that rejects', { warn: () => Promise.reject(FAILURE) }],
    ['returns a thenable that throws', { warn: () => ({ then: fail }) }],
    ['returns an object whose then throws', { warn: () => ({ get then() { return fail() } }) }],
  ])('does no harm if the console %s', async (_what, console) => {
    vi.stubGlobal('console', console)
    const manager = new ConnectionManager()

    failToSend(manager)
    await new Promise((resolve) => setImmediate(resolve))
    vi.unstubAllGlobals()

    expect(manager.connectionCount).toBe(0)
  })

  it('does no harm if reading the console throws', () => {
    const original = Object.getOwnPropertyDescriptor(globalThis, 'console') as PropertyDescriptor
    Object.defineProperty(globalThis, 'console', { get: fail, configurable: true })
    const manager = new ConnectionManager()
    try {
      failToSend(manager)
    } finally {
      Object.defineProperty(globalThis, 'console', original)
    }

    expect(manager.connectionCount).toBe(0)
  })

  it('does no harm if the console calls back', () => {
    const manager = new ConnectionManager()
    warn.mockImplementation(() => failToSend(manager))

    failToSend(manager)

    expect(warn).toHaveBeenCalledTimes(1)
    expect(manager.connectionCount).toBe(0)
  })
})
