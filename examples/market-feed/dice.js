/**
 * Chance that repeats itself: the same seed and purpose give the same throws, in both processes.
 *
 * Each purpose has its own sequence, so that one more user does not change the market.
 */
export class Dice {
  #state

  /**
   * @param {number} seed
   * @param {string} purpose
   */
  constructor(seed, purpose) {
    this.#state = seed >>> 0
    for (const character of purpose) this.#state = Math.imul(this.#state ^ character.charCodeAt(0), 0x01000193)
  }

  /** A number from 0 up to, but not including, 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /**
   * A whole number from 0 up to, but not including, `limit`.
   *
   * @param {number} limit
   */
  below(limit) {
    return Math.floor(this.next() * limit)
  }

  /**
   * @template T
   * @param {readonly T[]} choices not empty
   * @returns {T}
   */
  pick(choices) {
    return choices[this.below(choices.length)]
  }

  /**
   * At most `count` different members of a list, in random order.
   *
   * @template T
   * @param {readonly T[]} list
   * @param {number} [count]
   * @returns {T[]}
   */
  sample(list, count = list.length) {
    const rest = [...list]
    const drawn = []
    while (drawn.length < count && rest.length > 0) drawn.push(...rest.splice(this.below(rest.length), 1))
    return drawn
  }
}
