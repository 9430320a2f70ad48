/** If fewer items than this were shifted, the array is not copied to free their places. There may be a queue for each user, so the limit is low. */
const COMPACT_FROM = 32

/** A first-in, first-out queue. Unlike the `shift` of an array, the `shift` of this queue does not slow down as the queue grows. */
export class Queue<T> {
  #items: (T | undefined)[] = []
  /** The index of the first item in the queue. The places before it are empty. */
  #head = 0

  get isEmpty(): boolean {
    return this.#head === this.#items.length
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.isEmpty) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    this.#dropShifted()
    return item
  }

  /** Iterates over the items in the queue, oldest first. */
  *[Symbol.iterator](): Generator<T, undefined> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T
  }

  #dropShifted(): void {
    if (!this.isEmpty && (this.#head < COMPACT_FROM || this.#head * 2 < this.#items.length)) return
    this.#items = this.isEmpty ? [] : this.#items.slice(this.#head)
    this.#head = 0
  }
}
