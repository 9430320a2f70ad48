import { adopted, isThenable } from '../guards/user-code.ts'

/** The functions that an `Outcome` calls later, when a promise has settled. */
interface OutcomeHooks {
  /** Called when the answer has come. Not called for an answer that comes after a call of `fail`. */
  settled(): void
  /** Called if user code fails after a call of `fail`. The client does not get this error any more. */
  failedLate(error: unknown): void
}

/** The answer of user code: a value or an error, at once or later. */
export class Outcome {
  /** True until there is an answer, or `fail` is called. */
  isOpen = true
  value: unknown
  /** The error, or `undefined` if there is none. */
  failure: { readonly error: unknown } | undefined

  constructor(work: () => unknown, hooks: OutcomeHooks) {
    try {
      const answer = work()
      if (isThenable(answer)) this.#await(answer, hooks)
      else this.#fulfil(answer)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Makes the outcome a failure, even if user code has answered or will answer. */
  fail(error: unknown): void {
    this.isOpen = false
    this.failure = { error }
  }

  #fulfil(value: unknown): void {
    this.isOpen = false
    this.value = value
  }

  #await(answer: PromiseLike<unknown>, { settled, failedLate }: OutcomeHooks): void {
    const settle = (isFailure: boolean, result: unknown): void => {
      if (!this.isOpen) return isFailure ? failedLate(result) : undefined
      if (isFailure) this.fail(result)
      else this.#fulfil(result)
      settled()
    }
    adopted(answer).then((value) => settle(false, value), (error) => settle(true, error))
  }
}
