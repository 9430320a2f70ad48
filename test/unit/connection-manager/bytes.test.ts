import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, rawJson, type ConnectionManagerOptions, type Notice, type StreamMessage, type Transport } from '../../../src/index.ts'
import { sseTransport } from '../../../src/transports/sse.ts'
import { uwsTransport, type UwsSocket } from '../../../src/transports/uws.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { endOfTick } from '../../support/pressured-socket.ts'
import { result } from '../../support/result.ts'

const streams = defineStreams({
  PRICE: { audience: 'public', delivery: 'latest' },
  TICKS: { audience: 'public', overflow: 'drop' },
})
type Streams = typeof streams
type Options = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams'>

const BTC = { streamType: 'PRICE', symbol: 'BTC' } as const
const TICKS = { streamType: 'TICKS', symbol: 'BTC' } as const

const encoder = new TextEncoder()
const bytesOf = (text: string): Uint8Array => encoder.encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const serialize = ({ data }: StreamMessage<unknown, string>): Uint8Array => bytesOf(String(data))

/** A manager that serializes to bytes: the data of the message. */
function desk(options: Options = {}, socket = new FakeSocket()) {
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, serialize, clock: new ManualClock(), ...options })
  const connection = manager.addConnection('c', socket, 'alice')
  for (const stream of [BTC, TICKS]) connection.subscribe(stream)
  const received = () => socket.sentBytes.map(textOf)
  return { manager, connection, socket, received }
}

/** A transport that writes bytes only while it has room. */
function byteTransport() {
  const written: string[] = []
  const state = { hasRoom: true }
  const transport: Transport<FakeSocket, Uint8Array, string | Uint8Array> = {
    frame: (data) => (typeof data === 'string' ? bytesOf(data) : data),
    write: (_socket, frames) => (state.hasRoom ? void written.push(...frames.map(textOf)) : 0),
  }
  return { transport, written, state }
}

describe('a serialize that makes bytes', () => {
  it('sends the same bytes to every socket, and serializes once', () => {
    const { manager, socket } = desk()
    const other = new FakeSocket()
    manager.addConnection('d', other, 'bob').subscribe(BTC)

    expect(manager.publish({ ...BTC, data: 'p1' })).toEqual(result({ matched: 2, sent: 2 }))

    expect(socket.sentBytes.map(textOf)).toEqual(['p1'])
    expect(other.sentBytes[0]).toBe(socket.sentBytes[0])
    expect(socket.sent).toEqual([])
  })

  it('may make a text of one message and bytes of another, in order', () => {
    const socket = new FakeSocket()
    const order: string[] = []
    socket.send = (message) => void order.push(typeof message === 'string' ? `text ${message}` : `bytes ${textOf(message)}`)
    const { manager, connection } = desk({ serialize: (message) => (message.streamType === 'PRICE' ? serialize(message) : String(message.data)) }, socket)

    manager.publish({ ...BTC, data: 'p1' })
    manager.publish({ ...TICKS, data: 't1' })
    connection.send(bytesOf('mine'))

    expect(order).toEqual(['bytes p1', 'text t1', 'bytes mine'])
  })

  it.each([
    ['a Buffer', Buffer.from('p1'), 1],
    ['an empty array', new Uint8Array(), 1],
    ['a view on a part of a buffer', new Uint8Array(new ArrayBuffer(8), 2, 3), 1],
    ['an ArrayBuffer', new ArrayBuffer(8), 0],
    ['other typed numbers', new Uint16Array(2), 0],
    ['a DataView', new DataView(new ArrayBuffer(8)), 0],
    ['an array of numbers', [1, 2], 0],
    ['a promise of bytes', Promise.resolve(new Uint8Array(1)), 0],
  ])('may answer %s: %#', (_what, data, sent) => {
    const { manager, socket } = desk({ serialize: () => data as Uint8Array })

    if (sent === 0) expectCode('ERR_UNSERIALIZABLE', () => manager.publish({ ...BTC, data: 1 }))
    else expect(manager.publish({ ...BTC, data: 1 }).sent).toBe(1)

    expect(socket.sentBytes.length).toBe(sent)
  })

  it('gets raw JSON as it is', () => {
    const { manager, received } = desk({ serialize: ({ data }) => bytesOf((data as { readonly text: string }).text) })

    manager.publish({ ...BTC, data: rawJson('{"bid":1}') })

    expect(received()).toEqual(['{"bid":1}'])
  })

  it('has the limits count bytes', () => {
    const { transport, state } = byteTransport()
    state.hasRoom = false
    const { manager, connection } = desk({ transport, quotas: { messageUnits: 4 }, delivery: { hardLimitBytes: 6 } })

    manager.publish({ ...TICKS, data: 'é1' })
    connection.flush()
    const waiting = connection.waitingBytes
    manager.publish({ ...TICKS, data: 'é2' })
    manager.publish({ ...TICKS, data: 'é3' })

    expect(waiting).toBe(3)
    expect(connection.waitingBytes).toBe(6)
    expect(manager.stats()).toMatchObject({ waitingBytes: 6, dropped: 1 })
    expectCode('ERR_QUOTA_EXCEEDED', () => manager.publish({ ...TICKS, data: 'ééé' }))
  })

  it('counts as many bytes as there are against the limit of a plain socket, and not three for each', async () => {
    const { manager, connection, socket } = desk({ delivery: { softLimitBytes: 100 } }, new FakeSocket({ bufferedAmount: 0 }))
    await endOfTick()
    manager.publish({ ...BTC, data: 'x'.repeat(1_000) })

    socket.bufferedAmount = 2_500
    manager.publish({ ...BTC, data: 'p2' })

    expect(connection.waitingBytes).toBe(2)
  })

  it('has a frame made once for each transport, of the bytes', () => {
    const { transport, written } = byteTransport()
    const { manager, connection } = desk({ transport })

    manager.publish({ ...BTC, data: 'p1' })
    connection.send('text')
    connection.flush()

    expect(written).toEqual(['p1', 'text'])
  })

  it('is refused at the publish if there is a recorder, which needs texts', () => {
    const recorded: string[] = []
    const { manager, received } = desk({ recorder: { attach() {}, record: (_message, text) => (recorded.push(text), text) } })

    const error = expectCode('ERR_UNSERIALIZABLE', () => manager.publish({ ...BTC, data: 'p1' }))

    expect(String(error.cause)).toContain('texts')
    expect([recorded, received()]).toEqual([[], []])
  })

  it('counts as failed for an event stream, which takes texts only, and leaves the connection', () => {
    const errors: string[] = []
    const manager = new ConnectionManager<FakeSocket, Streams>({ streams, serialize, transport: sseTransport() as unknown as Transport<FakeSocket> })
    const connection = manager.addConnection('c', new FakeSocket(), 'alice')
    connection.subscribe(BTC)
    manager.on('error', ({ stage }) => errors.push(stage))

    expect(manager.publish({ ...BTC, data: 'p1' })).toEqual(result({ matched: 1, failed: 1 }))

    expect([connection.removed, errors]).toEqual([false, ['transport']])
  })
})

describe('bytes that a socket or a transport does not take', () => {
  it('end the connection of a plain socket whose send throws, as any message would', () => {
    const onlyTexts = new FakeSocket()
    onlyTexts.send = (message) => { if (typeof message !== 'string') throw new TypeError('texts only') }
    const { manager, socket } = desk()
    const other = manager.addConnection('d', onlyTexts, 'bob')
    other.subscribe(BTC)
    const removals: unknown[] = []
    manager.on('connectionRemoved', ({ connection: { id }, reason }) => removals.push([id, reason]))

    expect(manager.publish({ ...BTC, data: 'p1' })).toEqual(result({ matched: 2, sent: 1, failed: 1 }))

    expect(removals).toEqual([['d', 'send-failed']])
    expect(socket.sentBytes.map(textOf)).toEqual(['p1'])
  })

  it('reach the frame of a transport whose type has texts only', () => {
    const framed: unknown[] = []
    const transport: Transport<FakeSocket> = { frame: (text) => (framed.push(text), text), write() {} }
    const { manager } = desk({ transport })

    manager.publish({ ...BTC, data: 'p1' })

    expect(framed).toEqual([bytesOf('p1')])
  })

  it('count as failed if that frame throws, and the connection stays', () => {
    const transport: Transport<FakeSocket> = { frame: (text) => `${text.trim()}\n`, write() {} }
    const { manager, connection } = desk({ transport })

    expect(manager.publish({ ...BTC, data: 'p1' })).toEqual(result({ matched: 1, failed: 1 }))
    expect(connection.removed).toBe(false)
  })

  it('reach the write of a transport without a frame', () => {
    const written: unknown[] = []
    const transport: Transport<FakeSocket> = { write: (_socket, frames) => void written.push(...frames) }
    const { manager, connection } = desk({ transport })

    manager.publish({ ...BTC, data: 'p1' })
    connection.send('text')
    connection.flush()

    expect(written).toEqual([bytesOf('p1'), 'text'])
  })
})

describe('the content of bytes', () => {
  /** A serialize that uses one buffer for all messages. */
  function reusing() {
    const buffer = new Uint8Array(2)
    return ({ data }: StreamMessage<unknown, string>): Uint8Array => {
      buffer.set(bytesOf(String(data)))
      return buffer
    }
  }

  it('is read by a plain socket that has room within the publish', () => {
    const received: string[] = []
    const socket = new FakeSocket()
    socket.send = (message) => void received.push(textOf(message as Uint8Array))
    const { manager } = desk({ serialize: reusing() }, socket)

    for (const data of ['p1', 'p2']) manager.publish({ ...BTC, data })

    expect(received).toEqual(['p1', 'p2'])
  })

  it('is read by a transport at the end of the turn, so a buffer that is used again is sent with its last content', () => {
    const { transport, written } = byteTransport()
    const { manager, connection } = desk({ transport, serialize: reusing() })

    for (const data of ['t1', 't2']) manager.publish({ ...TICKS, data })
    connection.flush()

    expect(written).toEqual(['t2', 't2'])
  })

  it('is read for a slow client only when it has room again, turns later', () => {
    const { transport, written, state } = byteTransport()
    const { manager, connection } = desk({ transport, serialize: reusing() })
    state.hasRoom = false
    manager.publish({ ...TICKS, data: 't1' })
    connection.flush()

    manager.publish({ ...BTC, data: 'p1' })
    state.hasRoom = true
    connection.flush()

    expect(written).toEqual(['p1', 'p1'])
  })

  it('does not count: what waits is as long as it was when it was published', () => {
    const { transport, state } = byteTransport()
    const { manager, connection } = desk({ transport: { write: transport.write as () => void } })
    const bytes = bytesOf('four')
    state.hasRoom = false
    manager.publish(TICKS, { text: bytes })
    connection.flush()

    structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })
    const waiting = connection.waitingBytes
    state.hasRoom = true
    connection.flush()

    expect([bytes.length, waiting, connection.waitingBytes]).toEqual([0, 4, 0])
    expect(manager.stats()).toMatchObject({ waiting: 0, waitingBytes: 0, sent: 1 })
  })
})

describe('bytes for a client that is behind', () => {
  it('are conflated by stream, the newest in the place of the one before, beside texts', () => {
    const { transport, written, state } = byteTransport()
    const { manager, connection } = desk({ transport })
    state.hasRoom = false

    manager.publish({ ...BTC, data: 'old' })
    connection.flush()
    manager.publish(BTC, { text: 'text' })
    manager.publish({ ...TICKS, data: 't1' })
    manager.publish({ ...BTC, data: 'new' })
    state.hasRoom = true
    connection.flush()

    expect(manager.stats()).toMatchObject({ conflated: 2, sent: 2 })
    expect(written.toSorted()).toEqual(['new', 't1'])
  })

  it('are dropped for a gap notice that is JSON, unless serializeNotice says otherwise', () => {
    const socket = new FakeSocket({ bufferedAmount: 0 })
    const order: unknown[] = []
    socket.send = (message) => void order.push(typeof message === 'string' ? JSON.parse(message) : textOf(message))
    const { manager, connection } = desk({ delivery: { hardLimitBytes: 3, softLimitBytes: 0 } }, socket)
    socket.bufferedAmount = 100_000
    connection.send(bytesOf('w'))

    for (const data of ['t1', 't2', 't3']) manager.publish({ ...TICKS, data })
    socket.bufferedAmount = 0
    connection.drained()

    expect(order).toEqual(['w', { type: 'gap', stream_type: 'TICKS', symbol: 'BTC', dropped: 2 }, 't3'])
  })

  it('get a gap notice of bytes among texts, if that is what serializeNotice makes', () => {
    const state = { hasRoom: false }
    const written: unknown[] = []
    const transport: Transport<FakeSocket> = { write: (_socket, frames) => (state.hasRoom ? void written.push(...frames) : 0) }
    const { manager, connection } = desk({
      transport,
      serialize: ({ data }) => String(data),
      serializeNotice: ({ type }) => bytesOf(type),
      delivery: { hardLimitBytes: 2 },
    })
    for (const data of ['t1', 't2']) manager.publish({ ...TICKS, data })
    connection.flush()
    state.hasRoom = true
    connection.flush()

    expect(written).toEqual([bytesOf('gap'), 't2'])
  })
})

describe('uwsTransport with bytes', () => {
  it('sends them as binary messages, and texts as texts', () => {
    const calls: unknown[][] = []
    const socket: UwsSocket = {
      send: (...facts) => calls.push([typeof facts[0], ...facts.slice(1)]),
      cork: (callback) => callback(),
      getBufferedAmount: () => 0,
      end() {},
      close() {},
    }
    const manager = new ConnectionManager<UwsSocket>({ transport: uwsTransport() })
    const connection = manager.addConnection('c', socket, 'alice')

    connection.send('text')
    connection.send(bytesOf('bytes'))
    connection.flush()

    expect(calls).toEqual([['string'], ['object', true]])
  })
})

describe('serializeNotice', () => {
  const serializeNotice = (notice: Notice): Uint8Array =>
    bytesOf(notice.type === 'gap' ? `gap ${notice.symbol} ${notice.dropped}` : `status ${notice.symbol} ${notice.status}`)

  it('makes what gap and status notices of the host are on the wire', () => {
    const { manager, received } = desk({ serializeNotice })

    manager.notifyGap(BTC, 7)
    manager.notifyGap({ streamType: 'PRICE' }, undefined)
    manager.setStreamStatus(BTC, 'ERROR')

    expect(received()).toEqual(['gap BTC 7', 'gap undefined undefined', 'status BTC ERROR'])
  })

  it('gets what parseServerMessage answers, frozen', () => {
    const notices: unknown[] = []
    const { manager } = desk({ serializeNotice: (notice) => (notices.push(notice, Object.isFrozen(notice)), '') })

    manager.notifyGap(BTC, 7)

    expect(notices).toEqual([{ type: 'gap', streamType: 'PRICE', symbol: 'BTC', dropped: 7 }, true])
  })

  it('makes the gap notice of dropped messages, when it leaves', () => {
    const { transport, written, state } = byteTransport()
    state.hasRoom = false
    const made: unknown[] = []
    const { manager, connection } = desk({
      transport,
      delivery: { hardLimitBytes: 3 },
      serializeNotice: (notice) => (made.push(notice), serializeNotice(notice)),
    })
    for (const data of ['t1', 't2', 't3']) manager.publish({ ...TICKS, data })
    connection.flush()
    const madeBefore = made.length
    state.hasRoom = true

    connection.flush()

    expect(madeBefore).toBeLessThanOrEqual(1)
    expect(written).toEqual(['gap BTC 2', 't3'])
  })

  it('tells who begins to receive a stream whose source has failed', () => {
    const { manager, connection, received } = desk({ serializeNotice })
    manager.addConnection('d', new FakeSocket(), 'bob').subscribe({ ...BTC, symbol: 'ETH' })
    manager.setStreamStatus({ ...BTC, symbol: 'ETH' }, 'RECONNECTING')

    connection.subscribe({ ...BTC, symbol: 'ETH' })

    expect(received()).toEqual(['status ETH RECONNECTING'])
  })

  it.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('no') }],
    ['returns nothing', () => undefined],
    ['returns a promise', () => Promise.reject(new Error('late'))],
  ])('that %s makes notifyGap and setStreamStatus throw, and changes nothing', (_case, failing) => {
    const { manager, connection, socket } = desk({ serializeNotice: failing as () => string })

    expectCode('ERR_UNSERIALIZABLE', () => manager.notifyGap(BTC, 1))
    expectCode('ERR_UNSERIALIZABLE', () => manager.setStreamStatus(BTC, 'ERROR'))

    expect([socket.sent, socket.sentBytes]).toEqual([[], []])
    expect(connection.subscriptions()[0]?.subscription.status).toBe('CONNECTED')
  })

  it('that fails for dropped messages removes the connection, because its client would not learn of them', async () => {
    const { transport, state } = byteTransport()
    state.hasRoom = false
    const { manager, connection } = desk({ transport, delivery: { hardLimitBytes: 3 }, serializeNotice: () => { throw new Error('no') } })
    const errors: unknown[] = []
    manager.on('error', ({ stage }) => errors.push(stage))
    for (const data of ['t1', 't2']) manager.publish({ ...TICKS, data })
    connection.flush()
    state.hasRoom = true

    connection.flush()

    expect([connection.removed, errors]).toEqual([true, ['send']])
    await manager.cleanup()
  })

  it('that fails for a newcomer is reported, and the newcomer is subscribed all the same', () => {
    let isFailing = false
    const { manager, connection, received } = desk({
      serializeNotice: (notice) => { if (isFailing) throw new Error('no'); return serializeNotice(notice) },
    })
    const errors: unknown[] = []
    manager.on('error', ({ stage, connection: of }) => errors.push([stage, of?.id]))
    manager.setStreamStatus(BTC, 'ERROR')
    isFailing = true
    const other = manager.addConnection('d', new FakeSocket(), 'bob')

    expect(other.subscribe(BTC).status).toBe('ERROR')

    expect(errors).toEqual([['send', 'd']])
    expect(connection.removed).toBe(false)
    expect(received()).toEqual(['status BTC ERROR'])
  })

  it('that subscribes another connection has it told, and one that sets the status itself has nobody told twice', () => {
    let act: (() => unknown) | undefined
    const { manager, received } = desk({
      serializeNotice: (notice) => {
        const now = act
        act = undefined
        now?.()
        return serializeNotice(notice)
      },
    })
    const other = manager.addConnection('d', new FakeSocket(), 'bob')

    act = () => other.subscribe(BTC)
    manager.setStreamStatus(BTC, 'ERROR')
    act = () => manager.setStreamStatus(BTC, 'RECONNECTING')
    manager.setStreamStatus(BTC, 'RECONNECTING')

    expect([received(), other.socket.sentBytes.map(textOf)]).toEqual([['status BTC ERROR', 'status BTC RECONNECTING'], ['status BTC ERROR', 'status BTC RECONNECTING']])
  })

  it('that gives a newcomer to another user does not tell that user of a private stream', () => {
    let act: (() => unknown) | undefined
    const ofUser = defineStreams({ ORDERS: { audience: 'private' } })
    const manager = new ConnectionManager<FakeSocket, typeof ofUser>({ streams: ofUser, serializeNotice: (notice) => (act?.(), serializeNotice(notice)) })
    manager.addConnection('a', new FakeSocket(), 'alice')
    manager.addSubscription({ userId: 'alice', streamType: 'ORDERS' })
    manager.setStreamStatus({ streamType: 'ORDERS', userId: 'alice' }, 'ERROR')
    act = () => manager.getConnection('b')?.reassign('bob')

    const { socket, userId } = manager.addConnection('b', new FakeSocket(), 'alice')

    expect([userId, socket.sentBytes]).toEqual(['bob', []])
  })

  it.each<[string, (world: ReturnType<typeof desk>) => unknown, boolean]>([
    ['ends the last subscription', ({ connection }) => connection.unsubscribe(BTC), false],
    ['removes the connection', ({ connection }) => connection.remove(), false],
    ['subscribes another connection', ({ manager }) => manager.addConnection('d', new FakeSocket(), 'bob').subscribe(BTC), true],
  ])('that %s does not confuse setStreamStatus', (_case, act, isSet) => {
    let isFirst = true
    const world = desk({
      serializeNotice: (notice) => {
        if (isFirst) {
          isFirst = false
          act(world)
        }
        return serializeNotice(notice)
      },
    })

    expect(world.manager.setStreamStatus(BTC, 'ERROR')).toBe(isSet)
    for (const { userId } of [...world.manager.connections()]) {
      for (const { status, streamType } of world.manager.getUserSubscriptions(userId)) if (streamType === 'PRICE') expect(status).toBe('ERROR')
    }
  })
})
