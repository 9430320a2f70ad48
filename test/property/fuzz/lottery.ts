import type { Dice } from '../../support/dice.ts'

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
    const mark = dice.between(0, this.#total)
    let at = 0
    while ((this.#cumulative[at] as number) <= mark) at++
    return this.#items[at] as TItem
  }
}
