import { seededRandom } from '../support/seeded-random.ts'

/** Chance that falls the same way at every run of one seed. */
export class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** A number from 0 up to, not including, `limit`. */
  upTo(limit: number): number {
    return this.#random() * limit
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

/** What is picked as often as its weight says. */
export class Lottery<TItem> {
  readonly #items: readonly TItem[]
  readonly #cumulative: readonly number[]
  readonly #total: number

  constructor(entries: readonly (readonly [item: TItem, weight: number])[]) {
    let total = 0
    this.#items = entries.map(([item]) => item)
    this.#cumulative = entries.map(([, weight]) => (total += weight))
    this.#total = total
  }

  draw(dice: Dice): TItem {
    const mark = dice.upTo(this.#total)
    let at = 0
    while ((this.#cumulative[at] as number) <= mark) at++
    return this.#items[at] as TItem
  }
}
