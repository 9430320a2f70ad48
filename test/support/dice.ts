import { seededRandom } from './seeded-random.ts'

/** Random choices that are the same in every run with one seed. */
export class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** A number from `least` up to, not including, `most`. */
  between(least: number, most: number): number {
    return least + this.#random() * (most - least)
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  pick<TItem>(items: readonly TItem[]): TItem {
    return items[this.below(items.length)] as TItem
  }
}
