import type { CloseDetails, CloseReason, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { bound } from '../guards/user-code.ts'
import { assertNamed, readNamed, type Refusal } from '../guards/named-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { commentBytes, EventFrame, retryBytes, type EventFields } from './event-stream.ts'
import { EmptySink, ResponseSink, WriterSink, type ByteSink, type SseWriter } from './byte-sink.ts'
import { hasNoBody, isDestroyed, type SseResponse } from './node-response.ts'

// All that a heartbeat needs of its runtime. Every runtime has it.
declare function setTimeout(fn: () => void, ms: number): unknown
declare const performance: { now(): number }

/** A response of `node:http` or `node:http2`, an HTTP/2 stream, or the writer of a web stream. */
export type SseTarget = SseResponse | SseWriter

/** The headers of a response with server-sent events. They forbid caching, compressing and buffering it. */
export const sseHeaders: Readonly<Record<'content-type' | 'cache-control' | 'x-accel-buffering', string>> =
  /* @__PURE__ */ Object.freeze({
    'content-type': 'text/event-stream',
    // Compression would hold back what must be sent at once. Middleware and proxies obey `no-transform`.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })

/**
 * The options of `sseTransport`: the id and the type of an event.
 *
 * Both functions are called as methods of the options, for messages and for gap notices. A text from `connection.send` has no id and no
 * type.
 */
export interface SseOptions {
  /**
   * Returns the id of a message's event, for the client's `Last-Event-ID`.
   *
   * Use only ASCII. A browser sends the header as UTF-8, and Node reads it as Latin-1, so an `€` arrives as three characters.
   * `Buffer.from(header, 'latin1').toString()` restores it. A client that uses `fetch` cannot send a non-ASCII header at all.
   * `encodeURIComponent` makes ASCII of any text.
   *
   * If the id is not a string, or has a line end or a NUL, the message fails for the connections of this transport.
   */
  readonly id?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
  /**
   * Returns the type of a message's event, for the client's `addEventListener`. Without a type, the client's `message` listeners get the event.
   *
   * If the type is not a string, or has a line end, the message fails for the connections of this transport.
   */
  readonly event?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
}

/** A response as a socket, from `sseSocket`. It works with any manager. Use it with `sseTransport` if you can. */
export interface SseSocket extends Socket {
  /** Resolves when the response is over, for any reason. Without `sseTransport`, remove the connection then. Never rejects. */
  readonly closed: Promise<void>
  /** `1` while the response is open, `2` once it was ended but not everything has been sent, `3` once it is over. */
  readonly readyState: 1 | 2 | 3
  /** Bytes that were written and not sent: of the whole response for Node's, of this socket's for a web stream. */
  readonly bufferedAmount: number
  /**
   * Sends an event with this text as its data, and with the `id` and the `event` type of `fields`.
   *
   * Throws if the response is over. A web stream may reject later instead. You may ignore that promise.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the id or the type has characters that the format cannot carry, or if `fields` has any other field
   */
  send(text: string, fields?: EventFields): Promise<void> | void
  /** Writes events that `sseTransport` has framed, in one write. */
  write(frames: readonly SseFrame[]): Promise<void> | void
  /**
   * Sends a comment, which keeps proxies from closing an idle response. Does nothing once the response is over.
   *
   * If the last comment still waits and nothing has been sent since, nobody seems to read the response, and it is terminated. If nothing was ever
   * read, that happens at once. Otherwise it happens after a minute, because a client that reads slowly looks the same for a while.
   */
  comment(text?: string): void
  /**
   * Tells the client how long to wait before it reconnects. Does nothing once the response is over.
   *
   * @throws `ERR_INVALID_ARGUMENT` if `ms` is not a whole number of 0 or more
   */
  retry(ms: number): void
  /** Calls the listener whenever bytes have been sent, and when the response is over. The returned function stops that. */
  onDrain(listener: () => void): () => void
  /** Calls the listener when the response is over, or at once if it is already. The returned function stops that. */
  onClose(listener: () => void): () => void
  /** Ends the response. The promise resolves when everything has been sent, or when the response is over for another reason. Never rejects. */
  close(): Promise<void>
  /**
   * Ends the response at once, and discards what has not been sent.
   *
   * A `TransformStream` releases what it holds only when its reader reads on or cancels. It accepts nothing more until then.
   */
  terminate(): void
}

/** An event as it goes on the wire. */
export interface SseFrame {
  /** The whole event in UTF-8, with the blank line at its end. */
  readonly bytes: Uint8Array
}

/**
 * After this long, a response is terminated if a comment waits and nothing has been sent. If nothing was ever read, that happens earlier.
 *
 * The kernel may report room in steps of several megabytes, so a client that reads slowly looks like a client that does not read.
 */
const STUCK_AFTER_MS = 60_000

/** The state of the last comment. */
interface Comment {
  isSent: boolean
  /** True if it was written in an earlier turn of the event loop. A comment of the current turn had no chance to be sent yet. */
  isOlder: boolean
  /** The `progress` of the sink when the comment was written. */
  progress: string
  /** When the first comment was written after the last time that anything was sent. */
  readonly sinceMs: number
}

const refusedField: Refusal = (what, field, cause) => {
  const message = field === undefined ? `Invalid event fields: ${what}` : `Invalid event field ${describe(field)}: ${what}`
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

  /** Writes the bytes if the response is open. It does not throw if the client has gone: `closed` and the next event report that. */
  #offer(bytes: Uint8Array, sent?: () => void): void {
    if (this.#sink.isWritable) void this.#sink.write([bytes], sent)
  }
}

/**
 * Returns a socket for a response. Write the head of the response first, with `sseHeaders`. From then on, write only through the socket.
 *
 * A response without a body, such as an answer to HEAD, drops what is sent and ends with the current turn. A framework may drop the body of
 * a web stream without reading or cancelling it, and nothing reports that. So send comments: the second one ends such a stream.
 *
 * @throws `ERR_INVALID_ARGUMENT` if the target is neither a response nor the writer of a web stream
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
 * // Workers, Deno, Bun and Hono make a response from a stream.
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
 * Returns the transport for the sockets of `sseSocket`. An event is framed once for all of them. The events of one turn are one write. The
 * response itself reports a drain. When a response is over, its connection is removed. An event stream carries texts only: a message of bytes
 * counts as `failed`, and the connection stays.
 *
 * With `remove({ code, reason })` the client gets a last event of type `close`, whose data is `{"code":4001,"reason":"logged in elsewhere"}`. After
 * any other removal it sees only the end of the stream. Do not use the type `close` for your own events.
 *
 * A browser's `EventSource` reconnects after any close. To stop it, let the client listen for `close` and call its own `close()`, or answer
 * the next request with a status such as 204.
 *
 * @throws `ERR_INVALID_OPTION` if an option is unknown or not a function
 */
export function sseTransport(options: SseOptions = {}): Transport<SseSocket, SseFrame, WireData> {
  const { id, event } = checked(options)
  return {
    frame: (data, message) => {
      const text = asText(data)
      return new EventFrame(text, message && { id: id?.(message, text), event: event?.(message, text) })
    },
    write: (socket, frames) => socket.write(frames),
    bufferedBytes: (socket) => socket.bufferedAmount,
    onDrain: (socket, listener) => socket.onDrain(listener),
    onClose: (socket, listener) => socket.onClose(listener),
    close,
    terminate: (socket) => socket.terminate(),
  }
}

/** @throws for bytes */
function asText(data: WireData): string {
  if (typeof data === 'string') return data
  throw new Error('An event stream carries texts only, got bytes')
}

/** An event stream has no close codes, so the last event says what the host gave. */
function close(socket: SseSocket, _reason: CloseReason, details?: CloseDetails): Promise<void> {
  if (details !== undefined && socket.readyState === 1) void socket.send(JSON.stringify(details), { event: 'close' })
  return socket.close()
}

function sinkOf(target: SseTarget): ByteSink {
  if (isWriter(target)) return new WriterSink(target)
  if (isResponse(target)) return hasNoBody(target) && !isDestroyed(target) ? new EmptySink(target) : new ResponseSink(target)
  throw new ConnectionManagerError(
    'ERR_INVALID_ARGUMENT',
    `Invalid target: expected a response or the writer of a web stream, got ${describe(target)}`,
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

/** Returns the function bound to the options: if they are an instance of a class, its methods need their `this`. */
function optionalMethod(name: keyof SseOptions, value: unknown, options: unknown): SseOptions['id'] {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalidOption(`expected a function, got ${describe(value)}`, name)
  return bound(value as NonNullable<SseOptions['id']>, options, (cause) => invalidOption('reading it threw', name, cause))
}

function invalidOption(what: string, name = 'options', cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${name}\`: ${what}`, { option: name }, cause)
}
