import type { Dice } from '../../support/dice.ts'
import type { Entry } from './messages.ts'
import { chartOf, SYMBOLS, userOf } from './streams.ts'

/** Messages for each tick. */
const A_TICK = 2
const BULK = { messages: 256, aTick: 8, padding: 32_000 }

/** Makes messages, whether or not a server is there. */
export class Feed {
  readonly books: Record<string, number> = {}
  readonly #dice: Dice
  readonly #clientCount: number
  #lastId = 0
  readonly #bulk = new Map<number, number>()

  constructor(dice: Dice, clientCount: number) {
    this.#dice = dice
    this.#clientCount = clientCount
  }

  /** A client's chart becomes busy for a while: more than the system holds for a client that reads slowly. */
  burst(client: number): void {
    this.#bulk.set(client, BULK.messages)
  }

  /** Returns what the next moment brings. */
  tick(): Entry[] {
    const entries = Array.from({ length: A_TICK }, () => this.#any())
    for (const [client, left] of this.#bulk) {
      for (let i = 0; i < BULK.aTick; i++) entries.push(this.#entry({ streamType: 'CHART', symbol: chartOf(client), padding: BULK.padding }))
      if (left > BULK.aTick) this.#bulk.set(client, left - BULK.aTick)
      else this.#bulk.delete(client)
    }
    return entries
  }

  /** Returns one last message of each stream: a loss before it is one that it shows. */
  last(): Entry[] {
    const users = new Set(Array.from({ length: this.#clientCount }, (_, client) => userOf(client)))
    return [
      ...SYMBOLS.flatMap((symbol) => (['TRADES', 'PRICE', 'BOOK', 'NEWS'] as const).map((streamType) => this.#entry({ streamType, symbol }))),
      ...[...users].map((userId) => this.#entry({ streamType: 'ORDER_UPDATES', userId })),
      ...Array.from({ length: this.#clientCount }, (_, client) => this.#entry({ streamType: 'CHART', symbol: chartOf(client) })),
    ]
  }

  #any(): Entry {
    const dice = this.#dice
    const symbol = dice.pick(SYMBOLS)
    const turn = dice.below(20)
    if (turn < 8) return this.#entry({ streamType: 'TRADES', symbol })
    if (turn < 11) return this.#entry({ streamType: 'PRICE', symbol })
    if (turn < 14) return this.#entry({ streamType: 'BOOK', symbol })
    if (turn < 16) return this.#entry({ streamType: 'NEWS', symbol })
    if (turn < 17) return this.#entry({ streamType: 'CHART', symbol: chartOf(dice.below(this.#clientCount)) })
    return this.#entry({ streamType: 'ORDER_UPDATES', userId: userOf(dice.below(this.#clientCount)) })
  }

  #entry(entry: Omit<Entry, 'data'>): Entry {
    const { streamType, symbol = '' } = entry
    const id = ++this.#lastId
    if (streamType !== 'BOOK') return { ...entry, data: { id } }
    const n = (this.books[symbol] ?? 0) + 1
    this.books[symbol] = n
    return { ...entry, data: { id, n } }
  }
}
