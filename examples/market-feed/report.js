/** @import { Mismatch } from './checker.js' */
/** @import { Accounts } from './server.js' */

/**
 * @typedef {object} Summary
 * @property {number} messages
 * @property {number} deliveries counted by the clients
 * @property {number} seconds
 * @property {number} reconnects
 * @property {number} lost on their way to a connection that was cut
 * @property {number} refusals
 * @property {number} mismatches
 */

/**
 * What the manager says of the run, against what the clients reckoned.
 *
 * @param {Accounts} accounts
 * @param {{ due: number, refusals: number, users: number, connections: number }} reckoned
 * @returns {Mismatch[]}
 */
export function accountMismatches(accounts, { due, refusals, users, connections }) {
  /** @type {[string, number, number][]} */
  const pairs = [
    ['matched', accounts.matched, due],
    ['sent', accounts.sent, due],
    ['failed', accounts.failed, 0],
    ['dropped', accounts.dropped, 0],
    ['conflated', accounts.conflated, 0],
    ['refusals', accounts.refusals, refusals],
    ['userCount', accounts.userCount, users],
    ['connectionCount', accounts.connectionCount, users * connections],
    ['closed', accounts.closed, users * connections],
  ]
  return pairs.filter(([, told, right]) => told !== right).map(([name, told, right]) => {
    const detail = `${name} is ${told}, not ${right}`
    return { connection: 'the manager', kind: 'accounts', position: undefined, detail }
  })
}

/**
 * The first mismatches, one a line.
 *
 * @param {readonly Mismatch[]} samples
 * @param {number} count
 */
export function mismatchLines(samples, count) {
  if (count === 0) return ''
  const lines = samples.map(({ connection, kind, position, detail }) => {
    const place = position === undefined ? '' : `message ${position}, `
    return `  ${connection}: ${kind}: ${place}${detail}\n`
  })
  return `The first ${samples.length} of ${count} mismatches:\n${lines.join('')}\n`
}

/**
 * @param {Summary} summary
 */
export function summaryTable({ messages, deliveries, seconds, reconnects, lost, refusals, mismatches }) {
  return table([
    ['messages', messages],
    ['deliveries', deliveries],
    ['deliveries per second', Math.round(deliveries / Math.max(seconds, 0.001))],
    ['reconnects', reconnects],
    ['lost with cut connections', lost],
    ['refused commands', refusals],
    ['mismatches', mismatches],
  ])
}

/** @param {readonly [string, number][]} rows */
function table(rows) {
  const cells = rows.map(([name, value]) => [name, value.toLocaleString('en')])
  const [nameWidth, valueWidth] = [0, 1].map((column) => Math.max(...cells.map((row) => row[column].length)))
  return cells.map(([name, value]) => `${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}\n`).join('')
}
