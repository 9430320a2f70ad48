import { SYMBOL_STREAMS } from '../streams.js'

/** @import { ClientSubscription } from '../../../dist/client.js' */
/** @import { DeskClient, DeskUpdate } from '../streams.js' */

/** Keeps a page subscribed to the symbols that it wants, and to no others. */
export class Subscriptions {
  #client
  #listener
  /** What it is subscribed to, by symbol. @type {Map<string, readonly ClientSubscription[]>} */
  #held = new Map()

  /**
   * @param {Pick<DeskClient, 'subscribe'>} client
   * @param {(update: DeskUpdate) => void} listener
   */
  constructor(client, listener) {
    this.#client = client
    this.#listener = listener
  }

  /**
   * Subscribes to what is wanted, ends the rest, and answers which symbols that were.
   *
   * @param {readonly string[]} symbols
   */
  follow(symbols) {
    for (const symbol of symbols) if (!this.#held.has(symbol)) this.#subscribe(symbol)
    const ended = [...this.#held.keys()].filter((symbol) => !symbols.includes(symbol))
    for (const symbol of ended) this.#unsubscribe(symbol)
    return ended
  }

  /** @param {string} symbol */
  #subscribe(symbol) {
    const listen = (/** @type {typeof SYMBOL_STREAMS[number]} */ streamType) => this.#client.subscribe({ streamType, symbol }, (update) => this.#listener(update))
    this.#held.set(symbol, SYMBOL_STREAMS.map(listen))
  }

  /** @param {string} symbol */
  #unsubscribe(symbol) {
    for (const subscription of this.#held.get(symbol) ?? []) subscription.unsubscribe()
    this.#held.delete(symbol)
  }
}
