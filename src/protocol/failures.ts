import { disown } from '../guards/user-code.ts'
import type { AnyConnection } from '../ports/connection.ts'

/** Gets what user code threw. */
export type ErrorListener = (error: unknown, connection: AnyConnection) => unknown

/**
 * Tells the host of errors that no call could throw. It prints the first one if the host does not listen, because silence would hide a broken server.
 */
export class Failures {
  readonly #onError: ErrorListener | undefined
  #hasPrinted = false

  constructor(onError: ErrorListener | undefined) {
    this.#onError = onError
  }

  /** Runs a function, and reports what it throws. */
  guard(connection: AnyConnection, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.tell(error, connection)
    }
  }

  tell(error: unknown, connection: AnyConnection): void {
    if (this.#onError === undefined) return this.#print(error)
    try {
      disown(this.#onError(error, connection))
    } catch (thrown) {
      this.#print(thrown)
    }
  }

  /** Prints an error, and nothing about the connection. */
  #print(error: unknown): void {
    if (this.#hasPrinted) return
    this.#hasPrinted = true
    // A console may be missing, or replaced by anything.
    try {
      const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
      disown(console?.warn?.('stream-connection-manager/protocol: a command failed. `onError` gets what it throws. Further errors are not printed.', error))
    } catch {
      // There is no other place to print to.
    }
  }
}
