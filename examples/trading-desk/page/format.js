/** @import { StreamStatus } from '../../../dist/index.js' */
/** @import { Order } from '../streams.js' */

const counts = new Intl.NumberFormat('en-US')
const quantities = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })
const times = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/**
 * @param {number | undefined} value
 * @param {number} decimals
 */
export function formatDecimal(value, decimals) {
  if (value === undefined) return '–'
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

/**
 * As somebody would write it.
 *
 * @param {number} value
 */
export function formatQuantity(value) {
  return quantities.format(value)
}

/** @param {number | undefined} value */
export function formatCount(value) {
  return value === undefined ? '–' : counts.format(value)
}

/** @param {number} percent */
export function formatChange(percent) {
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : ''
  return `${sign}${Math.abs(percent).toFixed(2)} %`
}

/** @param {number} ms since the Unix epoch */
export function formatTime(ms) {
  return times.format(ms)
}

/** @param {number | undefined} ms */
export function formatDelay(ms) {
  if (ms === undefined) return '–'
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** @param {number} ms */
export function formatSeconds(ms) {
  return `${formatCount(Math.max(0, Math.round(ms / 1000)))} s`
}

/**
 * What a feed is like, in a sentence.
 *
 * @param {string} symbol
 * @param {StreamStatus} status
 */
export function describeFeed(symbol, status) {
  if (status === 'CONNECTED') return `The feed of ${symbol} is back.`
  return `The feed of ${symbol} ${status === 'ERROR' ? 'is down' : 'reconnects'}: its price is old.`
}

/**
 * An order in a sentence, for whoever hears it.
 *
 * @param {Order} order
 * @param {number} decimals of its symbol
 */
export function describeOrder({ id, side, quantity, symbol, filled, averagePrice, state, abandoned }, decimals) {
  const how = abandoned ? `${state}, because you were gone` : state
  const what = `Order ${id}, ${side} ${formatQuantity(quantity)} ${symbol}`
  if (filled === 0) return `${what}: ${how}`
  return `${what}: ${how}, ${formatQuantity(filled)} at ${formatDecimal(averagePrice, decimals)}`
}
