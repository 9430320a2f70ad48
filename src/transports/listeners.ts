/** Listeners that may come and go while they are told. */
export class Listeners {
  readonly #listeners = new Set<() => void>()

  /** Tells this listener from now on; the returned function ends that. */
  add(listener: () => void): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  readonly tell = (): void => {
    for (const listener of [...this.#listeners]) listener()
  }
}
