import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { deflaterIn, SMALLEST_DEFLATE_BITS } from './ws/deflater.ts'
import { FrameWriter } from './ws/frame-writer.ts'
import { MessageFrame } from './ws/frame.ts'
import { isIdle, isWritable, windowBitsOf, type Internals } from './ws/internals.ts'
import { Sendings } from './ws/sendings.ts'

// All that this transport needs of Node.
declare function setInterval(fn: () => void, ms: number): { unref(): unknown }
declare function clearInterval(timer: unknown): void

/** All that this transport needs of a socket. The `WebSocket` of ws 8 fits as it is. */
export interface WsSocket {
  /** `1` while it is open, `3` once it is closed. */
  readonly readyState: number
  /** Bytes that it has accepted and not sent yet, the TCP socket's buffer included. */
  readonly bufferedAmount: number
  /** Empty, or the extensions that were negotiated: `permessage-deflate`. */
  readonly extensions: string
  /** Sends a message: a text, or bytes if the host makes them. Used if a direct write would not be safe. */
  send(text: string, done?: () => void): void
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Closes the TCP socket at once and discards its buffer. */
  terminate(): void
  /** Calls the listener when the socket is closed. */
  once(event: 'close', listener: () => void): unknown
  /** Removes a listener. If it is missing, listeners stay until the socket closes. */
  off?(event: 'close', listener: () => void): unknown
}

/** One message, in each of its forms: as a WebSocket frame for a direct write, and as it is for `ws.send`. */
export interface WsFrame {
  /** The text, or the caller's own bytes, for `ws.send`. */
  readonly text: string | Uint8Array
  /**
   * The message as an unmasked WebSocket frame with its header: a text frame for a text, a binary frame for bytes. It is a copy, made when first
   * read.
   */
  readonly bytes: Uint8Array
  /** False if nothing may compress it, not even ws. */
  readonly isCompressible: boolean
  /** Returns the frame for a window of `windowBits` (9 to 15), compressed once for each size. Returns `bytes` if that is not shorter. */
  deflated(windowBits: number): Uint8Array
}

/** The options of `wsTransport`. */
export interface WsOptions {
  /**
   * Compresses a message once for all sockets, instead of once for each. `deflateRawSync` of `node:zlib` fits as it is.
   *
   * It is used for server sockets that negotiated `server_no_context_takeover`: give ws `perMessageDeflate: { serverNoContextTakeover: true }`. It is
   * called when a message is written, once for each window size.
   *
   * It returns a raw deflate stream that ends with a sync flush (`finishFlush` is `2`, zlib's `Z_SYNC_FLUSH`) and refers back no further than
   * 2 to the power of `windowBits` bytes (9 to 15). `wsTransport` tries it, and throws if the result does not fit. If it fails later, that
   * message is sent uncompressed.
   *
   * Private messages and what `connection.send` sends are then never compressed, not even by ws, because their length could reveal a secret.
   *
   * @default none: ws compresses each message for each socket
   */
  readonly deflate?: ((bytes: Uint8Array, options: { readonly finishFlush: number; readonly windowBits: number }) => Uint8Array) | undefined
  /**
   * If a message has fewer bytes, it is sent uncompressed, and `deflate` is not called. `0`: every message is tried. `Infinity`: none is. For
   * messages that ws sends, ws's own `threshold` applies.
   *
   * @default 1_024
   */
  readonly threshold?: number | undefined
}

const OPEN = 1
const CLOSED = 3

/** How often to report a possible drain while Node will not emit one. */
const POLL_INTERVAL_MS = 50

/**
 * Returns the transport for ws 8. Each message is framed once for all sockets. The messages of one turn are one write.
 *
 * The frames are written directly to ws's TCP socket. They bypass `socket.send`, and anything that wraps it. If a direct write is not safe, each
 * message goes through `socket.send` instead. That is so on a client's socket, while ws deflates or reads a Blob, and if ws does not have the
 * expected private fields. While the host sends a message in fragments (`fin: false`), messages wait for its end, because ws would make them part of
 * it.
 *
 * With permessage-deflate, ws compresses each message for each socket, unless the options have a `deflate`.
 *
 * A connection is removed when its socket emits `close`. Between the start of the close and that event, `socket.send` silently accepts messages.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed, or what `remove({ code, reason })` says. A slow consumer gets 1013 if its socket
 * has room again. Otherwise it is terminated, and its client sees 1006.
 *
 * @throws `ERR_INVALID_OPTION` if an option is unknown or out of range, or if `deflate` does not do what it must
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
 * // With new WebSocketServer({ perMessageDeflate: { serverNoContextTakeover: true } }), each public message is compressed once.
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

/** True for a message that any user may get. False for a text from `connection.send`, because nobody knows who may get that. */
function isPublic(message: { readonly userId?: string | undefined } | undefined): boolean {
  return message !== undefined && message.userId === undefined
}

/** The writers for direct writes: one for uncompressed frames, and one for each window size. */
class Writers {
  readonly #plain = new FrameWriter<WsFrame>(({ bytes }) => bytes)
  /** By window bits. Absent if there is no `deflate`. */
  readonly #deflating: FrameWriter<WsFrame>[] | undefined

  constructor(isDeflating: boolean) {
    this.#deflating = isDeflating ? [] : undefined
  }

  /** Returns the writer for a server's socket, or `undefined` if ws has to send. */
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
  // Node emits `drain` only after a write that filled its buffer. After a smaller write, and in the middle of a message in fragments, it emits
  // nothing. So poll then.
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
