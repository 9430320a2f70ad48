import { UnheardErrors } from './unheard-errors.ts'
import { disown } from './user-code.ts'

/**
 * Passes errors that no call could throw to the option `onError` of a module. Without an `onError`, such an error is printed. An error that `onError`
 * itself throws is printed as well.
 */
export class ErrorReports<TFacts extends readonly unknown[] = []> {
  readonly #onError: ((error: unknown, ...facts: TFacts) => unknown) | undefined
  readonly #entry: string
  readonly #failure: string
  readonly #unheard = new UnheardErrors()

  /**
   * @param entry - the entry point of the package that the host imports
   * @param failure - what failed, as the first half of the printed sentence
   */
  constructor(onError: ((error: unknown, ...facts: TFacts) => unknown) | undefined, entry: string, failure: string) {
    this.#onError = onError
    this.#entry = entry
    this.#failure = failure
  }

  tell(error: unknown, ...facts: TFacts): void {
    if (this.#onError === undefined) return this.print(this.#failure, error)
    try {
      disown(this.#onError(error, ...facts))
    } catch (thrown) {
      this.print('its `onError`', thrown)
    }
  }

  /** Prints an error, whether there is an `onError` or not. */
  print(failure: string, error: unknown): void {
    this.#unheard.print(`stream-connection-manager/${this.#entry}: ${failure} failed. \`onError\` gets such errors.`, error)
  }
}
