import { describe, expect, it } from 'vitest'
import {
  ConnectionManager,
  ConnectionManagerError,
  createStreamMessage,
  defineStreams,
  parseServerMessage,
  parseStreamKey,
  parseStreamMessage,
  parseSubscriptionKey,
  rawJson,
  serializeStreamMessage,
  streamKey,
  subscriptionKey,
  type ConnectionManagerOptions,
  type ErrorCode,
  type StreamCatalogue,
} from '../../src/index.ts'
import { expectCode } from '../support/errors.ts'
import { FakeSocket } from '../support/fake-socket.ts'
import { order, price } from '../support/messages.ts'

/** The error message for an invalid stream type. */
function messageFor(value: unknown): string {
  return expectCode('ERR_INVALID_KEY', () => streamKey(value as string)).message
}

/** An object that records every access to it, and throws. */
function untouchable(target: object = () => {}): { readonly value: never; readonly touches: string[] } {
  const touches: string[] = []
  const traps = new Proxy({} as Record<string, unknown>, {
    get: (_, trap) => (): never => {
      touches.push(String(trap))
      throw new Error(`user code: ${String(trap)}`)
    },
  })
  return { value: new Proxy(target, traps) as never, touches }
}

describe('ConnectionManagerError', () => {
  it('is an Error with a name, a code and a message', () => {
    const error = new ConnectionManagerError('ERR_CLOSED', 'Closed')

    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'ConnectionManagerError', code: 'ERR_CLOSED', message: 'Closed' })
    expect(String(error)).toBe('ConnectionManagerError: Closed')
  })

  it('has the facts as fields, and no other fields', () => {
    const facts = { connectionId: 'c1', userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT', option: 'clock', limit: 7 }

    const withFacts = new ConnectionManagerError('ERR_CLOSED', 'Closed', facts)
    const withoutFacts = new ConnectionManagerError('ERR_CLOSED', 'Closed')

    expect(withFacts).toMatchObject(facts)
    for (const fact of Object.keys(facts)) expect(withoutFacts).not.toHaveProperty(fact)
  })

  it('has the underlying error, if any, as its cause', () => {
    const cause = new Error('thrown')

    expect(new ConnectionManagerError('ERR_CLOSED', 'Closed', {}, cause).cause).toBe(cause)
    expect(new ConnectionManagerError('ERR_CLOSED', 'Closed')).not.toHaveProperty('cause')
  })

  it('includes its facts when it is logged as JSON', () => {
    const error = expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage({ ...price(), streamType: 'TICKER' as 'PRICE' }))

    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'ERR_UNKNOWN_STREAM', streamType: 'TICKER' })
  })
})

describe('a thrown error', () => {
  const manager = new ConnectionManager({ pendingTtlMs: 0, maxDeferred: 1 })
  const socket = new FakeSocket()
  manager.addConnection('c1', socket, 'alice')
  const removed = manager.addConnection('c2', socket, 'alice')
  const news = defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })
  void removed.remove()

  it.each<[code: ErrorCode, facts: Record<string, unknown>, call: () => unknown]>([
    ['ERR_DUPLICATE_CONNECTION', { connectionId: 'c1', userId: 'bob' }, () => manager.addConnection('c1', socket, 'bob')],
    ['ERR_UNKNOWN_CONNECTION', { connectionId: 'c2' }, () => removed.subscribe({ streamType: 'USER_DATA' })],
    ['ERR_UNKNOWN_USER', { userId: 'bob' }, () => manager.addSubscription({ userId: 'bob', streamType: 'USER_DATA' })],
    ['ERR_UNKNOWN_STREAM', { streamType: 'TICKER' }, () => manager.publish({ ...price(), streamType: 'TICKER' as 'PRICE' })],
    ['ERR_SYMBOL_REQUIRED', { streamType: 'PRICE' }, () => manager.publish({ ...price(), symbol: undefined as unknown as string })],
    ['ERR_RECIPIENT_REQUIRED', { streamType: 'ORDER_UPDATES' }, () => manager.publish(order(undefined as unknown as string))],
    ['ERR_RECIPIENT_NOT_ALLOWED', { streamType: 'PRICE' }, () => manager.publish({ ...price(), userId: 'bob' as unknown as null })],
    ['ERR_RECIPIENT_MISMATCH', { streamType: 'ORDER_UPDATES', userId: 'bob' }, () => manager.sendToUser('alice', order('bob'))],
    ['ERR_RECIPIENT_NOT_ALLOWED', { streamType: 'ORDER_UPDATES', userId: 'bob' }, () => manager.broadcast(order('bob') as never)],
    ['ERR_SYMBOL_NOT_ALLOWED', { streamType: 'NEWS' }, () => createStreamMessage({ ...price(), streamType: 'NEWS', symbol: 'BTCUSDT' as unknown as null }, { streams: news })],
    ['ERR_UNSERIALIZABLE', { streamType: 'PRICE', symbol: 'BTCUSDT' }, () => manager.broadcast(price(1n))],
    ['ERR_INVALID_OPTION', { option: 'pendingTtlMs' }, () => new ConnectionManager({ pendingTtlMs: -1 })],
    ['ERR_INVALID_OPTION', { option: 'deadlineMs' }, () => manager.cleanup({ deadlineMs: NaN })],
    ['ERR_INVALID_ARGUMENT', { streamType: 'FAULTY' }, () => defineStreams({ FAULTY: { audience: 'all' as 'public' } })],
  ])('has its facts: %s %j', (code, facts, call) => {
    expect(expectCode(code, call)).toMatchObject(facts)
  })

  it.each<[fact: string, code: ErrorCode, call: () => unknown]>([
    ['userId', 'ERR_RECIPIENT_REQUIRED', () => manager.broadcast(order(undefined as unknown as string) as never)],
    ['streamType', 'ERR_UNKNOWN_STREAM', () => manager.publish({ ...price(), streamType: 7 as unknown as 'PRICE' })],
  ])('omits a fact that is not known: %s, %s', (fact, code, call) => {
    expect(expectCode(code, call)).not.toHaveProperty(fact)
  })

  it('includes the limit that was reached', () => {
    const errors: unknown[] = []
    const nested = new ConnectionManager({ maxDeferred: 1 })
    const publishTwice = (): void => {
      nested.broadcast(price())
      errors.push(expectCode('ERR_PUBLISH_DEPTH', () => nested.broadcast(price())))
    }
    nested.addConnection('c1', new FakeSocket({ send: () => errors.length === 0 && publishTwice() }), 'alice')

    nested.broadcast(price())

    expect(errors).toMatchObject([{ limit: 1 }])
  })

  it.each([
    ['a text, quoted', 'A:B', '"A:B"'],
    ['a text with quotes, escaped', '"\n:', '"\\"\\n:"'],
    ['an empty text', '', '""'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a boolean', true, 'true'],
    ['a number', -1.5, '-1.5'],
    ['a number', NaN, 'NaN'],
    ['a bigint', 7n, '7n'],
    ['a symbol', Symbol('PRICE'), 'Symbol(PRICE)'],
    ['a symbol without a name', Symbol(), 'Symbol()'],
    ['an object, only as such', { secret: 'hidden' }, 'an object'],
    ['an array, only as such', ['hidden'], 'an object'],
    ['a function, only as such', () => 'hidden', 'a function'],
    ['a class, only as such', class Hidden {}, 'a function'],
  ])('describes the received value in its message: %s', (_, value, shown) => {
    const message = messageFor(value)

    expect(message).toContain(shown)
    expect(message).not.toMatch(/hidden/i)
  })

  it.each([['number', 10n ** 5_000n], ['symbol', Symbol('x'.repeat(1_000_000))]])('truncates a long %s', (_, value) => {
    expect(messageFor(value).length).toBeLessThan(300)
  })

  it('shows a text of 80 units in full, and truncates a longer one', () => {
    expect(messageFor(`:${'x'.repeat(79)}`)).toContain(`":${'x'.repeat(79)}"`)
    expect(messageFor(`:${'x'.repeat(80)}`)).toContain(`":${'x'.repeat(79)}…"`)
  })

  it('truncates a long text', () => {
    const message = messageFor(`:${'x'.repeat(1_000_000)}`)

    expect(message).toContain('xxxxxxxxxx…"')
    expect(message.length).toBeLessThan(300)
  })

  it.each(['\ud83d', `${'x'.repeat(79)}😀${'x'.repeat(79)}`])('has a well-formed message, whatever the text that it describes', (text) => {
    expect(messageFor(`:${text}`)).not.toMatch(/\p{Surrogate}/u)
    expect(messageFor(`${text}:`)).not.toMatch(/\p{Surrogate}/u)
  })
})

describe('a refused value', () => {
  const manager = new ConnectionManager()
  const connection = manager.addConnection('c1', new FakeSocket(), 'alice')

  it.each<[what: string, code: ErrorCode, call: (value: never) => unknown]>([
    ['a catalogue', 'ERR_INVALID_ARGUMENT', (value) => defineStreams(value)],
    ['a message', 'ERR_INVALID_MESSAGE', (value) => manager.publish(value)],
    ['a request for a subscription', 'ERR_INVALID_ARGUMENT', (value) => connection.subscribe(value)],
    ['the argument of revoke', 'ERR_INVALID_ARGUMENT', (value) => manager.revoke(value)],
    ['the subscription of a key', 'ERR_INVALID_ARGUMENT', (value) => subscriptionKey(value)],
    ['the definition of a stream type', 'ERR_INVALID_ARGUMENT', (value) => defineStreams({ X: value })],
  ])('is described, and the error has no cause, if it is null instead of %s', (_, code, call) => {
    const error = expectCode(code, () => call(null as never))

    expect(error.message).toContain('null')
    expect(error).not.toHaveProperty('cause')
  })

  it.each<[what: string, fields: object, call: (value: never) => unknown]>([
    ['the argument of revoke', { userId: 'alice' }, (value) => manager.revoke(value)],
    ['the definition of a stream type', { audience: 'public' }, (value) => defineStreams({ X: value })],
  ])('is not inspected if it is a function instead of %s', (_, fields, call) => {
    const value = Object.assign(() => {}, fields)

    expectCode('ERR_INVALID_ARGUMENT', () => call(value as never))
  })

  it.each<[what: string, code: ErrorCode, call: (value: never) => unknown]>([
    ['the stream type of a stream key', 'ERR_INVALID_KEY', (value) => streamKey(value)],
    ['the symbol of a stream key', 'ERR_INVALID_ID', (value) => streamKey('PRICE', value)],
    ['the user of a subscription key', 'ERR_INVALID_ID', (value) => subscriptionKey({ userId: value, streamType: 'PRICE' })],
    ['a stream key', 'ERR_INVALID_KEY', (value) => parseStreamKey(value)],
    ['a subscription key', 'ERR_INVALID_KEY', (value) => parseSubscriptionKey(value)],
    ['an audience', 'ERR_INVALID_ARGUMENT', (value) => defineStreams({ X: { audience: value } })],
    ['a symbol rule', 'ERR_INVALID_ARGUMENT', (value) => defineStreams({ X: { audience: 'public', symbol: value } })],
    ['a delivery class', 'ERR_INVALID_ARGUMENT', (value) => defineStreams({ X: { audience: 'public', delivery: value } })],
    ['raw JSON', 'ERR_INVALID_ARGUMENT', (value) => rawJson(value)],
    ['a text to parse', 'ERR_INVALID_MESSAGE', (value) => parseStreamMessage(value)],
    ['a stream type', 'ERR_UNKNOWN_STREAM', (value) => createStreamMessage({ ...price(), streamType: value })],
    ['a symbol', 'ERR_INVALID_ID', (value) => createStreamMessage({ ...price(), symbol: value })],
    ['a timestamp', 'ERR_INVALID_MESSAGE', (value) => createStreamMessage({ ...price(), timestamp: value })],
    ['the recipient of a private message', 'ERR_INVALID_ID', (value) => createStreamMessage(order(value))],
    ['the recipient of a public message', 'ERR_RECIPIENT_NOT_ALLOWED', (value) => createStreamMessage({ ...price(), userId: value })],
    ['a connection id', 'ERR_INVALID_ID', (value) => manager.addConnection(value, new FakeSocket(), 'alice')],
    ['a user id', 'ERR_INVALID_ID', (value) => manager.addConnection('c2', new FakeSocket(), value)],
    ['a subscriber', 'ERR_INVALID_ID', (value) => manager.addSubscription({ userId: value, streamType: 'USER_DATA' })],
    ['a subscribed symbol', 'ERR_INVALID_ID', (value) => connection.subscribe({ streamType: 'USER_DATA', symbol: value })],
    ['the user to send to', 'ERR_INVALID_ID', (value) => manager.sendToUser(value, price())],
    ['the connection to send to', 'ERR_INVALID_ID', (value) => manager.sendToConnection(value, price())],
    ['an event', 'ERR_INVALID_ARGUMENT', (value) => manager.on(value, () => {})],
    ['a duration', 'ERR_INVALID_OPTION', (value) => new ConnectionManager({ closeTimeoutMs: value })],
    ['a deadline', 'ERR_INVALID_OPTION', (value) => manager.cleanup({ deadlineMs: value })],
  ])('is described without running its code: %s', (_, code, call) => {
    const { value, touches } = untouchable()

    expectCode(code, () => call(value))

    expect(touches).toEqual([])
  })

  it.each<[what: string, code: ErrorCode, call: (value: never) => unknown]>([
    ['a listener', 'ERR_INVALID_ARGUMENT', (value) => manager.on('error', value)],
    ['a serializer', 'ERR_INVALID_OPTION', (value) => new ConnectionManager({ serialize: value })],
    ['an authorizer', 'ERR_INVALID_OPTION', (value) => new ConnectionManager({ authorize: value })],
    ['a visitor of a mapping', 'ERR_INVALID_ARGUMENT', (value) => manager.userConnections.forEach(value)],
    ['a visitor of an empty mapping', 'ERR_INVALID_ARGUMENT', (value) => new ConnectionManager().userConnections.forEach(value)],
  ])('is described without running its code, instead of a function: %s', (_, code, call) => {
    const { value, touches } = untouchable({})

    expectCode(code, () => call(value))

    expect(touches).toEqual([])
  })

  it.each<[what: string, code: ErrorCode, call: (value: never) => unknown]>([
    ['a socket', 'ERR_INVALID_SOCKET', (value) => manager.addConnection('c2', value, 'alice')],
    ['a catalogue', 'ERR_INVALID_OPTION', (value) => new ConnectionManager({ streams: value as StreamCatalogue })],
    ['data', 'ERR_UNSERIALIZABLE', (data) => serializeStreamMessage(price(data))],
    ['a custom catalogue', 'ERR_INVALID_ARGUMENT', (value) => defineStreams(value)],
    ['a stream definition', 'ERR_INVALID_ARGUMENT', (value) => defineStreams({ X: value })],
    ['the argument of subscriptionKey', 'ERR_INVALID_ARGUMENT', (value) => subscriptionKey(value)],
    ['the options of rawJson', 'ERR_INVALID_ARGUMENT', (value) => rawJson('1', value)],
    ['the options of a message', 'ERR_INVALID_ARGUMENT', (value) => createStreamMessage(price(), value)],
    ['the options of a serializer', 'ERR_INVALID_ARGUMENT', (value) => serializeStreamMessage(price(), value)],
    ['the options of a parser', 'ERR_INVALID_ARGUMENT', (value) => parseStreamMessage(serializeStreamMessage(price()), value)],
    ["the options of a client's parser", 'ERR_INVALID_ARGUMENT', (value) => parseServerMessage(serializeStreamMessage(price()), value)],
    ['the options of a manager', 'ERR_INVALID_OPTION', (value) => new ConnectionManager(value)],
    ['a group of options', 'ERR_INVALID_OPTION', (value) => new ConnectionManager({ quotas: value })],
    ['the options of a connection', 'ERR_INVALID_OPTION', (value) => manager.addConnection('c2', new FakeSocket(), 'alice', value)],
    ['the options of a removal', 'ERR_INVALID_ARGUMENT', (value) => connection.remove(value)],
    ['the options of a shutdown', 'ERR_INVALID_OPTION', (value) => manager.cleanup(value)],
    ['a revocation', 'ERR_INVALID_ARGUMENT', (value) => manager.revoke(value)],
  ])('has the error that its code throws as the cause of the refusal: %s', (_, code, call) => {
    const { value } = untouchable({})

    const error = expectCode(code, () => call(value))

    let cause: unknown = error
    while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause
    expect(cause).toMatchObject({ message: expect.stringMatching(/^user code: /) as unknown })
  })

  it('is described even if its toString throws', () => {
    const hostile = {
      toString: (): never => {
        throw new Error('thrown')
      },
    }

    expect(messageFor(hostile)).toContain('an object')
    expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ maxDeferred: hostile } as unknown as ConnectionManagerOptions))
  })
})
