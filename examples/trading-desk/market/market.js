import { Instrument } from './instrument.js'

/** @import { InstrumentDefinition, MarketEvent, MarketMessage } from './instrument.js' */

/**
 * @typedef {object} TimedEvent
 * @property {number} atMs from the beginning of the market, never less than that of the one before
 * @property {string} symbol
 * @property {MarketEvent} event
 *
 * @typedef {object} MarketSource
 * @property {readonly InstrumentDefinition[]} instruments
 * @property {Iterator<TimedEvent>} events without an end
 */

const TURN_MS = 20
/** What the market has behind it when it opens, so that no chart begins empty. */
const PAST_MS = 120_000
/** A machine that slept goes on where it was, and not with all that it missed. */
const LONGEST_LEAP_MS = 1_000

/** A market that goes on and on: it tells of each thing when it is due. */
export class Market {
  #instruments
  #events
  #speed
  #onMessage
  #onQuote
  /** @type {TimedEvent} */
  #next
  /** The symbols whose feed is down. @type {Set<string>} */
  #silent = new Set()
  /** How far the market has come, on its own clock. */
  #nowMs = 0
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined

  /**
   * @param {MarketSource} source
   * @param {object} hooks
   * @param {number} [hooks.speed] how many times faster than the source says
   * @param {(message: MarketMessage) => void} hooks.onMessage
   * @param {(instrument: Instrument) => void} hooks.onQuote the instrument's quote may be another
   */
  constructor({ instruments, events }, { speed = 1, onMessage, onQuote }) {
    this.#instruments = new Map(instruments.map((definition) => [definition.symbol, new Instrument(definition)]))
    this.#events = events
    this.#speed = speed
    this.#onMessage = onMessage
    this.#onQuote = onQuote
    this.#next = events.next().value
  }

  /** @returns {InstrumentDefinition[]} */
  get instruments() {
    return [...this.#instruments.values()].map(({ definition }) => definition)
  }

  /** @param {string} symbol */
  find(symbol) {
    return this.#instruments.get(symbol)
  }

  open() {
    const openedAt = Date.now()
    this.#playUntil(PAST_MS, (event) => this.#apply(event, openedAt - (PAST_MS - event.atMs) / this.#speed))
    // So that there is a latest message of each stream for whoever comes before the next one.
    for (const instrument of this.#instruments.values()) instrument.standing().forEach(this.#onMessage)
    let lookedAt = performance.now()
    this.#timer = setInterval(() => {
      const elapsedMs = Math.min(performance.now() - lookedAt, LONGEST_LEAP_MS)
      lookedAt = performance.now()
      this.#playUntil(this.#nowMs + elapsedMs * this.#speed, (event) => this.#tell(event))
    }, TURN_MS)
  }

  close() {
    clearInterval(this.#timer)
  }

  /**
   * Hears nothing more of a symbol: what happens there meanwhile is lost.
   *
   * @param {string} symbol
   */
  silence(symbol) {
    this.#silent.add(symbol)
  }

  /** @param {string} symbol */
  resume(symbol) {
    this.#silent.delete(symbol)
  }

  /** Tells of the candles that changed since the last call. */
  tellCandles() {
    const now = Date.now()
    for (const [symbol, instrument] of this.#instruments) {
      if (!this.#silent.has(symbol)) instrument.candlesChanged(now).forEach(this.#onMessage)
    }
  }

  /**
   * @param {number} untilMs
   * @param {(event: TimedEvent) => void} play
   */
  #playUntil(untilMs, play) {
    for (; this.#next.atMs <= untilMs; this.#next = this.#events.next().value) play(this.#next)
    this.#nowMs = untilMs
  }

  /** @param {TimedEvent} event */
  #tell(event) {
    if (this.#silent.has(event.symbol)) return
    this.#apply(event, Date.now()).forEach(this.#onMessage)
    const instrument = this.find(event.symbol)
    if (instrument) this.#onQuote(instrument)
  }

  /**
   * @param {TimedEvent} event
   * @param {number} atMs
   */
  #apply({ symbol, event }, atMs) {
    return this.find(symbol)?.apply(event, atMs) ?? []
  }
}
