import { describe, expect, it } from 'vitest'
import { ConnectionManager, tradingStreams, type ConnectionManagerOptions, type Recorder, type RecorderSettings, type StreamMessage } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { order, ORDERS, PRICE, price } from '../../support/messages.ts'
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
