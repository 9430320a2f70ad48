import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  ConnectionManager,
  createStreamMessage,
  defineStreams,
  parseServerMessage,
  parseStreamMessage,
  rawJson,
  serializeStreamMessage,
  type ErrorCode,
} from '../../../src/index.ts'
import { sseTransport } from '../../../src/transports/sse.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { PRICE, price } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

/** The functions that read named fields: a call, a field with a valid value, and the code of the refusal. */
interface Place {
  readonly take: (given: unknown) => unknown
  readonly field: string
  readonly value: unknown
  readonly code: ErrorCode
  /** The facts of the refusal that name a field, and the object itself. */
  readonly factOf: (field?: string) => object
}

const option = (group?: string) => (field?: string) => ({ option: [group, field].filter(Boolean).join('.') || 'options' })
const argument = (field?: string): object => (field === undefined ? {} : { field })
const text = serializeStreamMessage(price())

function connected() {
  const manager = new ConnectionManager<FakeSocket>()
  return { manager, connection: manager.addConnection('c1', new FakeSocket(), 'alice') }
}

const STRICT: Readonly<Record<string, Place>> = {
  'the options of a manager': { take: (given) => new ConnectionManager(given as never), field: 'authorize', value: () => false, code: 'ERR_INVALID_OPTION', factOf: option() },
  'the delivery options of a manager': { take: (delivery) => new ConnectionManager({ delivery } as never), field: 'softLimitBytes', value: 7, code: 'ERR_INVALID_OPTION', factOf: option('delivery') },
  'the quotas of a manager': { take: (quotas) => new ConnectionManager({ quotas } as never), field: 'connections', value: 0, code: 'ERR_INVALID_OPTION', factOf: option('quotas') },
  'the options of a connection': { take: (given) => new ConnectionManager().addConnection('c1', new FakeSocket(), 'alice', given as never), field: 'transport', value: {}, code: 'ERR_INVALID_OPTION', factOf: option() },
  'the options of cleanup': { take: (given) => new ConnectionManager().cleanup(given as never), field: 'deadlineMs', value: 0, code: 'ERR_INVALID_OPTION', factOf: option() },
  'the options of sseTransport': { take: (given) => sseTransport(given as never), field: 'id', value: () => 'id', code: 'ERR_INVALID_OPTION', factOf: option() },
  'the options of a FakeSocket': { take: (given) => new FakeSocket(given as never), field: 'send', value: () => 7, code: 'ERR_INVALID_OPTION', factOf: option() },
  'the options of a ManualClock': { take: (given) => new ManualClock(given as never), field: 'startsAt', value: new Date(0), code: 'ERR_INVALID_OPTION', factOf: option() },
  'the options of a removal': { take: (given) => connected().connection.remove(given as never), field: 'close', value: false, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of publish': { take: (given) => connected().manager.publish(price(), given as never), field: 'text', value: 'text', code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of rawJson': { take: (given) => rawJson('1', given as never), field: 'validate', value: true, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of createStreamMessage': { take: (given) => createStreamMessage(price(), given as never), field: 'streams', value: undefined, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of serializeStreamMessage': { take: (given) => serializeStreamMessage(price(), given as never), field: 'streams', value: undefined, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of parseStreamMessage': { take: (given) => parseStreamMessage(text, given as never), field: 'streams', value: undefined, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
  'the options of parseServerMessage': { take: (given) => parseServerMessage(text, given as never), field: 'streams', value: undefined, code: 'ERR_INVALID_ARGUMENT', factOf: argument },
}

class Bare {
  readonly #secret = 7

  get unrelated(): number {
    return this.#secret
  }
}

describe.each(Object.entries(STRICT))('%s', (_where, { take, field, value, code, factOf }) => {
  it.each([
    ['as own properties', () => ({ [field]: value })],
    ['without a prototype', () => Object.assign(Object.create(null) as object, { [field]: value })],
    ['inherited from defaults', () => Object.create({ [field]: value }) as object],
    ['by a getter', () => Object.defineProperty({}, field, { get: () => value })],
    ['not enumerable', () => Object.defineProperty({}, field, { value })],
    ['by a getter of a class', () => Object.create(Object.defineProperty(class {}.prototype, field, { get: () => value })) as object],
    ['from another realm', () => Object.assign(runInNewContext('({})') as object, { [field]: value })],
    ['with an additional symbol key', () => ({ [field]: value, [Symbol('tag')]: 7 })],
  ])('may be given %s', (_how, make) => {
    expect(() => take(make())).not.toThrow()
  })

  it('accepts {}, and the same without a prototype', () => {
    expect(() => take({})).not.toThrow()
    expect(() => take(Object.create(null))).not.toThrow()
  })

  it.each([
    ['a Map', () => new Map([[field, value]])],
    ['a Map with the field', () => Object.assign(new Map(), { [field]: value })],
    ['an array', () => [value]],
    ['an empty array', () => []],
    ['an array with the field', () => Object.assign([], { [field]: value })],
    ['a Set', () => new Set([field])],
    ['a Map of another realm', () => runInNewContext('new Map()') as object],
    ['a Date', () => new Date()],
    ['a promise', () => Promise.resolve({ [field]: value })],
    ['an object of a class without any of the names', () => new Bare()],
    ['a revoked proxy', () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy }],
    ['an endless prototype chain', () => endless()],
  ])('are refused if they are %s', (_what, make) => {
    const error = expectCode(code, () => take(make()))

    expect(error).toMatchObject(factOf())
    expect(error).not.toHaveProperty('field')
    expect(error.message).not.toContain('undefined')
  })

  it.each([
    ['own', () => ({ [field]: value, simbol: 1 })],
    ['own and not enumerable', () => Object.defineProperty({}, 'simbol', { value: 1 })],
    ['an own getter, which is not called', () => Object.defineProperty({}, 'simbol', { get() { throw new Error('read') } })],
    ['own, on an object of a class', () => Object.assign(Object.create(Object.defineProperty(class {}.prototype, field, { value })) as object, { simbol: 1 })],
    ['inherited from defaults', () => Object.create({ [field]: value, simbol: 1 }) as object],
    ['undefined', () => ({ simbol: undefined })],
  ])('are refused, by name, if they have an unknown field that is %s', (_how, make) => {
    const error = expectCode(code, () => take(make()))

    expect(error).toMatchObject(factOf('simbol'))
    expect(error.message).toContain('simbol')
    expect(error).not.toHaveProperty('cause')
  })

  it.each(['constructor', 'toString', '__proto__'])('are refused if they have their own %s', (name) => {
    const error = expectCode(code, () => take(Object.defineProperty({}, name, { value: 1, enumerable: true })))

    expect(error).toMatchObject(factOf(name))
  })

  it('are refused with the thrown error as the cause if a getter throws', () => {
    const reason = new Error('hostile')

    const error = expectCode(code, () => take({ get [field]() { throw reason } }))

    expect(error).toMatchObject({ ...factOf(field), cause: reason })
  })

  it('are read once', () => {
    let readings = 0

    take({ get [field]() { readings++; return value } })

    expect(readings).toBe(1)
  })
})

/** An object whose prototype is another such object, endlessly. */
function endless(): object {
  return new Proxy({}, { getPrototypeOf: endless })
}

describe('ConnectionManagerOptions', () => {
  it('calls authorize and serialize as methods of the object that holds them', () => {
    class Config {
      readonly #allowed = new Set(['alice'])
      readonly #prefix = 'as '

      authorize({ userId }: { userId: string }): boolean {
        return this.#allowed.has(userId)
      }

      serialize({ data }: { data: unknown }): string {
        return this.#prefix + String(data)
      }
    }
    const manager = new ConnectionManager<FakeSocket>(new Config())
    const { socket } = manager.addConnection('c1', new FakeSocket(), 'alice')

    manager.addSubscription({ userId: 'alice', ...PRICE })
    expectCode('ERR_FORBIDDEN', () => manager.addSubscription({ userId: 'bob', ...PRICE }))
    manager.publish(price())

    expect(socket.sent).toEqual(['as price'])
  })

  it('is refused if one of its functions cannot be bound, with the error as the cause', () => {
    const reason = new Error('hostile')
    const unbindable = new Proxy(() => true, { getOwnPropertyDescriptor: () => { throw reason } })

    expect(expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ authorize: unbindable }))).toMatchObject({ option: 'authorize', cause: reason })
    expect(expectCode('ERR_INVALID_OPTION', () => sseTransport({ event: unbindable as never }))).toMatchObject({ option: 'event', cause: reason })
  })

  it.each([
    ['by a getter of a class', () => new (class { get quotas() { return new (class { get connections() { return 0 } })() } })()],
    ['inherited', () => Object.create({ quotas: Object.create({ connections: 0 }) }) as object],
    ['not enumerable', () => Object.defineProperty({}, 'quotas', { value: Object.defineProperty({}, 'connections', { value: 0 }) })],
  ])('applies a quota that is given %s', (_how, make) => {
    const manager = new ConnectionManager<FakeSocket>(make() as never)

    const error = expectCode('ERR_QUOTA_EXCEEDED', () => manager.addConnection('c1', new FakeSocket(), 'alice'))

    expect(error).toMatchObject({ quota: 'connections', limit: 0 })
  })
})

describe('Connection › remove', () => {
  it.each([null, true, 'close', 0, () => ({})])('refuses %s as its options, and removes nothing', (given) => {
    const { manager, connection } = connected()

    expectCode('ERR_INVALID_ARGUMENT', () => connection.remove(given as never))

    expect(manager.connectionCount).toBe(1)
  })

  it.each([null, 0, 'false', 1000])('refuses the option close: %s, naming the option, and removes nothing', (close) => {
    const { manager, connection } = connected()

    const error = expectCode('ERR_INVALID_ARGUMENT', () => connection.remove({ close } as never))

    expect(error).toMatchObject({ field: 'close' })
    expect([manager.connectionCount, connection.socket.closeCalls]).toEqual([1, 0])
  })

  it('treats close: undefined as absent', async () => {
    const { connection } = connected()

    await connection.remove({ close: undefined })

    expect(connection.socket.closeCalls).toBe(1)
  })
})

describe('the message functions', () => {
  it('use the default catalogue if the options are not an object, as in a call by map', () => {
    expect([text, text].map(parseStreamMessage).map(({ data }) => data)).toEqual(['price', 'price'])
    expect(rawJson('1', 0 as never).text).toBe('1')
  })

  it('accept a catalogue that is inherited or a getter', () => {
    const streams = defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })
    const options = new (class { get streams() { return streams } })()

    expect(createStreamMessage({ streamType: 'NEWS', data: 1 }, options)).toMatchObject({ streamType: 'NEWS', data: 1 })
  })
})

describe('defineStreams', () => {
  it.each([
    ['a Map', new Map([['NEWS', { audience: 'public' }]])],
    ['a Set', new Set(['NEWS'])],
    ['an array', []],
    ['an object of a class', new Bare()],
    ['an object that inherits its definitions', Object.create({ NEWS: { audience: 'public' } })],
  ])('refuses %s instead of silently defining nothing', (_what, definitions) => {
    expectCode('ERR_INVALID_ARGUMENT', () => defineStreams(definitions as never))
    expect(expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ streams: definitions as never }))).toMatchObject({ option: 'streams' })
  })

  it('refuses an unknown field, enumerable or not', () => {
    const NEWS = Object.defineProperty({ audience: 'public' }, 'delivry', { value: 'latest' })

    expectCode('ERR_INVALID_ARGUMENT', () => defineStreams({ NEWS } as never))
  })
})

describe('ConnectionManager › cleanup', () => {
  it('shuts nothing down if its options are refused', () => {
    const { manager } = connected()

    expectCode('ERR_INVALID_OPTION', () => manager.cleanup({ deadlineMS: 0 } as never))

    expect([manager.closed, manager.connectionCount]).toEqual([false, 1])
  })
})

describe('ConnectionManager › addConnection', () => {
  it('accepts a transport from a getter of a class', () => {
    const written: string[] = []
    class Options {
      get transport() {
        return { write: (_socket: FakeSocket, texts: readonly string[]) => void written.push(...texts) }
      }
    }
    const manager = new ConnectionManager<FakeSocket>()
    const connection = manager.addConnection('c1', new FakeSocket(), 'alice', new Options())

    manager.sendToUser('alice', price())
    connection.flush()

    expect([written.length, connection.socket.sent]).toEqual([1, []])
  })

  it('changes nothing if its options are refused', () => {
    const manager = new ConnectionManager<FakeSocket>()

    expectCode('ERR_INVALID_OPTION', () => manager.addConnection('c1', new FakeSocket(), 'alice', new Map([['transport', {}]]) as never))

    expect(stateOf(manager)).toEqual(NOTHING)
  })
})
