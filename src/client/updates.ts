import { ClientError } from './client-error.ts'
import type { AnyMessage, AnyUpdate, Gap } from './update.ts'

type Item = AnyMessage | Gap

/** The updates of a stream that the reader has not read yet. If more than `maxWaiting` updates wait, a gap replaces the oldest ones. */
export class Updates {
  readonly #maxWaiting: number
  readonly #waiting: Item[] = []
  /** Gives the waiting reader its next update, or `undefined` if the stream has no more updates. */
  #hand: ((item?: Item) => void) | undefined
  #isOver = false
  #failure: ClientError | undefined

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  take(update: AnyUpdate): void {
    const { type } = update
    if (type === 'status') return
    if (type !== 'ended') return this.#add(update)
    if (update.code !== 'ERR_CLOSED') this.#failure = new ClientError(update.code)
    this.#end()
  }

  /** Ends the reading at once, and discards the waiting updates. */
  stop(): void {
    this.#waiting.length = 0
    this.#failure = undefined
    this.#end()
  }

  async *read(): AsyncGenerator<Item, undefined> {
    for (let item = await this.#next(); item; item = await this.#next()) yield item
    if (this.#failure) throw this.#failure
  }

  #next(): Item | undefined | Promise<Item | undefined> {
    return this.#waiting.shift() ?? (this.#isOver ? undefined : new Promise((resolve) => (this.#hand = resolve)))
  }

  #add(item: Item): void {
    const hand = this.#hand
    this.#hand = undefined
    if (hand) return hand(item)
    this.#waiting.push(item)
    if (this.#waiting.length > this.#maxWaiting) this.#giveUp(this.#waiting.shift() as Item, this.#waiting.shift())
  }

  /** Replaces the two oldest updates with one gap. Each of the two may itself be a gap. */
  #giveUp(oldest: Item, next: Item | undefined): void {
    const { streamType, symbol } = oldest
    this.#waiting.unshift({ type: 'gap', streamType, symbol, dropped: sizeOf(oldest) + sizeOf(next) || undefined })
  }

  #end(): void {
    this.#isOver = true
    this.#hand?.()
  }
}

/**
 * Returns how many messages an update stands for: 1 for a message, and `dropped` for a gap. Returns `NaN` for a gap of unknown size. A sum with `NaN`
 * is `NaN` too.
 */
function sizeOf(update: Item | undefined): number {
  if (update?.type === 'gap') return update.dropped ?? NaN
  return update ? 1 : 0
}
