import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, parseServerMessage, type ConnectionManagerOptions, type StreamSource, type StreamStatus } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  PRICE: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'optional' },
  PULSE: { audience: 'public', symbol: 'none' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams
type Options = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams'>

const BTC = { streamType: 'PRICE', symbol: 'BTC' } as const
const ETH = { streamType: 'PRICE', symbol: 'ETH' } as const
const NEWS = { streamType: 'NEWS' } as const
const NEWS_BTC = { streamType: 'NEWS', symbol: 'BTC' } as const
const ORDERS = { streamType: 'ORDERS' } as const

/** A manager with connections `a`, `b` and `c` of users of the same names. What a socket got reads as `gap BTC 7`, `status BTC ERROR` or the data. */
function desk(options: Options = {}) {
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock: new ManualClock(), ...options })
  const connect = (id: string, userId = id) => manager.addConnection(id, new FakeSocket(), userId)
  const [a, b, c] = [connect('a'), connect('b'), connect('c')]
  const labels = ({ socket }: { readonly socket: FakeSocket }): string[] =>
    socket.sent.map((text) => {
      const message = parseServerMessage(text, { streams })
      if (message.type === 'gap') return `gap ${message.symbol} ${message.dropped}`
      if (message.type === 'status') return `status ${message.symbol} ${message.status}`
      return String(message.type === undefined ? message.data : message.type)
    })
  const received = () => [a, b, c].map(labels)
  return { manager, connect, a, b, c, received, labels }
}

describe('manager.notifyGap', () => {
  it('tells exactly the connections that receive the stream, each once', () => {
    const { manager, a, b, received } = desk()
    for (const stream of [NEWS, NEWS_BTC]) a.subscribe(stream)
    b.subscribe({ ...NEWS, symbol: 'ETH' })

    manager.notifyGap(NEWS_BTC, 7)

    expect(received()).toEqual([['gap BTC 7'], [], []])
  })

  it('without a symbol tells those of every stream of the type, also if the type requires a symbol', () => {
    const { manager, a, b, c, received } = desk()
    a.subscribe(BTC)
    a.subscribe(ETH)
    b.subscribe(ETH)
    c.subscribe(NEWS)

    manager.notifyGap({ streamType: 'PRICE' }, undefined)

    expect(received()).toEqual([['gap undefined undefined'], ['gap undefined undefined'], []])
  })

  it('tells nobody of a private stream that only other users hold', () => {
    const { manager, a, received } = desk()
    a.subscribe(ORDERS)

    manager.notifyGap({ ...ORDERS, userId: 'b' }, 1)

    expect(received()).toEqual([[], [], []])
  })

  it('tells only the user of a private stream', () => {
    const { manager, connect, a, b, received, labels } = desk()
    const a2 = connect('a2', 'a')
    for (const connection of [a, b]) connection.subscribe(ORDERS)
    a2.subscribe({ ...ORDERS, symbol: 'BTC' })

    manager.notifyGap({ ...ORDERS, userId: 'a' }, 1)
    manager.notifyGap({ ...ORDERS, symbol: 'BTC', userId: 'a' }, 2)

    expect(received()).toEqual([['gap undefined 1', 'gap BTC 2'], [], []])
    expect(labels(a2)).toEqual(['gap undefined 1', 'gap BTC 2'])
  })

  it('has the wire form of a gap notice', () => {
    const { manager, a } = desk()
    a.subscribe(BTC)

    manager.notifyGap(BTC, undefined)

    expect(a.socket.sent).toEqual(['{"type":"gap","stream_type":"PRICE","symbol":"BTC","dropped":null}'])
  })

  it('goes out in its place while messages are being delivered, and not to who is removed before', () => {
    const { manager, a, b, received } = desk()
    for (const connection of [a, b]) connection.subscribe(BTC)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.notifyGap(BTC, 1)
      manager.publish({ ...BTC, data: 'p2' })
    }
    b.socket.script.send = () => void b.remove()

    manager.publish({ ...BTC, data: 'p1' })

    expect(received()).toEqual([['p1', 'gap BTC 1', 'p2'], ['p1'], []])
  })

  it('tells those who receive the stream when it is called, and not who subscribes before its turn', () => {
    const { manager, a, b, received } = desk()
    a.subscribe(BTC)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.notifyGap(BTC, 1)
      a.unsubscribe(BTC)
      b.subscribe(BTC)
    }

    manager.publish({ ...BTC, data: 'p1' })

    expect(received()).toEqual([['p1', 'gap BTC 1'], [], []])
  })

  it('is not told to a newcomer that took the place of who was removed before its turn', () => {
    const { manager, connect, a, c, labels } = desk()
    for (const connection of [a, c]) connection.subscribe(ORDERS)
    let late = c
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.notifyGap({ ...ORDERS, userId: 'c' }, 1)
      void c.remove()
      late = connect('late', 'd')
    }

    manager.publish({ ...ORDERS, userId: 'a', data: 'p1' })

    expect(labels(late)).toEqual([])
  })

  it('tells nobody if nobody receives the stream', () => {
    const { manager, received } = desk()

    manager.notifyGap(BTC, 1)

    expect(received()).toEqual([[], [], []])
  })

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, '7', null])('refuses %j missing messages', (dropped) => {
    const { manager } = desk()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.notifyGap(BTC, dropped as number))
  })
})

describe('manager.setStreamStatus', () => {
  it('gives the stream’s subscriptions the status, and tells each connection once a change', () => {
    const { manager, connect, a, b, received, labels } = desk()
    const a2 = connect('a2', 'a')
    manager.addSubscription({ userId: 'a', ...BTC })
    const views = [a.subscribe(BTC), b.subscribe(BTC)]
    b.subscribe(ETH)

    expect(manager.setStreamStatus(BTC, 'ERROR')).toBe(true)
    expect(manager.setStreamStatus(BTC, 'ERROR')).toBe(true)
    const during = views.map(({ status }) => status)
    expect(manager.setStreamStatus(BTC, 'CONNECTED')).toBe(true)

    expect(during).toEqual(['ERROR', 'ERROR'])
    expect(views.map(({ status }) => status)).toEqual(['CONNECTED', 'CONNECTED'])
    expect(received()).toEqual([['status BTC ERROR', 'status BTC CONNECTED'], ['status BTC ERROR', 'status BTC CONNECTED'], []])
    expect(labels(a2)).toEqual(['status BTC ERROR', 'status BTC CONNECTED'])
  })

  it('has the wire form that the protocol says', () => {
    const { manager, a } = desk()
    a.subscribe(NEWS)

    manager.setStreamStatus(NEWS, 'RECONNECTING')

    expect(a.socket.sent).toEqual(['{"type":"status","stream_type":"NEWS","symbol":null,"status":"RECONNECTING"}'])
  })

  it('is about exactly this stream: a whole type and its symbols have their own', () => {
    const { manager, a, b, received } = desk()
    const whole = a.subscribe(NEWS)
    const exact = b.subscribe(NEWS_BTC)

    manager.setStreamStatus(NEWS, 'ERROR')

    expect([whole.status, exact.status]).toEqual(['ERROR', 'CONNECTED'])
    expect(received()).toEqual([['status undefined ERROR'], [], []])
  })

  it('on a private stream is the user’s own', () => {
    const { manager, a, b, received } = desk()
    const views = [a, b].map((each) => each.subscribe(ORDERS))

    manager.setStreamStatus({ ...ORDERS, userId: 'a' }, 'ERROR')

    expect(views.map(({ status }) => status)).toEqual(['ERROR', 'CONNECTED'])
    expect(received()).toEqual([['status undefined ERROR'], [], []])
  })

  it('is told to who begins to receive the stream: a subscriber, a new connection, a pending user, a reassigned connection', () => {
    const { manager, connect, a, b, c, received, labels } = desk()
    a.subscribe(BTC)
    manager.addSubscription({ userId: 'd', ...BTC })
    manager.addSubscription({ userId: 'a', ...BTC })
    manager.setStreamStatus(BTC, 'ERROR')

    b.subscribe(BTC)
    b.subscribe(BTC)
    const a2 = connect('a2', 'a')
    const d = connect('d')
    c.reassign('a')

    expect(received()).toEqual([['status BTC ERROR'], ['status BTC ERROR'], ['status BTC ERROR']])
    expect([a2, d].map(labels)).toEqual([['status BTC ERROR'], ['status BTC ERROR']])
    expect(manager.getUserSubscriptions('d')[0]?.status).toBe('ERROR')
  })

  it('of a public stream still reaches a reassigned connection that it waits for, and of a private stream does not', () => {
    const { manager, a, labels } = desk({ transport: { write: (socket: FakeSocket, texts: readonly string[]) => (isStuck ? 0 : socket.write(texts)) } })
    let isStuck = true
    for (const stream of [BTC, ORDERS]) a.subscribe(stream)
    manager.setStreamStatus(BTC, 'ERROR')
    manager.setStreamStatus({ ...ORDERS, userId: 'a' }, 'ERROR')

    a.reassign('b')
    isStuck = false
    a.flush()

    expect(labels(a)).toEqual(['status BTC ERROR'])
  })

  it('is not told again to a connection that receives the stream by its user, and subscribes by itself', () => {
    const { manager, a, labels } = desk()
    manager.addSubscription({ userId: 'a', ...BTC })
    manager.setStreamStatus(BTC, 'ERROR')

    a.subscribe(BTC)

    expect(labels(a)).toEqual(['status BTC ERROR'])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void]>([
    ['has stopped receiving the stream', ({ b }) => void [b.subscribe(BTC), b.unsubscribe(BTC)]],
    ['has stopped, but whose user goes on receiving it', ({ b, connect }) => void [b.subscribe(BTC), connect('b2', 'b').subscribe(BTC), b.unsubscribe(BTC)]],
    ['receives a new stream of the same name', ({ a, b }) => void [b.subscribe(BTC), a.unsubscribe(BTC), b.unsubscribe(BTC), b.subscribe(BTC)]],
  ])('is not told to a newcomer who %s by then', (_what, act) => {
    const world = desk()
    const { manager, a, b, labels } = world
    const errors: unknown[] = []
    manager.on('error', ({ error }) => errors.push(error))
    a.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      act(world)
    }

    a.send('{"type":"text"}')

    expect(labels(b)).toEqual([])
    expect(errors).toEqual([])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void, labels: string[]]>([
    ['ends the subscription', ({ c }) => void c.unsubscribe(ORDERS), []],
    ['changes the status', ({ manager }) => void manager.setStreamStatus({ ...ORDERS, userId: 'c' }, 'RECONNECTING'), ['RECONNECTING']],
    ['gives the connection to a user of the same status', ({ c }) => void c.reassign('b'), ['ERROR']],
  ])('is told to a newcomer as it is after `serializeNotice`, which %s', (_what, act, expected) => {
    let isChanging = false
    const world = desk({
      serializeNotice: (notice) => {
        if (isChanging) {
          isChanging = false
          act(world)
        }
        return JSON.stringify(notice)
      },
    })
    const { manager, connect, c } = world
    manager.addSubscription({ userId: 'b', ...ORDERS })
    connect('c2', 'c').subscribe(ORDERS)
    for (const userId of ['b', 'c']) manager.setStreamStatus({ ...ORDERS, userId }, 'ERROR')

    isChanging = true
    c.subscribe(ORDERS)

    expect(c.socket.sent.map((text) => (JSON.parse(text) as { status: string }).status)).toEqual(expected)
  })

  it('is told once each to newcomers who come within one delivery', () => {
    const { manager, connect, a, b, c, received, labels } = desk()
    for (const stream of [BTC, ETH, NEWS_BTC]) a.subscribe(stream)
    for (const stream of [BTC, ETH, NEWS_BTC]) manager.setStreamStatus(stream, 'ERROR')
    const d = connect('d')
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      for (const connection of [b, c]) for (const stream of [BTC, ETH, NEWS_BTC]) connection.subscribe(stream)
      manager.addSubscription({ userId: 'd', ...NEWS })
      d.subscribe(BTC)
    }

    a.send('{"type":"running"}')

    const all = ['status BTC ERROR', 'status ETH ERROR', 'status BTC ERROR']
    expect(received().slice(1)).toEqual([all, all])
    expect(labels(d)).toEqual(['status BTC ERROR'])
  })

  it('that a newcomer waits for still reaches it after a reassignment if the stream is public, and does not if it is private', () => {
    const { manager, connect, a, labels } = desk({ transport: { write: (socket: FakeSocket, texts: readonly string[]) => (isStuck ? 0 : socket.write(texts)) } })
    let isStuck = true
    const a2 = connect('a2', 'a')
    for (const stream of [BTC, ORDERS]) a2.subscribe(stream)
    manager.setStreamStatus(BTC, 'ERROR')
    manager.setStreamStatus({ ...ORDERS, userId: 'a' }, 'ERROR')
    for (const stream of [BTC, ORDERS]) a.subscribe(stream)

    a.reassign('b')
    isStuck = false
    a.flush()

    expect(labels(a)).toEqual(['status BTC ERROR'])
  })

  it('makes no notice if the status is set already', () => {
    const made: unknown[] = []
    const { manager, a } = desk({ serializeNotice: (notice) => `${made.push(notice)}` })
    a.subscribe(BTC)

    manager.setStreamStatus(BTC, 'CONNECTED')

    expect(made).toEqual([])
  })

  it('is not told again to a reassigned connection that goes on receiving the stream', () => {
    const { manager, a, labels } = desk()
    a.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')

    a.reassign('b')

    expect(labels(a)).toEqual(['status BTC ERROR'])
    expect(a.subscriptions()[0]?.subscription.status).toBe('ERROR')
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void]>([
    ['a text', ({ a }) => a.send('a')],
    ['a message', ({ manager }) => manager.publish({ ...BTC, data: 'a' })],
    ['a notice', ({ manager }) => manager.notifyGap(BTC, 1)],
  ])('is told within a batch before %s that follows the subscribe', (_what, send) => {
    const made = desk({ serializeNotice: ({ type }) => `"${type}"`, serialize: ({ data }) => `"${String(data)}"` })
    const { manager, a, b } = made
    b.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')

    manager.batch(() => {
      a.subscribe(BTC)
      send(made)
    })

    expect(a.socket.sent[0]).toBe('"status"')
    expect(a.socket.sent.length).toBe(2)
  })

  it('is told within a batch to a new connection before anything else, and its listeners are called when the batch ends', () => {
    const { manager, a, connect, labels } = desk()
    manager.addSubscription({ userId: 'a', ...BTC })
    manager.setStreamStatus(BTC, 'ERROR')
    const log: string[] = []
    manager.on('connectionAdded', ({ connection }) => log.push(`added ${connection.id}`))

    const a2 = manager.batch(() => {
      const added = connect('a2', a.userId)
      manager.publish({ ...BTC, data: 1 })
      expect(log).toEqual([])
      return added
    })

    expect(log).toEqual(['added a2'])
    expect(labels(a2)).toEqual(['status BTC ERROR', '1'])
  })

  it('is told before what a listener sends, also in a batch', () => {
    const { manager, a, b, received } = desk()
    a.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')
    manager.on('subscriptionAdded', ({ connection }) => void connection?.send('{"type":"snapshot"}'))

    b.subscribe(BTC)
    manager.batch(() => {
      b.unsubscribe(BTC)
      b.subscribe(BTC)
      manager.setStreamStatus(BTC, 'CONNECTED')
    })

    expect(received()[1]).toEqual(['status BTC ERROR', 'unknown', 'status BTC ERROR', 'status BTC CONNECTED', 'unknown'])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => void, labels: string[]]>([
    ['is given to another user', ({ c }) => void [c.subscribe(BTC), c.reassign('b')], ['status BTC ERROR']],
    ['subscribes again', ({ c }) => void [c.subscribe(BTC), c.unsubscribe(BTC), c.subscribe(BTC)], ['status BTC ERROR']],
    ['sees the status change', ({ c, manager }) => void [c.subscribe(BTC), manager.setStreamStatus(BTC, 'RECONNECTING')], ['status BTC RECONNECTING']],
    ['sees it change back and forth', ({ c, manager }) => {
      c.subscribe(BTC)
      for (const status of ['CONNECTED', 'ERROR'] as const) manager.setStreamStatus(BTC, status)
    }, ['status BTC CONNECTED', 'status BTC ERROR']],
  ])('is told once to a newcomer that %s within one delivery', (_what, act, expected) => {
    const world = desk()
    const { manager, connect, a, c, labels } = world
    manager.addSubscription({ userId: 'c', ...NEWS })
    connect('c2', 'c').subscribe(BTC)
    a.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      act(world)
    }

    a.send('{"type":"running"}')

    expect(labels(c)).toEqual(expected)
  })

  it('changes nothing if it is refused because too much is deferred', () => {
    const { manager, a } = desk({ maxDeferred: 0 })
    const view = a.subscribe(BTC)
    const changes: unknown[] = []
    manager.on('subscriptionChanged', ({ change }) => changes.push(change))
    a.socket.script.send = () => {
      expectCode('ERR_PUBLISH_DEPTH', () => manager.setStreamStatus(BTC, 'ERROR'))
    }

    a.send('{"type":"running"}')

    expect([view.status, changes]).toEqual(['CONNECTED', []])
  })

  it('needs no room among deferred messages outside a delivery', () => {
    const { manager, a, received } = desk({ maxDeferred: 0 })
    a.subscribe(BTC)

    manager.setStreamStatus(BTC, 'ERROR')

    expect(received()[0]).toEqual(['status BTC ERROR'])
  })

  it('needs no room among deferred messages if nobody hears of it', () => {
    const { manager, a } = desk({ maxDeferred: 0 })
    manager.addSubscription({ userId: 'd', ...BTC })
    const answers: boolean[] = []
    a.socket.script.send = () => {
      answers.push(manager.setStreamStatus(BTC, 'ERROR'))
      manager.notifyGap(ETH, 1)
    }

    a.send('{"type":"running"}')

    expect(answers).toEqual([true])
  })

  it('leaves a pending subscription pending', () => {
    const { manager, a } = desk()
    const pending = manager.addSubscription({ userId: 'd', ...BTC })
    const changes: unknown[] = []
    manager.on('subscriptionChanged', ({ subscription, change }) => changes.push([subscription.key, change]))
    a.subscribe(BTC)

    manager.setStreamStatus(BTC, 'ERROR')

    expect(pending.status).toBe('PENDING')
    expect(changes).toEqual([['a:PRICE:BTC', 'status']])
  })

  it('ends with the stream’s last subscription', () => {
    const { manager, a, b, received } = desk()
    const first = a.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')
    a.unsubscribe(BTC)

    expect(first.status).toBe('DISCONNECTED')
    expect(b.subscribe(BTC).status).toBe('CONNECTED')
    expect(received()[1]).toEqual([])
  })

  it('does not disturb demand and counts', () => {
    const { manager, a } = desk({ idleDelayMs: 0 })
    const log: string[] = []
    for (const name of ['streamActive', 'streamIdle'] as const) manager.on(name, () => log.push(name))
    a.subscribe(BTC)
    const orders = a.subscribe(ORDERS)

    manager.setStreamStatus(BTC, 'ERROR')
    manager.setStreamStatus({ ...ORDERS, userId: 'a' }, 'RECONNECTING')
    const active = manager.activeStreams().length
    a.unsubscribe(BTC)
    void a.remove()

    expect(active).toBe(2)
    expect(orders.status).toBe('DISCONNECTED')
    expect(log).toEqual(['streamActive', 'streamActive', 'streamIdle', 'streamIdle'])
    expect([manager.subscriptionCount, manager.streamCount]).toEqual([0, 0])
  })

  it.each<[string, StreamSource<Streams>]>([
    ['a public stream', BTC],
    ['a private stream', { ...ORDERS, userId: 'a' }],
    ['a whole type of which only symbols are subscribed to', NEWS],
  ])('says false if nobody is subscribed to %s', (_what, source) => {
    const { manager, b } = desk()
    b.subscribe(ORDERS)
    b.subscribe(NEWS_BTC)

    expect(manager.setStreamStatus(source, 'ERROR')).toBe(false)
  })

  it.each(['PENDING', 'DISCONNECTED', 'error', '', null, undefined, 7])('refuses the status %j', (status) => {
    const { manager, a } = desk()
    const view = a.subscribe(BTC)

    expectCode('ERR_INVALID_ARGUMENT', () => manager.setStreamStatus(BTC, status as StreamStatus))

    expect(view.status).toBe('CONNECTED')
  })
})

describe('manager.notifyGap and manager.setStreamStatus', () => {
  const calls = [
    ['notifyGap', (manager: ReturnType<typeof desk>['manager'], source: unknown) => manager.notifyGap(source as StreamSource<Streams>, 1)],
    ['setStreamStatus', (manager: ReturnType<typeof desk>['manager'], source: unknown) => manager.setStreamStatus(source as StreamSource<Streams>, 'ERROR')],
  ] as const

  it.each(calls)('%s refuses a stream that cannot be', (_name, call) => {
    const { manager } = desk()

    expectCode('ERR_UNKNOWN_STREAM', () => call(manager, { streamType: 'NOTHING' }))
    expectCode('ERR_SYMBOL_NOT_ALLOWED', () => call(manager, { streamType: 'PULSE', symbol: 'BTC' }))
    expectCode('ERR_INVALID_ID', () => call(manager, { streamType: 'PRICE', symbol: '' }))
    for (const source of [ORDERS, { ...ORDERS, userId: null }]) {
      expect(expectCode('ERR_RECIPIENT_REQUIRED', () => call(manager, source))).toMatchObject({ streamType: 'ORDERS' })
    }
    expect(expectCode('ERR_RECIPIENT_NOT_ALLOWED', () => call(manager, { ...BTC, userId: 'a' }))).toMatchObject({ streamType: 'PRICE' })
    expectCode('ERR_INVALID_ID', () => call(manager, { ...ORDERS, userId: '' }))
    for (const bad of [undefined, null, 'PRICE', {}, { ...BTC, simbol: 'x' }]) expectCode('ERR_INVALID_ARGUMENT', () => call(manager, bad))
  })

  it.each(calls)('%s is refused once cleanup began', async (_name, call) => {
    const { manager } = desk()
    const done = manager.cleanup()

    expectCode('ERR_CLOSED', () => call(manager, BTC))

    await done
  })

  it.each(calls)('%s takes null for an absent symbol and an absent user', (_name, call) => {
    const { manager, a } = desk()
    a.subscribe(NEWS)

    call(manager, { ...NEWS, symbol: null, userId: null })

    expect(a.socket.sent).toHaveLength(1)
  })

  it('notifyGap takes null for any symbol, also if the type requires a symbol', () => {
    const { manager, a } = desk()
    a.subscribe(BTC)

    manager.notifyGap({ streamType: 'PRICE', symbol: null }, 7)

    expect(a.socket.sent).toHaveLength(1)
  })

  it('setStreamStatus requires the symbol of a type that requires one', () => {
    const { manager } = desk()

    for (const symbol of [undefined, null]) expectCode('ERR_SYMBOL_REQUIRED', () => manager.setStreamStatus({ streamType: 'PRICE', symbol }, 'ERROR'))
  })
})

describe('manager.setStreamStatus of a stream that nobody can hear', () => {
  it('is known to those whose users connect later', () => {
    const { manager, connect, labels } = desk()
    manager.addSubscription({ userId: 'dave', ...BTC })

    expect(manager.setStreamStatus(BTC, 'ERROR')).toBe(true)

    expect(manager.getUserSubscriptions('dave').map(({ status }) => status)).toEqual(['PENDING'])
    expect(labels(connect('d', 'dave'))).toEqual(['status BTC ERROR'])
  })

  it('of a private stream is told to its owner alone', () => {
    const { manager, a, b, received } = desk()
    for (const connection of [a, b]) connection.subscribe(ORDERS)
    manager.setStreamStatus({ ...ORDERS, userId: 'a' }, 'ERROR')

    const late = manager.addConnection('late', new FakeSocket(), 'a')
    late.subscribe(ORDERS)

    expect(received()).toEqual([['status undefined ERROR'], [], []])
    expect(late.socket.sent.map((text) => JSON.parse(text) as unknown)).toEqual([{ type: 'status', stream_type: 'ORDERS', symbol: null, status: 'ERROR' }])
  })
})
