import { seededRandom } from '../support/seeded-random.ts'

/** Decisions that a seed makes. */
export class Dice {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = seededRandom(seed)
  }

  below(count: number): number {
    return Math.floor(this.#next() * count)
  }

  between(least: number, most: number): number {
    return least + this.#next() * (most - least)
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }

  pick<TItem>(items: readonly TItem[]): TItem {
    return items[this.below(items.length)] as TItem
  }
}
