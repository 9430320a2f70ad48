import { UnheardErrors } from './unheard-errors.ts'
import { disown } from './user-code.ts'

/**
 * Passes errors to the option `onError` of a module, if the module cannot throw them to a caller. Without an `onError`, the first such error is
 * printed. If `onError` itself throws, the first error that it throws is printed. If `onError` returns a promise that rejects, that error is ignored.
 */
export class ErrorReports<TFacts extends readonly unknown[] = []> {
  readonly #onError: ((error: unknown, ...facts: TFacts) => unknown) | undefined
  readonly #entry: string
  readonly #failure: string
  readonly #unheard = new UnheardErrors()

  /**
   * @param entry - the sub-path of the package that the host imports, such as `protocol`
   * @param failure - what failed: the subject of the printed sentence, whose verb is `failed`
   */
  constructor(onError: ((error: unknown, ...facts: TFacts) => unknown) | undefined, entry: string, failure: string) {
    this.#onError = onError
    this.#entry = entry
    this.#failure = failure
  }

  tell(error: unknown, ...facts: TFacts): void {
    if (this.#onError === undefined) return this.#print(this.#failure, error, ' `onError` gets such errors.')
    try {
      disown(this.#onError(error, ...facts))
    } catch (thrown) {
      this.print('its `onError`', thrown)
    }
  }

  /** Prints an error that `onError` does not get. For each `failure`, only the first error is printed. */
  print(failure: string, error: unknown): void {
    this.#print(failure, error, '')
  }

  #print(failure: string, error: unknown, hint: string): void {
    this.#unheard.print(`stream-connection-manager/${this.#entry}: ${failure} failed.${hint}`, error)
  }
}
