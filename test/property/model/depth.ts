/** How many messages were deferred within the outermost call: exactly where it is one delivery, else at least and at most. */
export class Depth {
  readonly #most: number
  #deferred = 0
  /** Messages that are being serialized, and may be deferred or not. */
  #undecided = 0

  /** @param most `maxDeferred` */
  constructor(most: number) {
    this.#most = most
  }

  /** Whether one more is too many. */
  isReached(): boolean {
    return this.#deferred >= this.#most
  }

  mayBeReached(): boolean {
    return this.#deferred + this.#undecided >= this.#most
  }

  /** A message is published. It counts before it is serialized, which may publish in its turn. */
  enter(isDeferred: 'yes' | 'no' | 'perhaps'): void {
    if (isDeferred === 'yes') this.#deferred++
    if (isDeferred === 'perhaps') this.#undecided++
  }

  leave(isDeferred: 'yes' | 'no' | 'perhaps'): void {
    if (isDeferred === 'perhaps') this.#undecided--
  }

  noteDeferred(wasExpected: 'yes' | 'no' | 'perhaps'): void {
    if (wasExpected !== 'yes') this.#deferred++
  }

  noteRefused(wasExpected: 'yes' | 'no' | 'perhaps'): void {
    if (wasExpected === 'yes') this.#deferred--
  }

  /** The outermost call is over. */
  reset(): void {
    this.#deferred = 0
  }
}
