import type { Dice } from '../../support/dice.ts'
import type { Host } from './host.ts'
import type { Market } from './market.ts'
import { Pace } from './pace.ts'
import { ORDER_SYMBOLS } from './streams.ts'

/** All that is published while the soak runs, but for what presses slow clients. */
export class Traffic {
  readonly #host: Host
  readonly #market: Market
  readonly #dice: Dice
  readonly #userIds: readonly string[]
  readonly #errands: readonly (readonly [pace: Pace, errand: () => void])[]

  /** @param userIds to whom orders belong, whether or not they are there */
  constructor(host: Host, market: Market, { dice, userIds, nowMs }: { dice: Dice; userIds: readonly string[]; nowMs: number }) {
    this.#host = host
    this.#market = market
    this.#dice = dice
    this.#userIds = userIds
    this.#errands = [
      [new Pace(100, nowMs), () => void host.publishOrder(this.#someone(), dice.pick(ORDER_SYMBOLS))],
      [new Pace(10, nowMs), () => void host.sendAlert(this.#someone())],
      [new Pace(10, nowMs), () => this.#sendStatus()],
      [new Pace(1, nowMs), () => void host.broadcastNews()],
    ]
  }

  step(nowMs: number): void {
    for (const { streamType, symbol, payload } of this.#market.due(nowMs)) this.#host.publishMarket(streamType, symbol, payload)
    for (const [pace, errand] of this.#errands) for (let due = pace.due(nowMs); due > 0; due--) errand()
  }

  #someone(): string {
    return this.#dice.pick(this.#userIds)
  }

  #sendStatus(): void {
    const listeners = [...this.#host.roster.listeners.values()]
    if (listeners.length > 0) this.#host.sendStatus(this.#dice.pick(listeners))
  }
}
