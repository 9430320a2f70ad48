import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { deflaterIn, SMALLEST_DEFLATE_BITS } from './ws/deflater.ts'
import { FrameWriter } from './ws/frame-writer.ts'
import { MessageFrame } from './ws/frame.ts'
import { isIdle, isWritable, windowBitsOf, type Internals } from './ws/internals.ts'
import { Sendings } from './ws/sendings.ts'

// The only globals of Node that this transport uses.
declare function setInterval(fn: () => void, ms: number): { unref(): unknown }
declare function clearInterval(timer: unknown): void

/** The socket members that this transport uses. The `WebSocket` of ws 8 has them all. */
export interface WsSocket {
  /** `1` while the socket is open, `3` once it is closed. */
  readonly readyState: number
  /** Bytes that the socket has accepted but not sent yet. Bytes in the buffer of the TCP socket count, too. */
  readonly bufferedAmount: number
  /** The negotiated extensions: `permessage-deflate`, or an empty text. */
  readonly extensions: string
  /**
   * Sends a text, or bytes if the host sends bytes. The transport calls `send` only if it does not write to the TCP socket directly: see
   * `wsTransport`.
   */
  send(text: string, done?: () => void): void
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Closes the TCP socket at once and discards its buffer. */
  terminate(): void
  /** Calls the listener when the socket is closed. */
  once(event: 'close', listener: () => void): unknown
  /** Removes a listener. If a socket has no `off`, listeners stay until the socket closes. */
  off?(event: 'close', listener: () => void): unknown
}

/** One message in two forms: a WebSocket frame for a direct write, and the plain text or bytes for `ws.send`. */
export interface WsFrame {
  /** The plain text, or the caller's bytes, for `ws.send`. */
  readonly text: string | Uint8Array
  /**
   * The message as an unmasked WebSocket frame with its header: a text frame for a text, a binary frame for bytes. The frame is made when `bytes` is
   * first read, and holds a copy of the payload.
   */
  readonly bytes: Uint8Array
  /** False if the message must not be compressed, not even by ws. */
  readonly isCompressible: boolean
  /**
   * Returns the frame, compressed for a window of 2 to the power of `windowBits` bytes (`windowBits` is 9 to 15). A message is compressed only once
   * for each window size. Returns `bytes` if the message is not compressed, for example because it is short or private.
   */
  deflated(windowBits: number): Uint8Array
}

/** The options of `wsTransport`. */
export interface WsOptions {
  /**
   * Compresses a message once for all sockets with the same window size, instead of once for each socket. You may pass `deflateRawSync` of
   * `node:zlib`.
   *
   * The function is used for server sockets that negotiated `server_no_context_takeover`. To negotiate this parameter, create the WebSocket server
   * with `perMessageDeflate: { serverNoContextTakeover: true }`. The function is called when a message is written, once for each window size. If a
   * socket negotiated a window of 2 to the power of 8 bytes, the function is not used, and messages that are written directly are not compressed.
   *
   * The function must return a raw deflate stream that ends with a sync flush (`finishFlush` is `2`, zlib's `Z_SYNC_FLUSH`). `windowBits` is 9 to 15.
   * A reference in the stream may reach back at most 2 to the power of `windowBits` bytes. `wsTransport` tests the function at once, and throws if
   * the function throws or returns a wrong result. If the function fails later, or does not make a message shorter, the message is sent uncompressed.
   *
   * With this option, private messages, texts from `connection.send`, and notices that are sent like such texts are never compressed, not even by ws.
   * The compressed length of a private message could reveal a secret.
   *
   * @default `undefined`: ws compresses each message for each socket
   */
  readonly deflate?: ((bytes: Uint8Array, options: { readonly finishFlush: number; readonly windowBits: number }) => Uint8Array) | undefined
  /**
   * The minimum size of a message that is compressed, in bytes. For a shorter message, `deflate` is not called. With `0`, `deflate` is called for
   * every public message. With `Infinity`, it is never called. Without `deflate`, this option has no effect. ws has its own `threshold` for messages
   * that go through `socket.send`.
   *
   * @default 1_024
   */
  readonly threshold?: number | undefined
}

const OPEN = 1
const CLOSED = 3

/** How often the transport reports a possible drain, for the cases in which Node does not emit `drain`. */
const POLL_INTERVAL_MS = 50

/**
 * Returns the transport for ws 8. The transport frames each message once for all sockets. The messages of one turn of the event loop go out in one
 * write, unless they exceed `softLimitBytes`.
 *
 * The frames are written directly to ws's TCP socket. These writes bypass `socket.send`, and any code that wraps `socket.send`. If a direct write is
 * not safe, each message goes through `socket.send`. A direct write is not safe if your code made the socket with `new WebSocket(url)`, if the socket
 * is closing, or if its TCP connection has ended. It is also not safe while ws deflates or reads a Blob, or if ws does not have the expected private
 * fields. While the host sends a message in fragments (`fin: false`), other messages wait until the host has sent the last fragment. Otherwise ws
 * would make these messages part of the fragmented message.
 *
 * With permessage-deflate, messages go through `socket.send` too, and ws compresses each message for each socket. The option `deflate` avoids this
 * for the sockets that it supports.
 *
 * A connection is removed when its socket emits `close`. While the socket is still closing, `socket.send` discards messages without throwing, so they
 * count as sent.
 *
 * Close codes: 1000 (removed), 1001 (cleanup), 1011 (send failed), or the code of `remove({ code, reason })`. A slow consumer gets 1013 if its socket
 * has room again when the connection is removed. Otherwise the socket is terminated, and the client sees 1006.
 *
 * @throws `ERR_INVALID_OPTION` if an option is unknown or out of range, or if the test of `deflate` fails
 *
 * @example
 * import type { WebSocket } from 'ws'
 * import { wsTransport } from 'stream-connection-manager/transports/ws'
 *
 * const manager = new ConnectionManager<WebSocket>({ transport: wsTransport() })
 *
 * manager.addConnection('c1', socket, 'alice')
 *
 * @example
 * // If the server is new WebSocketServer({ perMessageDeflate: { serverNoContextTakeover: true } }), each public message is compressed once.
 * import { deflateRawSync } from 'node:zlib'
 *
 * const compressing = new ConnectionManager<WebSocket>({ transport: wsTransport({ deflate: deflateRawSync }) })
 */
export function wsTransport<TSocket extends WsSocket = WsSocket>(options: WsOptions = {}): Transport<TSocket, WsFrame, WireData> {
  const deflater = deflaterIn(options)
  const writers = new Writers(deflater !== undefined)
  const sendings = new Sendings()
  return {
    frame: (text, message) => new MessageFrame(text, deflater, deflater === undefined || isPublic(message)),
    write: (socket, frames) => write(socket, frames, { writers, sendings }),
    bufferedBytes,
    onDrain: (socket, listener) => onDrain(socket, listener, sendings),
    onClose,
    close,
    terminate,
  }
}

/**
 * True for a message of a public stream. False for a private message. Also false for a text from `connection.send`, and for a notice that is sent
 * like one, because such a text may be private.
 */
function isPublic(message: { readonly userId?: string | undefined } | undefined): boolean {
  return message !== undefined && message.userId === undefined
}

/** The writers for direct writes: one for uncompressed frames, and one for each window size. */
class Writers {
  readonly #plain = new FrameWriter<WsFrame>(({ bytes }) => bytes)
  /** The writers for compressed frames, indexed by window bits. `undefined` if there is no `deflate`. */
  readonly #deflating: FrameWriter<WsFrame>[] | undefined

  constructor(isDeflating: boolean) {
    this.#deflating = isDeflating ? [] : undefined
  }

  /** Returns the writer for a server's socket, or `undefined` if the messages must go through `socket.send`. */
  for(socket: WsSocket): FrameWriter<WsFrame> | undefined {
    if (socket.extensions === '') return this.#plain
    if (this.#deflating === undefined) return undefined
    const windowBits = windowBitsOf(socket)
    if (windowBits === undefined) return undefined
    if (windowBits < SMALLEST_DEFLATE_BITS) return this.#plain
    return (this.#deflating[windowBits] ??= new FrameWriter((frame) => frame.deflated(windowBits)))
  }
}

interface Ways {
  readonly writers: Writers
  readonly sendings: Sendings
}

function write(socket: WsSocket, frames: readonly WsFrame[], { writers, sendings }: Ways): number {
  const { _isServer: isServer, _socket: tcp, _sender: sender } = socket as Internals
  const isOpen = socket.readyState === OPEN
  if (isOpen && sender?._firstFragment === false) return 0
  const writer = isOpen && isServer === true ? writers.for(socket) : undefined
  if (writer !== undefined && isIdle(sender) && isWritable(tcp)) writer.write(tcp, frames)
  else sendings.send(socket, frames)
  return frames.length
}

function bufferedBytes(socket: WsSocket): number {
  return socket.bufferedAmount
}

function onDrain(socket: WsSocket, listener: () => void, sendings: Sendings): () => void {
  const tcp = (socket as Internals)._socket
  const stopListening = sendings.listen(socket, listener)
  // Node emits `drain` only after a write that filled its buffer. It emits nothing after a smaller write, and nothing when the host has sent the last
  // fragment of a message. So poll as well.
  const timer = setInterval(() => {
    if (tcp?.writableNeedDrain !== true) listener()
  }, POLL_INTERVAL_MS)
  timer.unref()
  tcp?.on?.('drain', listener)
  return () => {
    stopListening()
    clearInterval(timer)
    tcp?.off?.('drain', listener)
  }
}

function onClose(socket: WsSocket, listener: () => void): () => void {
  socket.once('close', listener)
  return () => void socket.off?.('close', listener)
}

function close(socket: WsSocket, reason: CloseReason, details?: CloseDetails): Promise<void> {
  if (socket.readyState === CLOSED) return Promise.resolve()
  const { code, reason: text } = closeFrame(reason, details)
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.close(code, text)
  })
}

function terminate(socket: WsSocket): void {
  socket.terminate()
}
