import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, type AnyHandle, type ConnectionManagerOptions } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { result } from '../../support/result.ts'

const streams = defineStreams({
  PRICE: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams
type Options = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams'>

const BTC = { streamType: 'PRICE', symbol: 'BTC' } as const
const NEWS = { streamType: 'NEWS' } as const
const NEWS_BTC = { streamType: 'NEWS', symbol: 'BTC' } as const

/** A manager whose texts are the data of their messages, and connections `a`, `b` and `c` of users of the same names. */
function desk(options: Options = {}) {
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, serialize: ({ data }) => String(data), ...options })
  const connect = (id: string, userId = id) => manager.addConnection(id, new FakeSocket(), userId)
  const [a, b, c] = [connect('a'), connect('b'), connect('c')]
  const received = () => [a, b, c].map(({ socket }) => socket.sent.length)
  return { manager, connect, a, b, c, received }
}

describe('publish with except', () => {
  it('leaves the connection out: it is no recipient, and is not counted', () => {
    const { manager, a, b, c, received } = desk()
    for (const connection of [a, b, c]) connection.subscribe(BTC)

    expect(manager.publish({ ...BTC, data: 'p1' }, { except: b })).toEqual(result({ matched: 2, sent: 2 }))
    expect(manager.publish({ ...BTC, data: 'p2' })).toEqual(result({ matched: 3, sent: 3 }))

    expect(received()).toEqual([2, 1, 2])
    expect(manager.stats()).toMatchObject({ matched: 5, sent: 5, skipped: 0 })
  })

  it('leaves out several, each once, whatever they are subscribed to', () => {
    const { manager, a, b, c, received } = desk()
    for (const connection of [a, b]) connection.subscribe(BTC)

    expect(manager.publish({ ...BTC, data: 'p1' }, { except: [a, c, a] })).toEqual(result({ matched: 1, sent: 1 }))

    expect(received()).toEqual([0, 1, 0])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void]>([
    ['the symbol', ({ a, b }) => [a, b].forEach((each) => each.subscribe(NEWS_BTC))],
    ['the whole type', ({ a, b }) => [a, b].forEach((each) => each.subscribe(NEWS))],
    ['both', ({ a, b }) => [a, b].forEach((each) => [NEWS, NEWS_BTC].forEach((stream) => each.subscribe(stream)))],
    ['both, as another one is the other way round', ({ a, b }) => ([[a, NEWS], [b, NEWS], [b, NEWS_BTC], [a, NEWS_BTC]] as const).forEach(([each, stream]) => each.subscribe(stream))],
    ['one of both each', ({ a, b }) => void [a.subscribe(NEWS), b.subscribe(NEWS_BTC)]],
  ])('leaves out a connection that is subscribed to %s', (_what, subscribe) => {
    const world = desk()
    subscribe(world)

    expect(world.manager.publish({ ...NEWS_BTC, data: 'n1' }, { except: world.a })).toEqual(result({ matched: 1, sent: 1 }))
    expect(world.manager.publish({ ...NEWS_BTC, data: 'n2' })).toEqual(result({ matched: 2, sent: 2 }))

    expect(world.received()).toEqual([1, 2, 0])
  })

  it('leaves out nobody for a connection whose user is subscribed only by another connection', () => {
    const { manager, connect, a } = desk()
    const a2 = connect('a2', 'a')
    a2.subscribe(BTC)

    expect(manager.publish({ ...BTC, data: 'p1' }, { except: a })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, a2.socket.sent]).toEqual([[], ['p1']])
  })

  it('leaves out one connection of a user on a private stream, and nobody of another user', () => {
    const { manager, connect, a, b } = desk()
    const a2 = connect('a2', 'a')
    for (const userId of ['a', 'b']) manager.addSubscription({ userId, streamType: 'ORDERS' })

    expect(manager.publish({ streamType: 'ORDERS', userId: 'a', data: 'o1' }, { except: [a, b] })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, a2.socket.sent, b.socket.sent]).toEqual([[], ['o1'], []])
  })

  it('does not serialize a message if nobody is left', () => {
    let serialized = 0
    const { manager, a } = desk({ serialize: () => String(++serialized) })
    a.subscribe(BTC)

    expect(manager.publish({ ...BTC, data: 'p1' }, { except: a })).toEqual(result({}))

    expect(serialized).toBe(0)
  })

  it('does no harm for a connection that was removed, or of another manager', async () => {
    const { manager, a, b, c } = desk()
    const other = desk()
    for (const connection of [a, b, c]) connection.subscribe(BTC)
    await b.remove()

    expect(manager.publish({ ...BTC, data: 'p1' }, { except: [b, other.a] })).toEqual(result({ matched: 2, sent: 2 }))
  })

  it('of a deferred message is about the connections that are subscribed when it is delivered', () => {
    const { manager, a, b, c } = desk()
    for (const connection of [a, b]) connection.subscribe(BTC)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.publish({ ...BTC, data: 'p2' }, { except: [b, c] })
      c.subscribe(BTC)
    }

    manager.publish({ ...BTC, data: 'p1' })

    expect([a.socket.sent, b.socket.sent, c.socket.sent]).toEqual([['p1', 'p2'], ['p1'], []])
  })

  it('stays left out if it falls behind or unsubscribes meanwhile', () => {
    const { manager, a, b, c } = desk()
    for (const connection of [a, b, c]) connection.subscribe(BTC)
    a.socket.script.send = () => void [b.unsubscribe(BTC), b.subscribe(BTC)]

    manager.publish({ ...BTC, data: 'p1' }, { except: b })

    expect(b.socket.sent).toEqual([])
  })

  it.each([null, 'a', 7, {}, { id: 'a', userId: 'a' }, [undefined], new FakeSocket()])('refuses %j, and delivers nothing', (except) => {
    const { manager, a, received } = desk()
    a.subscribe(BTC)

    const error = expectCode('ERR_INVALID_ARGUMENT', () => manager.publish({ ...BTC, data: 'p1' }, { except: except as AnyHandle }))

    expect(error['field']).toBe('except')
    expect(received()).toEqual([0, 0, 0])
  })

  it('refuses a list that cannot be read', () => {
    const { manager } = desk()
    const { proxy, revoke } = Proxy.revocable<AnyHandle[]>([], {})
    revoke()

    expect(expectCode('ERR_INVALID_ARGUMENT', () => manager.publish({ ...BTC, data: 'p1' }, { except: proxy }))['field']).toBe('except')
  })

  it.each([null, 7, 'a', []])('refuses %j as options', (options) => {
    const { manager } = desk()

    const error = expectCode('ERR_INVALID_ARGUMENT', () => manager.publish({ ...BTC, data: 'p1' }, options as object))

    expect('field' in error).toBe(false)
  })

  it('refuses an unknown option', () => {
    const { manager } = desk()

    const error = expectCode('ERR_INVALID_ARGUMENT', () => manager.publish({ ...BTC, data: 'p1' }, { exept: [] } as object))

    expect(error['field']).toBe('exept')
  })
})

describe('publish and sendToConnection with text', () => {
  const failing = { serialize: (): string => { throw new Error('serialized') } }

  it('send the text as it is, and do not serialize the message', () => {
    const { manager, a, b } = desk(failing)
    a.subscribe(BTC)

    expect(manager.publish(BTC, { text: '{"seq":1}' })).toEqual(result({ matched: 1, sent: 1 }))
    expect(manager.sendToConnection('b', { streamType: 'ORDERS' }, { text: 'o1' })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, b.socket.sent]).toEqual([['{"seq":1}'], ['o1']])
  })

  it('are not serialized either if they are deferred', () => {
    const { manager, a } = desk(failing)
    a.subscribe(BTC)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      expect(manager.publish(BTC, { text: 'p2' }).deferred).toBe(true)
      expect(manager.sendToConnection('a', BTC, { text: 'p3' }).deferred).toBe(true)
    }

    manager.publish(BTC, { text: 'p1' })

    expect(a.socket.sent).toEqual(['p1', 'p2', 'p3'])
  })

  it('go where the message says, with its checks', () => {
    const { manager, a } = desk(failing)
    a.subscribe({ streamType: 'ORDERS' })

    expectCode('ERR_RECIPIENT_REQUIRED', () => manager.publish({ streamType: 'ORDERS' } as never, { text: 'o1' }))
    expectCode('ERR_RECIPIENT_MISMATCH', () => manager.sendToConnection('a', { streamType: 'ORDERS', userId: 'b' }, { text: 'o1' }))
    expectCode('ERR_SYMBOL_REQUIRED', () => manager.publish({ streamType: 'PRICE' } as never, { text: 'p1' }))

    expect(a.socket.sent).toEqual([])
  })

  it.each([
    ['messageUnits', { quotas: { messageUnits: 3 }, delivery: { hardLimitBytes: 2 } }],
    ['hardLimitBytes', { quotas: { messageUnits: 2 }, delivery: { hardLimitBytes: 3 } }],
  ])('may be empty, and may be as long as %s', (_limit, limits) => {
    const { manager, a } = desk({ ...failing, ...limits })
    a.subscribe(BTC)

    for (const text of ['', 'abc']) manager.publish(BTC, { text })
    expectCode('ERR_QUOTA_EXCEEDED', () => manager.publish(BTC, { text: 'abcd' }))
    expectCode('ERR_QUOTA_EXCEEDED', () => manager.sendToConnection('a', BTC, { text: 'abcd' }))

    expect(a.socket.sent).toEqual(['', 'abc'])
  })

  it.each([null, 7, {}, ['p1']])('refuse %j as a text', (text) => {
    const { manager } = desk()

    for (const publish of [
      () => manager.publish(BTC, { text: text as string }),
      () => manager.sendToConnection('a', BTC, { text: text as string }),
    ]) expect(expectCode('ERR_INVALID_ARGUMENT', publish)['field']).toBe('text')
  })

  it('refuse except for one connection', () => {
    const { manager, a } = desk()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.sendToConnection('a', { ...BTC, data: 1 }, { except: a } as object))
  })

  it('are purged by an unsubscribe and a revocation as any message is', () => {
    const { manager, a, b } = desk()
    for (const connection of [a, b]) connection.subscribe(BTC)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.publish(BTC, { text: 'p2' })
      manager.revoke({ userId: 'b', ...BTC })
      b.subscribe(BTC)
    }

    manager.publish(BTC, { text: 'p1' })

    expect([a.socket.sent, b.socket.sent]).toEqual([['p1', 'p2'], []])
  })

  it('refuse everything once cleanup began, also if reading the options does so', async () => {
    const { manager, a } = desk()
    a.subscribe(BTC)

    expectCode('ERR_CLOSED', () => manager.publish(BTC, { get text() { void manager.cleanup(); return 'p1' } }))

    expect(a.socket.sent).toEqual([])
    await manager.cleanup()
  })
})
