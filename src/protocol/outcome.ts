import { adopted, isThenable } from '../guards/user-code.ts'

/** Who is told what comes later. */
interface OutcomeHooks {
  /** The answer has come. It is not called for an answer that comes after `fail`. */
  settled(): void
  /** User code failed after `fail`, so that its error is nobody's answer. */
  failedLate(error: unknown): void
}

/** What user code answered: a value or an error, at once or later. */
export class Outcome {
  /** True until there is an answer. */
  isOpen = true
  value: unknown
  /** What went wrong. `undefined` if nothing did. */
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

  /** Makes it a failure, whatever the answer is or will be. */
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
