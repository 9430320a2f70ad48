import type { CloseDetails, CloseReason, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { bound } from '../guards/user-code.ts'
import { assertNamed, readNamed, type Refusal } from '../guards/named-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { commentBytes, EventFrame, idBytes, retryBytes, type EventFields } from './event-stream.ts'
import { EmptySink, ResponseSink, WriterSink, type ByteSink, type SseWriter } from './byte-sink.ts'
import { hasNoBody, isDestroyed, type SseResponse } from './node-response.ts'

// Every JavaScript runtime has these two globals.
declare function setTimeout(fn: () => void, ms: number): unknown
declare const performance: { now(): number }

/** A response of `node:http` or `node:http2`, an HTTP/2 stream, or the writer of a web stream. */
export type SseTarget = SseResponse | SseWriter

/** The headers of a response with server-sent events. These headers forbid caching, compressing and buffering the response. */
export const sseHeaders: Readonly<Record<'content-type' | 'cache-control' | 'x-accel-buffering', string>> =
  /* @__PURE__ */ Object.freeze({
    'content-type': 'text/event-stream',
    // Compression would delay events. Middleware and proxies obey `no-transform` and do not compress.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })

/**
 * The options of `sseTransport`: the id and the type of an event.
 *
 * The functions are called with the options object as `this`. `id` and `event` are called for messages, for the skips of a recorder (see
 * `Recorder.skip`), and for the gap notices of a send queue. They are not called for texts from `connection.send`, nor for notices that are sent like
 * such texts: those of `notifyGap`, of `setStreamStatus` and of a recorder. The events of such texts and notices have no type, and have an id only if
 * the option `idsOf` makes one.
 */
export interface SseOptions {
  /**
   * Returns the id of a message's event, for the client's `Last-Event-ID`. If `id` returns `undefined`, the event has no id, and the client keeps its
   * last id.
   *
   * Use only ASCII. A browser sends the header `Last-Event-ID` as UTF-8, and Node reads it as Latin-1, so an `€` arrives as three characters.
   * `Buffer.from(header, 'latin1').toString()` restores the `€`. A client that uses `fetch` cannot send a header with a character
   * above U+00FF, such as the `€`, at all. `encodeURIComponent` turns any text into ASCII.
   *
   * If `id` throws, or returns a value that is neither `undefined` nor a string, or a string with a line break or a NUL, the message counts as
   * `failed` for the connections of this transport. If this happens for a gap notice, the connection is removed with the reason `send-failed`.
   */
  readonly id?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
  /**
   * Returns a function that makes the ids of one response. Use this option if each client needs its own ids. With `positionIds` of the sub-path
   * `recovery`, a browser's `EventSource` resumes a stream by itself.
   *
   * `idsOf` is called once for each response, before the first event of the response is written. The returned function gets the text of each event,
   * in order, just before the event is written. Gap notices and the texts of `connection.send` are events too. The function is not called for events
   * that you send with `socket.send`, nor for the last event, of type `close`, which has no id. If the function returns `undefined`, the event has no
   * id, and the client keeps its last id.
   *
   * If `idsOf` or the returned function throws, the connection is removed with the reason `send-failed`. The same happens if the function returns a
   * value that is neither `undefined` nor a string, or a string with a line break or a NUL. `idsOf` cannot be combined with `id`.
   */
  readonly idsOf?: ((socket: SseSocket) => (text: string) => string | undefined) | undefined
  /**
   * Returns the type of a message's event, for the client's `addEventListener`. If `event` returns `undefined`, the event has no type, and the
   * client's `message` listeners get the event.
   *
   * If `event` throws, or returns a value that is neither `undefined` nor a string, or a string with a line break, the message counts as `failed` for
   * the connections of this transport. If this happens for a gap notice, the connection is removed with the reason `send-failed`.
   */
  readonly event?: ((message: StreamMessage<unknown, string>, text: string) => string | undefined) | undefined
}

/** A socket for a response, returned by `sseSocket`. The socket works with and without `sseTransport`. Use `sseTransport` if you can. */
export interface SseSocket extends Socket {
  /**
   * Resolves when the response is over, for any reason. Never rejects. Without `sseTransport`, you must remove the connection when `closed` resolves.
   */
  readonly closed: Promise<void>
  /**
   * `1` while the response is open, `2` while the response is ended but may have unsent bytes, `3` when the response is over: everything has been
   * sent, or nothing more can be sent.
   */
  readonly readyState: 1 | 2 | 3
  /**
   * Bytes that were written but not sent. For a Node response, all bytes of the response count. For a web stream, only bytes that were written
   * through this socket count.
   */
  readonly bufferedAmount: number
  /**
   * Sends an event with this text as its data, and with the `id` and the `event` type of `fields`.
   *
   * Throws unless the response is open (`readyState` 1). For a web stream, the returned promise rejects if the stream fails before it has taken the
   * event. You may ignore the promise.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the id or the type is not a string, or has characters that the format cannot carry, or if `fields` is not an
   * object, or has any other field
   */
  send(text: string, fields?: EventFields): Promise<void> | void
  /** Writes several events of `sseTransport` together. Throws unless the response is open. */
  write(frames: readonly SseFrame[]): Promise<void> | void
  /**
   * Sends a comment, which keeps proxies from closing an idle response. Does nothing unless the response is open.
   *
   * `comment` also detects a client that does not read. The client looks stuck if the previous comment was written in an earlier turn of the event
   * loop and is still unsent, and no other byte has been sent since that comment. Bytes of other responses on the same TCP connection count as sent,
   * too. If such a client has never read anything, `comment` terminates the response. Otherwise `comment` terminates the response only if nothing has
   * been sent since a comment that is at least a minute old, because a slow reader can also look stuck for a while.
   */
  comment(text?: string): void
  /**
   * Tells the client how long to wait before it reconnects, in milliseconds. Does nothing unless the response is open.
   *
   * @throws `ERR_INVALID_ARGUMENT` if `ms` is not a whole number of 0 or more
   */
  retry(ms: number): void
  /** Calls the listener whenever bytes have been sent, and when the response is over. The returned function removes the listener. */
  onDrain(listener: () => void): () => void
  /** Calls the listener when the response is over, or at once if the response is over already. The returned function removes the listener. */
  onClose(listener: () => void): () => void
  /** Ends the response. The promise resolves when everything has been sent, or when the response is over for another reason. Never rejects. */
  close(): Promise<void>
  /**
   * Ends the response at once, and discards all unsent bytes.
   *
   * A `TransformStream` is an exception: it keeps its queued chunks until its reader reads again or cancels. It accepts no further chunks.
   */
  terminate(): void
}

/** An event as it goes on the wire. If `idsOf` made the id, the `id` line is a separate frame before the frame of its event. */
export interface SseFrame {
  /** The event in UTF-8, with the blank line at its end. An `id` line has no blank line, because the rest of its event follows. */
  readonly bytes: Uint8Array
}

/**
 * If nothing has been sent since a comment that is at least this many milliseconds old, the next comment terminates the response. If the client never
 * read anything, the next comment terminates the response without this delay.
 *
 * The kernel may report free buffer space in steps of several megabytes. Until the next step, a slow reader looks like a client that does not read.
 */
const STUCK_AFTER_MS = 60_000

/** The state of the last comment. */
interface Comment {
  isSent: boolean
  /** True if the comment was written in an earlier turn of the event loop. A comment of the current turn had no chance to be sent yet. */
  isOlder: boolean
  /** The `progress` of the sink when the comment was written. */
  progress: string
  /** The time of the first comment that was written after the last sent byte. */
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

  /** Writes the bytes if the response is open. Does not throw if the client has gone, because `closed` and the next `send` report it. */
  #offer(bytes: Uint8Array, sent?: () => void): void {
    if (this.#sink.isWritable) void this.#sink.write([bytes], sent)
  }
}

/**
 * Returns a socket for a response. First write the status and the headers of the response, with `sseHeaders`. After that, write only through the
 * socket.
 *
 * A response without a body, such as an answer to HEAD, drops all events. It ends in the next microtask, so add the connection before the next
 * `await`. If the body is a web stream, a framework may drop the stream without reading or cancelling it, and no event reports this. Therefore send
 * comments. On a dropped stream, the first comment stays unsent, so the next comment, in a later turn of the event loop, terminates the response.
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
 * Returns the transport for the sockets of `sseSocket`. The transport encodes each event once for all sockets. It writes the events of one turn of
 * the event loop together, unless they exceed `softLimitBytes`. The response reports its drains, so the host need not call `drained()`. When a
 * response is over, its connection is removed. An event stream carries only texts. A message of bytes counts as `failed`, and the connection stays.
 * But if the gap notice for dropped messages is bytes, the connection is removed.
 *
 * After `remove({ code, reason })`, the client gets a last event of type `close`, with data such as `{"code":4001,"reason":"logged in elsewhere"}`.
 * After any other removal, the client sees only the end of the stream. Do not use the type `close` for your own events.
 *
 * A browser's `EventSource` reconnects after any close. To stop it, the client can listen for `close` and call `eventSource.close()`. The server can
 * also answer the next request with status 204.
 *
 * @throws `ERR_INVALID_OPTION` if an option is unknown or not a function, or if there are both `id` and `idsOf`
 */
export function sseTransport(options: SseOptions = {}): Transport<SseSocket, SseFrame, WireData> {
  const { id, event, idsOf } = checked(options)
  const ids = idsOf && new OwnIds(idsOf)
  const transport: Transport<SseSocket, EventFrame, WireData> = {
    frame: (data, message) => {
      const text = asText(data)
      return new EventFrame(text, message && { id: id?.(message, text), event: event?.(message, text) })
    },
    write: (socket, frames) => socket.write(ids?.before(frames, socket) ?? frames),
    bufferedBytes: (socket) => socket.bufferedAmount,
    onDrain: (socket, listener) => socket.onDrain(listener),
    onClose: (socket, listener) => socket.onClose(listener),
    close,
    terminate: (socket) => socket.terminate(),
  }
  return transport
}

/** The ids of events, if each response has its own ids. Apart from the ids, the events are the same for all responses. */
class OwnIds {
  readonly #idsOf: NonNullable<SseOptions['idsOf']>
  readonly #idOf = new WeakMap<SseSocket, (text: string) => string | undefined>()

  constructor(idsOf: NonNullable<SseOptions['idsOf']>) {
    this.#idsOf = idsOf
  }

  /** Returns the frames for one response. The id of an event is a frame of its own, before the frame of the event. */
  before(frames: readonly EventFrame[], socket: SseSocket): SseFrame[] {
    const idOf = this.#idOf.get(socket) ?? this.#idsOf(socket)
    this.#idOf.set(socket, idOf)
    return frames.flatMap((frame) => {
      const id = idOf(frame.text)
      return id === undefined ? frame : [{ bytes: idBytes(id) }, frame]
    })
  }
}

/** Returns the text of a message. @throws for bytes */
function asText(data: WireData): string {
  if (typeof data === 'string') return data
  throw new Error('An event stream carries texts only, got bytes')
}

/** Ends the response. An event stream has no close codes. So if the host gave a code or a reason, a last event carries them. */
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
  const { id, event, idsOf } = readNamed(options, ['id', 'event', 'idsOf'], invalidOption)
  if (id !== undefined && idsOf !== undefined) throw invalidOption('it cannot be combined with `id`', 'idsOf')
  return { id: optionalMethod('id', id, options), event: optionalMethod('event', event, options), idsOf: optionalMethod('idsOf', idsOf, options) }
}

/** Returns the function bound to the options. The options may be an instance of a class, whose methods need their `this`. */
function optionalMethod<TName extends keyof SseOptions>(name: TName, value: unknown, options: unknown): SseOptions[TName] {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalidOption(`expected a function, got ${describe(value)}`, name)
  return bound(value as NonNullable<SseOptions[TName]>, options, (cause) => invalidOption('reading it threw', name, cause))
}

function invalidOption(what: string, name = 'options', cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${name}\`: ${what}`, { option: name }, cause)
}
