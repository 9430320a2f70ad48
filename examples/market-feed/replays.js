import { laneKey, ruleOf } from './lanes.js'
import { REPLAY } from './limits.js'
import { MOST_STAMP_UNITS } from './stamp.js'
import { judgeSteady } from './steady.js'
import { covers, isPrivateOfAnother } from './stream.js'
import { wireText } from './wire-text.js'

/** @import { Finding, Received } from './checker.js' */
/** @import { Stream } from './stream.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * What a client was sent of one stream when it subscribed, before what follows live.
 *
 * @typedef {object} Replay
 * @property {Stream} stream
 * @property {boolean | null} recovered what the server says: `true` if nothing is missing, `false` if that is not certain,
 *   and `null` to a client that gave no position
 * @property {boolean} snapshot whether the server says that the newest message follows, though not all that was missed
 * @property {number} at the position of the first message that follows live
 * @property {number | undefined} since the client wants all of it from this position on; undefined for a newcomer
 * @property {Received[]} received
 *
 * @typedef {object} Facts what else is known
 * @property {string} userId
 * @property {readonly TimelineMessage[]} timeline
 * @property {readonly number[]} alike
 * @property {ReadonlyMap<string, number>} reached lane → the last message of it that the client got before
 *
 * @typedef {object} Claim what a client may expect of a replay
 * @property {Replay} replay
 * @property {number[]} missed since it was there last
 * @property {number[]} newest the newest message of a stream of which only that counts
 *
 * @typedef {object} ReplayJudgement
 * @property {number} due
 * @property {number} replayed how much of it was missed before, all of which the server says that it sends
 * @property {number} told how many messages it did not get, as the server said
 * @property {number[]} taken
 * @property {Finding[]} findings
 */

/**
 * Judges what a client was sent when it subscribed: all that it missed, each message once and in order, or a word that
 * this is not all. Nobody may be told so if what was missed is within the limits.
 *
 * @param {readonly Replay[]} replays those of one turn of the server: the limits are for all of them
 * @param {Facts} facts
 * @returns {ReplayJudgement[]} one for each
 */
export function judgeReplays(replays, facts) {
  const claims = replays.map((replay) => claimOf(replay, facts))
  const fits = isWithinLimits(claims.flatMap(({ missed, newest }) => newest.length > 0 ? newest : missed), facts.timeline)
  return claims.map((claim) => judgeClaim(claim, fits, facts.alike))
}

/**
 * @param {Replay} replay
 * @param {Facts} facts
 * @returns {Claim}
 */
function claimOf(replay, { userId, timeline, alike, reached }) {
  const { stream, at, since = at } = replay
  const isMeant = (/** @type {TimelineMessage} */ message) => covers(stream, message) && !isPrivateOfAnother(message, userId)
  const missed = []
  for (let position = since; position < at; position++) {
    const message = timeline[position]
    if (isMeant(message) && position > (reached.get(laneKey(message)) ?? -1)) missed.push(position)
  }
  if (ruleOf(stream) !== 'newest') return { replay, missed, newest: [] }
  const newest = timeline.slice(0, at).findLastIndex(isMeant)
  // A price that reads like the last one is no news: it may be that one.
  const isNews = alike[newest] !== alike[reached.get(laneKey(stream)) ?? -1]
  return { replay, missed: missed.length > 0 && isNews ? [newest] : [], newest: newest === -1 ? [] : [newest] }
}

/**
 * @param {readonly number[]} positions
 * @param {readonly TimelineMessage[]} timeline
 */
function isWithinLimits(positions, timeline) {
  const units = positions.reduce((sum, position) => sum + wireText(timeline[position]).length + MOST_STAMP_UNITS, 0)
  return positions.length <= REPLAY.count && units <= REPLAY.units
}

/**
 * @param {Claim} claim
 * @param {boolean} fits whether all that was missed could be sent
 * @param {readonly number[]} alike
 * @returns {ReplayJudgement}
 */
function judgeClaim(claim, fits, alike) {
  const { replay: { stream, recovered, received }, missed, newest } = claim
  const due = dueOf(claim, fits, alike)
  const { taken, findings } = judgeSteady({ due, received, cut: false, alike })
  const isRefused = recovered === false
  const replayed = recovered === true ? due.length : 0
  if (isRefused && fits) findings.push({ kind: 'refused', delivery: { ...stream, dropped: missed.length }, more: 'needlessly' })
  const told = isRefused && newest.length === 0 ? missed.length : 0
  return { due: due.length, replayed, told, taken, findings }
}

/**
 * What has to be sent, by what the server said.
 *
 * @param {Claim} claim
 * @param {boolean} fits
 * @param {readonly number[]} alike
 */
function dueOf({ replay: { recovered, snapshot, received }, missed, newest }, fits, alike) {
  if (recovered === true) return missed.length === 0 && isNewest(received, newest, alike) ? newest : missed
  if (newest.length > 0) return snapshot || fits ? newest : []
  return recovered === false ? [] : missed
}

/**
 * Whether the newest message came, and nothing else.
 *
 * @param {readonly Received[]} received
 * @param {readonly number[]} newest
 * @param {readonly number[]} alike
 */
function isNewest(received, newest, alike) {
  return received.length === 1 && newest.length === 1 && received[0] === alike[newest[0]]
}
