import { Dice } from '../../support/dice.ts'

/** How often each kind of operation comes. */
const WEIGHTS = {
  publish: 34,
  subscribe: 14,
  read: 10,
  tick: 7,
  advance: 6,
  connect: 14,
  cut: 4,
  press: 9,
  relieve: 5,
  arm: 5,
  batch: 3,
  ordeal: 4,
  unsubscribe: 1.5,
  audit: 2,
  revoke: 0.7,
  save: 2,
  reassign: 1,
  remove: 1,
  settle: 0.7,
  restart: 0.3,
} as const

export type Kind = keyof typeof WEIGHTS

/** One step. Its choices are made when it is performed, of what there is then. So a sequence stays valid if some steps are left out. */
export interface Operation {
  readonly kind: Kind
  readonly choices: readonly number[]
}

const CHOICES = 8

export function operationsFor(dice: Dice, count: number): Operation[] {
  const kinds = Object.keys(WEIGHTS) as Kind[]
  const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0)
  const kindAt = (place: number): Kind => {
    let left = place
    return kinds.find((kind) => (left -= WEIGHTS[kind]) < 0) ?? 'publish'
  }
  return Array.from({ length: count }, () => ({
    kind: kindAt(dice.between(0, total)),
    choices: Array.from({ length: CHOICES }, () => dice.below(2 ** 30)),
  }))
}

/** The choices of one operation, made one after the other. */
export class Choices {
  readonly #numbers: readonly number[]
  #next = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  below(limit: number): number {
    const number = this.#numbers[this.#next++ % this.#numbers.length] as number
    return Math.floor((number / 2 ** 30) * limit)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  /** `undefined` if there is nothing to choose from. */
  of<TItem>(items: readonly TItem[]): TItem | undefined {
    return items.length === 0 ? undefined : items[this.below(items.length)]
  }

  /** The numbers for a choice that is made later. */
  rest(): Choices {
    return new Choices(this.#numbers.map((number) => (number * 31 + 7) % 2 ** 30))
  }
}
