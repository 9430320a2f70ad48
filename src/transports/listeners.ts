/**
 * A set of listeners. Listeners may be added and removed while they are called. `tell` calls exactly the listeners that were in the set when `tell`
 * began, even if they are removed meanwhile.
 */
export class Listeners {
  readonly #listeners = new Set<() => void>()

  /** Adds a listener. The returned function removes the listener. */
  add(listener: () => void): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Calls every listener. */
  readonly tell = (): void => {
    for (const listener of [...this.#listeners]) listener()
  }
}
