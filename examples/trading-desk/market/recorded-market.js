import { FeedError, parseFeed } from '../../market-feed/feed.js'
import { readPayload } from './exchange-payload.js'

/** @import { MarketMessage as FeedMessage } from '../../market-feed/feed.js' */
/** @import { BookEvent, MarketEvent } from './instrument.js' */
/** @import { MarketSource, TimedEvent } from './market.js' */

/** Between the end of a recording and its next beginning. */
const PAUSE_MS = 1_000
const MOST_DECIMALS = 10
/** A whole book has thousands of levels, which are all written the same way. */
const LEVELS_READ = 16
/** More of them are dust. */
const MOST_QUANTITY_DECIMALS = 4

/**
 * A market that plays a recording over and over.
 *
 * @param {Uint8Array} bytes
 * @param {string} name what errors call the recording
 * @returns {MarketSource}
 */
export function recordedMarket(bytes, name) {
  const events = eventsOf(parseFeed(bytes, name))
  if (events.length === 0) throw new FeedError(`${name}: holds no message in a form that the desk can show`)
  return { instruments: instrumentsOf(events), events: repeat(events) }
}

/**
 * The symbols, the busiest first: it is the one that a page begins with.
 *
 * @param {readonly TimedEvent[]} events
 */
function instrumentsOf(events) {
  /** @type {Map<string, MarketEvent[]>} */
  const bySymbol = new Map()
  for (const { symbol, event } of events) {
    const own = bySymbol.get(symbol)
    if (own) own.push(event)
    else bySymbol.set(symbol, [event])
  }
  return [...bySymbol]
    .sort(([, one], [, other]) => tradesIn(other) - tradesIn(one))
    .map(([symbol, own]) => ({
      symbol,
      decimals: mostDecimals(own.flatMap(pricesIn), MOST_DECIMALS),
      quantityDecimals: mostDecimals(own.flatMap(quantitiesIn), MOST_QUANTITY_DECIMALS),
    }))
}

/** @param {readonly MarketEvent[]} events */
function tradesIn(events) {
  return events.filter(({ type }) => type === 'trade').length
}

/**
 * @param {readonly FeedMessage[]} messages
 * @returns {TimedEvent[]}
 */
function eventsOf(messages) {
  const [{ timestampMs: startedAt }] = messages
  let atMs = 0
  return messages.flatMap(({ streamType, symbol, data, timestampMs }) => {
    // A recorder's clock may go back; a market's does not.
    atMs = Math.max(atMs, timestampMs - startedAt)
    return readPayload(streamType, data).map((event) => ({ atMs, symbol, event }))
  })
}

/**
 * @param {readonly TimedEvent[]} events
 * @returns {Generator<TimedEvent, never>}
 */
function* repeat(events) {
  const spanMs = (events.at(-1)?.atMs ?? 0) + PAUSE_MS
  for (let startMs = 0; ; startMs += spanMs) {
    for (const { atMs, symbol, event } of events) yield { atMs: startMs + atMs, symbol, event }
  }
}

/**
 * @param {readonly number[]} values
 * @param {number} ceiling
 */
function mostDecimals(values, ceiling) {
  return Math.min(ceiling, values.reduce((most, value) => Math.max(most, decimals(value)), 0))
}

/** @param {MarketEvent} event */
function pricesIn(event) {
  switch (event.type) {
    case 'trade': return [event.price]
    case 'quote': return [event.bid, event.ask]
    default: return levelsIn(event).map(([price]) => price)
  }
}

/** @param {MarketEvent} event */
function quantitiesIn(event) {
  switch (event.type) {
    case 'trade': return [event.quantity]
    case 'quote': return []
    default: return levelsIn(event).map(([, quantity]) => quantity)
  }
}

/** @param {BookEvent} event */
function levelsIn({ bids, asks }) {
  return [...bids, ...asks].slice(0, LEVELS_READ)
}

/** @param {number} value */
function decimals(value) {
  const [mantissa, exponent = '0'] = String(value).split('e')
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent))
}
