import { disown } from '../guards/user-code.ts'

/** Reports errors of the host's `snapshot`. Without an `onError`, it prints the first error, because silence would hide a broken server. */
export class Failures {
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

  #print(error: unknown): void {
    if (this.#hasPrinted) return
    this.#hasPrinted = true
    // A console may be missing, or replaced by anything.
    try {
      const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
      disown(console?.warn?.('stream-connection-manager/recovery: `snapshot` failed. `onError` gets what it throws. Further errors are not printed.', error))
    } catch {
      // There is no other place to print to.
    }
  }
}
