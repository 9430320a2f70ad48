import { randomBytes } from 'node:crypto'
import { constants, deflateRaw, deflateRawSync, deflateSync, gzipSync, inflateRawSync, type ZlibOptions } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type Socket, type StreamMessage } from '../../../src/index.ts'
import type { Transport } from '../../../src/ports/transport.ts'
import { wsTransport, type WsFrame, type WsOptions } from '../../../src/transports/ws.ts'
import { expectCode } from '../../support/errors.ts'
import { CLOSING, socketWith, type ScriptedSocket } from '../../support/scripted-ws.ts'

type Deflate = NonNullable<WsOptions['deflate']>

const TAIL = Buffer.from([0, 0, 0xff, 0xff])
const PUBLIC: StreamMessage<unknown, string> = { streamType: 'PRICE', symbol: 'BTCUSDT', data: null, timestamp: new Date(0), userId: undefined }
const PRIVATE: StreamMessage<unknown, string> = { ...PUBLIC, streamType: 'ORDER_UPDATES', userId: 'alice' }

/** A text that compresses well, with repetitions that lie further apart than a window of 9 bits. */
const LONG = `${randomBytes(500).toString('hex')} ä€😀 `.repeat(40)
const SHORT = 'x'.repeat(1_023)
/** A text that does not become shorter. */
const PANGRAM = 'sphinx of black quartz, judge my vow'

/** A socket of ws that negotiated permessage-deflate with these parameters. */
function deflatingSocket(params: unknown = { server_no_context_takeover: true }, differences: Parameters<typeof socketWith>[0] = {}): ScriptedSocket {
  return Object.assign(socketWith({ extensions: 'permessage-deflate', ...differences }), { _extensions: { 'permessage-deflate': { params } } })
}

const socketOfWindow = (bits: number): ScriptedSocket => deflatingSocket({ server_no_context_takeover: true, server_max_window_bits: bits })

function transportWith(options: WsOptions = {}) {
  const deflate = vi.fn<Deflate>(deflateRawSync)
  const transport = wsTransport<ScriptedSocket>({ deflate, ...options }) as Required<Transport<ScriptedSocket, WsFrame, string | Uint8Array>>
  const framed = (...texts: string[]): WsFrame[] => texts.map((text) => transport.frame(text, PUBLIC))
  // The probe called it already.
  deflate.mockClear()
  return { transport, framed, deflate }
}

interface Received {
  readonly text: string
  readonly isCompressed: boolean
}

/** What a client with this window makes of the bytes. Written from the standards, independently of the code under test. */
function receivedIn({ tcp }: ScriptedSocket, windowBits = 15): Received[] {
  const bytes = Buffer.concat(tcp.writes)
  const messages: Received[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at)
    expect([0b1000_0001, 0b1100_0001]).toContain(first)
    const short = bytes.readUInt8(at + 1)
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const payload = bytes.subarray(start, start + length)
    const isCompressed = first === 0b1100_0001
    messages.push({ text: String(isCompressed ? inflated(payload, windowBits) : payload), isCompressed })
    at = start + length
  }
  return messages
}

/** Inflates with output in small pieces, so that a reference beyond the window is an error. */
function inflated(payload: Buffer, windowBits: number): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { windowBits, chunkSize: 64, finishFlush: constants.Z_SYNC_FLUSH })
}

const compressed = (text: string): Received => ({ text, isCompressed: true })
const plain = (text: string): Received => ({ text, isCompressed: false })

describe('wsTransport › deflate', () => {
  it('compresses a message once for all sockets of one window size', () => {
    const { transport, framed, deflate } = transportWith()
    const sockets = [deflatingSocket(), deflatingSocket(), socketOfWindow(15)]
    const frames = framed(LONG)

    for (const socket of sockets) transport.write(socket, frames.slice())

    for (const socket of sockets) {
      expect(receivedIn(socket)).toEqual([compressed(LONG)])
      expect(socket.sent).toEqual([])
    }
    expect(deflate).toHaveBeenCalledTimes(1)
    expect(sockets[2]?.tcp.writes[0]).toBe(sockets[0]?.tcp.writes[0])
  })

  it('passes the bytes of the text, a sync flush and the window', () => {
    const { transport, framed, deflate } = transportWith()

    transport.write(socketOfWindow(11), framed(LONG))

    expect(deflate.mock.calls).toEqual([[expect.any(Uint8Array), { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 11 }]])
    expect(Buffer.from(deflate.mock.calls[0]?.[0] ?? []).toString()).toBe(LONG)
  })

  it('compresses bytes as a binary message', () => {
    const { transport } = transportWith()
    const socket = deflatingSocket()

    transport.write(socket, [transport.frame(Buffer.from(LONG), PUBLIC)])

    const [bytes = Buffer.alloc(0)] = socket.tcp.writes
    expect(bytes[0]).toBe(0b1100_0010)
    expect(String(inflated(bytes.subarray(4), 15))).toBe(LONG)
  })

  it('compresses once for each window size, so that each client can decode', () => {
    const { transport, framed, deflate } = transportWith()
    const frames = framed(LONG, SHORT, LONG.repeat(3))
    const bits = [9, 10, 11, 12, 13, 14, 15, 9, 15]
    const sockets = bits.map(socketOfWindow)

    for (const socket of sockets) transport.write(socket, frames.slice())

    for (const [i, socket] of sockets.entries()) {
      expect(receivedIn(socket, bits[i])).toEqual([compressed(LONG), plain(SHORT), compressed(LONG.repeat(3))])
    }
    expect(deflate).toHaveBeenCalledTimes(2 * 7)
  })

  it('shares one write among sockets of a window size, even if others come between them', () => {
    const { transport, framed } = transportWith()
    const frames = framed(LONG, LONG)
    const sockets = [15, 9, 15, 9, 15, 9].map(socketOfWindow)

    for (const socket of sockets) transport.write(socket, frames.slice())

    expect(sockets.map(({ tcp }) => tcp.corks)).toEqual([1, 1, 0, 0, 0, 0])
    expect(sockets[4]?.tcp.writes[0]).toBe(sockets[2]?.tcp.writes[0])
    expect(sockets[5]?.tcp.writes[0]).toBe(sockets[3]?.tcp.writes[0])
  })

  it('serves sockets without permessage-deflate in between, uncompressed', () => {
    const { transport, framed } = transportWith()
    const frames = framed(LONG, 'b')
    const [first, second, third] = [deflatingSocket(), socketWith(), deflatingSocket()]

    for (const socket of [first, second, third]) transport.write(socket, frames.slice())

    expect([first, second, third].map((socket) => receivedIn(socket))).toEqual([
      [compressed(LONG), plain('b')],
      [plain(LONG), plain('b')],
      [compressed(LONG), plain('b')],
    ])
  })

  it('does not compress a message that is never written', () => {
    const { framed, deflate } = transportWith()

    expect(framed(LONG)[0]?.text).toBe(LONG)
    expect(deflate).not.toHaveBeenCalled()
  })

  it('compresses nothing that was conflated while its connection was behind', () => {
    const { transport, deflate } = transportWith()
    const manager = new ConnectionManager({ transport: transport as unknown as Transport<Socket, WsFrame> })
    const socket = deflatingSocket()
    manager.addConnection('c1', socket, 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    socket.bufferedAmount = 1_000_000

    for (let n = 0; n < 5; n++) manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { n, LONG } })
    socket.bufferedAmount = 0
    manager.getConnection('c1')?.drained()

    expect(receivedIn(socket).map(({ text }) => JSON.parse(text).data.n)).toEqual([4])
    expect(deflate).toHaveBeenCalledTimes(1)
  })

  it.each([8, 9])('sends a message that a window of %i bits can decode', (bits) => {
    const { transport, framed, deflate } = transportWith()
    const socket = socketOfWindow(bits)

    transport.write(socket, framed(LONG))

    expect(receivedIn(socket, bits)).toEqual([bits === 8 ? plain(LONG) : compressed(LONG)])
    expect(deflate).toHaveBeenCalledTimes(bits === 8 ? 0 : 1)
  })

  it('sends a message uncompressed if compression does not make it shorter', () => {
    const { transport, framed } = transportWith({ threshold: 0 })
    const socket = deflatingSocket()

    transport.write(socket, framed(PANGRAM, '', 'a'))

    expect(receivedIn(socket)).toEqual([plain(PANGRAM), plain(''), plain('a')])
  })

  it.each<[size: string, lengths: readonly number[]]>([
    ['a short header', [40]],
    ['the first lengths of two bytes', [125, 126, 127]],
    ['the first lengths of eight bytes', [65_535, 65_536, 65_537]],
  ])('frames compressed payloads with %s', (_, lengths) => {
    const payloads = lengths.map((length) => randomBytes(length))
    let calls = 0
    const deflate: Deflate = (bytes, options) => (bytes[0] === 'x'.charCodeAt(0) ? Buffer.concat([payloads[calls++] as Buffer, TAIL]) : deflateRawSync(bytes, options))
    const { transport, framed } = transportWith({ deflate })
    const socket = deflatingSocket()

    for (const [i] of lengths.entries()) transport.write(socket, framed('x'.repeat(100_000 + i)))

    expect(socket.tcp.writes.map((bytes, i) => bytes.subarray(-(lengths[i] as number)))).toEqual(payloads)
    expect(socket.tcp.writes.map((bytes, i) => bytes.length - (lengths[i] as number))).toEqual(lengths.map((length) => (length < 126 ? 2 : length < 65_536 ? 4 : 10)))
    expect(socket.tcp.writes.map(([first]) => first)).toEqual(lengths.map(() => 0xc1))
  })

  it('writes directly again once ws is idle', () => {
    const { transport, framed } = transportWith()
    const sender = { _firstFragment: true, _queue: [], _state: 1 }
    const socket = deflatingSocket(undefined, { _sender: sender })

    transport.write(socket, framed(LONG))
    sender._state = 0
    transport.write(socket, framed(LONG))

    expect(socket.sent).toEqual([LONG])
    expect(receivedIn(socket)).toEqual([compressed(LONG)])
  })

  const idle = { _firstFragment: true, _queue: [], _state: 0 }
  const negotiated = { server_no_context_takeover: true }
  it.each<[string, ScriptedSocket]>([
    ['there is context takeover', deflatingSocket({})],
    ['only the client has no context takeover', deflatingSocket({ client_no_context_takeover: true })],
    ['the takeover is no boolean', deflatingSocket({ server_no_context_takeover: 'true' })],
    ['the window is unknown', deflatingSocket({ ...negotiated, server_max_window_bits: true })],
    ['the window is too small', socketOfWindow(7)],
    ['the window is too large', socketOfWindow(16)],
    ['the window is no whole number', socketOfWindow(10.5)],
    ['the window is a text', deflatingSocket({ ...negotiated, server_max_window_bits: '10' })],
    ['there are no parameters', deflatingSocket(null)],
    ['there is no record of extensions', socketWith({ extensions: 'permessage-deflate' })],
    ['the record of extensions is empty', Object.assign(deflatingSocket(), { _extensions: {} })],
    ['the record of extensions is null', Object.assign(deflatingSocket(), { _extensions: null })],
    ['another extension was negotiated as well', deflatingSocket(negotiated, { extensions: 'permessage-deflate,x-unknown' })],
    ['another extension was negotiated', deflatingSocket(negotiated, { extensions: 'x-unknown' })],
    ['it is a client', deflatingSocket(negotiated, { _isServer: false })],
    ['it is closing', deflatingSocket(negotiated, { readyState: CLOSING })],
    ['ws deflates', deflatingSocket(negotiated, { _sender: { ...idle, _state: 1 } })],
    ['ws before 8.18 deflates', deflatingSocket(negotiated, { _sender: { _firstFragment: true, _queue: [], _deflating: true } })],
    ['ws queues messages', deflatingSocket(negotiated, { _sender: { ...idle, _queue: [['ping']] } })],
    ['there is no TCP socket', deflatingSocket(negotiated, { _socket: null })],
  ])('leaves the message to ws if %s', (_, socket) => {
    const { transport, framed, deflate } = transportWith()

    expect(transport.write(socket, framed(LONG, 'b'))).toBe(2)

    expect(socket.sent).toEqual([LONG, 'b'])
    expect(socket.sentUncompressed).toEqual([])
    expect(socket.tcp.writes).toEqual([])
    expect(deflate).not.toHaveBeenCalled()
  })

  it('accepts nothing in the middle of a fragmented message', () => {
    const { transport, framed } = transportWith()
    const socket = deflatingSocket(negotiated, { _sender: { ...idle, _firstFragment: false } })

    expect(transport.write(socket, framed(LONG))).toBe(0)
    expect([socket.sent, socket.tcp.writes]).toEqual([[], []])
  })

  it('leaves a socket to ws if there is no deflate, whatever was negotiated', () => {
    const { transport, framed } = transportWith({ deflate: undefined })
    const socket = deflatingSocket()

    transport.write(socket, framed(LONG))

    expect([socket.sent, socket.sentUncompressed, socket.tcp.writes]).toEqual([[LONG], [], []])
  })
})

describe('wsTransport › deflate, with messages that are not for everybody', () => {
  it.each([
    ['a private message', PRIVATE],
    ['a text of connection.send', undefined],
  ])('does not compress %s', (_, message) => {
    const { transport, deflate } = transportWith()
    const socket = deflatingSocket()

    transport.write(socket, [transport.frame(LONG, PUBLIC), transport.frame(LONG, message), transport.frame(LONG, PUBLIC)])

    expect(receivedIn(socket)).toEqual([compressed(LONG), plain(LONG), compressed(LONG)])
    expect(deflate).toHaveBeenCalledTimes(2)
  })

  it('keeps ws from compressing them while ws is busy, and reports a drain when the last one was sent', () => {
    const { transport } = transportWith()
    const listener = vi.fn()
    const socket = deflatingSocket(undefined, { _sender: { _firstFragment: true, _queue: [], _state: 1 } })
    const end = transport.onDrain(socket, listener)

    transport.write(socket, [transport.frame('public', PUBLIC), transport.frame('private', PRIVATE), transport.frame('own', undefined)])
    for (const leave of socket.sendCallbacks) leave()
    end()

    expect(socket.sent).toEqual(['public', 'private', 'own'])
    expect(socket.sentUncompressed).toEqual(['private', 'own'])
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('lets ws compress them if there is no deflate', () => {
    const transport = wsTransport<ScriptedSocket>() as Required<Transport<ScriptedSocket, WsFrame, string | Uint8Array>>
    const socket = deflatingSocket()

    transport.write(socket, [transport.frame('private', PRIVATE)])

    expect([socket.sent, socket.sentUncompressed]).toEqual([['private'], []])
  })
})

describe('wsTransport › threshold', () => {
  it.each<[threshold: number | undefined, text: string, isCompressed: boolean]>([
    [undefined, 'x'.repeat(1_023), false],
    [undefined, 'x'.repeat(1_024), true],
    [undefined, '€'.repeat(341), false],
    [undefined, '€'.repeat(342), true],
    [100, 'x'.repeat(99), false],
    [100, 'x'.repeat(100), true],
    [0, 'x'.repeat(20), true],
    [Infinity, LONG, false],
  ])('of %s counts bytes (case %#)', (threshold, text, isCompressed) => {
    const { transport, framed, deflate } = transportWith({ threshold })
    const socket = deflatingSocket()

    transport.write(socket, framed(text))

    expect(receivedIn(socket)).toEqual([{ text, isCompressed }])
    expect(deflate).toHaveBeenCalledTimes(isCompressed ? 1 : 0)
  })

  it.each([NaN, -1, -Infinity, '1024', null, {}, 1n])('refuses %s', (threshold) => {
    const error = expectCode('ERR_INVALID_OPTION', () => wsTransport({ threshold: threshold as number }))

    expect(error['option']).toBe('threshold')
  })

  it('is refused even without a deflate', () => {
    expectCode('ERR_INVALID_OPTION', () => wsTransport({ deflate: undefined, threshold: -1 }))
    expect(() => wsTransport({ threshold: 10 })).not.toThrow()
  })
})

describe('wsTransport › the options', () => {
  it('can be left out', () => {
    expect(() => [wsTransport(), wsTransport({}), wsTransport(undefined), wsTransport({ deflate: undefined, threshold: undefined })]).not.toThrow()
  })

  it.each([
    ['an unknown name', { deflates: deflateRawSync }, 'deflates'],
    ['null', null, 'options'],
    ['a function', deflateRawSync, 'options'],
    ['an array', [deflateRawSync], 'options'],
    ['a getter that throws', Object.defineProperty({}, 'deflate', { get() { throw new Error('no') }, enumerable: true }), 'deflate'],
  ])('refuse %s', (_, options, option) => {
    const error = expectCode('ERR_INVALID_OPTION', () => wsTransport(options as WsOptions))

    expect(error['option']).toBe(option)
  })

  it('may be an instance of a class, whose deflate is called as its method', () => {
    class Options {
      #calls = 0
      get calls(): number {
        return this.#calls
      }
      deflate(bytes: Uint8Array, options: ZlibOptions): Uint8Array {
        this.#calls++
        return deflateRawSync(bytes, options)
      }
    }
    const options = new Options()
    const transport = wsTransport<ScriptedSocket>(options) as Required<Transport<ScriptedSocket, WsFrame, string | Uint8Array>>
    const tries = options.calls

    transport.write(deflatingSocket(), [transport.frame(LONG, PUBLIC)])

    expect(options.calls).toBe(tries + 1)
  })
})

const throwing: Deflate = () => {
  throw new Error('no')
}
const promised = (async () => new Uint8Array(8)) as unknown as Deflate
const rejected = (async () => throwing(new Uint8Array(), { finishFlush: 2, windowBits: 15 })) as unknown as Deflate
const asText = ((bytes, options) => deflateRawSync(bytes, options).toString('latin1')) as Deflate | ((...args: Parameters<Deflate>) => string) as Deflate

describe('wsTransport › a deflate that does not fit', () => {
  it.each<[string, unknown]>([
    ['is no function', 'deflateRawSync'],
    ['is null', null],
    ['has a length that throws', Object.defineProperty(() => {}, 'length', { get() { throw new Error('no') } })],
    ['adds a header of zlib', deflateSync],
    ['adds a header of zlib at any level', (bytes: Uint8Array, options: ZlibOptions) => deflateSync(bytes, { ...options, level: 1 })],
    ['adds a header of gzip', gzipSync],
    ['ends the stream', (bytes: Uint8Array, { windowBits }: ZlibOptions) => deflateRawSync(bytes, { windowBits })],
    ['ends the stream and adds the end of a flush', (bytes: Uint8Array, { windowBits }: ZlibOptions) => Buffer.concat([deflateRawSync(bytes, { windowBits }), TAIL])],
    ['ends by a partial flush', (bytes: Uint8Array, options: ZlibOptions) => deflateRawSync(bytes, { ...options, finishFlush: constants.Z_PARTIAL_FLUSH })],
    ['removes the end of the flush', (bytes: Uint8Array, options: ZlibOptions) => deflateRawSync(bytes, options).subarray(0, -4)],
    ['ignores the window', (bytes: Uint8Array, { finishFlush }: ZlibOptions) => deflateRawSync(bytes, { finishFlush })],
    ['returns its argument', (bytes: Uint8Array) => bytes],
    ['only stores', (bytes: Uint8Array, options: ZlibOptions) => deflateRawSync(bytes, { ...options, level: 0 })],
    ['throws', throwing],
    ['returns a promise', promised],
    ['returns a promise that rejects', rejected],
    ['takes a callback', deflateRaw],
    ['returns nothing', () => undefined],
    ['returns null', () => null],
    ['returns no bytes', () => new Uint8Array()],
    ['returns only the end of a flush', () => TAIL],
    ['returns a text', asText],
    ['returns an array', (bytes: Uint8Array, options: ZlibOptions) => [...deflateRawSync(bytes, options)]],
    ['returns an ArrayBuffer', (bytes: Uint8Array, options: ZlibOptions) => new Uint8Array(deflateRawSync(bytes, options)).buffer],
    ['returns words', () => new Uint16Array([1, 0, 0, 0xff, 0xff])],
  ])('is refused if it %s', (_, deflate) => {
    const error = expectCode('ERR_INVALID_OPTION', () => wsTransport({ deflate: deflate as Deflate }))

    expect(error['option']).toBe('deflate')
    expect(error.message).toContain('`deflate`')
  })

  it('is refused with its error as the cause', () => {
    const cause = new Error('no')

    const error = expectCode('ERR_INVALID_OPTION', () => wsTransport({ deflate: () => { throw cause } }))

    expect(error.cause).toBe(cause)
  })

  it.each<[string, Deflate]>([
    ['deflateRawSync of Node', deflateRawSync],
    ['with the fastest level', (bytes, options) => deflateRawSync(bytes, { ...options, level: 1 })],
    ['with a fixed code', (bytes, options) => deflateRawSync(bytes, { ...options, strategy: constants.Z_FIXED })],
    ['with a smaller window than asked for', (bytes, options) => deflateRawSync(bytes, { ...options, windowBits: 9 })],
    ['with a full flush', (bytes, options) => deflateRawSync(bytes, { ...options, finishFlush: constants.Z_FULL_FLUSH })],
    ['that returns a Uint8Array', (bytes, options) => new Uint8Array(deflateRawSync(bytes, options))],
  ])('is accepted: %s', (_, deflate) => {
    const { transport, framed } = transportWith({ deflate })
    const socket = deflatingSocket()

    transport.write(socket, framed(LONG))

    expect(receivedIn(socket)).toEqual([compressed(LONG)])
  })
})

describe('wsTransport › a deflate that fails later', () => {
  it.each<[string, unknown]>([
    ['throws', throwing],
    ['returns a promise that rejects', rejected],
    ['returns its argument', (bytes: Uint8Array) => bytes],
    ['returns nothing', () => undefined],
    ['ends the stream', (bytes: Uint8Array) => deflateRawSync(bytes)],
  ])('costs that message its compression if it %s, and no other message', (_, failing) => {
    let isFailing = false
    const deflate = vi.fn<Deflate>((bytes, options) => (isFailing ? (failing as Deflate)(bytes, options) : deflateRawSync(bytes, options)))
    const { transport, framed } = transportWith({ deflate })
    const sockets = [deflatingSocket(), deflatingSocket()]
    const [first, second] = [framed(LONG), framed(LONG)]
    deflate.mockClear()

    isFailing = true
    for (const socket of sockets) expect(transport.write(socket, first)).toBe(1)
    isFailing = false
    for (const socket of sockets) transport.write(socket, second)

    for (const socket of sockets) expect(receivedIn(socket)).toEqual([plain(LONG), compressed(LONG)])
    expect(deflate).toHaveBeenCalledTimes(2)
  })

  it('can use its bytes again, because the frame has its own', () => {
    const shared = Buffer.alloc(100_000)
    const deflate: Deflate = (bytes, options) => {
      const deflated = deflateRawSync(bytes, options)
      deflated.copy(shared)
      return shared.subarray(0, deflated.length)
    }
    const { transport, framed } = transportWith({ deflate })
    const socket = deflatingSocket()
    const other = LONG.toUpperCase()

    transport.write(socket, framed(LONG, other))

    expect(receivedIn(socket)).toEqual([compressed(LONG), compressed(other)])
  })
})
