import { adopted } from '../guards/user-code.ts'
import { Listeners } from './listeners.ts'
import { isDestroyed, onTcpClose, tcpProgress, type SseResponse } from './node-response.ts'

/** All that server-sent events need of a web stream. The writer that `stream.getWriter()` returns fits as it is. */
export interface SseWriter {
  readonly closed: PromiseLike<unknown>
  write(chunk?: Uint8Array): PromiseLike<unknown>
  close(): PromiseLike<unknown>
  abort(reason?: unknown): PromiseLike<unknown>
}

/** Sends the bytes of an event stream: a response of Node's, or a web stream. */
export interface ByteSink {
  /** Bytes that were written and have not been sent. */
  readonly bufferedBytes: number
  /** False once the sink was ended or destroyed, by this library or not. */
  readonly isWritable: boolean
  /** True once the sink is over: everything has been sent, or nothing more can be. */
  readonly isOver: boolean
  /** Changes whenever bytes have been sent, by this response or by another one on its TCP socket. */
  readonly progress: string
  /** True until the first bytes have been sent. */
  readonly isUnread: boolean
  /** Resolves when the sink is over. Never rejects. */
  readonly over: Promise<void>
  /**
   * Writes the chunks as one, and calls `sent` when all of them have been sent. Throws or rejects if they cannot be sent. The caller may ignore
   * the promise, because its rejection is handled.
   */
  write(chunks: readonly Uint8Array[], sent?: () => void): Promise<void> | void
  /** Calls the listener whenever bytes have been sent, and when the sink is over. The returned function stops that. */
  onDrain(listener: () => void): () => void
  /** Calls the listener when the sink is over, or at once if it is already. The returned function stops that. */
  onOver(listener: () => void): () => void
  /** Ends the sink after everything has been sent. A second call does nothing. */
  end(): void
  /** Ends the sink at once. Does nothing if it is over. */
  destroy(): void
}

/** A larger write to a web stream is split into pieces, because the stream reports a chunk only when all of it has been sent. */
const LONGEST_PIECE_BYTES = 65_536

/** The end of a sink. It comes once, even if it has several causes. */
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

  /** Calls the listener at the end, or now if the end has come. */
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

/** The sink of a response of Node's. */
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
    // Without a listener an error would end the process. `close` and the next write report what it means.
    response.on('error', (error) => {
      this.#error = error
    })
    response.on('drain', this.#drain.tell)
    // If a client resets an HTTP/2 stream without an error while bytes wait, the stream emits only this event and stays open.
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
    // Node would report this in the callback, by an `error` event, or not at all.
    if (!this.isWritable) throw tooLate(this.#error)
    const [first] = chunks
    const bytes = chunks.length === 1 && first !== undefined ? first : joined(chunks)
    this.#writtenBytes += bytes.length
    // Every write reports a drain. Node's own `drain` event comes only after a write past the high-water mark, and the soft limit may be lower.
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
    // Up to Node 22, a response that waits for its turn in a pipeline does not report that it was destroyed.
    this.#ending.come()
  }
}

/** The sink of a response without a body, such as an answer to HEAD. It drops what is written, and ends with the current turn. */
export class EmptySink implements ByteSink {
  readonly bufferedBytes = 0
  readonly progress = ''
  readonly isUnread = true
  readonly #response: SseResponse
  readonly #ending = new Ending()

  constructor(response: SseResponse) {
    this.#response = response
    response.on('error', () => {})
    // Not at once: the handler that made the socket goes on to register it, and that must not throw for a HEAD.
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
    // Always a copy: a stream of bytes transfers the memory of its chunks, and other sockets share the frame.
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
    // Do not wait for the promise of `abort`: if the reader of a TransformStream is stuck, that stays pending until it reads or cancels.
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

/** Ignores whether `close` or `abort` succeeds. A stream that fails to close has ended too, and `over` reports the end. */
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

/** Returns the bytes in pieces. Each piece has its own memory, because a stream of bytes transfers the memory of a chunk. */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length <= LONGEST_PIECE_BYTES) return [bytes]
  const count = Math.ceil(bytes.length / LONGEST_PIECE_BYTES)
  return Array.from({ length: count }, (_, i) => bytes.slice(i * LONGEST_PIECE_BYTES, (i + 1) * LONGEST_PIECE_BYTES))
}

function tooLate(cause: unknown): Error {
  return new Error('The response is over', cause === undefined ? undefined : { cause })
}
