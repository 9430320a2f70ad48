import { Dice } from '../../../support/dice.ts'
import { Pace } from '../pace.ts'
import type { FeedPlan } from './messages.ts'
import type { Publisher } from './publisher.ts'
import { symbolsFor, usersOf, type ChannelName } from './streams.ts'

/** The part that each kind of stream has of all deliveries. */
const SHARES = { TRADES: 0.7, PRICE: 0.2, ORDER_UPDATES: 0.1 } as const
/** How many of a client's streams are of a kind. */
const WANTED = { TRADES: 2, PRICE: 1, ORDER_UPDATES: 1 } as const

type FeedStreamType = keyof typeof SHARES

const STREAM_TYPES = Object.keys(SHARES) as FeedStreamType[]

/** The market and the orders of one node. */
export class Feed {
  readonly #publisher: Publisher
  readonly #dice: Dice
  readonly #symbols: readonly string[]
  /** Of a `latest` stream, only one node publishes a symbol. */
  readonly #priced: readonly string[]
  readonly #users: readonly string[]
  readonly #paces: ReadonlyMap<FeedStreamType, Pace>

  constructor(publisher: Publisher, { clients, deliveriesPerSecond, seed }: FeedPlan, { node, nodes }: { readonly node: number; readonly nodes: number }, nowMs: number) {
    this.#publisher = publisher
    this.#dice = new Dice(seed)
    this.#symbols = symbolsFor(clients)
    this.#priced = this.#symbols.filter((_, symbol) => symbol % nodes === node)
    this.#users = usersOf(clients)
    const readersOf = { TRADES: clients / this.#symbols.length, PRICE: clients / this.#symbols.length, ORDER_UPDATES: clients / this.#users.length }
    this.#paces = new Map(STREAM_TYPES.map((name) => [name, new Pace((deliveriesPerSecond * SHARES[name]) / (readersOf[name] * WANTED[name]), nowMs)]))
  }

  /** Publishes what is due. */
  step(nowMs: number): void {
    for (const [streamType, pace] of this.#paces) {
      for (let due = pace.due(nowMs); due > 0; due--) this.#publisher.publish(this.#channelOf(streamType))
    }
  }

  #channelOf(streamType: FeedStreamType): ChannelName {
    if (streamType === 'ORDER_UPDATES') return { streamType, userId: this.#dice.pick(this.#users) }
    return { streamType, symbol: this.#dice.pick(streamType === 'PRICE' ? this.#priced : this.#symbols) }
  }
}
