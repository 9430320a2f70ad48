import { Dice } from '../../../support/dice.ts'
import { Pace } from '../pace.ts'
import type { FeedPlan } from './messages.ts'
import type { Publisher } from './publisher.ts'
import { pricedBy, symbolsFor, usersOf, type ChannelName } from './streams.ts'

/** How many messages each client receives while all nodes open their channels: two trades and an order of each node, and one price. */
export function openingsOf(nodes: number): number {
  return 3 * nodes + 1
}

/**
 * The first message of each channel of one node.
 *
 * Before a client has received a message of a channel, another node may answer the client with `recovered: false`. So nobody leaves before all
 * channels are open.
 */
export class Opening {
  readonly #publisher: Publisher
  readonly #channels: ChannelName[]
  readonly #dice: Dice
  readonly #pace: Pace

  constructor(publisher: Publisher, { node, nodes, clients, deliveriesPerSecond, seed }: FeedPlan, nowMs: number) {
    const symbols = symbolsFor(clients)
    this.#publisher = publisher
    this.#dice = new Dice(seed)
    this.#channels = [
      ...symbols.map((symbol) => ({ streamType: 'TRADES', symbol }) as const),
      ...pricedBy(node, nodes, symbols).map((symbol) => ({ streamType: 'PRICE', symbol }) as const),
      ...usersOf(clients).map((userId) => ({ streamType: 'ORDER_UPDATES', userId }) as const),
    ]
    const seconds = (clients * openingsOf(nodes)) / (deliveriesPerSecond * nodes)
    this.#pace = new Pace(this.#channels.length / seconds, nowMs)
  }

  get isOver(): boolean {
    return this.#channels.length === 0
  }

  /** Publishes what is due. */
  step(nowMs: number): void {
    for (let due = this.#pace.due(nowMs); due > 0 && !this.isOver; due--) this.#publisher.publish(this.#next())
  }

  /** The order is random, because a trade has many more readers than an order. */
  #next(): ChannelName {
    const at = this.#dice.below(this.#channels.length)
    const next = this.#channels[at] as ChannelName
    this.#channels[at] = this.#channels.at(-1) as ChannelName
    this.#channels.pop()
    return next
  }
}
