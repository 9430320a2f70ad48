import { adopted } from '../foreign.ts'

/** What server-sent events need of a response: those of `node:http` and `node:http2` fit, and HTTP/2 streams. */
export interface SseResponse {
  readonly writableLength: number
  readonly writableEnded: boolean
  readonly writableFinished: boolean
  readonly destroyed?: boolean
  write(chunk: Uint8Array, flushed: () => void): boolean
  end(): unknown
  destroy(): unknown
  on(event: string, listener: (error?: unknown) => void): unknown
  /** That of HTTP/2, below a response of `node:http2`. */
  readonly stream?: { readonly destroyed: boolean; on(event: string, listener: () => void): unknown } | undefined
}

/** What server-sent events need of a web stream: the writer that `stream.getWriter()` returns fits as it is. */
export interface SseWriter {
  readonly closed: PromiseLike<unknown>
  write(chunk?: Uint8Array): PromiseLike<unknown>
  close(): PromiseLike<unknown>
  abort(reason?: unknown): PromiseLike<unknown>
}

/** Where the bytes of an event stream leave the server. */
export interface ByteSink {
  /** Bytes that were written and have not left. */
  readonly bufferedBytes: number
  /** False once it was ended or cut off, by whomever. */
  readonly isWritable: boolean
  /** Resolves when it is over: all has left, or nothing more can. Never rejects. */
  readonly over: Promise<void>
  /** Writes the chunks as one. Throws, or rejects, when they cannot leave; such a rejection is handled already. */
  write(chunks: readonly Uint8Array[]): Promise<void> | void
  /** Calls the listener whenever something left, and when it is over; the returned function ends that. */
  onDrain(listener: () => void): () => void
  /** Ends it once all has left. Nothing happens the second time. */
  end(): void
  /** Cuts it off. Nothing happens once it is over. */
  destroy(): void
}

/** Listeners that may come and go while they are told. */
class Listeners {
  readonly #listeners = new Set<() => void>()

  add(listener: () => void): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  readonly tell = (): void => {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** The sink that a response of Node's is. */
export class ResponseSink implements ByteSink {
  readonly over: Promise<void>
  readonly #response: SseResponse
  readonly #drain = new Listeners()
  #isOver = false
  #error: unknown

  constructor(response: SseResponse) {
    this.#response = response
    this.over = new Promise((resolve) => {
      const end = (): void => {
        this.#isOver = true
        resolve()
        this.#drain.tell()
      }
      if (response.writableFinished || response.destroyed === true || response.stream?.destroyed === true) end()
      for (const event of ['finish', 'close']) response.on(event, end)
    })
    // Without a listener it would end the process. What it means is told by `close`, and by the next write.
    response.on('error', (error) => {
      this.#error = error
    })
    response.on('drain', this.#drain.tell)
    // An HTTP/2 stream that its client resets without an error, while something waits, says no more than this and stays open.
    for (const aborting of [response, response.stream]) aborting?.on('aborted', () => this.destroy())
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  get isWritable(): boolean {
    return !this.#isOver && !this.#response.writableEnded && this.#response.destroyed !== true
  }

  write(chunks: readonly Uint8Array[]): void {
    // Node would say so in the callback, by an `error` event or not at all, as the case may be.
    if (!this.isWritable) throw tooLate(this.#error)
    const [first] = chunks
    // After every write: `drain` comes only after one beyond the high-water mark, and the soft limit may be lower.
    this.#response.write(chunks.length === 1 && first !== undefined ? first : joined(chunks), this.#drain.tell)
  }

  onDrain(listener: () => void): () => void {
    return this.#drain.add(listener)
  }

  end(): void {
    if (this.isWritable) this.#response.end()
  }

  destroy(): void {
    // Once it is over, the TCP socket may be serving the client's next request.
    if (!this.#isOver) this.#response.destroy()
  }
}

/** The sink that the writer of a web stream is. */
export class WriterSink implements ByteSink {
  readonly over: Promise<void>
  readonly #writer: SseWriter
  readonly #drain = new Listeners()
  #bufferedBytes = 0
  #isWritable = true
  #isOver = false
  #resolveOver!: () => void
  #error: unknown

  constructor(writer: SseWriter) {
    this.#writer = writer
    this.over = new Promise((resolve) => (this.#resolveOver = resolve))
    adopted(writer.closed).then(
      () => this.#end(),
      (error: unknown) => this.#end(error),
    )
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get isWritable(): boolean {
    return this.#isWritable
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    if (!this.#isWritable) throw tooLate(this.#error)
    // Always a copy: a stream of bytes takes the memory of its chunks away, and other sockets share the frame.
    const bytes = joined(chunks)
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

  onDrain(listener: () => void): () => void {
    return this.#drain.add(listener)
  }

  end(): void {
    if (!this.#isWritable) return
    this.#isWritable = false
    ignoreOutcome(this.#writer.close())
  }

  destroy(): void {
    if (this.#isOver) return
    const error = new Error('The connection was terminated')
    ignoreOutcome(this.#writer.abort(error))
    // Not when the promise of `abort` settles: a TransformStream whose reader is stuck holds on until that reads or leaves.
    this.#end(error)
  }

  #settle(byteCount: number): void {
    this.#bufferedBytes -= byteCount
    this.#drain.tell()
  }

  #end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#isWritable = false
    this.#error = error
    this.#resolveOver()
    this.#drain.tell()
  }
}

/** `over` tells how it ends: a stream that fails to end is just as over. */
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

function tooLate(cause: unknown): Error {
  return new Error('The response is over', cause === undefined ? undefined : { cause })
}
