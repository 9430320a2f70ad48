import { disown } from '../guards/user-code.ts'

/** Called with an error of a held message, and with the message. */
export type ErrorListener = (error: unknown, message: never) => unknown

/** Reports errors that cannot be thrown to the host. Without an `onError`, the errors are printed, because silence would hide a loss. */
export class Failures {
  readonly #onError: ErrorListener | undefined
  readonly #printed = new Set<string>()

  constructor(onError: ErrorListener | undefined) {
    this.#onError = onError
  }

  /** Reports that a held message could not be published. */
  tell(error: unknown, message: unknown): void {
    if (this.#onError === undefined) return this.print('publishing a held message', error)
    try {
      disown(this.#onError(error, message as never))
    } catch (thrown) {
      this.print('its `onError`', thrown)
    }
  }

  /** Prints the error, without the message. Prints only the first error of each source, because a stream may fail at each interval. */
  print(source: string, error: unknown): void {
    if (this.#printed.has(source)) return
    this.#printed.add(source)
    // A console may be missing, or replaced by anything.
    try {
      const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
      disown(console?.warn?.(`stream-connection-manager/throttle: ${source} failed. \`onError\` receives what \`publish\` throws. Further errors are not printed.`, error))
    } catch {
      // There is no other place to print to.
    }
  }
}
