/** @import { InstrumentDefinition } from '../market/instrument.js' */
/** @import { TradesPolicy } from '../streams.js' */

/**
 * What the server tells a page before it connects.
 *
 * @typedef {object} Setup
 * @property {readonly string[]} users
 * @property {readonly InstrumentDefinition[]} instruments
 * @property {TradesPolicy} trades
 * @property {number} candleSeconds
 * @property {Limits} limits
 *
 * @typedef {object} Limits
 * @property {number} slowBytesPerSecond
 * @property {number} softLimitBytes
 * @property {number} hardLimitBytes
 * @property {number} graceMs how long a user may be gone before their orders are cancelled
 * @property {number} lifetimeMs how long a connection lives at most
 */

/**
 * What a page was opened for.
 *
 * @typedef {object} Visit
 * @property {string} user
 * @property {readonly string[]} picks the symbols that this tab begins with
 */

/** How many symbols a tab begins with whose address says nothing. */
const FIRST_PICKS = 3

/**
 * @param {Document} document
 * @returns {Setup}
 */
export function readSetup(document) {
  return JSON.parse(document.getElementById('setup')?.textContent ?? '')
}

/**
 * Reads a page's address: `?user=alice&pick=BTCUSDT,ETHUSDT`.
 *
 * @param {string} search
 * @param {Setup} setup
 * @returns {Visit}
 */
export function readVisit(search, { users, instruments }) {
  const query = new URLSearchParams(search)
  const symbols = instruments.map(({ symbol }) => symbol)
  const asked = query.get('pick')?.split(',')
  return {
    user: users.find((user) => user === query.get('user')) ?? users[0],
    picks: asked ? symbols.filter((symbol) => asked.includes(symbol)) : symbols.slice(0, FIRST_PICKS),
  }
}

/** @param {Visit} visit */
export function addressOf({ user, picks }) {
  // Commas are no harm in a query, and easier to read.
  return `/?${new URLSearchParams({ user, pick: picks.join(',') })}`.replaceAll('%2C', ',')
}
