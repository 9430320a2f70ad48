import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { ConnectionManager, type CloseReason, type StreamMessage } from '../../../src/index.ts'
import type { Transport } from '../../../src/ports/transport.ts'
import { wsTransport, type WsFrame } from '../../../src/transports/ws.ts'
import { expectCode } from '../../support/errors.ts'
import { CLOSED, CLOSING, CONNECTING, OPEN, socketWith, type ScriptedSocket } from '../../support/scripted-ws.ts'

const MESSAGE = { streamType: 'PRICE', data: null } as StreamMessage<unknown, string>

function transportFor() {
  const transport = wsTransport<ScriptedSocket>() as Required<Transport<ScriptedSocket, WsFrame, string | Uint8Array>>
  const framed = (...texts: string[]): WsFrame[] => texts.map((text) => transport.frame(text, MESSAGE))
  return { transport, framed }
}

/** The payloads of unmasked, final text frames. Written from the standard, independently of the code under test. */
function payloadsIn(bytes: Buffer): Buffer[] {
  const payloads: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0b1000_0001)
    const short = bytes.readUInt8(at + 1)
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10)
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    expect(bytes.length).toBeGreaterThanOrEqual(start + length)
    payloads.push(bytes.subarray(start, start + length))
    at = start + length
  }
  return payloads
}

const textsIn = (writes: readonly Buffer[]): string[] => payloadsIn(Buffer.concat(writes)).map(String)

describe('wsTransport › frame', () => {
  const { framed } = transportFor()
  const headerOf = (text: string): number[] => {
    const [bytes = new Uint8Array()] = framed(text).map((each) => each.bytes)
    return [...bytes.subarray(0, bytes.length - Buffer.byteLength(text))]
  }

  it.each([
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 0xff, 0xff]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [16_909_060, [0x81, 127, 0, 0, 0, 0, 1, 2, 3, 4]],
  ])('has the shortest header for a payload of %i bytes', (length, header) => {
    expect(headerOf('x'.repeat(length))).toEqual(header)
  })

  it.each([
    [new Uint8Array(), [0x82, 0]],
    [new Uint8Array([0, 0xff, 0x81]), [0x82, 3, 0, 0xff, 0x81]],
    [new Uint8Array([1, 2, 3, 4]).subarray(1, 3), [0x82, 2, 2, 3]],
  ])('is a binary message for bytes (case %#)', (data, bytes) => {
    const { transport } = transportFor()

    expect([...transport.frame(data, MESSAGE).bytes]).toEqual(bytes)
  })

  it.each([
    ['ä€😀', 'ä€😀'],
    ['€'.repeat(42), '€'.repeat(42)],
    ['€'.repeat(21_846), '€'.repeat(21_846)],
    ['a\uD800b', 'a\uFFFDb'],
    ['\uDC00', '\uFFFD'],
  ])('counts bytes and encodes well-formed UTF-8 (case %#)', (text, received) => {
    const [frame] = framed(text)

    expect(textsIn([frame?.bytes as Buffer])).toEqual([received])
    expect(frame?.text).toBe(text)
  })
})

describe('wsTransport › write', () => {
  it('writes all frames of a tick to each TCP socket at once, in order', () => {
    const { transport, framed } = transportFor()
    const sockets = [socketWith(), socketWith(), socketWith()]
    const frames = framed('a', '', 'ä'.repeat(100))

    const accepted = sockets.map((socket) => transport.write(socket, frames.slice()))

    expect(accepted).toEqual([3, 3, 3])
    for (const { sent, tcp } of sockets) {
      expect(sent).toEqual([])
      expect(tcp.writes.length).toBe(1)
      expect(textsIn(tcp.writes)).toEqual(['a', '', 'ä'.repeat(100)])
    }
  })

  it('joins frames once for all sockets that get the same frames, and separately for others', () => {
    const { transport, framed } = transportFor()
    const [first, second, third, other] = [socketWith(), socketWith(), socketWith(), socketWith()]
    const frames = framed('a', 'b')

    for (const socket of [first, second, third]) transport.write(socket, frames.slice())
    transport.write(other, [...frames, ...framed('c')])

    expect([first, second, third, other].map(({ tcp }) => tcp.corks)).toEqual([1, 0, 0, 1])
    expect(third.tcp.writes[0]).toBe(second.tcp.writes[0])
  })

  it('never confuses frames with those of the previous socket, even if the count or the first ones are equal', () => {
    const { transport, framed } = transportFor()
    const [a, b, c] = framed('a', 'b', 'c') as [WsFrame, WsFrame, WsFrame]
    const sequences = [[a, b], [a, b], [a, c], [a, b, c], [a, b], [b, a], [b, a], [a], [b, a], []]
    const socket = socketWith()

    for (const frames of sequences) transport.write(socket, frames)

    expect(textsIn(socket.tcp.writes)).toEqual(sequences.flat().map(({ text }) => text))
    expect(socket.sent).toEqual([])
  })

  it('keeps no frames after the tick', async () => {
    const { transport, framed } = transportFor()
    const frames = framed('a', 'b')
    const socket = socketWith()

    transport.write(socket, frames)
    await Promise.resolve()
    transport.write(socket, frames)
    await Promise.resolve()
    transport.write(socket, frames)

    expect(socket.tcp.corks).toBe(3)
  })

  it('writes a single frame without copying it', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith()
    const frames = framed('a')

    transport.write(socket, frames)

    expect(socket.tcp.corks).toBe(0)
    expect(socket.tcp.writes[0]).toBe(frames[0]?.bytes)
  })

  it('writes directly with ws before 8.18, which has another field for deflating', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith({ _sender: { _firstFragment: true, _queue: [], _deflating: false } })

    transport.write(socket, framed('a'))

    expect(textsIn(socket.tcp.writes)).toEqual(['a'])
  })

  const idle = { _firstFragment: true, _queue: [], _state: 0 }
  it.each<[string, Partial<Record<keyof ScriptedSocket, unknown>>]>([
    ['it is a client, which has to mask', { _isServer: false }],
    ['permessage-deflate was negotiated', { extensions: 'permessage-deflate' }],
    ['any extension was negotiated', { extensions: 'x-unknown' }],
    ['ws deflates', { _sender: { ...idle, _state: 1 } }],
    ['ws reads a Blob', { _sender: { ...idle, _state: 2 } }],
    ['ws before 8.18 deflates', { _sender: { _firstFragment: true, _queue: [], _deflating: true } }],
    ['ws queues messages', { _sender: { ...idle, _queue: [['ping']] } }],
    ['it is unknown whether it is a server', { _isServer: undefined }],
    ['there is no extensions field', { extensions: undefined }],
    ['there is no sender', { _sender: undefined }],
    ['the sender is gone', { _sender: null }],
    ['the sender has no queue', { _sender: { ...idle, _queue: undefined } }],
    ['the sender has another kind of queue', { _sender: { ...idle, _queue: new Set() } }],
    ['the sender has no state', { _sender: { _firstFragment: true, _queue: [] } }],
    ['the sender has another kind of state', { _sender: { ...idle, _state: 'default' } }],
    ['the sender has a state of its own beside the old flag', { _sender: { ...idle, _state: 1, _deflating: false } }],
    ['the sender has no fragment state', { _sender: { _queue: [], _state: 0 } }],
    ['there is no TCP socket', { _socket: undefined }],
    ['the TCP socket is gone', { _socket: null }],
    ['the TCP socket cannot write', { _socket: { writable: true, cork() {}, uncork() {} } }],
    ['the TCP socket cannot be corked', { _socket: { writable: true, write() {}, uncork() {} } }],
    ['the TCP socket cannot be uncorked', { _socket: { writable: true, write() {}, cork() {} } }],
  ])('uses ws.send for each message, in order, if %s', (_case, differences) => {
    const { transport, framed } = transportFor()
    const socket = socketWith(differences)

    const accepted = transport.write(socket, framed('a', 'ä', 'b'))

    expect(accepted).toBe(3)
    expect(socket.sent).toEqual(['a', 'ä', 'b'])
    expect(socket.tcp.writes).toEqual([])
  })

  it('accepts nothing in the middle of a fragmented message, until that has ended', () => {
    const { transport, framed } = transportFor()
    const sender = { ...idle, _firstFragment: false }
    const socket = socketWith({ _sender: sender })
    const frames = framed('a', 'b')

    expect(transport.write(socket, frames)).toBe(0)
    expect([socket.sent, socket.tcp.writes]).toEqual([[], []])
    sender._firstFragment = true

    expect(transport.write(socket, frames)).toBe(2)
    expect(textsIn(socket.tcp.writes)).toEqual(['a', 'b'])
  })

  it.each([
    ['CONNECTING', CONNECTING],
    ['CLOSING', CLOSING],
    ['CLOSED', CLOSED],
  ])('uses ws.send for a socket that is %s, even in the middle of a fragmented message', (_name, readyState) => {
    const { transport, framed } = transportFor()
    const socket = socketWith({ readyState, _sender: { ...idle, _firstFragment: false } })

    expect(transport.write(socket, framed('a'))).toBe(1)
    expect([socket.sent, socket.tcp.writes]).toEqual([['a'], []])
  })

  it('uses ws.send if the TCP socket has ended before ws knows it', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith()
    socket.tcp.writable = false

    expect(transport.write(socket, framed('a'))).toBe(1)
    expect([socket.sent, socket.tcp.writes]).toEqual([['a'], []])
  })
})

describe('wsTransport › bufferedBytes', () => {
  it('is what ws has accepted and not yet sent', () => {
    expect(transportFor().transport.bufferedBytes(socketWith({ bufferedAmount: 42 }))).toBe(42)
  })
})

describe('wsTransport › onDrain', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function watched(socket: ScriptedSocket) {
    const listener = vi.fn()
    const end = transportFor().transport.onDrain(socket, listener)
    return { listener, end, tcp: socket.tcp }
  }

  it('waits for the drain of the TCP socket without polling', () => {
    const { listener, tcp } = watched(socketWith())
    tcp.writableNeedDrain = true

    vi.advanceTimersByTime(1_000)
    expect(listener).not.toHaveBeenCalled()
    tcp.emit('drain')

    expect(listener).toHaveBeenCalledTimes(1)
  })

  it.each<[string, ScriptedSocket]>([
    ['no drain event is expected', socketWith()],
    ['there is no TCP socket', socketWith({ _socket: null })],
    ['the TCP socket is an unknown object', socketWith({ _socket: {} })],
  ])('polls every 50 ms while %s', (_case, socket) => {
    const { listener } = watched(socket)

    vi.advanceTimersByTime(49)
    expect(listener).not.toHaveBeenCalled()
    vi.advanceTimersByTime(101)

    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('reports a drain when ws.send has sent the last message of each write, until it is stopped', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith({ extensions: 'permessage-deflate' })
    const listener = vi.fn()

    transport.write(socket, framed('a', 'b', 'c'))
    const end = transport.onDrain(socket, listener)
    transport.write(socket, framed('d'))
    expect([listener.mock.calls.length, socket.sendCallbacks.length]).toEqual([0, 2])
    socket.sendCallbacks[0]?.()
    expect(listener).toHaveBeenCalledTimes(1)
    end()
    socket.sendCallbacks[1]?.()

    expect(listener).toHaveBeenCalledTimes(1)
    expect(socket.sent).toEqual(['a', 'b', 'c', 'd'])
  })

  it('reports a drain when ws.send has sent a single message', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith({ extensions: 'permessage-deflate' })
    const listener = vi.fn()
    const end = transport.onDrain(socket, listener)

    transport.write(socket, framed('a'))
    for (const leave of socket.sendCallbacks) leave()
    end()

    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('does nothing without a listener', () => {
    const { transport, framed } = transportFor()
    const socket = socketWith({ extensions: 'permessage-deflate' })

    transport.write(socket, framed('a'))

    expect(() => socket.sendCallbacks[0]?.()).not.toThrow()
  })

  it('polls when no drain event is expected', () => {
    const { listener, tcp } = watched(socketWith())
    tcp.writableNeedDrain = true
    vi.advanceTimersByTime(100)

    tcp.writableNeedDrain = false
    vi.advanceTimersByTime(50)

    expect(listener).toHaveBeenCalledTimes(1)
  })

  it.each<[string, ScriptedSocket]>([
    ['as it is', socketWith()],
    ['without a TCP socket', socketWith({ _socket: undefined })],
    ['with another TCP socket', socketWith({ _socket: {} })],
  ])('leaves no listener or timer behind once it is stopped, on a socket %s', (_case, socket) => {
    const { listener, end, tcp } = watched(socket)

    end()
    end()
    tcp.emit('drain')
    vi.advanceTimersByTime(1_000)

    expect(listener).not.toHaveBeenCalled()
    expect(tcp.listenerCount('drain')).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not keep the process alive', () => {
    const unref = vi.fn()
    const setInterval = vi.spyOn(globalThis, 'setInterval').mockReturnValue({ unref } as never)

    watched(socketWith())

    expect(unref).toHaveBeenCalledTimes(1)
    setInterval.mockRestore()
  })
})

describe('wsTransport › close', () => {
  it.each<[CloseReason, number]>([
    ['removed', 1000],
    ['peer-closed', 1000],
    ['cleanup', 1001],
    ['send-failed', 1011],
    ['slow-consumer', 1013],
  ])('closes a socket for the reason %s with the code %i', (reason, code) => {
    const socket = socketWith()

    void transportFor().transport.close(socket, reason)

    expect(socket.closes.map(([first]) => first)).toEqual([code])
  })

  it.each([
    ['open', OPEN],
    ['closing', CLOSING],
  ])('settles once a socket that was %s is closed', async (_name, readyState) => {
    const socket = socketWith({ readyState })
    const settled = vi.fn()

    const closing = Promise.resolve(transportFor().transport.close(socket, 'removed')).then(settled)
    await Promise.resolve()
    expect(settled).not.toHaveBeenCalled()
    socket.emit('close', 1000, Buffer.from(''))
    await closing

    expect(settled).toHaveBeenCalledTimes(1)
    expect(socket.listenerCount('close')).toBe(0)
  })

  it('settles at once on a closed socket', async () => {
    const socket = socketWith({ readyState: CLOSED })

    await transportFor().transport.close(socket, 'cleanup')

    expect(socket.closes).toEqual([])
  })

  it('rejects when ws throws', async () => {
    const socket = socketWith({
      close() {
        throw new Error('no')
      },
    })

    await expect(transportFor().transport.close(socket, 'removed')).rejects.toThrow('no')
  })
})

describe('wsTransport › onClose', () => {
  it('removes the connection when its socket closes, whatever the host does afterwards', async () => {
    const manager = new ConnectionManager<ScriptedSocket>({ transport: wsTransport() })
    const socket = socketWith()
    const connection = manager.addConnection('c1', socket, 'alice')
    const reasons: string[] = []
    manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))
    const removals: Promise<boolean>[] = []
    socket.on('close', () => removals.push(connection.remove({ close: false })))

    socket.readyState = CLOSED
    socket.emit('close', 1006, Buffer.from(''))

    expect(manager.connectionCount).toBe(0)
    expect(reasons).toEqual(['peer-closed'])
    expect(await Promise.all(removals)).toEqual([false])
    expect(socket.closes).toEqual([])
  })

  it('leaves no listener behind on a socket whose connections are removed', async () => {
    const manager = new ConnectionManager<ScriptedSocket>({ transport: wsTransport() })
    const socket = socketWith()

    for (let i = 0; i < 20; i++) await manager.addConnection('c1', socket, `user${i}`).remove({ close: false })

    expect(socket.listenerCount('close')).toBe(0)
  })

  it('works with a socket that cannot remove listeners', async () => {
    const manager = new ConnectionManager<ScriptedSocket>({ transport: wsTransport() })
    const errors: unknown[] = []
    manager.on('error', ({ error }) => errors.push(error))
    const socket = socketWith({ off: undefined })
    await manager.addConnection('c1', socket, 'alice').remove({ close: false })
    const next = manager.addConnection('c1', socketWith(), 'alice')

    socket.emit('close')

    expect(next.removed).toBe(false)
    expect(errors).toEqual([])
  })

  it.each([CLOSING, CLOSED])('makes a manager refuse a socket whose readyState is %i', (readyState) => {
    const manager = new ConnectionManager<ScriptedSocket>({ transport: wsTransport() })
    const socket = socketWith({ readyState })

    expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', socket, 'alice'))

    expect(socket.listenerCount('close')).toBe(0)
  })
})

describe('wsTransport › terminate', () => {
  it('terminates the socket', () => {
    const socket = socketWith()

    transportFor().transport.terminate(socket)

    expect(socket.terminations).toBe(1)
  })
})

describe('wsTransport', () => {
  it('accepts the sockets of ws', () => {
    const transport: Transport<WebSocket, WsFrame> = wsTransport()

    expect(transport).toBeTypeOf('object')
  })
})
