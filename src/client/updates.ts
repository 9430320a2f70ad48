import { ClientError } from './client-error.ts'
import type { AnyMessage, AnyUpdate, Gap } from './update.ts'

type Item = AnyMessage | Gap
type Result = IteratorResult<Item, undefined>

const DONE: Result = { done: true, value: undefined }

/** The updates of a stream that wait to be read. If too many wait, the oldest ones give way to a gap. */
export class Updates implements AsyncIterableIterator<Item> {
  readonly #maxWaiting: number
  readonly #unsubscribe: () => void
  readonly #waiting: Item[] = []
  readonly #readers: ((result: Result | Promise<never>) => void)[] = []
  /** What stands for the updates that were given up. */
  #gap: Gap | undefined
  #isOver = false
  #failure: ClientError | undefined

  constructor(maxWaiting: number, unsubscribe: () => void) {
    this.#maxWaiting = maxWaiting
    this.#unsubscribe = unsubscribe
  }

  take(update: AnyUpdate): void {
    const { type } = update
    if (type === 'status') return
    if (type === 'ended') this.#end(update.code === 'ERR_CLOSED' ? undefined : new ClientError(update.code))
    else if (this.#waiting.push(update) > this.#maxWaiting) this.#giveUpOldest()
    this.#serve()
  }

  /** Ends at once: what waits is not read any more. */
  stop(): void {
    this.#waiting.length = 0
    this.#gap = undefined
    this.#end()
    this.#serve()
  }

  next(): Promise<Result> {
    return new Promise((resolve) => {
      this.#readers.push(resolve)
      this.#serve()
    })
  }

  async return(): Promise<Result> {
    this.stop()
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #giveUpOldest(): void {
    const { type, streamType, symbol, dropped } = this.#waiting.shift() as Gap
    const before = this.#gap ? this.#gap.dropped : 0
    // `NaN` does not get past `||`: if one of the sizes is unknown, so is the sum.
    this.#gap = { type: 'gap', streamType, symbol, dropped: Number(before) + (type ? Number(dropped) : 1) || undefined }
  }

  #end(failure?: ClientError): void {
    this.#isOver = true
    this.#failure = failure
    this.#unsubscribe()
  }

  #serve(): void {
    for (const read of this.#readers.splice(0)) {
      const value = this.#gap ?? this.#waiting.shift()
      this.#gap = undefined
      if (value) read({ done: false, value })
      else if (!this.#isOver) this.#readers.push(read)
      else read(this.#failure ? Promise.reject(this.#failure) : DONE)
    }
  }
}
