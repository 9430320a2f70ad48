import { SYMBOL_STREAMS } from '../streams.js'

/** @import { ConnectionManager, StreamStatus } from '../../../dist/index.js' */
/** @import { DeskStreams } from '../streams.js' */

/**
 * Who tells the subscribers: a manager, or a cluster, which tells those of all nodes.
 *
 * @typedef {Pick<ConnectionManager<any, DeskStreams>, 'setStreamStatus' | 'notifyGap'>} Notices
 *
 * Where the prices come from, as far as a feed can be cut.
 *
 * @typedef {object} Source
 * @property {(symbol: string) => void} silence
 * @property {(symbol: string) => void} resume
 */

const RECONNECT_MS = 1_000

/** The feeds of the market, one for each symbol. Tells all who hear of a symbol when its feed is down, and when it is back. */
export class Feeds {
  #notices
  #source
  /** Those that are not connected, by symbol. @type {Map<string, StreamStatus>} */
  #statuses = new Map()
  /** @type {Map<string, NodeJS.Timeout>} */
  #timers = new Map()

  /**
   * @param {Notices} notices
   * @param {Source} source
   */
  constructor(notices, source) {
    this.#notices = notices
    this.#source = source
  }

  /** @param {string} symbol */
  statusOf(symbol) {
    return this.#statuses.get(symbol) ?? 'CONNECTED'
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
    this.#notices.notifyGap({ streamType: 'TRADES', symbol }, undefined)
  }

  /**
   * @param {string} symbol
   * @param {StreamStatus} status
   */
  #tell(symbol, status) {
    if (status === 'CONNECTED') this.#statuses.delete(symbol)
    else this.#statuses.set(symbol, status)
    for (const streamType of SYMBOL_STREAMS) this.#notices.setStreamStatus({ streamType, symbol }, status)
  }
}
