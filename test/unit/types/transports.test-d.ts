import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2'
import type { WritableStreamDefaultWriter as NodeWriter } from 'node:stream/web'
import { deflateRaw, deflateRawSync } from 'node:zlib'
import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket as WsWebSocket } from 'ws'
import type { Socket, StreamMessage } from '../../../src/index.ts'
import type { Transport } from '../../../src/ports/transport.ts'
import { bunTransport } from '../../../src/transports/bun.ts'
import { sseHeaders, sseSocket, sseTransport, type SseSocket, type SseTarget } from '../../../src/transports/sse.ts'
import { uwsTransport } from '../../../src/transports/uws.ts'
import { wsTransport, type WsFrame, type WsOptions } from '../../../src/transports/ws.ts'

/** The relevant part of the types of uWebSockets.js. */
interface UwsWebSocket<TUserData> {
  send(message: string | ArrayBuffer | Uint8Array, isBinary?: boolean, compress?: boolean): number
  getBufferedAmount(): number
  end(code?: number, shortMessage?: string | ArrayBuffer | Uint8Array): void
  close(): void
  cork(callback: () => void): UwsWebSocket<TUserData>
  getUserData(): TUserData
}

/** The relevant part of the types of Bun. */
interface BunWebSocket<TData> {
  readonly data: TData
  readonly readyState: 0 | 1 | 2 | 3
  send(data: string | ArrayBuffer | Uint8Array, compress?: boolean): number
  getBufferedAmount(): number
  close(code?: number, reason?: string): void
  terminate(): void
  cork<TResult>(callback: (ws: BunWebSocket<TData>) => TResult): TResult
}

interface Session {
  readonly userId: string
}

describe('Transport<TSocket, TFrame>', () => {
  it('writes the frames that it makes', () => {
    const transport: Transport<Socket, Uint8Array> = {
      frame: (text) => new TextEncoder().encode(text),
      write: (_socket, frames) => frames.length,
    }

    expectTypeOf(transport.write!).parameter(1).toEqualTypeOf<readonly Uint8Array[]>()
  })

  it('writes texts if it makes no frames', () => {
    expectTypeOf<NonNullable<Transport['write']>>().parameter(1).toEqualTypeOf<readonly string[]>()
    expectTypeOf<NonNullable<Transport['write']>>().parameter(0).toEqualTypeOf<Socket>()
  })

  it('writes no other frames than its own', () => {
    const transport: Transport<Socket, Uint8Array> = {
      frame: (text) => new TextEncoder().encode(text),
      // @ts-expect-error the frames are bytes
      write: (_socket, frames: readonly string[]) => frames.length,
    }
    const mute: Transport<Socket, Uint8Array> = {
      // @ts-expect-error a text is no bytes
      frame: (text) => text,
    }
    expectTypeOf([transport, mute]).toEqualTypeOf<Transport<Socket, Uint8Array>[]>()
  })

  it('returns a number or nothing from write', () => {
    // @ts-expect-error neither a number nor nothing
    expectTypeOf<Transport>({ write: () => 'all' }).toEqualTypeOf<Transport>()
  })

  it('has only optional hooks, and no other members', () => {
    expectTypeOf({}).toExtend<Transport>()
    expectTypeOf<keyof Transport>().toEqualTypeOf<'frame' | 'write' | 'bufferedBytes' | 'onDrain' | 'onClose' | 'close' | 'terminate'>()
  })
})

describe('wsTransport', () => {
  it('accepts the sockets of ws, with one frame type for all', () => {
    expectTypeOf(wsTransport()).toExtend<Transport<WsWebSocket, WsFrame>>()
  })

  it("accepts Node's function as its deflate, and a threshold", () => {
    wsTransport({ deflate: deflateRawSync, threshold: 512 })
    wsTransport({ deflate: (bytes, options) => deflateRawSync(bytes, { ...options, level: 1 }) })
    expectTypeOf<WsOptions['threshold']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<NonNullable<WsOptions['deflate']>>().parameter(1).toEqualTypeOf<{ readonly finishFlush: number; readonly windowBits: number }>()
  })

  it('accepts no deflate that answers later, and no unknown option', () => {
    // @ts-expect-error it takes a callback
    wsTransport({ deflate: deflateRaw })
    // @ts-expect-error it returns a promise
    wsTransport({ deflate: async (bytes) => bytes })
    // @ts-expect-error it returns a text
    wsTransport({ deflate: () => '' })
    // @ts-expect-error there is no such option
    wsTransport({ level: 1 })
  })

  it('accepts no sockets of the DOM', () => {
    // @ts-expect-error it has neither terminate nor once
    const transport: Transport<WebSocket, WsFrame> = wsTransport()
    expectTypeOf(transport).toEqualTypeOf<Transport<WebSocket, WsFrame>>()
  })
})

describe('uwsTransport', () => {
  it('accepts the sockets of uWebSockets.js', () => {
    expectTypeOf<UwsWebSocket<Session>>().toExtend<Socket>()
    expectTypeOf(uwsTransport()).toExtend<Transport<UwsWebSocket<Session>>>()
  })

  it('accepts no socket without cork', () => {
    // @ts-expect-error it has neither cork nor end
    const transport: Transport<WebSocket> = uwsTransport()
    expectTypeOf(transport).toEqualTypeOf<Transport<WebSocket>>()
  })
})

describe('bunTransport', () => {
  it("accepts Bun's sockets", () => {
    expectTypeOf<BunWebSocket<Session>>().toExtend<Socket>()
    expectTypeOf(bunTransport()).toExtend<Transport<BunWebSocket<Session>>>()
  })

  it('accepts no socket without terminate', () => {
    // @ts-expect-error it has neither readyState nor terminate
    const transport: Transport<UwsWebSocket<Session>> = bunTransport()
    expectTypeOf(transport).toEqualTypeOf<Transport<UwsWebSocket<Session>>>()
  })
})

describe('sseSocket', () => {
  it('accepts the responses of node:http and node:http2, and HTTP/2 streams', () => {
    expectTypeOf<ServerResponse>().toExtend<SseTarget>()
    expectTypeOf<Http2ServerResponse>().toExtend<SseTarget>()
    expectTypeOf<ServerHttp2Stream>().toExtend<SseTarget>()
  })

  it('accepts the writers of web streams', () => {
    expectTypeOf<WritableStreamDefaultWriter>().toExtend<SseTarget>()
    expectTypeOf<WritableStreamDefaultWriter<Uint8Array>>().toExtend<SseTarget>()
    expectTypeOf<WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>>().toExtend<SseTarget>()
    expectTypeOf<NodeWriter<Uint8Array>>().toExtend<SseTarget>()
  })

  it('accepts no stream without its writer, and no writer of strings', () => {
    // @ts-expect-error a stream has to be locked by a writer first
    sseSocket(new WritableStream<Uint8Array>())
    // @ts-expect-error an event stream is bytes
    sseSocket(new WritableStream<string>().getWriter())
  })

  it('is a socket', () => {
    expectTypeOf(sseSocket).returns.toEqualTypeOf<SseSocket>()
    expectTypeOf<SseSocket>().toExtend<Socket>()
    expectTypeOf<SseSocket['bufferedAmount']>().toEqualTypeOf<number>()
  })
})

describe('sseTransport', () => {
  it('accepts the sockets of sseSocket, with bytes as frames', () => {
    expectTypeOf(sseTransport).returns.toExtend<Transport<SseSocket, { readonly bytes: Uint8Array }>>()
  })

  it('accepts no other sockets', () => {
    // @ts-expect-error a WebSocket has no response to write to
    const transport: Transport<WebSocket, Uint8Array> = sseTransport()
    expectTypeOf(transport).toEqualTypeOf<Transport<WebSocket, Uint8Array>>()
  })

  it('passes messages to the functions in its options, which return strings', () => {
    sseTransport({
      id: (message) => {
        expectTypeOf(message).toEqualTypeOf<StreamMessage<unknown, string>>()
        return undefined
      },
      event: ({ streamType }) => streamType,
    })
    // @ts-expect-error an id is a text
    sseTransport({ id: () => 7 })
    // @ts-expect-error there is no such option
    sseTransport({ retry: 1_000 })
  })
})

describe('sseHeaders', () => {
  it('can be passed to a response of Node and of the web', () => {
    expectTypeOf(sseHeaders).toExtend<NonNullable<Parameters<ServerResponse['writeHead']>[1]>>()
    expectTypeOf(sseHeaders).toExtend<HeadersInit>()
  })
})
