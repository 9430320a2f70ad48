/** First in, first out; what is in it can be looked at. */
export class Queue<TItem> {
  #items: TItem[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): TItem | undefined {
    return this.#items[this.#head]
  }

  push(item: TItem): void {
    this.#items.push(item)
  }

  shift(): TItem | undefined {
    const item = this.#items[this.#head]
    if (item !== undefined) this.#head++
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  *[Symbol.iterator](): Generator<TItem, undefined> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as TItem
  }
}
