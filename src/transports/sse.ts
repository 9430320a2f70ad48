import type { Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { bound } from '../guards/user-code.ts'
import { assertNamed, readNamed, type Refusal } from '../guards/named-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { Transport } from '../ports/transport.ts'
import { commentBytes, EventFrame, retryBytes, type EventFields } from './event-stream.ts'
import { EmptySink, ResponseSink, WriterSink, type ByteSink, type SseWriter } from './byte-sink.ts'
import { hasNoBody, isDestroyed, type SseResponse } from './node-response.ts'

// What a heartbeat needs of its runtime. Every runtime has it.
declare function setTimeout(fn: () => void, ms: number): unknown
declare const performance: { now(): number }

/** A response of `node:http` or `node:http2`, an HTTP/2 stream, or the writer of a web stream. */
export type SseTarget = SseResponse | SseWriter

/** The headers of a response with server-sent events: not to be cached, nor to be compressed or buffered on its way. */
export const sseHeaders: Readonly<Record<'content-type' | 'cache-control' | 'x-accel-buffering', string>> =
  /* @__PURE__ */ Object.freeze({
    'content-type': 'text/event-stream',
    // Compression collects what should leave at once: `no-transform` is what middleware and proxies go by.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })

/**
 * What the events of a transport have besides their data. Both functions are called as methods of the options, also for a gap notice. A text
 * of the host's own, from `connection.send`, gets neither an id nor a type.
 */
export interface SseOptions {
  /**
   * The id of a message's event, for the client's `Last-Event-ID`.
   *
   * Keep it to ASCII. A browser sends the header as UTF-8, and Node reads it as Latin-1, so an `€` arrives as three characters.
   * `Buffer.from(header, 'latin1').toString()` restores it. Clients that use `fetch` cannot send it at all. `encodeURIComponent`
   * makes ASCII of any text.
   *
   * One that is no string, or has a line end or a NUL, fails the message for the connections of this transport.
   */
  readonly id?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
  /**
   * The type of a message's event, for the client's `addEventListener`; without one, its `message` listeners get it.
   *
   * One that is no string, or has a line end, fails the message for the connections of this transport.
   */
  readonly event?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
}

/** A response as a socket, from `sseSocket`. It serves any manager as it is; with `sseTransport` it serves it better. */
export interface SseSocket extends Socket {
  /** Resolves when the response is over, whoever ended it: then the connection is to be removed. Never rejects. */
  readonly closed: Promise<void>
  /** `1` while the response is open, `2` once it was ended but not everything has left, `3` once it is over. */
  readonly readyState: 1 | 2 | 3
  /** Bytes that were written and have not left: of the whole response for Node's, of this socket's for a web stream. */
  readonly bufferedAmount: number
  /**
   * Sends an event with this text as its data, and with the `id` and the `event` type that `fields` has. A response that is
   * over throws; a web stream may reject later instead, and a rejection that nobody looks at does no harm.
   *
   * @throws `ERR_INVALID_ARGUMENT` when the id or event type has what the format cannot carry, and for any other field
   */
  send(text: string, fields?: EventFields): Promise<void> | void
  /** Writes events that `sseTransport` framed, as one write. */
  write(frames: readonly SseFrame[]): Promise<void> | void
  /**
   * Sends a comment, which keeps proxies from closing an idle response. Does nothing once the response is over.
   *
   * If the last comment still waits and nothing has left since, the response is not read, and it is terminated. If nothing was ever
   * read, that happens at once. Otherwise it happens after a minute, because a client that reads slowly looks the same for a while.
   */
  comment(text?: string): void
  /**
   * Tells the client how long to wait before it reconnects. Does nothing once the response is over.
   *
   * @throws `ERR_INVALID_ARGUMENT` when that is no whole number of 0 or more
   */
  retry(ms: number): void
  /** Calls the listener whenever bytes have left, and when the response is over; the returned function ends that. */
  onDrain(listener: () => void): () => void
  /** Calls the listener when the response is over, at once if it is already; the returned function ends that. */
  onClose(listener: () => void): () => void
  /** Ends the response; the promise resolves when all has left, or when it is over otherwise. Never rejects. */
  close(): Promise<void>
  /**
   * Cuts the response off, and discards what has not left.
   *
   * A `TransformStream` lets go of what it holds once its reader reads on, or gives up; it takes nothing more until then.
   */
  terminate(): void
}

/** An event as it goes on the wire. */
export interface SseFrame {
  /** The whole event in UTF-8, the blank line behind it included. */
  readonly bytes: Uint8Array
}

/**
 * A response that was read before is terminated if nothing has left for this long while a comment waits.
 *
 * The kernel reports room in steps of up to some megabytes, so a client that reads slowly looks like one that does not read.
 */
const STUCK_AFTER_MS = 60_000

/** What is known of the last comment. */
interface Comment {
  isSent: boolean
  /** It is from an earlier turn of the event loop: one from this turn has had no chance to leave. */
  isOlder: boolean
  /** The `progress` of the sink when the comment was written. */
  progress: string
  /** When the first comment was written after which nothing has left. */
  readonly sinceMs: number
}

const refusedField: Refusal = (what, field, cause) => {
  const message = field === undefined ? `What an event has besides its data ${what}` : `Field ${describe(field)} of an event ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}

class ResponseSocket implements SseSocket {
  readonly #sink: ByteSink
  #comment: Comment = { isSent: true, isOlder: true, progress: '', sinceMs: 0 }

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  get closed(): Promise<void> {
    return this.#sink.over
  }

  get readyState(): 1 | 2 | 3 {
    if (this.#sink.isOver) return 3
    return this.#sink.isWritable ? 1 : 2
  }

  get bufferedAmount(): number {
    return this.#sink.bufferedBytes
  }

  send(text: string, fields?: EventFields): Promise<void> | void {
    if (fields !== undefined) assertNamed(fields, ['id', 'event'], refusedField)
    return this.#sink.write([new EventFrame(text, fields).bytes])
  }

  write(frames: readonly SseFrame[]): Promise<void> | void {
    return this.#sink.write(frames.map(({ bytes }) => bytes))
  }

  comment(text = ''): void {
    if (!this.#sink.isWritable) return
    const last = this.#comment
    const hasWaited = !last.isSent && last.progress === this.#sink.progress
    if (hasWaited && this.#isStuck(last)) return this.terminate()
    const comment: Comment = { isSent: false, isOlder: false, progress: '', sinceMs: hasWaited ? last.sinceMs : performance.now() }
    this.#offer(commentBytes(text), () => (comment.isSent = true))
    comment.progress = this.#sink.progress
    this.#comment = comment
    setTimeout(() => (comment.isOlder = true), 0)
  }

  retry(ms: number): void {
    this.#offer(retryBytes(ms))
  }

  onDrain(listener: () => void): () => void {
    return this.#sink.onDrain(listener)
  }

  onClose(listener: () => void): () => void {
    return this.#sink.onOver(listener)
  }

  close(): Promise<void> {
    this.#sink.end()
    return this.#sink.over
  }

  terminate(): void {
    this.#sink.destroy()
  }

  #isStuck({ isOlder, sinceMs }: Comment): boolean {
    return isOlder && (this.#sink.isUnread || performance.now() - sinceMs >= STUCK_AFTER_MS)
  }

  /** A heartbeat is not the place to learn that the client has gone: `closed`, and the next event, tell. */
  #offer(bytes: Uint8Array, sent?: () => void): void {
    if (this.#sink.isWritable) void this.#sink.write([bytes], sent)
  }
}

/**
 * Returns a socket of a response whose head the host has written: see `sseHeaders`. From then on, write through it.
 *
 * The socket is over when the response is, for whatever reason. A response without a body, as to HEAD, drops what is sent and ends with
 * the running turn. A framework may drop the body of a web stream without reading or cancelling it, and nothing reports that. So send
 * comments: the second one ends such a stream.
 *
 * @throws `ERR_INVALID_ARGUMENT` when it is neither a response nor the writer of a web stream
 *
 * @example
 * import { sseHeaders, sseSocket, sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
 *
 * const manager = new ConnectionManager<SseSocket>({ transport: sseTransport({ event: ({ streamType }) => streamType }) })
 *
 * const server = createServer((request, response) => {
 *   response.writeHead(200, sseHeaders).flushHeaders()
 *   const socket = sseSocket(response)
 *   manager.addConnection(randomUUID(), socket, 'alice') // the transport removes it when the response is over
 * })
 *
 * @example
 * // Where a response is made of a stream: Workers, Deno, Bun, Hono.
 * function prices(): Response {
 *   const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
 *   const socket = sseSocket(writable.getWriter())
 *   manager.addConnection(crypto.randomUUID(), socket, 'alice')
 *   return new Response(readable, { headers: sseHeaders })
 * }
 */
export function sseSocket(target: SseTarget): SseSocket {
  return new ResponseSocket(sinkOf(target))
}

/**
 * Returns the transport for the sockets that `sseSocket` makes: an event is framed once for all of them, what one turn
 * brings is one write, and a drain is told by the response itself. A connection is removed when its response is over.
 *
 * A browser's `EventSource` reconnects after any close; only an answer such as 204 to that request stops it.
 *
 * @throws `ERR_INVALID_OPTION` when an option is unknown or no function
 */
export function sseTransport(options: SseOptions = {}): Transport<SseSocket, SseFrame> {
  const { id, event } = checked(options)
  return {
    frame: (text, message) => new EventFrame(text, message && { id: id?.(message, text), event: event?.(message, text) }),
    write: (socket, frames) => socket.write(frames),
    bufferedBytes: (socket) => socket.bufferedAmount,
    onDrain: (socket, listener) => socket.onDrain(listener),
    onClose: (socket, listener) => socket.onClose(listener),
    close: (socket) => socket.close(),
    terminate: (socket) => socket.terminate(),
  }
}

function sinkOf(target: SseTarget): ByteSink {
  if (isWriter(target)) return new WriterSink(target)
  if (isResponse(target)) return hasNoBody(target) && !isDestroyed(target) ? new EmptySink(target) : new ResponseSink(target)
  throw new ConnectionManagerError(
    'ERR_INVALID_ARGUMENT',
    `Server-sent events need a response or the writer of a web stream, got ${describe(target)}`,
  )
}

function isWriter(target: SseTarget): target is SseWriter {
  return hasMethods(target, ['write', 'close', 'abort'])
}

function isResponse(target: SseTarget): target is SseResponse {
  return hasMethods(target, ['write', 'end', 'destroy', 'on'])
}

function hasMethods(target: unknown, names: readonly string[]): boolean {
  if (typeof target !== 'object' || target === null) return false
  return names.every((name) => typeof (target as Record<string, unknown>)[name] === 'function')
}

function checked(options: unknown): SseOptions {
  const { id, event } = readNamed(options, ['id', 'event'], invalidOption)
  return { id: optionalMethod('id', id, options), event: optionalMethod('event', event, options) }
}

/** Returns a function that is called as a method of the options, because a class expects that. */
function optionalMethod(name: keyof SseOptions, value: unknown, options: unknown): SseOptions['id'] {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalidOption(`must be a function, got ${describe(value)}`, name)
  return bound(value as NonNullable<SseOptions['id']>, options, (cause) => invalidOption('must be readable', name, cause))
}

function invalidOption(what: string, name = 'options', cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Option ${name} ${what}`, { option: name }, cause)
}
