import { adopted, isThenable } from '../guards/user-code.ts'

/**
 * What user code answered: a value or an error, at once or later.
 *
 * `settled` is called if the answer comes later. It is not called for what comes after `fail`.
 */
export class Outcome {
  /** True until there is an answer. */
  isOpen = true
  value: unknown
  /** What went wrong. `undefined` if nothing did. */
  failure: { readonly error: unknown } | undefined

  constructor(work: () => unknown, settled: () => void) {
    try {
      const answer = work()
      if (isThenable(answer)) this.#await(answer, settled)
      else this.#fulfil(answer)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Makes it a failure, whatever the answer is or will be. */
  fail(error: unknown): void {
    this.isOpen = false
    this.failure = { error }
  }

  #fulfil(value: unknown): void {
    this.isOpen = false
    this.value = value
  }

  #await(answer: PromiseLike<unknown>, settled: () => void): void {
    const settle = (act: () => void): void => {
      if (!this.isOpen) return
      act()
      settled()
    }
    adopted(answer).then((value) => settle(() => this.#fulfil(value)), (error) => settle(() => this.fail(error)))
  }
}
