import { disown } from '../guards/user-code.ts'

/** Tells the host of its faults, or prints the first one if it does not listen. */
export class Faults {
  readonly #onError: ((error: unknown) => unknown) | undefined
  #hasPrinted = false

  constructor(onError: ((error: unknown) => unknown) | undefined) {
    this.#onError = onError
  }

  tell(error: unknown): void {
    if (this.#onError === undefined) return this.#print(error)
    try {
      disown(this.#onError(error))
    } catch (thrown) {
      this.#print(thrown)
    }
  }

  /** Does something with a socket, which may have gone. */
  static attempt(act: () => unknown): void {
    try {
      disown(act())
    } catch {
      // The socket's own events tell what became of it.
    }
  }

  #print(error: unknown): void {
    if (this.#hasPrinted) return
    this.#hasPrinted = true
    // A console may be missing, or replaced by anything.
    try {
      const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
      disown(console?.warn?.('stream-connection-manager/hosts: a client could not be accepted. `onError` gets the error. Further errors are not printed.', error))
    } catch {
      // There is no other place to print to.
    }
  }
}
