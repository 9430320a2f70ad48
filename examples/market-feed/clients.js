import { Checker } from './checker.js'
import { drawScenario } from './scenario.js'
import { Trader } from './trader.js'

/** @import { Mismatch, Missed, Testimony } from './checker.js' */
/** @import { Options } from './options.js' */
/** @import { Slot } from './plan.js' */

/**
 * @typedef {object} Start what this process is started with
 * @property {number} port
 * @property {Options} options
 * @property {Uint8Array | undefined} feed
 *
 * @typedef {{ type: 'start', start: Start } | { type: 'pause' | 'resume' | 'come back', slot: Slot }} ToClients
 *
 * @typedef {{ type: 'ready' }
 *   | { type: 'delivered', deliveries: number }
 *   | { type: 'paused' | 'back', slot: Slot }
 *   | { type: 'away', cue: number }
 *   | { type: 'failed', reason: string }
 *   | { type: 'report', report: ClientsReport }} ToServer
 *
 * @typedef {object} ClientsReport
 * @property {number} due
 * @property {number} received
 * @property {number} lost
 * @property {number} recovered streams of which clients that came back missed nothing
 * @property {number} refused streams of which they were told that they did
 * @property {number} replayed
 * @property {number} told messages that they missed so
 * @property {Missed} missed what slow clients went without
 * @property {Missed} lostByTooSlow what those that were disconnected may have gone without: the rest was on its way
 * @property {number} tooSlow how many were disconnected for it
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
/** @type {Trader[]} */
const traders = []

process.on('message', (/** @type {ToClients} */ message) => hear(message))

/** @param {ToClients} message */
function hear(message) {
  switch (message.type) {
    case 'start': return live(message.start)
    case 'pause':
      traders[message.slot.user].pause(message.slot.connection)
      return tell({ type: 'paused', slot: message.slot })
    case 'resume': return traders[message.slot.user].resume(message.slot.connection)
    case 'come back': return traders[message.slot.user].comeBack()
  }
}

/** @param {ToServer} message */
function tell(message) {
  process.send?.(message)
}

/** @param {Start} start */
async function live({ port, options, feed }) {
  const { timeline, plan } = drawScenario(options, feed)
  const checker = new Checker(timeline)
  let deliveries = 0
  const surroundings = {
    address: `127.0.0.1:${port}`,
    cues: plan.cues,
    recognise: (/** @type {string} */ text) => checker.recognise(text),
    onDelivery: () => deliveries++,
    onAway: (/** @type {number} */ cue) => tell({ type: 'away', cue }),
    onTrouble: (/** @type {string} */ reason) => tell({ type: 'failed', reason }),
  }
  traders.push(...plan.users.map((user, index) => new Trader(user, {
    ...surroundings,
    onBack: (connection) => tell({ type: 'back', slot: { user: index, connection } }),
  })))
  const telling = setInterval(() => tell({ type: 'delivered', deliveries }), TELL_EVERY_MS)
  await arrive()
  tell({ type: 'ready' })
  await Promise.all(traders.map((trader) => trader.left))
  clearInterval(telling)
  tell({ type: 'report', report: report(checker, Date.now()) })
}

/** A few at a time, as a crowd at the door would only wait there. */
async function arrive() {
  for (let first = 0; first < traders.length; first += ARRIVE_AT_ONCE) {
    await Promise.all(traders.slice(first, first + ARRIVE_AT_ONCE).map((trader) => trader.arrive()))
  }
}

/**
 * @param {Checker} checker
 * @param {number} finishedAtMs
 */
function report(checker, finishedAtMs) {
  /** @type {ClientsReport} */
  const sum = {
    due: 0, received: 0, lost: 0, recovered: 0, refused: 0, replayed: 0, told: 0,
    missed: { conflated: 0, dropped: 0 }, lostByTooSlow: { conflated: 0, dropped: 0 }, tooSlow: 0,
    refusals: 0, mismatches: 0, samples: [], finishedAtMs,
  }
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
  const { due, received, lost, replayed, told, missed, mayHaveMissed, mismatches } = checker.check(testimony)
  sum.due += due
  sum.received += received
  sum.lost += lost
  sum.replayed += replayed
  sum.told += told
  sum.recovered += testimony.replays.filter(({ recovered }) => recovered === true).length
  sum.refused += testimony.replays.filter(({ recovered }) => recovered === false).length
  sum.missed = added(sum.missed, missed)
  if (testimony.tooSlow) {
    sum.tooSlow++
    sum.lostByTooSlow = added(sum.lostByTooSlow, mayHaveMissed)
  }
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

/**
 * @param {Missed} one
 * @param {Missed} other
 * @returns {Missed}
 */
function added(one, other) {
  return { conflated: one.conflated + other.conflated, dropped: one.dropped + other.dropped }
}
