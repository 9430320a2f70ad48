/** How many of something are due, when so many a second are to be. */
export class Pace {
  readonly #perSecond: number
  #untilMs: number
  #credit = 0

  constructor(perSecond: number, fromMs: number) {
    this.#perSecond = perSecond
    this.#untilMs = fromMs
  }

  /** How many have become due since it was last asked. */
  due(nowMs: number): number {
    this.#credit += ((nowMs - this.#untilMs) / 1_000) * this.#perSecond
    this.#untilMs = nowMs
    const due = Math.floor(this.#credit)
    this.#credit -= due
    return due
  }
}
