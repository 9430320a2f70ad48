/** @import { OrderRequest } from '../orders/order.js' */

/**
 * What a page may ask for.
 *
 * @typedef {'connection' | 'user'} Scope whether it is for one tab or for all of the user's
 *
 * @typedef {{ type: 'subscribe' | 'unsubscribe', scope: Scope, symbol: string }
 *   | { type: 'history', symbol: string }
 *   | { type: 'slow', on: boolean }
 *   | { type: 'feed', symbol: string, on: boolean }
 *   | { type: 'place', order: OrderRequest }
 *   | { type: 'cancel', id: number }} Command
 */

/** A text that is no command. */
export class CommandError extends Error {
  code = 'ERR_BAD_COMMAND'
}

/**
 * Reads a command: what it returns has the shape of one. What it asks for is checked by whoever is asked.
 *
 * @param {string} text
 * @returns {Command}
 */
export function parseCommand(text) {
  const given = parseRecord(text)
  switch (given.type) {
    case 'subscribe':
    case 'unsubscribe': return { type: given.type, scope: scopeOf(given.scope), symbol: textOf(given.symbol) }
    case 'history': return { type: 'history', symbol: textOf(given.symbol) }
    case 'slow': return { type: 'slow', on: given.on === true }
    case 'feed': return { type: 'feed', symbol: textOf(given.symbol), on: given.on === true }
    case 'place': return { type: 'place', order: orderOf(Object(given.order)) }
    case 'cancel': return { type: 'cancel', id: Number(given.id) }
    default: throw new CommandError('No such command')
  }
}

/** @param {Record<string, unknown>} given */
function orderOf({ symbol, side, quantity, limit }) {
  if (side !== 'buy' && side !== 'sell') throw new CommandError('An order is to buy or to sell')
  /** @type {OrderRequest} */
  const order = { symbol: textOf(symbol), side, quantity: Number(quantity), limit: limit == null ? undefined : Number(limit) }
  return order
}

/** @param {unknown} scope */
function scopeOf(scope) {
  if (scope === 'connection' || scope === 'user') return scope
  throw new CommandError('The scope is "connection" or "user"')
}

/** @param {unknown} value */
function textOf(value) {
  if (typeof value === 'string') return value
  throw new CommandError('A symbol is a text')
}

/**
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
function parseRecord(text) {
  try {
    return Object(JSON.parse(text))
  } catch {
    throw new CommandError('A command is a JSON object')
  }
}
