import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'

// All that this transport needs of Node.
declare const Buffer: {
  byteLength(text: string): number
  allocUnsafe(size: number): WritableBytes
  concat(parts: readonly Uint8Array[]): Uint8Array
}
declare function queueMicrotask(fn: () => void): void
declare function setInterval(fn: () => void, ms: number): { unref(): unknown }
declare function clearInterval(timer: unknown): void

interface WritableBytes extends Uint8Array {
  write(text: string, offset: number): number
  writeUInt16BE(value: number, offset: number): number
  writeUInt32BE(value: number, offset: number): number
}

/** All that this transport needs of a socket. The `WebSocket` of ws 8 fits as it is. */
export interface WsSocket {
  /** `1` while it is open, `3` once it is closed. */
  readonly readyState: number
  /** Bytes that it has accepted and not sent yet, the TCP socket's buffer included. */
  readonly bufferedAmount: number
  /** Empty if permessage-deflate was not negotiated. Then frames may be written directly to the TCP socket. */
  readonly extensions: string
  /** Sends a message. Used if a direct write would not be safe. */
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

/** One message, in both forms: bytes for a direct write, and a text for `ws.send`. */
export interface WsFrame {
  /** The text itself, for `ws.send`. */
  readonly text: string
  /** The text as an unmasked WebSocket frame, header and payload. */
  readonly bytes: Uint8Array
}

/** Makes its bytes when they are first read, so a message that waits, and may be replaced, needs only the memory of its text. */
class TextFrame implements WsFrame {
  readonly text: string
  #bytes: Uint8Array | undefined

  constructor(text: string) {
    this.text = text
  }

  get bytes(): Uint8Array {
    return (this.#bytes ??= frameBytes(this.text))
  }
}

/** The private fields of ws that a direct write depends on, as in 8.0 to 8.23. Any of them may be missing. */
interface Internals {
  readonly _isServer?: unknown
  readonly _socket?: Partial<TcpSocket> | null
  readonly _sender?: Sender | null
}

interface Sender {
  /** False in the middle of a message that the host sends in fragments (`fin: false`). */
  readonly _firstFragment?: unknown
  readonly _queue?: unknown
  /** Up to ws 8.17: true while it deflates. */
  readonly _deflating?: unknown
  /** Since ws 8.18: `0` unless it deflates or reads a Blob. */
  readonly _state?: unknown
}

interface TcpSocket {
  readonly writable: boolean
  readonly writableNeedDrain: boolean
  cork(): void
  uncork(): void
  write(bytes: Uint8Array): boolean
  on(event: 'drain', listener: () => void): unknown
  off(event: 'drain', listener: () => void): unknown
}

const OPEN = 1
const CLOSED = 3

/** How often to report a possible drain while Node will not emit one. */
const POLL_INTERVAL_MS = 50

/**
 * Returns the transport for ws 8. Each message is framed once for all sockets. The messages of one turn are one write.
 *
 * The frames are written directly to ws's TCP socket. They bypass `socket.send`, and anything that wraps it. If a direct write is not safe,
 * each message goes through `socket.send` instead: on a client's socket, with permessage-deflate, while ws deflates or reads a Blob, and if
 * ws does not have the expected private fields. While the host sends a message in fragments (`fin: false`), messages wait for its end,
 * because ws would make them part of it.
 *
 * A connection is removed when its socket emits `close`. Between the start of the close and that event, `socket.send` silently accepts messages.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed, or what `remove({ code, reason })` says. A slow consumer gets 1013 if its socket
 * has room again. Otherwise it is terminated, and its client sees 1006.
 *
 * @example
 * import type { WebSocket } from 'ws'
 * import { wsTransport } from 'stream-connection-manager/transports/ws'
 *
 * const manager = new ConnectionManager<WebSocket>({ transport: wsTransport() })
 *
 * manager.addConnection('c1', socket, 'alice')
 */
export function wsTransport<TSocket extends WsSocket = WsSocket>(): Transport<TSocket, WsFrame> {
  const writer = new FrameWriter()
  const sendings = new Sendings()
  return {
    frame: (text) => new TextFrame(text),
    write: (socket, frames) => write(socket, frames, { writer, sendings }),
    bufferedBytes,
    onDrain: (socket, listener) => onDrain(socket, listener, sendings),
    onClose,
    close,
    terminate,
  }
}

function frameBytes(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(headerLength + length)
  writeHeader(bytes, length)
  bytes.write(text, headerLength)
  return bytes
}

/** Writes the header of RFC 6455, 5.2. No text of a JavaScript engine needs the upper half of the 64-bit length. */
function writeHeader(bytes: WritableBytes, length: number): void {
  bytes[0] = 0x81
  if (length < 126) {
    bytes[1] = length
  } else if (length < 65_536) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(0, 2)
    bytes.writeUInt32BE(length, 6)
  }
}

function write(socket: WsSocket, frames: readonly WsFrame[], { writer, sendings }: { writer: FrameWriter; sendings: Sendings }): number {
  const { _isServer: isServer, _socket: tcp, _sender: sender } = socket as Internals
  const isOpen = socket.readyState === OPEN
  if (isOpen && sender?._firstFragment === false) return 0
  const isPlain = isOpen && isServer === true && socket.extensions === ''
  if (isPlain && isIdle(sender) && isWritable(tcp)) writer.write(tcp, frames)
  else sendings.send(socket, frames)
  return frames.length
}

/** True if ws would write a message at once. While ws processes an earlier message, a direct write would overtake that. */
function isIdle(sender: Internals['_sender']): boolean {
  if (sender?._firstFragment !== true || (sender._queue as { length?: unknown } | undefined)?.length !== 0) return false
  return sender._state === 0 || (sender._state === undefined && sender._deflating === false)
}

/** True if the TCP socket can be written to. When it has ended, ws itself may still report that it is open. */
function isWritable(tcp: Internals['_socket']): tcp is TcpSocket {
  return tcp?.writable === true && typeof tcp.write === 'function' && typeof tcp.cork === 'function' && typeof tcp.uncork === 'function'
}

/**
 * Writes several frames in one write.
 *
 * If consecutive sockets get the same frames, these are joined once, for the second socket, and the joined bytes are shared from then on. That
 * is the cheapest way. If each socket gets other frames, joining them would be the most expensive way, so they are corked.
 */
class FrameWriter {
  #latest: readonly WsFrame[] | undefined
  #joined: Uint8Array | undefined
  #willForget = false

  write(tcp: TcpSocket, frames: readonly WsFrame[]): void {
    if (this.#latest !== undefined && areSame(frames, this.#latest)) {
      tcp.write((this.#joined ??= Buffer.concat(frames.map(({ bytes }) => bytes))))
    } else if (frames.length > 1) {
      this.#remember(frames)
      writeCorked(tcp, frames)
    } else {
      for (const { bytes } of frames) tcp.write(bytes)
    }
  }

  #remember(frames: readonly WsFrame[]): void {
    this.#latest = frames
    this.#joined = undefined
    if (this.#willForget) return
    this.#willForget = true
    // All sockets of a tick are written to before the next microtask. Keeping the frames longer would only waste memory.
    queueMicrotask(() => {
      this.#latest = undefined
      this.#joined = undefined
      this.#willForget = false
    })
  }
}

function areSame(frames: readonly WsFrame[], others: readonly WsFrame[]): boolean {
  return frames.length === others.length && frames.every((each, i) => each === others[i])
}

/** Sends messages with `ws.send`, and reports when they have been sent. While ws processes a message, Node emits no `drain`. */
class Sendings {
  readonly #listeners = new WeakMap<WsSocket, Set<() => void>>()

  send(socket: WsSocket, frames: readonly WsFrame[]): void {
    for (const [i, { text }] of frames.entries()) {
      if (i < frames.length - 1) socket.send(text)
      else socket.send(text, () => this.#tell(socket))
    }
  }

  listen(socket: WsSocket, listener: () => void): () => void {
    const listeners = this.#listeners.get(socket) ?? new Set()
    this.#listeners.set(socket, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  #tell(socket: WsSocket): void {
    for (const listener of [...(this.#listeners.get(socket) ?? [])]) listener()
  }
}

/** Writes the frames corked, so that Node passes them to the system in one call. */
function writeCorked(tcp: TcpSocket, frames: readonly WsFrame[]): void {
  tcp.cork()
  for (const { bytes } of frames) tcp.write(bytes)
  tcp.uncork()
}

function bufferedBytes(socket: WsSocket): number {
  return socket.bufferedAmount
}

function onDrain(socket: WsSocket, listener: () => void, sendings: Sendings): () => void {
  const tcp = (socket as Internals)._socket
  const stopListening = sendings.listen(socket, listener)
  // Node emits `drain` only after a write that filled its buffer. Below that, and in the middle of a message in fragments, it emits nothing, so
  // poll then.
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
