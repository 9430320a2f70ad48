import type { CloseReason } from '../ports/connection.ts'
import type { Transport } from '../ports/transport.ts'
import { CLOSE_FRAMES } from './close-frame.ts'

// What this transport needs of Node, all of it.
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

/** What this transport needs of a socket: the `WebSocket` of ws 8 fits as it is. */
export interface WsSocket {
  /** `1` while it is open, `3` once it is closed. */
  readonly readyState: number
  /** What it has accepted and not sent yet, the TCP socket's buffer included. */
  readonly bufferedAmount: number
  /** Empty where permessage-deflate was not negotiated: then frames may be written past ws. */
  readonly extensions: string
  /** The way of a message where a direct write would not be safe. */
  send(text: string, done?: () => void): void
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void
  /** Cuts the TCP socket off, and discards what it has buffered. */
  terminate(): void
  /** Tells that the socket is closed. */
  once(event: 'close', listener: () => void): unknown
  /** Removes a listener. If it is missing, listeners stay until the socket closes. */
  off?(event: 'close', listener: () => void): unknown
}

/** One message, for those sockets that can be written to directly and for those that cannot. */
export interface WsFrame {
  /** The text itself, for `ws.send`. */
  readonly text: string
  /** The text as an unmasked WebSocket frame, header and payload. */
  readonly bytes: Uint8Array
}

/** Makes its bytes when they are first asked for: a message that waits, and may be replaced, costs its text alone. */
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

/** The private parts of ws that a direct write depends on, as 8.0 to 8.23 have them. Any of them may be missing. */
interface Internals {
  readonly _isServer?: unknown
  readonly _socket?: Partial<TcpSocket> | null
  readonly _sender?: Sender | null
}

interface Sender {
  /** False from a `send` with `fin: false` to the one that ends that message. */
  readonly _firstFragment?: unknown
  readonly _queue?: unknown
  /** Up to 8.17. */
  readonly _deflating?: unknown
  /** Since 8.18: `0` unless it deflates or reads a Blob. */
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

/** How often to look again while no drain is to be expected of Node. */
const LOOK_AGAIN_MS = 50

/**
 * Returns the transport for ws 8: each message is framed once for all sockets, and what one turn brings is one write.
 *
 * The frames go to ws's own TCP socket, past `socket.send` and whatever was put in its way. Where that would not be
 * safe, it is `socket.send` for each message: on a client's socket, with permessage-deflate, while ws deflates or reads
 * a Blob, and with a ws whose inside is not as expected. In the middle of a message that the host sends in fragments
 * (`fin: false`) messages wait for its end: ws would make them part of it.
 *
 * A connection is removed when its socket emits `close`. While a socket is closing, `socket.send` takes messages for it in silence.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed. A slow consumer is cut off without one, which its client sees as
 * 1006; it is told 1013 where that fails.
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

/** RFC 6455, 5.2. No text of a JavaScript engine needs the upper half of the 64-bit length. */
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

/** Whether ws would write a message at once. While it works at an earlier one, a direct write would overtake that. */
function isIdle(sender: Internals['_sender']): boolean {
  if (sender?._firstFragment !== true || (sender._queue as { length?: unknown } | undefined)?.length !== 0) return false
  return sender._state === 0 || (sender._state === undefined && sender._deflating === false)
}

/** Between a TCP socket's end and ws's notice of it, ws still calls itself open. */
function isWritable(tcp: Internals['_socket']): tcp is TcpSocket {
  return tcp?.writable === true && typeof tcp.write === 'function' && typeof tcp.cork === 'function' && typeof tcp.uncork === 'function'
}

/**
 * Writes several frames as one.
 *
 * Frames are joined for the second of two sockets in a row that get the very same ones, and shared from then on: where
 * that is so it is the cheapest way, and elsewhere to copy them for each socket would be the dearest.
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
    // All sockets of a tick are written to in one go: what is kept longer is only kept from the garbage collector.
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

/** Messages that go by `ws.send`, and who waits for them to leave: while ws works at a message, Node has no drain to tell of. */
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

/** Node hands what was written to a corked socket to the system in one call. */
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
  // Node tells of a drain only where a write met a full buffer. Below that, and in the middle of a message in fragments,
  // nobody tells.
  const timer = setInterval(() => {
    if (tcp?.writableNeedDrain !== true) listener()
  }, LOOK_AGAIN_MS)
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

function close(socket: WsSocket, reason: CloseReason): Promise<void> {
  if (socket.readyState === CLOSED) return Promise.resolve()
  const { code, text } = CLOSE_FRAMES[reason]
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.close(code, text)
  })
}

function terminate(socket: WsSocket): void {
  socket.terminate()
}
