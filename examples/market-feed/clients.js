import { Checker } from './checker.js'
import { drawScenario } from './scenario.js'
import { Trader } from './trader.js'

/** @import { Mismatch, Testimony } from './checker.js' */
/** @import { Options } from './options.js' */

/**
 * @typedef {object} ToClients what this process is started with
 * @property {number} port
 * @property {Options} options
 * @property {Uint8Array | undefined} feed
 *
 * @typedef {{ type: 'ready' }
 *   | { type: 'delivered', deliveries: number }
 *   | { type: 'failed', reason: string }
 *   | { type: 'report', report: ClientsReport }} ToServer
 *
 * @typedef {object} ClientsReport
 * @property {number} due
 * @property {number} received
 * @property {number} lost
 * @property {number} refusals
 * @property {number} mismatches
 * @property {Mismatch[]} samples the first mismatches
 * @property {number} finishedAtMs when the last connection was closed, since the Unix epoch
 */

const ARRIVE_AT_ONCE = 20
const TELL_EVERY_MS = 100
const MOST_SAMPLES = 10

// Ctrl-C reaches both processes; the other one ends this one, and this one never outlives it.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))
process.once('message', (/** @type {ToClients} */ start) => live(start))

/** @param {ToServer} message */
function tell(message) {
  process.send?.(message)
}

/** @param {ToClients} start */
async function live({ port, options, feed }) {
  const { timeline, plan } = drawScenario(options, feed)
  const checker = new Checker(timeline)
  let deliveries = 0
  const surroundings = {
    url: `ws://127.0.0.1:${port}/`,
    cues: plan.cues,
    recognise: (/** @type {string} */ text) => checker.recognise(text),
    onDelivery: () => deliveries++,
    onTrouble: (/** @type {string} */ reason) => tell({ type: 'failed', reason }),
  }
  const traders = plan.users.map((user) => new Trader(user, surroundings))
  const telling = setInterval(() => tell({ type: 'delivered', deliveries }), TELL_EVERY_MS)
  await arrive(traders)
  tell({ type: 'ready' })
  await Promise.all(traders.map((trader) => trader.left))
  clearInterval(telling)
  tell({ type: 'report', report: report(traders, checker, Date.now()) })
}

/**
 * A few at a time, as a crowd at the door would only wait there.
 *
 * @param {readonly Trader[]} traders
 */
async function arrive(traders) {
  for (let first = 0; first < traders.length; first += ARRIVE_AT_ONCE) {
    await Promise.all(traders.slice(first, first + ARRIVE_AT_ONCE).map((trader) => trader.arrive()))
  }
}

/**
 * @param {readonly Trader[]} traders
 * @param {Checker} checker
 * @param {number} finishedAtMs
 */
function report(traders, checker, finishedAtMs) {
  /** @type {ClientsReport} */
  const sum = { due: 0, received: 0, lost: 0, refusals: 0, mismatches: 0, samples: [], finishedAtMs }
  for (const trader of traders) {
    sum.refusals += trader.refusals
    note(sum, trader.wrongAnswers)
    for (const testimony of trader.testimonies()) judge(sum, checker, testimony)
  }
  return sum
}

/**
 * @param {ClientsReport} sum
 * @param {Checker} checker
 * @param {Testimony} testimony
 */
function judge(sum, checker, testimony) {
  const { due, received, lost, mismatches } = checker.check(testimony)
  sum.due += due
  sum.received += received
  sum.lost += lost
  note(sum, mismatches)
}

/**
 * @param {ClientsReport} sum
 * @param {readonly Mismatch[]} mismatches
 */
function note(sum, mismatches) {
  sum.mismatches += mismatches.length
  sum.samples.push(...mismatches.slice(0, MOST_SAMPLES - sum.samples.length))
}
