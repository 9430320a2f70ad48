/** @import { Mismatch, Missed } from './checker.js' */
/** @import { Accounts } from './server.js' */

/**
 * @typedef {object} Summary
 * @property {number} messages
 * @property {number} deliveries counted by the clients
 * @property {number} seconds
 * @property {Pick<Accounts, 'hadToWait' | 'conflated' | 'dropped' | 'failed' | 'purged' | 'slowConsumers' | 'resumes'
 *   | 'replayed'>} accounts
 * @property {number} reconnects
 * @property {number} lost on their way to a connection that was cut: those that can be are sent again
 * @property {number} told messages that clients that came back missed, and were told of
 * @property {number} refusals
 * @property {number} mismatches
 */

/**
 * What the clients reckon.
 *
 * @typedef {object} Reckoning
 * @property {number} due
 * @property {number} lost with connections that were cut, by either side
 * @property {Missed} missed
 * @property {Missed} lostByTooSlow the part of `lost` that may have been given up while it waited
 * @property {number} tooSlow
 * @property {number} recovered streams of clients that came back
 * @property {number} refused
 * @property {number} replayed messages
 * @property {number} refusals
 * @property {number} users
 * @property {number} connections
 */

/**
 * What the manager says of the run, against what the clients reckoned.
 *
 * It is known exactly but for what was lost with a connection: that may have been sent, or given up just before.
 *
 * @param {Accounts} accounts
 * @param {Reckoning} reckoning
 * @returns {Mismatch[]}
 */
export function accountMismatches(accounts, reckoning) {
  const { due, lost, missed, lostByTooSlow, tooSlow, recovered, refused, replayed, refusals, users, connections } = reckoning
  const { matched, sent, waiting, conflated, dropped, failed, skipped, purged, notices } = accounts
  const dueWithNotices = due + notices.all
  const mayBeSent = dueWithNotices - missed.conflated - missed.dropped
  const mayBeLost = lost + notices.cut
  /** @type {[name: string, told: number, least: number, most?: number][]} */
  const figures = [
    ['matched', matched, dueWithNotices],
    ['the sum of what became of them', sent + waiting + conflated + dropped + failed + skipped + purged, dueWithNotices],
    ['sent', sent, mayBeSent - mayBeLost, mayBeSent],
    ['conflated', conflated, missed.conflated, missed.conflated + lostByTooSlow.conflated],
    ['dropped', dropped, missed.dropped, missed.dropped + lostByTooSlow.dropped],
    ['waiting', waiting, 0],
    ['skipped', skipped, 0],
    ['failed and purged', failed + purged, 0, mayBeLost],
    ['slow consumers', accounts.slowConsumers, tooSlow],
    ['streams recovered', accounts.resumes.recovered, recovered],
    ['streams refused', accounts.resumes.refused, refused],
    ['replayed', accounts.replayed, replayed],
    ['refusals', accounts.refusals, refusals],
    ['userCount', accounts.userCount, users],
    ['connectionCount', accounts.connectionCount, connections],
    ['closed', accounts.closed, connections],
  ]
  return figures.flatMap(([name, told, least, most = least]) => {
    if (told >= least && told <= most) return []
    const detail = `${name} is ${told}, not ${least === most ? least : `${least} to ${most}`}`
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
export function summaryTable({ messages, deliveries, seconds, accounts, reconnects, lost, told, refusals, mismatches }) {
  return table([
    ['messages', messages],
    ['deliveries', deliveries],
    ['deliveries per second', Math.round(deliveries / Math.max(seconds, 0.001))],
    ['queued for slow clients', accounts.hadToWait],
    ['conflated', accounts.conflated],
    ['dropped', accounts.dropped],
    ['discarded unsent', accounts.failed + accounts.purged],
    ['slow clients disconnected', accounts.slowConsumers],
    ['reconnects', reconnects],
    ['streams recovered', accounts.resumes.recovered],
    ['streams refused', accounts.resumes.refused],
    ['replayed', accounts.replayed],
    ['missed, and told', told],
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
