import { SYMBOL_STREAMS } from '../streams.js'

/** @import { StreamStatus } from '../../../dist/index.js' */
/** @import { Manager } from './picks.js' */

/**
 * Where the prices come from, as far as a feed can be cut.
 *
 * @typedef {object} Source
 * @property {(symbol: string) => void} silence
 * @property {(symbol: string) => void} resume
 */

const RECONNECT_MS = 1_000

/** The feeds of the market, one for each symbol. Tells all who hear of a symbol when its feed is down, and when it is back. */
export class Feeds {
  #manager
  #source
  /** Those that are not connected, by symbol. @type {Map<string, StreamStatus>} */
  #statuses = new Map()
  /** @type {Map<string, NodeJS.Timeout>} */
  #timers = new Map()

  /**
   * @param {Manager} manager
   * @param {Source} source
   */
  constructor(manager, source) {
    this.#manager = manager
    this.#source = source
    // The manager forgets the status of a stream with its last subscription. So a stream gets it with its first one.
    manager.on('subscriptionAdded', ({ subscription: { streamType, symbol = '' } }) => {
      const status = this.#statuses.get(symbol)
      const ofSymbol = SYMBOL_STREAMS.find((each) => each === streamType)
      if (status && ofSymbol) manager.setStreamStatus({ streamType: ofSymbol, symbol }, status)
    })
  }

  /**
   * Cuts the feed of a symbol, until it is restored.
   *
   * @param {string} symbol
   */
  cut(symbol) {
    clearTimeout(this.#timers.get(symbol))
    this.#source.silence(symbol)
    this.#tell(symbol, 'ERROR')
  }

  /**
   * Restores a feed that was cut, which takes a moment.
   *
   * @param {string} symbol
   */
  restore(symbol) {
    if (this.#statuses.get(symbol) !== 'ERROR') return
    this.#tell(symbol, 'RECONNECTING')
    this.#timers.set(symbol, setTimeout(() => this.#resume(symbol), RECONNECT_MS))
  }

  close() {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  /** @param {string} symbol */
  #resume(symbol) {
    this.#source.resume(symbol)
    this.#tell(symbol, 'CONNECTED')
    // Prices and books are whole again with the next one. Of the trades, nobody knows how many there were meanwhile.
    this.#manager.notifyGap({ streamType: 'TRADES', symbol }, undefined)
  }

  /**
   * @param {string} symbol
   * @param {StreamStatus} status
   */
  #tell(symbol, status) {
    if (status === 'CONNECTED') this.#statuses.delete(symbol)
    else this.#statuses.set(symbol, status)
    for (const streamType of SYMBOL_STREAMS) this.#manager.setStreamStatus({ streamType, symbol }, status)
  }
}
