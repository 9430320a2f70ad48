import { Dice } from '../../../support/dice.ts'
import { Pace } from '../pace.ts'
import type { FeedPlan } from './messages.ts'
import type { Publisher } from './publisher.ts'
import { pricedBy, symbolsFor, usersOf, type ChannelName } from './streams.ts'

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
  readonly #priced: readonly string[]
  /** The users get orders in turn, so that no channel is quiet for so long that its numbers are forgotten. */
  readonly #users: readonly string[]
  #turn = 0
  readonly #paces: ReadonlyMap<FeedStreamType, Pace>

  constructor(publisher: Publisher, { node, nodes, clients, deliveriesPerSecond, seed }: FeedPlan, nowMs: number) {
    this.#publisher = publisher
    this.#dice = new Dice(seed)
    this.#symbols = symbolsFor(clients)
    this.#priced = pricedBy(node, nodes, this.#symbols)
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
    if (streamType === 'ORDER_UPDATES') return { streamType, userId: this.#users[this.#turn++ % this.#users.length] }
    return { streamType, symbol: this.#dice.pick(streamType === 'PRICE' ? this.#priced : this.#symbols) }
  }
}
