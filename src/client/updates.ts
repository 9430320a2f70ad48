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
    else this.#waiting.push(update)
    this.#serve()
    if (this.#waiting.length > this.#maxWaiting) this.#giveUp(this.#waiting.shift() as Item, this.#waiting.shift())
  }

  /** Ends at once: what waits is not read any more. */
  stop(): void {
    this.#waiting.length = 0
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

  /** Puts a gap in the place of the two oldest updates, one of which may be such a gap. */
  #giveUp(oldest: Item, next: Item | undefined): void {
    const { streamType, symbol } = oldest
    this.#waiting.unshift({ type: 'gap', streamType, symbol, dropped: sizeOf(oldest) + sizeOf(next) || undefined })
  }

  #end(failure?: ClientError): void {
    this.#isOver = true
    this.#failure = failure
    this.#unsubscribe()
  }

  #serve(): void {
    for (const read of this.#readers.splice(0)) {
      const value = this.#waiting.shift()
      if (value) read({ done: false, value })
      else if (!this.#isOver) this.#readers.push(read)
      else read(this.#failure ? Promise.reject(this.#failure) : DONE)
    }
  }
}

/** How many messages an update is, or stands for. `NaN` if nobody knows: so is every sum with it. */
function sizeOf(update: Item | undefined): number {
  if (update?.type === 'gap') return update.dropped ?? NaN
  return update ? 1 : 0
}
