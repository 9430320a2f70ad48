import { adopted } from '../guards/user-code.ts'
import { Listeners } from './listeners.ts'
import { isDestroyed, onTcpClose, tcpProgress, type SseResponse } from './node-response.ts'

/** The members of a web stream's writer that server-sent events use. The result of `stream.getWriter()` has them all. */
export interface SseWriter {
  readonly closed: PromiseLike<unknown>
  write(chunk?: Uint8Array): PromiseLike<unknown>
  close(): PromiseLike<unknown>
  abort(reason?: unknown): PromiseLike<unknown>
}

/** An object that sends the bytes of an event stream. A sink wraps a Node response or a web stream. */
export interface ByteSink {
  /** Bytes that were written but not sent yet. */
  readonly bufferedBytes: number
  /**
   * True while the sink accepts bytes. False once this library has ended or destroyed the sink, and once the sink has finished. For a Node response,
   * also false once other code has ended or destroyed the response.
   */
  readonly isWritable: boolean
  /** True once the sink has finished: everything has been sent, or nothing more can be sent. */
  readonly isOver: boolean
  /** A text that changes whenever bytes have been sent. For a Node response, bytes of other responses on the same TCP socket count too. */
  readonly progress: string
  /** True until the first bytes have been sent. For a Node response, bytes of other responses on the same TCP socket count too. */
  readonly isUnread: boolean
  /** Resolves when the sink has finished. Never rejects. */
  readonly over: Promise<void>
  /**
   * Writes all chunks together, and calls `sent` when they have been sent. Throws if the sink accepts no more bytes. For a web stream, the promise
   * rejects if the stream fails before it has taken the chunks. The caller may ignore the promise, because its rejection is handled.
   */
  write(chunks: readonly Uint8Array[], sent?: () => void): Promise<void> | void
  /** Calls the listener whenever bytes have been sent, and when the sink has finished. The returned function removes the listener. */
  onDrain(listener: () => void): () => void
  /** Calls the listener when the sink has finished, or at once if the sink has finished already. The returned function removes the listener. */
  onOver(listener: () => void): () => void
  /** Accepts no more bytes, and ends the sink as soon as everything has been sent. A second call does nothing. */
  end(): void
  /** Ends the sink at once. Does nothing if the sink has finished. */
  destroy(): void
}

/**
 * The longest piece of a write to a web stream. A larger write is split, so that its progress shows. The stream reports a chunk only when the whole
 * chunk has been sent.
 */
const LONGEST_PIECE_BYTES = 65_536

/** The end of a sink. The end is reported once, even if it has several causes. */
class Ending {
  readonly over: Promise<void>
  #isOver = false
  #resolve!: () => void
  readonly #listeners = new Listeners()

  constructor() {
    this.over = new Promise((resolve) => (this.#resolve = resolve))
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Calls the listener when the sink has finished, or at once if the sink has finished already. The returned function removes the listener. */
  add(listener: () => void): () => void {
    if (!this.#isOver) return this.#listeners.add(listener)
    listener()
    return () => {}
  }

  come(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#resolve()
    this.#listeners.tell()
  }
}

/** The sink of a Node response. */
export class ResponseSink implements ByteSink {
  readonly #response: SseResponse
  readonly #drain = new Listeners()
  readonly #ending = new Ending()
  readonly #tcpProgressBefore: string
  #error: unknown
  #writtenBytes = 0
  #flushes = 0

  constructor(response: SseResponse) {
    this.#response = response
    this.#tcpProgressBefore = tcpProgress(response)
    this.#ending.add(this.#drain.tell)
    const end = (): void => this.#ending.come()
    if (response.writableFinished || isDestroyed(response)) end()
    for (const event of ['finish', 'close']) response.on(event, end)
    this.#ending.add(onTcpClose(response, end))
    // Without a listener, an `error` event would end the process. The `close` event and the next write report the failure.
    response.on('error', (error) => {
      this.#error = error
    })
    response.on('drain', this.#drain.tell)
    // A client may reset an HTTP/2 stream without an error while bytes wait. The stream then emits only `aborted`, and stays open.
    for (const aborting of [response, response.stream]) aborting?.on('aborted', () => this.destroy())
  }

  get over(): Promise<void> {
    return this.#ending.over
  }

  get isOver(): boolean {
    return this.#ending.isOver
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  get isWritable(): boolean {
    return !this.isOver && !this.#response.writableEnded && this.#response.destroyed !== true
  }

  get progress(): string {
    return `${this.#flushes}, ${this.#writtenBytes - this.bufferedBytes}, ${tcpProgress(this.#response)}`
  }

  get isUnread(): boolean {
    return this.#flushes === 0 && this.#tcpProgressBefore === tcpProgress(this.#response)
  }

  write(chunks: readonly Uint8Array[], sent?: () => void): void {
    // For a write after the end, Node would report an error in the callback, by an `error` event, or not at all.
    if (!this.isWritable) throw tooLate(this.#error)
    const [first] = chunks
    const bytes = chunks.length === 1 && first !== undefined ? first : joined(chunks)
    this.#writtenBytes += bytes.length
    // Every write reports a drain. Node emits `drain` only after a write above its high-water mark, and the manager's soft limit may be lower.
    this.#response.write(bytes, () => {
      this.#flushes++
      sent?.()
      this.#drain.tell()
    })
  }

  onDrain(listener: () => void): () => void {
    return this.#drain.add(listener)
  }

  onOver(listener: () => void): () => void {
    return this.#ending.add(listener)
  }

  end(): void {
    if (this.isWritable) this.#response.end()
  }

  destroy(): void {
    // Once the response is over, its TCP socket may serve the client's next request.
    if (this.isOver) return
    this.#response.destroy()
    // Up to Node 22, a destroyed response emits no `close` if it still waits for its turn in a pipeline.
    this.#ending.come()
  }
}

/** The sink of a response without a body, such as an answer to HEAD. This sink drops all bytes, and ends in the next microtask. */
export class EmptySink implements ByteSink {
  readonly bufferedBytes = 0
  readonly progress = ''
  readonly isUnread = true
  readonly #response: SseResponse
  readonly #ending = new Ending()

  constructor(response: SseResponse) {
    this.#response = response
    response.on('error', () => {})
    // Do not end at once. The host's handler registers the socket next, and `addConnection` must not throw for a HEAD request.
    void Promise.resolve().then(() => this.end())
  }

  get over(): Promise<void> {
    return this.#ending.over
  }

  get isOver(): boolean {
    return this.#ending.isOver
  }

  get isWritable(): boolean {
    return !this.isOver
  }

  write(_chunks: readonly Uint8Array[], sent?: () => void): void {
    if (this.isOver) throw tooLate(undefined)
    sent?.()
  }

  onDrain(listener: () => void): () => void {
    return this.onOver(listener)
  }

  onOver(listener: () => void): () => void {
    return this.#ending.add(listener)
  }

  end(): void {
    if (this.isOver) return
    this.#response.end()
    this.#ending.come()
  }

  destroy(): void {
    if (this.isOver) return
    this.#response.destroy()
    this.#ending.come()
  }
}

/** The sink of a web stream's writer. */
export class WriterSink implements ByteSink {
  readonly #writer: SseWriter
  readonly #drain = new Listeners()
  readonly #ending = new Ending()
  #bufferedBytes = 0
  #flushes = 0
  #isWritable = true
  #error: unknown

  constructor(writer: SseWriter) {
    this.#writer = writer
    this.#ending.add(this.#drain.tell)
    adopted(writer.closed).then(
      () => this.#end(),
      (error: unknown) => this.#end(error),
    )
  }

  get over(): Promise<void> {
    return this.#ending.over
  }

  get isOver(): boolean {
    return this.#ending.isOver
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get isWritable(): boolean {
    return this.#isWritable
  }

  get progress(): string {
    return String(this.#flushes)
  }

  get isUnread(): boolean {
    return this.#flushes === 0
  }

  write(chunks: readonly Uint8Array[], sent?: () => void): Promise<void> {
    if (!this.#isWritable) throw tooLate(this.#error)
    // Write a copy. A byte stream takes over the memory of its chunks, but other sockets share the frames.
    const pieces = piecesOf(joined(chunks))
    const written = Promise.all(pieces.map((piece) => this.#writePiece(piece))).then(() => sent?.())
    written.catch(() => {})
    return written
  }

  onDrain(listener: () => void): () => void {
    return this.#drain.add(listener)
  }

  onOver(listener: () => void): () => void {
    return this.#ending.add(listener)
  }

  end(): void {
    if (!this.#isWritable) return
    this.#isWritable = false
    ignoreOutcome(this.#writer.close())
  }

  destroy(): void {
    if (this.isOver) return
    const error = new Error('The connection was terminated')
    ignoreOutcome(this.#writer.abort(error))
    // Do not wait for the promise of `abort`. If the reader of a TransformStream is stuck, the promise is pending until the reader reads or cancels.
    this.#end(error)
  }

  #writePiece(bytes: Uint8Array): Promise<void> {
    const answer = this.#writer.write(bytes)
    this.#bufferedBytes += bytes.length
    const written = adopted(answer).then(
      () => this.#settle(bytes.length),
      (error: unknown) => {
        this.#settle(bytes.length)
        throw error
      },
    )
    written.catch(() => {})
    return written
  }

  #settle(byteCount: number): void {
    this.#bufferedBytes -= byteCount
    this.#flushes++
    this.#drain.tell()
  }

  #end(error?: unknown): void {
    if (this.isOver) return
    this.#isWritable = false
    this.#error = error
    this.#ending.come()
  }
}

/** Ignores a failure of `close` or `abort`. A stream that fails to close has ended as well, and `over` reports the end. */
function ignoreOutcome(answer: PromiseLike<unknown>): void {
  adopted(answer).catch(() => {})
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** Splits the bytes into pieces. Each piece has its own memory, because a byte stream takes over the memory of a chunk. */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length <= LONGEST_PIECE_BYTES) return [bytes]
  const count = Math.ceil(bytes.length / LONGEST_PIECE_BYTES)
  return Array.from({ length: count }, (_, i) => bytes.slice(i * LONGEST_PIECE_BYTES, (i + 1) * LONGEST_PIECE_BYTES))
}

function tooLate(cause: unknown): Error {
  return new Error('The response is over', cause === undefined ? undefined : { cause })
}
