import { describe, expect, it } from 'vitest'
import { ConnectionManager, tradingStreams, type ConnectionManagerOptions, type Recorder, type RecorderSettings, type StreamMessage } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, order, ORDERS, PRICE, price } from '../../support/messages.ts'
import { batching, pressured, PressuredSocket, unaccounted, type StreamName } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'

/** A recorder that numbers the texts, and a manager with it whose texts are the data of their messages. */
function desk({ recorder, ...options }: Omit<ConnectionManagerOptions<FakeSocket>, 'recorder'> & { readonly recorder?: Partial<Recorder<never>> } = {}) {
  const recorded: [message: StreamMessage<unknown, string>, text: string][] = []
  const attached: unknown[] = []
  const numbering = {
    attach: (manager: unknown) => void attached.push(manager),
    record: (message: StreamMessage<unknown, string>, text: string) => `${recorded.push([message, text])}:${text}`,
    ...recorder,
  }
  const manager = new ConnectionManager<FakeSocket>({ serialize: ({ data }) => String(Object(data)), ...options, recorder: numbering })
  const connect = (id: string, userId = id) => manager.addConnection(id, new FakeSocket(), userId)
  const errors: unknown[] = []
  manager.on('error', ({ error, stage }) => errors.push([stage, (error as Error).message]))
  const [a, b] = [connect('a'), connect('b')]
  return { manager, connect, a, b, recorded, attached, errors }
}

describe('a recorder', () => {
  it('is attached once, to the manager that is complete', () => {
    const { manager, attached } = desk()

    expect(attached).toEqual([manager])
    expect(attached[0]).toBe(manager)
  })

  it('learns the settings of its manager', () => {
    const settings: unknown[] = []
    const recorder = { attach: (_manager: unknown, given: unknown) => void settings.push(given), record: (_message: unknown, text: string) => text }
    const clock = new ManualClock()

    new ConnectionManager({ recorder, clock, delivery: { hardLimitBytes: 7 }, quotas: { messageUnits: 5 } })
    new ConnectionManager({ recorder, serialize: () => '' })

    expect(settings).toMatchObject([
      { streams: tradingStreams, isWireForm: true, hardLimitBytes: 7, messageUnits: 5 },
      { isWireForm: false, hardLimitBytes: 1_048_576, messageUnits: 1_048_576 },
    ])
    expect((settings[0] as RecorderSettings).clock.monotonic()).toBe(clock.monotonic())
  })

  it('makes the text that goes out, of every publish, also if nobody is subscribed', () => {
    const { manager, a, recorded } = desk()

    expect(manager.publish(price('p1'))).toEqual(result({}))
    a.subscribe(PRICE)
    expect(manager.publish(price('p2'))).toEqual(result({ matched: 1, sent: 1 }))
    manager.publish(order('b', 'o1'))

    expect(a.socket.sent).toEqual(['2:p2'])
    expect(recorded.map(([, text]) => text)).toEqual(['p1', 'p2', 'o1'])
    expect(recorded.at(-1)?.[0]).toEqual({ streamType: 'ORDER_UPDATES', symbol: undefined, data: 'o1', userId: 'b', timestamp: expect.any(Date) as Date })
  })

  it('does not see what goes to one user or connection, a broadcast, a text of the host, or a text made elsewhere', () => {
    const { manager, a, recorded } = desk()
    a.subscribe(PRICE)

    manager.sendToUser('a', price('u'))
    manager.sendToConnection('a', price('c'))
    manager.broadcast(price('b'))
    a.send('s')
    manager.publish(PRICE, { text: 't' })

    expect(recorded).toEqual([])
    expect(a.socket.sent).toEqual(['u', 'c', 'b', 's', 't'])
  })

  it('fixes the recipients when it returns: who subscribes in a toJSON gets the message, who unsubscribes does not', () => {
    const { manager, a, b } = desk()
    a.subscribe(PRICE)
    const data = { toString: () => (a.unsubscribe(PRICE), b.subscribe(PRICE), 'p1') }

    expect(manager.publish(price(data))).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, b.socket.sent]).toEqual([[], ['1:p1']])
  })

  it('records a deferred message when it is delivered, in the order of delivery', () => {
    const { manager, a, recorded } = desk()
    a.subscribe(PRICE)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      expect(manager.publish(price('p2')).deferred).toBe(true)
      expect(recorded.length).toBe(1)
    }

    manager.publish(price('p1'))

    expect(a.socket.sent).toEqual(['1:p1', '2:p2'])
  })

  it('records many deferred messages in the order of delivery, and a revocation stops all of them', () => {
    const { manager, a, b, recorded } = desk()
    for (const connection of [a, b]) connection.subscribe(PRICE)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      for (let n = 2; n <= 40; n++) manager.publish(price(`p${n}`))
      manager.revoke({ userId: 'b' })
      b.subscribe(PRICE)
    }

    manager.publish(price('p1'))

    expect(a.socket.sent).toEqual(Array.from({ length: 40 }, (_, i) => `${i + 1}:p${i + 1}`))
    expect(recorded.length).toBe(40)
    expect(b.socket.sent).toEqual([])
  })

  it.each<[string, (revoke: () => void) => { readonly data: unknown; readonly record: () => void }]>([
    ['serialized', (revoke) => ({ data: { toString: () => (revoke(), 'p1') }, record: () => {} })],
    ['recorded', (revoke) => ({ data: 'p1', record: revoke })],
  ])('does not let a user who is revoked while a message is %s have it, also if the user subscribes again', (_when, scriptFor) => {
    const script = scriptFor(() => (manager.revoke({ userId: 'b' }), b.subscribe(PRICE)))
    const { manager, a, b } = desk({ recorder: { record: (_message, text) => (text === 'p1' && script.record(), text) } })
    for (const connection of [a, b]) connection.subscribe(PRICE)

    expect(manager.publish(price(script.data))).toEqual(result({ matched: 2, sent: 1, skipped: 1 }))

    expect([a.socket.sent, b.socket.sent]).toEqual([['p1'], []])
  })

  it('does not let a user who is revoked while a deferred message is recorded have it', () => {
    const { manager, a, b } = desk({
      recorder: { record: (_message, text) => (text === 'p2' && (manager.revoke({ userId: 'b' }), b.subscribe(PRICE)), text) },
    })
    for (const connection of [a, b]) connection.subscribe(PRICE)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.publish(price('p2'))
    }

    manager.publish(price('p1'))

    expect([a.socket.sent, b.socket.sent]).toEqual([['p1', 'p2'], ['p1']])
  })

  it('may publish, which is deferred', () => {
    const { manager, a } = desk({
      recorder: { record: (_message, text) => (text === 'p1' && manager.publish(price('p2')), `r:${text}`) },
    })
    a.subscribe(PRICE)

    manager.publish(price('p1'))

    expect(a.socket.sent).toEqual(['r:p1', 'r:p2'])
  })

  it('is not called for a message that is too long, and may make a longer one', () => {
    const { manager, a, recorded } = desk({ quotas: { messageUnits: 3 } })
    a.subscribe(PRICE)

    expectCode('ERR_QUOTA_EXCEEDED', () => manager.publish(price('long')))
    manager.publish(price('abc'))

    expect(recorded.length).toBe(1)
    expect(a.socket.sent).toEqual(['1:abc'])
  })

  it.each<[string, () => string]>([
    ['throws', () => { throw new Error('full') }],
    ['returns nothing', () => undefined as unknown as string],
    ['returns a promise', () => Promise.reject(new Error('late')) as unknown as string],
    ['returns bytes', () => new Uint8Array(1) as unknown as string],
  ])('that %s makes the publish throw, and nobody receives anything', (_case, record) => {
    const { manager, a, errors } = desk({ recorder: { record } })
    a.subscribe(PRICE)

    const error = expectCode('ERR_UNSERIALIZABLE', () => manager.publish(price('p1')))

    expect(error['streamType']).toBe('PRICE')
    expect([a.socket.sent, errors]).toEqual([[], []])
    expect(manager.stats().matched).toBe(0)
  })

  it('that throws for a deferred message is reported, and the next one is delivered', () => {
    const { manager, a, errors } = desk({
      recorder: { record: (_message, text) => { if (text === 'p2') throw new Error('full'); return text } },
    })
    a.subscribe(PRICE)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      for (const data of ['p2', 'p3']) manager.publish(price(data))
    }

    manager.publish(price('p1'))

    expect(a.socket.sent).toEqual(['p1', 'p3'])
    expect(errors).toEqual([['recorder', 'full']])
  })

  it('is called as a method of its object, which may be an instance of a class with more', () => {
    class Counting implements Recorder {
      count = 0
      attach(): void {}
      record(_message: StreamMessage<unknown, string>, text: string): string {
        return `${++this.count}:${text}`
      }
    }
    const manager = new ConnectionManager<FakeSocket>({ recorder: new Counting(), serialize: ({ data }) => String(data) })
    const socket = new FakeSocket()
    manager.addConnection('a', socket, 'a').subscribe(PRICE)

    manager.publish(price('p1'))

    expect(socket.sent).toEqual(['1:p1'])
  })

  it.each<[string, unknown, option: string]>([
    ['a function', () => {}, 'recorder'],
    ['null', null, 'recorder'],
    ['an object without record', { attach() {} }, 'recorder.record'],
    ['an object without attach', { record() {} }, 'recorder.attach'],
    ['a skip that is no function', { attach() {}, record() {}, skip: 1 }, 'recorder.skip'],
    ['a revoked that is no function', { attach() {}, record() {}, revoked: 1 }, 'recorder.revoked'],
    ['a record that is no function', { attach() {}, record: 'x' }, 'recorder.record'],
    ['a getter that throws', { attach() {}, get record() { throw new Error('read') } }, 'recorder.record'],
  ])('is refused if it is %s', (_what, recorder, option) => {
    const error = expectCode('ERR_INVALID_OPTION', () => new ConnectionManager({ recorder: recorder as Recorder }))

    expect(error['option']).toBe(option)
  })

  it('that throws in attach makes the constructor throw', () => {
    const recorder = { attach: () => { throw new Error('in use') }, record: () => '' }

    expect(() => new ConnectionManager({ recorder })).toThrow('in use')
  })
})

describe('a recorder with revoked', () => {
  it('is told of a revocation at once, also within a batch, when it has taken effect', () => {
    const log: unknown[] = []
    const { manager, a, connect } = desk({ recorder: { revoked: (revocation) => void log.push(revocation, manager.getUserSubscriptions('a').length) } })
    a.subscribe(PRICE)
    manager.on('revoked', () => log.push('event'))

    manager.batch(() => {
      expect(manager.revoke({ userId: 'a' })).toBe(1)
      log.push('step')
    })

    expect(log).toEqual([{ userId: 'a', streamType: undefined, symbol: undefined }, 0, 'step', 'event'])
    expect(Object.isFrozen(log[0])).toBe(true)
    expect(connect('c').removed).toBe(false)
  })

  it('that throws is reported, and the revocation has taken effect', () => {
    const { manager, a, errors } = desk({ recorder: { revoked: () => { throw new Error('full') } } })
    a.subscribe(PRICE)

    expect(manager.revoke({ streamType: 'PRICE' })).toBe(1)

    expect([a.subscriptions(), errors]).toEqual([[], [['recorder', 'full']]])
  })

  it('may publish, which comes after the revocation', () => {
    const { manager, a, b } = desk({ recorder: { revoked: () => void manager.publish(price('p1')) } })
    for (const connection of [a, b]) connection.subscribe(PRICE)

    manager.revoke({ userId: 'a' })

    expect([a.socket.sent, b.socket.sent]).toEqual([[], ['1:p1']])
  })
})

describe('a recorder without skip', () => {
  it('tells nothing to connections that except left out', () => {
    const { manager, a, b, errors } = desk()
    for (const connection of [a, b]) connection.subscribe(PRICE)

    expect(manager.publish(price('p1'), { except: b })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, b.socket.sent, errors]).toEqual([['1:p1'], [], []])
  })
})

describe('a recorder with skip', () => {
  const skip = (_message: unknown, text: string): string => `skipped ${text}`

  it('tells connections that except left out which message that was, and nobody else', () => {
    const { manager, connect, a, b } = desk({ recorder: { skip } })
    const c = connect('c')
    for (const connection of [a, b]) connection.subscribe(PRICE)

    expect(manager.publish(price('p1'), { except: [b, c] })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, b.socket.sent, c.socket.sent]).toEqual([['1:p1'], ['skipped 1:p1'], []])
  })

  it('does so if only they are subscribed, and in their order', () => {
    const { manager, a } = desk({ recorder: { skip } })
    a.subscribe(PRICE)

    manager.publish(price('p1'))
    expect(manager.publish(price('p2'), { except: a })).toEqual(result({}))
    manager.publish(price('p3'))

    expect(a.socket.sent).toEqual(['1:p1', 'skipped 2:p2', '3:p3'])
  })

  it('is not called for a message that it did not record', () => {
    const { manager, a } = desk({ recorder: { skip } })
    a.subscribe(PRICE)

    manager.publish(PRICE, { text: 't', except: a })

    expect(a.socket.sent).toEqual([])
  })

  it('is told to one connection of a user on a private stream', () => {
    const { manager, connect, a } = desk({ recorder: { skip } })
    const a2 = connect('a2', 'a')
    for (const connection of [a, a2]) connection.subscribe(ORDERS)

    manager.publish(order('a', 'o1'), { except: a2 })

    expect([a.socket.sent, a2.socket.sent]).toEqual([['1:o1'], ['skipped 1:o1']])
  })

  it.each<[string, () => string, message: string | RegExp]>([
    ['throws', () => { throw new Error('full') }, 'full'],
    ['returns nothing', () => undefined as unknown as string, /cannot be serialized/],
    ['returns bytes', () => new Uint8Array(1) as unknown as string, /takes texts only/],
  ])('that %s is reported, and the message is delivered all the same', (_case, failing, message) => {
    const { manager, a, b, errors } = desk({ recorder: { skip: failing } })
    for (const connection of [a, b]) connection.subscribe(PRICE)

    expect(manager.publish(price('p1'), { except: b })).toEqual(result({ matched: 1, sent: 1 }))

    expect([a.socket.sent, b.socket.sent]).toEqual([['1:p1'], []])
    expect(errors).toEqual([['recorder', expect.stringMatching(message) as string]])
  })

  it('that removes a connection which was left out tells the others', () => {
    const { manager, a, b } = desk({ recorder: { skip: (_message, text) => (void a.remove(), `skipped ${text}`) } })
    for (const connection of [a, b]) connection.subscribe(PRICE)

    manager.publish(price('p1'), { except: [a, b] })

    expect([a.socket.sent, b.socket.sent]).toEqual([[], ['skipped 1:p1']])
  })

  it.each<[string, 'send' | 'skip']>([['a send', 'send'], ['skip', 'skip']])('does not tell of a private message to a connection that %s gives to another user', (_what, when) => {
    const { manager, connect, a } = desk({ recorder: { skip: (_message, text) => (when === 'skip' && a2.reassign('b'), `skipped ${text}`) } })
    const a2 = connect('a2', 'a')
    for (const connection of [a, a2]) connection.subscribe(ORDERS)
    if (when === 'send') a.socket.script.send = () => a2.reassign('b')

    manager.publish(order('a', 'o1'), { except: a2 })

    expect([a2.userId, a2.socket.sent]).toEqual(['b', []])
  })
})

describe('a skip in the middle of its delivery', () => {
  const skip = (_message: unknown, text: string): string => `skipped ${text}`

  /** `b` is left out of a message. Something happens while `a` is sent it, or while the recorder makes the text for `b`. */
  function leavingOut(when: 'send' | 'skip', act: (desk: Desk) => void) {
    const made: Desk = desk({ recorder: { skip: (message, text) => (when === 'skip' && act(made), skip(message, text)) } })
    const { manager, a, b } = made
    for (const connection of [a, b]) connection.subscribe(PRICE)
    if (when === 'send') {
      a.socket.script.send = () => {
        a.socket.script.send = undefined
        act(made)
      }
    }
    manager.publish(price('p1'), { except: b })
    return { ...made, act }
  }
  type Desk = ReturnType<typeof desk>
  const moments = ['send', 'skip'] as const

  it.each(moments)('does not come to a user who is revoked in %s, also if the user subscribes again', (when) => {
    const { b } = leavingOut(when, ({ manager, b }) => (manager.revoke({ userId: 'b' }), b.subscribe(PRICE)))

    expect(b.socket.sent).toEqual([])
  })

  it.each(moments)('does not come to a connection that unsubscribes in %s, also if it subscribes again', (when) => {
    const { b } = leavingOut(when, ({ b }) => (b.unsubscribe(PRICE), b.subscribe(PRICE)))

    expect(b.socket.sent).toEqual([])
  })

  it.each(moments)('does not come to a connection that is purged in %s', (when) => {
    const { b } = leavingOut(when, ({ b }) => b.purge(PRICE))

    expect(b.socket.sent).toEqual([])
  })

  it.each(moments)('does not come to a connection that is removed in %s', (when) => {
    const { b, errors } = leavingOut(when, ({ b }) => void b.remove())

    expect([b.socket.sent, errors]).toEqual([[], []])
  })

  it.each(moments)('comes before what is published in %s', (when) => {
    const { b } = leavingOut(when, ({ manager }) => manager.publish(price('p2')))

    expect(b.socket.sent).toEqual(['skipped 1:p1', '2:p2'])
  })

  it.each(moments)('is the last one that comes to a connection that another user gets in %s, if that user may not have the stream', (when) => {
    const made: ReturnType<typeof desk> = desk({ authorize: ({ userId }) => userId !== 'mallory', recorder: { skip: (message, text) => (when === 'skip' && made.b.reassign('mallory'), skip(message, text)) } })
    const { manager, a, b } = made
    for (const connection of [a, b]) connection.subscribe(PRICE)
    if (when === 'send') a.socket.script.send = () => b.reassign('mallory')

    manager.publish(price('p1'), { except: b })

    expect([b.userId, b.socket.sent]).toEqual(['mallory', []])
  })

  it('comes once to a connection that is subscribed to the stream and to its whole type, also if one of the two ends', () => {
    const { manager, a, b } = desk({ recorder: { skip } })
    for (const connection of [a, b]) for (const stream of [ORDERS, BTC_ORDERS]) connection.subscribe(stream)
    const b2 = manager.addConnection('b2', new FakeSocket(), 'b')
    for (const stream of [ORDERS, BTC_ORDERS]) b2.subscribe(stream)
    b2.socket.script.send = () => b.unsubscribe(ORDERS)

    manager.publish(order('b', 'o1', 'BTCUSDT'), { except: b })

    expect([b.socket.sent, b2.socket.sent]).toEqual([['skipped 1:o1'], ['1:o1']])
  })

  it('is no update of the stream if nobody gets the message', () => {
    const { manager, a } = desk({ recorder: { skip } })
    const subscription = a.subscribe(PRICE)

    manager.publish(price('p1'), { except: a })

    expect([a.socket.sent, subscription.lastUpdate]).toEqual([['skipped 1:p1'], undefined])
  })

  it('that a socket refuses removes that connection, and tells the next one', () => {
    const { manager, a, b, errors } = desk({ recorder: { skip } })
    for (const connection of [a, b]) connection.subscribe(PRICE)
    a.socket.script.send = () => { throw new Error('broken') }

    manager.publish(price('p1'), { except: [a, b] })

    expect([a.removed, b.socket.sent, errors]).toEqual([true, ['skipped 1:p1'], [['send', 'broken']]])
    expect(manager.stats()).toMatchObject({ matched: 2, sent: 1, failed: 1, waiting: 0 })
  })
})

describe('a skip to a connection that is behind', () => {
  /** A desk whose texts are numbered. `slow` has no room for what is published. */
  function behind(authorize?: () => boolean) {
    let count = 0
    const recorder: Recorder = { attach() {}, record: (_message, text) => `${text} ${++count}`, skip: (_message, text) => `skip of ${text}` }
    const desk = pressured({ recorder, ...(authorize && { authorize }) })
    const { connection, socket } = desk.connect('slow')
    socket.buffered = 100
    const leaveOut = (streamType: StreamName, label: string) =>
      desk.manager.publish({ streamType, symbol: 'A', data: label, ...(streamType === 'ORDERS' && { userId: 'u' }) } as never, { except: connection })
    const drain = (): string[] => (socket.drain(), connection.flush(), socket.received)
    return { ...desk, connection, socket, leaveOut, drain }
  }

  it('waits behind the earlier messages of its stream, and before the later ones', () => {
    const { publish, leaveOut, drain, manager } = behind()

    publish('BOOK', 'b')
    leaveOut('BOOK', 'c')
    publish('BOOK', 'd')

    expect(drain()).toEqual(['b 1', 'skip of c 2', 'd 3'])
    expect(unaccounted(manager)).toBe(0)
  })

  it('waits with the private messages if its stream is private', () => {
    const { order, publish, leaveOut, drain } = behind()

    publish('BOOK', 'b')
    order('o')
    leaveOut('ORDERS', 'p')

    expect(drain()).toEqual(['o 2', 'skip of p 3', 'b 1'])
  })

  it('takes no place of a message of a latest stream, and goes with the next one', () => {
    const { publish, leaveOut, drain, manager } = behind()

    publish('PRICE', 'b')
    leaveOut('PRICE', 'c')
    leaveOut('PRICE', 'd')
    publish('PRICE', 'x', 'B')

    expect(drain()).toEqual(['b 1', 'skip of d 3', 'x 4'])
    expect([unaccounted(manager), manager.stats().conflated]).toEqual([0, 1])
  })

  it('is replaced by a newer message of a latest stream, together with the older one', () => {
    const { publish, leaveOut, drain, manager } = behind()

    publish('PRICE', 'b')
    leaveOut('PRICE', 'c')
    publish('PRICE', 'd')

    expect(drain()).toEqual(['d 3'])
    expect([unaccounted(manager), manager.stats().conflated]).toEqual([0, 2])
  })

  it('counts as a missing message if it is dropped', () => {
    const { publish, leaveOut, drain, log, manager } = behind()

    publish('TICKS', 'b')
    leaveOut('TICKS', 'c')
    publish('TICKS', 'd'.padEnd(990, '.'))

    expect(drain()).toEqual(['gap of TICKS:A × 2', expect.stringMatching(/^d.* 3$/)])
    expect(log).toEqual([['gap', 'slow', 'TICKS:A', 2]])
    expect(unaccounted(manager)).toBe(0)
  })

  it.each<[string, (behind: ReturnType<typeof behindAgain>) => void]>([
    ['an unsubscribe', ({ connection }) => connection.unsubscribe({ streamType: 'BOOK', symbol: 'A' })],
    ['a revocation', ({ manager }) => manager.revoke({ streamType: 'BOOK' })],
    ['a purge', ({ connection }) => connection.purge({ streamType: 'BOOK', symbol: 'A' })],
    ['a reassignment to a user who may not have the stream', ({ connection }) => connection.reassign('mallory')],
  ])('is purged by %s', (_what, act) => {
    const desk = behindAgain()
    const { leaveOut, drain, manager } = desk
    leaveOut('BOOK', 'b')

    act(desk)

    expect(drain()).toEqual([])
    expect([unaccounted(manager), manager.stats().purged]).toEqual([0, 1])
  })

  it('stays in its place if the connection is given to a user who may have the stream', () => {
    const { leaveOut, publish, drain, connection } = behind()
    publish('BOOK', 'b')
    leaveOut('BOOK', 'c')

    connection.reassign('bob')

    expect(drain()).toEqual(['b 1', 'skip of c 2'])
  })

  it('gives a frame that knows its stream, and not the data of the message', () => {
    const frames: unknown[] = []
    const recorder: Recorder = { attach() {}, record: (_message, text) => text, skip: () => 'skip' }
    const { manager, connect } = pressured({ recorder, transport: batching({ frame: (text, message) => (frames.push([text, message]), text) }) })
    const { connection } = connect('c', new PressuredSocket())
    const timestamp = new Date(7)

    manager.publish({ streamType: 'BOOK', symbol: 'A', data: 'secret', timestamp }, { except: connection })

    expect(frames).toEqual([['skip', { streamType: 'BOOK', symbol: 'A', data: { type: 'skip' }, timestamp, userId: undefined }]])
  })

  /** Only `u` may have public streams. */
  function behindAgain() {
    return behind((({ userId }: { readonly userId: string }) => userId === 'u') as () => boolean)
  }
})

describe('a recorded publish', () => {
  it('is refused if its own serialization closes the manager', () => {
    const { manager, a, recorded } = desk({ serialize: ({ data }) => JSON.stringify(data) })
    a.subscribe(PRICE)

    expectCode('ERR_CLOSED', () => manager.publish({ ...PRICE, data: { toJSON: () => (void manager.cleanup(), 'x') } }))

    expect(recorded).toEqual([])
    expect(a.socket.sent).toEqual([])
  })

  it('with options, from within a send, is recorded when its turn comes', () => {
    const { manager, a, b, recorded } = desk()
    for (const connection of [a, b]) connection.subscribe(PRICE)
    const { send } = a.socket
    a.socket.send = (text) => {
      a.socket.send = send
      manager.publish({ ...PRICE, data: 'second' }, { except: a })
      a.socket.send(text)
    }

    manager.publish({ ...PRICE, data: 'first' })

    expect(recorded.map(([, text]) => text)).toEqual(['first', 'second'])
    expect([a, b].map(({ socket }) => socket.sent)).toEqual([['1:first'], ['1:first', '2:second']])
  })
})

describe('what a manager does for its recorder', () => {
  /** A manager whose recorder numbers each message in its text. */
  function numbered(options: Omit<ConnectionManagerOptions<FakeSocket>, 'recorder'> = {}) {
    let settings!: RecorderSettings
    const scene = desk({ ...options, recorder: { attach: (_manager, given) => void (settings = given) } })
    /** Does something in the delivery of a message to `b`. */
    const within = (act: () => void): void => {
      scene.b.socket.script.send = () => {
        scene.b.socket.script.send = undefined
        act()
      }
      scene.manager.sendToConnection('b', price('now'))
    }
    return { ...scene, settings, within }
  }
  const stream = { ...PRICE, userId: undefined }

  it('says whether messages are handed to sockets', () => {
    const { settings, within } = numbered()
    const answers = [settings.isDelivering()]

    within(() => answers.push(settings.isDelivering()))

    expect([...answers, settings.isDelivering()]).toEqual([false, true, false])
  })

  it('counts the messages that wait to be recorded, and no others', () => {
    const { manager, settings, within } = numbered()
    const counts = [settings.unrecorded()]

    within(() => {
      for (const data of ['first', 'second']) manager.publish(price(data))
      manager.sendToUser('a', price('direct'))
      counts.push(settings.unrecorded())
    })

    expect([...counts, settings.unrecorded()]).toEqual([0, 2, 0])
  })

  it('calls a function in its turn, as a batch, and leaves a connection out of what is published to the stream until then', () => {
    const { manager, settings, within, a } = numbered()
    a.subscribe(PRICE)

    within(() => {
      manager.publish(price('before'))
      settings.inTurn(() => {
        a.socket.script.send = () => {
          a.socket.script.send = undefined
          manager.publish(price('meanwhile'))
        }
        settings.notify(a, 'notice', undefined)
        settings.sendAgain(a, stream, 'again')
      }, { connection: a, stream })
      manager.publish(price('after'))
      manager.sendToUser('a', price('direct'))
    })

    expect(a.socket.sent).toEqual(['notice', 'again', '2:after', 'direct', '3:meanwhile'])
  })

  it('leaves it out of the running delivery, and of what a batch publishes before the turn comes, but of no other stream and of no direct message', () => {
    const { manager, connect, settings, a, b } = numbered()
    const c = connect('c')
    for (const connection of [b, a, c]) for (const symbol of ['BTCUSDT', 'ETHUSDT']) connection.subscribe({ ...PRICE, symbol })
    for (const connection of [b, a, c]) connection.subscribe({ ...PRICE, streamType: 'TRADES' })
    b.socket.script.send = () => {
      b.socket.script.send = undefined
      settings.inTurn(() => settings.notify(a, 'notice', undefined), { connection: a, stream })
    }

    manager.batch(() => {
      manager.publish(price('running'))
      manager.publish(price('in the batch'))
      manager.publish({ ...PRICE, symbol: 'ETHUSDT', data: 'other symbol' })
      manager.publish({ ...PRICE, streamType: 'TRADES', data: 'other type' })
      manager.sendToUser('a', price('direct'))
    })
    manager.publish(price('later'))

    expect(a.socket.sent).toEqual(['3:other symbol', '4:other type', 'direct', 'notice', '5:later'])
    for (const { socket } of [b, c]) expect(socket.sent).toEqual(['1:running', '2:in the batch', '3:other symbol', '4:other type', '5:later'])
  })

  it('holds back what is published to one user only, on a private stream', () => {
    const { manager, settings, within, a } = numbered()
    a.subscribe(ORDERS)

    within(() => {
      settings.inTurn(() => {}, { connection: a, stream: { streamType: ORDERS.streamType, symbol: undefined, userId: 'a' } })
      a.reassign('c')
      manager.addSubscription({ ...ORDERS, userId: 'c' })
    })
    within(() => {
      manager.publish(order('c', 'late'))
      settings.inTurn(() => {}, { connection: a, stream: { streamType: ORDERS.streamType, symbol: undefined, userId: 'a' } })
    })

    expect(a.socket.sent).toEqual(['1:late'])
  })

  it('reports the error of a function in its turn, and goes on', () => {
    const { manager, settings, within, a, errors } = numbered()
    a.subscribe(PRICE)

    within(() => {
      settings.inTurn(() => {
        throw new Error('broken')
      }, { connection: a, stream })
      manager.publish(price('after'))
    })

    expect([errors, a.socket.sent]).toEqual([[['recorder', 'broken']], ['1:after']])
  })

  it('tells listeners of what a function has changed in its turn before the outer call returns', () => {
    const { manager, settings, within, a } = numbered()
    const heard: string[] = []
    manager.on('subscriptionAdded', ({ subscription }) => heard.push(subscription.streamType))

    within(() => settings.inTurn(() => void a.subscribe(PRICE)))

    expect(heard).toEqual(['PRICE'])
  })

  it('counts a turn as a deferred message', () => {
    const { settings, within } = numbered({ maxDeferred: 1 })
    const calls: number[] = []

    within(() => {
      settings.inTurn(() => void calls.push(1))
      expectCode('ERR_PUBLISH_DEPTH', () => settings.inTurn(() => void calls.push(2)))
    })
    within(() => settings.inTurn(() => void calls.push(3)))

    expect(calls).toEqual([1, 3])
  })

  it('ends functions that ask for another turn again and again at the limit', () => {
    const { settings, within, b } = numbered({ maxDeferred: 5 })
    let calls = 0
    const askAgain = (): void => {
      calls++
      b.socket.script.send = () => settings.inTurn(askAgain)
      settings.notify(b, 'text', undefined)
    }

    within(() => settings.inTurn(askAgain))

    expect([calls, b.removed]).toEqual([5, false])
  })

  it('purges what was published or sent again, and keeps direct messages', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { manager, settings, a } = numbered({ transport: { write } })
    a.subscribe(PRICE)

    manager.publish(price('published'))
    settings.sendAgain(a, stream, 'again')
    manager.sendToUser('a', price('direct'))
    manager.broadcast(price('to all'))

    expect([settings.purge(a, stream), settings.purge(a, stream)]).toEqual([true, false])
    a.flush()
    expect(a.socket.sent).toEqual(['direct', 'to all'])
  })

  it('tells a recorder of the connection’s own subscription to exactly this stream', () => {
    const { manager, settings, a, b } = numbered()
    a.subscribe({ ...PRICE, filters: { depth: 5 } })
    manager.addSubscription({ userId: 'b', ...PRICE })
    const own = [settings.ownSubscription(a, stream), settings.ownSubscription(b, stream), settings.ownSubscription(a, { ...stream, symbol: 'OTHER' })]
    void a.remove()

    expect([...own, settings.ownSubscription(a, stream)]).toEqual([{ filters: { depth: 5 } }, undefined, undefined, undefined])
  })

  it('withdraws a subscription, with what was published and sent again, and keeps direct messages', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { manager, settings, a } = numbered({ transport: { write } })
    a.subscribe(PRICE)
    manager.publish(price('published'))
    settings.sendAgain(a, stream, 'again')
    manager.sendToUser('a', price('direct'))

    settings.withdraw(a, stream)

    a.flush()
    expect([a.socket.sent, a.subscriptions()]).toEqual([['direct'], []])
  })

  it('purges direct messages by an unsubscribe that follows after a withdrawal', () => {
    const write = (socket: FakeSocket, texts: readonly string[]) => socket.write(texts)
    const { manager, settings, a } = numbered({ transport: { write } })
    a.subscribe(PRICE)
    settings.withdraw(a, stream)
    a.subscribe(PRICE)
    manager.sendToUser('a', price('direct'))

    a.unsubscribe(PRICE)

    a.flush()
    expect(a.socket.sent).toEqual([])
  })

  it('purges nothing of a running delivery of a direct message', () => {
    const { manager, settings, a, b } = numbered()
    const purged: boolean[] = []
    a.socket.script.send = () => void purged.push(settings.purge(b, stream))

    manager.broadcast(price('to all'))

    expect([purged, a.socket.sent, b.socket.sent]).toEqual([[false], ['to all'], ['to all']])
  })
})
