/**
 * The calls that a broker has not answered yet. These calls reject when the link is lost, because some broker clients never settle the calls of a
 * lost link.
 */
export class InFlight {
  readonly #rejections = new Set<(error: Error) => void>()

  /** Settles as `answer` does, or rejects if the link is lost first. */
  answered<TAnswer>(answer: PromiseLike<TAnswer>): Promise<TAnswer> {
    return new Promise((resolve, reject) => {
      this.#rejections.add(reject)
      answer.then(
        (value) => {
          this.#rejections.delete(reject)
          resolve(value)
        },
        (error: unknown) => {
          this.#rejections.delete(reject)
          reject(error as Error)
        },
      )
    })
  }

  /** Rejects all unanswered calls, because the link is lost. */
  lose(): void {
    const rejections = [...this.#rejections]
    this.#rejections.clear()
    for (const reject of rejections) reject(linkLost())
  }
}

/** Returns the error of a call for which there is no link to the broker, or whose link is lost before the answer. */
export function linkLost(): Error {
  return new Error('There is no link to the broker')
}
