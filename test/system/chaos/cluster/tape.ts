import type { Dice } from '../../../support/dice.ts'
import type { Entry } from '../messages.ts'
import { SYMBOLS } from '../streams.ts'
import { BULK, roamerName } from './roamers.ts'

/** Who publishes a message: one of the nodes that serve clients, or the one that has the feed. */
export type Publisher = 'any' | 'feed'

const BULK_PADDING = 32_000

/** Makes the messages of a cluster. Any node publishes any of them, except prices. */
export class Tape {
  readonly #dice: Dice
  readonly #clientCount: number
  #lastId = 0

  constructor(dice: Dice, clientCount: number) {
    this.#dice = dice
    this.#clientCount = clientCount
  }

  /** Returns the next message. There is a price only of what the cluster wants. */
  next(wantedPrices: readonly string[]): { readonly by: Publisher; readonly entry: Entry } {
    const dice = this.#dice
    const turn = dice.below(10)
    if (turn < 2 && wantedPrices.length > 0) return { by: 'feed', entry: this.#entry({ streamType: 'PRICE', symbol: dice.pick(wantedPrices) }) }
    const userId = roamerName(dice.below(this.#clientCount))
    if (turn < 4) return { by: 'any', entry: this.#entry({ streamType: 'ORDER_UPDATES', userId }) }
    if (turn < 5) return { by: 'any', entry: this.#entry({ streamType: 'CLUB', symbol: userId }) }
    return { by: 'any', entry: this.#entry({ streamType: turn < 7 ? 'NEWS' : 'TRADES', symbol: dice.pick(SYMBOLS) }) }
  }

  /** Returns messages that fill a broker. */
  bulk(count: number): Entry[] {
    return Array.from({ length: count }, () => this.#entry({ streamType: 'CHART', symbol: BULK, padding: BULK_PADDING }))
  }

  #entry(entry: Omit<Entry, 'data'>): Entry {
    return { ...entry, data: { id: ++this.#lastId } }
  }
}
