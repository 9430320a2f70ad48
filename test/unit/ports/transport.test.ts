import { describe, expect, it } from 'vitest'
import { ConnectionManager, type ConnectionManagerOptions } from '../../../src/index.ts'
import { asTransport } from '../../../src/ports/transport.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { price } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

const HOOKS = ['frame', 'write', 'bufferedBytes', 'onDrain', 'close', 'terminate'] as const

const NO_TRANSPORTS = [null, false, 0, '', 'ws', 7, true, 7n, Symbol('ws'), () => ({})]

/** The calls that accept a transport. */
const TAKERS: readonly (readonly [where: string, take: (transport: unknown) => unknown])[] = [
  ['asTransport', asTransport],
  ['a manager\'s options', (transport) => new ConnectionManager({ transport } as ConnectionManagerOptions)],
  ['addConnection', (transport) => new ConnectionManager().addConnection('c1', new FakeSocket(), 'alice', { transport } as never)],
]

describe.each(TAKERS)('a transport, in %s', (_where, take) => {
  it.each(NO_TRANSPORTS)('is refused if it is not an object: %s', (value) => {
    const error = expectCode('ERR_INVALID_OPTION', () => take(value))

    expect(error).toMatchObject({ option: 'transport' })
  })

  describe.each(HOOKS)('› %s', (hook) => {
    it.each([null, false, 0, '', 'socket', {}, []])('is refused if it is %j, by name and without a cause', (value) => {
      const error = expectCode('ERR_INVALID_OPTION', () => take({ [hook]: value }))

      expect(error).toMatchObject({ option: `transport.${hook}` })
      expect(error).not.toHaveProperty('cause')
      expect(error.message).toContain(`transport.${hook}`)
    })

    it('is refused if it cannot be read, by name and with the thrown error as the cause', () => {
      const reason = new Error('hostile')

      const error = expectCode('ERR_INVALID_OPTION', () => take(Object.defineProperty({}, hook, { get() { throw reason } })))

      expect(error).toMatchObject({ option: `transport.${hook}`, cause: reason })
    })

    it('may be undefined', () => {
      expect(() => take({ [hook]: undefined })).not.toThrow()
    })
  })
})

describe.each(TAKERS)('a transport, in %s', (_where, take) => {
  it.each([
    ['a misspelt hook', () => ({ onDrian: () => () => {} })],
    ['a misspelt hook beside others', () => ({ onDrian: () => () => {}, write() {} })],
    ['a misspelt hook that is not enumerable', () => Object.defineProperty({}, 'onDrian', { value: () => () => {} })],
    ['a misspelt hook that is inherited', () => Object.create({ onDrian: () => () => {} }) as object],
    ['a misspelt hook and no prototype', () => Object.assign(Object.create(null) as object, { onDrian: () => () => {} })],
  ])('is refused if it is a plain object with %s, by name', (_case, make) => {
    const error = expectCode('ERR_INVALID_OPTION', () => take(make()))

    expect(error).toMatchObject({ option: 'transport.onDrian' })
  })

  it.each([
    ['a Map', () => new Map([['close', () => {}]])],
    ['an array', () => [() => {}]],
    ['of a class without a hook', () => new (class { onDrian(): void {} })()],
    ['a date', () => new Date()],
    ['a proxy that cannot be inspected', () => new Proxy({}, { getPrototypeOf() { throw new Error('hostile') } })],
  ])('is refused if it is %s', (_case, make) => {
    const error = expectCode('ERR_INVALID_OPTION', () => take(make()))

    expect(error).toMatchObject({ option: 'transport' })
  })
})

describe('asTransport', () => {
  class OwnTransport {
    readonly #log: string[] = []

    get log(): readonly string[] {
      return this.#log
    }

    close(_socket: FakeSocket, reason: string): void {
      this.#log.push(reason)
    }
  }

  it.each([
    ['without any hook', {}],
    ['with every hook', { frame() {}, write() {}, bufferedBytes: () => 0, onDrain: () => () => {}, close() {}, terminate() {} }],
    ['without a prototype', Object.assign(Object.create(null) as object, { close() {} })],
    ['with hooks of its prototype', Object.create({ close() {} }) as object],
    ['that is an instance of a class', new OwnTransport()],
    ['that is frozen', Object.freeze({ close() {} })],
    ['that is of a class, with more own properties than hooks', Object.assign(new OwnTransport(), { name: 'own' })],
    ['with an own symbol key', { [Symbol('tag')]: 7, close() {} }],
  ])('returns only the hooks of a transport %s', (_case, transport) => {
    const given = transport as Record<string, unknown>

    expect(Object.keys(asTransport(transport)).sort()).toEqual(HOOKS.filter((name) => given[name] !== undefined).sort())
  })

  it('calls each hook as a method of its object', () => {
    const transport = new OwnTransport()

    asTransport(transport).close?.(new FakeSocket(), 'removed')

    expect(transport.log).toEqual(['removed'])
  })

  it('binds a hook that has its own bind method, and refuses one that cannot be bound', () => {
    const reason = new Error('hostile')
    const own = Object.assign(() => 7, { bind: () => { throw reason } })
    const hostile = new Proxy(() => 7, { getOwnPropertyDescriptor: () => { throw reason } })

    expect(asTransport({ bufferedBytes: own }).bufferedBytes?.(new FakeSocket())).toBe(7)
    const error = expectCode('ERR_INVALID_OPTION', () => asTransport({ bufferedBytes: hostile }))
    expect(error).toMatchObject({ option: 'transport.bufferedBytes', cause: reason })
  })

  it('reads each hook once, even if the transport is passed twice', () => {
    let readings = 0
    const transport = {
      get close() {
        if (++readings > 1) throw new Error('read again')
        return () => {}
      },
    }

    expect(asTransport(transport)).toBe(asTransport(transport))

    expect(readings).toBe(1)
  })

  it('refuses an inherited hook that is not a function', () => {
    const error = expectCode('ERR_INVALID_OPTION', () => asTransport(Object.create({ close: true })))

    expect(error).toMatchObject({ option: 'transport.close' })
  })
})

describe('ConnectionManager › transport', () => {
  it('is called as a method of its object', async () => {
    class Counting {
      readonly #closed = new Set<FakeSocket>()

      get count(): number {
        return this.#closed.size
      }

      bufferedBytes(_socket: FakeSocket): number {
        return this.#closed.size
      }

      close(socket: FakeSocket): void {
        this.#closed.add(socket)
      }
    }
    const transport = new Counting()
    const manager = new ConnectionManager<FakeSocket>({ transport })

    await manager.addConnection('c1', new FakeSocket(), 'alice').remove()

    expect(transport.count).toBe(1)
  })

  it('is refused if it is invalid, and nothing changes', () => {
    const manager = new ConnectionManager<FakeSocket>()

    expectCode('ERR_INVALID_OPTION', () => manager.addConnection('c1', new FakeSocket(), 'alice', { transport: { close: true } as never }))

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it.each([null, 7, 'transport', () => ({})])('is not read from %s, which is refused as options', (options) => {
    const manager = new ConnectionManager<FakeSocket>()

    expectCode('ERR_INVALID_OPTION', () => manager.addConnection('c1', new FakeSocket(), 'alice', options as never))

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('is refused if its name is misspelt', () => {
    const manager = new ConnectionManager<FakeSocket>()

    const error = expectCode('ERR_INVALID_OPTION', () => manager.addConnection('c1', new FakeSocket(), 'alice', { transprot: {} } as never))

    expect(error['option']).toBe('transprot')
    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('is not registered with if its getter cleans up', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const cleaningUp = { get transport() { void manager.cleanup(); return undefined } }

    expectCode('ERR_CLOSED', () => manager.addConnection('c1', new FakeSocket(), 'alice', cleaningUp))

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it.each(['getBufferedAmount', 'bufferedAmount'])('registers no connection if the %s of its socket cleans up', (name) => {
    const manager = new ConnectionManager<FakeSocket>()
    const socket = new Proxy(new FakeSocket(), {
      get: (target, key) => (key === name ? void manager.cleanup() : (Reflect.get(target, key) as unknown)),
      has: (target, key) => (key === name ? (void manager.cleanup(), false) : Reflect.has(target, key)),
    })

    try {
      manager.addConnection('c1', socket, 'alice')
    } catch {}
    void manager.cleanup()

    expect(stateOf(manager)).toEqual(NOTHING)
  })

  it('registers one connection of an id, even if reading the buffer of its socket adds another', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const other = new FakeSocket()
    const socket = Object.defineProperty(new FakeSocket(), 'getBufferedAmount', {
      get: () => void manager.addConnection('c1', other, 'bob'),
    })

    try {
      manager.addConnection('c1', socket, 'alice')
    } catch {}

    expect(manager.connectionCount).toBe(1)
    expect(manager.broadcast(price())).toMatchObject({ matched: 1, sent: 1 })
    expect(manager.userCount).toBe(manager.userConnections.size)
  })
})
