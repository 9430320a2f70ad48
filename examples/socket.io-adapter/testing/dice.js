/** Random choices that a seed repeats. */
export class Dice {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed
  }

  /** A whole number of 0 or more, below the limit. */
  below(/** @type {number} */ limit) {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  /**
   * @template TItem
   * @param {readonly TItem[]} items
   */
  pick(items) {
    return /** @type {TItem} */ (items[this.below(items.length)])
  }

  /**
   * Up to so many of the items, none twice.
   *
   * @template TItem
   * @param {readonly TItem[]} items
   * @param {number} most
   */
  some(items, most) {
    return [...new Set(Array.from({ length: this.below(most + 1) }, () => this.pick(items)))]
  }
}
