import type { Dice } from '../../support/dice.ts'
import { MARKET_STREAM_TYPES, type MarketStreamType } from './streams.ts'

/** One message of a market. */
export interface MarketMessage {
  readonly streamType: MarketStreamType
  readonly symbol: string
  readonly payload: object
}

/** Where public traffic comes from. */
export interface Market {
  /** What it is called. */
  readonly name: string
  /** The streams that there are. */
  readonly streams: readonly { readonly streamType: MarketStreamType; readonly symbol: string }[]
  /** The messages that have become due. */
  due(nowMs: number): Iterable<MarketMessage>
}

const MESSAGES_A_SECOND = 250
/** Of one stream, within one tick: more than a socket may have buffered. */
const BURST = 250
const CHANCE_OF_A_BURST = 0.000_5
const BOOK_LEVELS = 5
/** Some that a careless look-up, separator or encoding would trip over. */
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BTC/USDT:USDT', '__proto__', 'constructor', ' ', '%3A😀']

/** Prices that walk at random, at an even pace, with a burst now and then. */
export class RandomMarket implements Market {
  readonly name = 'built-in market'
  readonly streams = MARKET_STREAM_TYPES.flatMap((streamType) => SYMBOLS.map((symbol) => ({ streamType, symbol })))
  readonly #dice: Dice
  readonly #prices = new Map(SYMBOLS.map((symbol) => [symbol, 1_000]))
  #untilMs: number | undefined

  constructor(dice: Dice) {
    this.#dice = dice
  }

  *due(nowMs: number): Generator<MarketMessage, undefined> {
    const sinceMs = this.#untilMs ?? nowMs
    const count = Math.floor(((nowMs - sinceMs) / 1_000) * MESSAGES_A_SECOND)
    this.#untilMs = sinceMs + (count / MESSAGES_A_SECOND) * 1_000
    for (let i = 0; i < count; i++) yield* this.#next()
  }

  *#next(): Generator<MarketMessage, undefined> {
    const stream = this.#dice.pick(this.streams)
    const times = this.#dice.chance(CHANCE_OF_A_BURST) ? BURST : 1
    for (let i = 0; i < times; i++) yield { ...stream, payload: this.#payload(stream.streamType, stream.symbol) }
  }

  #payload(streamType: MarketStreamType, symbol: string): object {
    const price = (this.#prices.get(symbol) as number) * this.#dice.between(0.999, 1.001)
    this.#prices.set(symbol, price)
    switch (streamType) {
      case 'PRICE': return { bid: price - 0.1, ask: price + 0.1, last: price }
      case 'TRADES': return { price, quantity: this.#dice.between(0, 10), side: this.#dice.pick(['buy', 'sell']) }
      case 'ORDERBOOK': return { bids: this.#levels(price, -1), asks: this.#levels(price, 1) }
    }
  }

  #levels(price: number, step: number): number[][] {
    return Array.from({ length: BOOK_LEVELS }, (_, level) => [price + step * level, this.#dice.between(0, 10)])
  }
}
