import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import type { StreamMessage } from '../../../src/index.ts'
import type { WireData } from '../../../src/model/wire-data.ts'
import type { Transport } from '../../../src/ports/transport.ts'
import { wsTransport, type WsFrame, type WsOptions } from '../../../src/transports/ws.ts'
import { CLOSING, socketWith, type ScriptedSocket } from '../../support/scripted-ws.ts'

const PUBLIC = { streamType: 'PRICE', symbol: 'BTCUSDT', data: null, timestamp: new Date(0), userId: undefined } satisfies StreamMessage<unknown, string>
const PRIVATE = { ...PUBLIC, userId: 'alice' }
const TAIL = Buffer.from([0, 0, 0xff, 0xff])
/** Bytes that are no UTF-8, and compress well. */
const LONG = Buffer.concat(Array.from({ length: 40 }, () => Buffer.from([0xff, 0xc0, 0, 1, ...randomBytes(4)]))).toString('latin1').repeat(10)
const longBytes = (): Buffer => Buffer.from(LONG, 'latin1')

const busy = { _firstFragment: true, _queue: [], _state: 1 }

function transportWith(options: WsOptions = {}) {
  const transport = wsTransport<ScriptedSocket>(options) as Required<Transport<ScriptedSocket, WsFrame, WireData>>
  const framed = (...messages: WireData[]): WsFrame[] => messages.map((each) => transport.frame(each, PUBLIC))
  return { transport, framed }
}

/** A socket that negotiated permessage-deflate without context takeover. */
function deflatingSocket(bits = 15, differences: Parameters<typeof socketWith>[0] = {}): ScriptedSocket {
  const params = { server_no_context_takeover: true, server_max_window_bits: bits }
  return Object.assign(socketWith({ extensions: 'permessage-deflate', ...differences }), { _extensions: { 'permessage-deflate': { params } } })
}

interface Received {
  readonly form: 'text' | 'bytes' | 'compressed text' | 'compressed bytes'
  readonly hex: string
}

const FORMS: Readonly<Record<number, Received['form']>> = { 0x81: 'text', 0x82: 'bytes', 0xc1: 'compressed text', 0xc2: 'compressed bytes' }

/** What a client makes of what was written. Follows RFC 6455 and RFC 7692, independently of the code under test. */
function receivedBy({ tcp }: ScriptedSocket): Received[] {
  const bytes = Buffer.concat(tcp.writes)
  const messages: Received[] = []
  for (let at = 0; at < bytes.length; ) {
    const form = FORMS[bytes.readUInt8(at)] as Received['form']
    const short = bytes.readUInt8(at + 1)
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const payload = bytes.subarray(start, start + length)
    messages.push({ form, hex: (form.startsWith('compressed') ? inflated(payload) : payload).toString('hex') })
    at = start + length
  }
  return messages
}

function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH })
}

/** The library of these tests' types has no such buffers yet. */
function resizableBuffer(length: number): ArrayBuffer {
  return Reflect.construct(ArrayBuffer, [length, { maxByteLength: 2 * length }]) as ArrayBuffer
}

function filled(bytes: Uint8Array): Uint8Array {
  bytes.set([1, 2, 3])
  return bytes
}

const as = (form: Received['form'], message: WireData): Received => ({ form, hex: Buffer.from(message as string).toString('hex') })

describe('wsTransport › frame of bytes', () => {
  const { framed } = transportWith()

  it.each([
    [0, [0x82, 0]],
    [1, [0x82, 1]],
    [125, [0x82, 125]],
    [126, [0x82, 126, 0, 126]],
    [65_535, [0x82, 126, 0xff, 0xff]],
    [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])('is a binary message with the shortest header for %i bytes, and the payload as it is', (length, header) => {
    const payload = randomBytes(length)

    const [frame] = framed(payload)

    expect(Buffer.compare(Buffer.concat([Buffer.from(header), payload]), frame?.bytes as Uint8Array)).toBe(0)
    expect(frame?.text).toBe(payload)
  })

  it.each<[string, Uint8Array]>([
    ['a view into a larger buffer', new Uint8Array(Uint8Array.from([9, 1, 2, 3, 9]).buffer, 1, 3)],
    ['a Buffer of a pool', Buffer.from([1, 2, 3])],
    ['shared memory', filled(new Uint8Array(new SharedArrayBuffer(3)))],
    ['a resizable buffer', filled(new Uint8Array(resizableBuffer(3)))],
  ])('has exactly the bytes of %s', (_what, bytes) => {
    expect([...(framed(bytes)[0]?.bytes ?? [])]).toEqual([0x82, 3, 1, 2, 3])
  })

  it('is text or binary by the type of the message, and not by its content', () => {
    const socket = socketWith()

    transportWith().transport.write(socket, framed('é', Buffer.from('é'), Uint8Array.of(0xc3)))

    expect(receivedBy(socket)).toEqual([as('text', 'é'), as('bytes', Buffer.from('é')), as('bytes', Uint8Array.of(0xc3))])
  })
})

describe('wsTransport › texts and bytes in one turn', () => {
  const mixed = (): WireData[] => ['a', Uint8Array.of(1), new Uint8Array(), '', longBytes(), LONG]

  it('reach all sockets that share the frames, in order, each as what it is', () => {
    const { transport, framed } = transportWith()
    const sockets = [socketWith(), socketWith(), socketWith()]
    const messages = mixed()
    const frames = framed(...messages)

    for (const socket of sockets) expect(transport.write(socket, frames.slice())).toBe(messages.length)

    const expected = messages.map((each) => as(typeof each === 'string' ? 'text' : 'bytes', each))
    for (const socket of sockets) {
      expect(receivedBy(socket)).toEqual(expected)
      expect(socket.tcp.writes.length).toBe(1)
    }
    expect(sockets[2]?.tcp.writes[0]).toBe(sockets[1]?.tcp.writes[0])
  })

  it('are compressed once for each window, beside sockets that get them uncompressed', () => {
    const deflate = vi.fn(deflateRawSync)
    const { transport, framed } = transportWith({ deflate })
    deflate.mockClear()
    const sockets = [deflatingSocket(), deflatingSocket(9), socketWith(), deflatingSocket(8), deflatingSocket()]
    const messages = mixed()
    const frames = framed(...messages)

    for (const socket of sockets) transport.write(socket, frames.slice())

    const plain = messages.map((each) => as(typeof each === 'string' ? 'text' : 'bytes', each))
    const compressed = [...plain.slice(0, 4), as('compressed bytes', longBytes()), as('compressed text', LONG)]
    expect(sockets.map(receivedBy)).toEqual([compressed, compressed, plain, plain, compressed])
    expect(deflate).toHaveBeenCalledTimes(2 * 2)
  })

  it('are not compressed below the threshold, if they get no shorter, or if they are not for everybody', () => {
    const { transport, framed } = transportWith({ deflate: deflateRawSync })
    const socket = deflatingSocket()
    const [short, noise] = [new Uint8Array(1_023), randomBytes(2_000)]

    transport.write(socket, [...framed(short, noise), transport.frame(longBytes(), PRIVATE), transport.frame(longBytes(), undefined)])

    expect(receivedBy(socket)).toEqual([short, noise, longBytes(), longBytes()].map((each) => as('bytes', each)))
  })

  it('count the bytes against the threshold', () => {
    const { transport, framed } = transportWith({ deflate: deflateRawSync })
    const socket = deflatingSocket()

    transport.write(socket, framed(new Uint8Array(1_024)))

    expect(receivedBy(socket)).toEqual([as('compressed bytes', new Uint8Array(1_024))])
  })

  it('are sent uncompressed if the deflate throws for one', () => {
    const deflate: NonNullable<WsOptions['deflate']> = (bytes, options) => {
      if (bytes.length === LONG.length) throw new Error('no')
      return deflateRawSync(bytes, options)
    }
    const { transport, framed } = transportWith({ deflate })
    const socket = deflatingSocket()

    transport.write(socket, framed(longBytes(), new Uint8Array(5_000)))

    expect(receivedBy(socket)).toEqual([as('bytes', longBytes()), as('compressed bytes', new Uint8Array(5_000))])
  })
})

describe('wsTransport › bytes by ws.send', () => {
  it.each<[string, ScriptedSocket]>([
    ['it is a client', socketWith({ _isServer: false })],
    ['ws is busy', socketWith({ _sender: busy })],
    ['ws compresses by itself', socketWith({ extensions: 'permessage-deflate' })],
    ['it is closing', socketWith({ readyState: CLOSING })],
  ])('are the array itself, between texts, if %s', (_case, socket) => {
    const { transport, framed } = transportWith()
    const bytes = Uint8Array.of(1, 2)

    expect(transport.write(socket, framed('a', bytes, 'b'))).toBe(3)

    expect(socket.sent).toEqual(['a', bytes, 'b'])
    expect(socket.sent[1]).toBe(bytes)
    expect([socket.sentUncompressed, socket.tcp.writes]).toEqual([[], []])
  })

  it('are not compressed by ws if they are not for everybody, and the last one reports that it has left', () => {
    const { transport } = transportWith({ deflate: deflateRawSync })
    const socket = deflatingSocket(15, { _sender: busy })
    const listener = vi.fn()
    const end = transport.onDrain(socket, listener)
    const [open, secret, own] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]

    transport.write(socket, [transport.frame(open, PUBLIC), transport.frame(secret, PRIVATE), transport.frame(own, undefined)])
    for (const leave of socket.sendCallbacks) leave()
    end()

    expect(socket.sent).toEqual([open, secret, own])
    expect(socket.sentUncompressed).toEqual([secret, own])
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('are the same as those of a direct write to the next socket', () => {
    const { transport, framed } = transportWith()
    const [direct, bySend] = [socketWith(), socketWith({ _sender: busy })]
    const bytes = Uint8Array.of(1, 2)
    const frames = framed(bytes)

    for (const socket of [bySend, direct]) transport.write(socket, frames.slice())

    expect([receivedBy(direct), bySend.sent]).toEqual([[as('bytes', bytes)], [bytes]])
  })
})

describe('wsTransport › the content of bytes', () => {
  it('is copied at the first direct write, so that a later change reaches nobody', () => {
    const { transport, framed } = transportWith({ deflate: deflateRawSync })
    const sockets = [socketWith(), socketWith(), deflatingSocket()]
    const bytes = longBytes()
    const frames = framed(bytes, bytes)

    transport.write(sockets[0] as ScriptedSocket, frames.slice())
    bytes.fill(7)
    for (const socket of sockets.slice(1)) transport.write(socket, frames.slice())

    expect(sockets.map((socket) => receivedBy(socket)[0]?.hex)).toEqual([longBytes(), longBytes(), longBytes()].map((each) => each.toString('hex')))
  })

  it('is read only at that write, so that an earlier change is sent', () => {
    const { transport, framed } = transportWith()
    const socket = socketWith()
    const bytes = Uint8Array.of(1)
    const frames = framed(bytes)

    bytes[0] = 2
    transport.write(socket, frames)

    expect(receivedBy(socket)).toEqual([as('bytes', Uint8Array.of(2))])
  })

  it('is gone once its buffer was transferred, so the write throws', () => {
    const { transport, framed } = transportWith()
    const bytes = Uint8Array.of(1)
    const frames = framed(bytes)

    structuredClone(bytes, { transfer: [bytes.buffer] })

    expect(() => transport.write(socketWith(), frames)).toThrow(TypeError)
  })

  it('is neither changed nor kept by the transport', () => {
    const { transport, framed } = transportWith()
    const socket = socketWith()
    const bytes = Uint8Array.of(1, 2, 3)

    transport.write(socket, framed(bytes))

    expect([...bytes]).toEqual([1, 2, 3])
    expect(socket.tcp.writes[0]?.buffer).not.toBe(bytes.buffer)
  })
})
