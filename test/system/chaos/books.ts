/** The order book of one client: a snapshot, and the changes since. Each change has the next number. */
export class Book {
  /** The number of the last change. `undefined` if the client does not know the book: at first, and after a gap. */
  #last: number | undefined

  /** Something is missing. So only a snapshot tells how the book is. */
  lose(): void {
    this.#last = undefined
  }

  snapshot(n: number): void {
    this.#last = n
  }

  /** Takes a change. Returns what is wrong with it. */
  change(n: number): string | undefined {
    const last = this.#last
    this.#last = n
    if (last === undefined) return `change ${n} came without the book that it changes`
    return n === last + 1 ? undefined : `change ${n} came after ${last}`
  }
}
