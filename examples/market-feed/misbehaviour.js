import { UsageError } from '../command-line.js'
import { Dice } from './dice.js'
import { HARD_LIMIT_BYTES } from './limits.js'
import { steadyStreams } from './plan.js'
import { covers, isOneOf, isPrivateOfAnother, isPublic } from './stream.js'
import { wireText } from './wire-text.js'

/** @import { MisbehaviourKind } from './options.js' */
/** @import { Plan, Slot, Stall } from './plan.js' */
/** @import { Scenario } from './scenario.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** @typedef {{ kind: MisbehaviourKind, slot: Slot, from: number }} Misbehaviour once, after a position */

/** What the run needs for each kind, in words for whoever has to change the options. */
const NEEDS = {
  drop: 'a delivery late in the play',
  duplicate: 'a delivery late in the play',
  swap: 'two different deliveries to one connection late in the play',
  leak: 'a private message of another user late in the play',
  regress: 'a slow client that two different prices wait for: give --slow 1 or more',
  hide: 'a slow client that more trades wait for than may: give --slow 1 or more',
}

/** Units that the notice of a gap takes at most, its symbol apart. */
const GAP_NOTICE_UNITS = 80

/**
 * Chooses the connection that the server will fail once: after the last reconnect, or while it is slow.
 *
 * Refuses when the run has no certain occasion: an injection that did not happen would pass as a blind checker.
 *
 * @param {MisbehaviourKind} kind
 * @param {Scenario} scenario
 * @param {number} seed
 * @returns {Misbehaviour}
 */
export function planMisbehaviour(kind, scenario, seed) {
  const dice = new Dice(seed, 'misbehaviour')
  const misbehaviour = kind === 'regress' || kind === 'hide'
    ? whileSlow(kind, scenario, dice)
    : lateInThePlay(kind, scenario, dice)
  if (misbehaviour) return misbehaviour
  throw new UsageError(`--inject ${kind} needs ${NEEDS[kind]}; this run has none`)
}

/**
 * @param {Exclude<MisbehaviourKind, 'regress' | 'hide'>} kind
 * @param {Scenario} scenario
 * @param {Dice} dice
 * @returns {Misbehaviour | undefined}
 */
function lateInThePlay(kind, { timeline, plan }, dice) {
  const late = timeline.slice(plan.gate)
  const slots = plan.users.flatMap(({ connections }, user) => {
    return connections.flatMap(({ over }, connection) => over === 'ws' ? [{ user, connection }] : [])
  })
  const slot = dice.sample(slots).find((each) => hasOccasion(kind, each, late, plan))
  return slot && { kind, slot, from: plan.gate }
}

/**
 * @param {MisbehaviourKind} kind
 * @param {Slot} slot
 * @param {readonly TimelineMessage[]} late
 * @param {Plan} plan
 */
function hasOccasion(kind, slot, late, plan) {
  const { userId } = plan.users[slot.user]
  if (kind === 'leak') return late.some((message) => isPrivateOfAnother(message, userId))
  const streams = steadyStreams(plan, slot)
  const deliveries = late.filter((message) => {
    return !isPrivateOfAnother(message, userId) && streams.some((stream) => covers(stream, message))
  })
  // Two that read the same could change places unseen.
  return kind === 'swap' ? new Set(deliveries.map(content)).size > 1 : deliveries.length > 0
}

/**
 * @param {'regress' | 'hide'} kind
 * @param {Scenario} scenario
 * @param {Dice} dice
 * @returns {Misbehaviour | undefined}
 */
function whileSlow(kind, scenario, dice) {
  const { plan } = scenario
  const stalls = plan.stalls.filter(({ slot }) => plan.users[slot.user].connections[slot.connection].over === 'ws')
  const stall = dice.sample(stalls).find((each) => {
    if (!isSurvived(dueTo(each, scenario, plan.interval))) return false
    const waiting = dueTo(each, scenario, each.until)
    return kind === 'regress' ? hasTwoPrices(waiting) : unitsOf(waiting.filter(isOneOf('TRADES'))) > HARD_LIMIT_BYTES
  })
  return stall && { kind, slot: stall.slot, from: stall.from }
}

/**
 * What a slow client is due from the beginning of its stall up to a position.
 *
 * @param {Stall} stall
 * @param {Scenario} scenario
 * @param {number} to
 */
function dueTo({ slot, from }, { timeline, plan }, to) {
  const { userId, shared, connections } = plan.users[slot.user]
  const streams = [...shared, ...connections[slot.connection].own]
  return timeline.slice(from, to).filter((message) => {
    return !isPrivateOfAnother(message, userId) && streams.some((stream) => covers(stream, message))
  })
}

/**
 * Whether a client can be sure not to be disconnected, though all of this waits for it.
 *
 * @param {readonly TimelineMessage[]} due
 */
function isSurvived(due) {
  const lasting = due.filter((message) => !isPublic(message) || message.streamType === 'ORDERBOOK')
  const longestPrices = new Map()
  for (const message of due.filter(isOneOf('PRICE'))) {
    longestPrices.set(message.symbol, Math.max(longestPrices.get(message.symbol) ?? 0, wireText(message).length))
  }
  const gapped = new Set(due.filter(isOneOf('TRADES')).map(({ symbol }) => String(symbol)))
  const notices = [...gapped].map((symbol) => GAP_NOTICE_UNITS + JSON.stringify(symbol).length)
  return unitsOf(lasting) + sum([...longestPrices.values()]) + sum(notices) < HARD_LIMIT_BYTES
}

/** @param {readonly TimelineMessage[]} due */
function hasTwoPrices(due) {
  const prices = due.filter(isOneOf('PRICE'))
  return prices.some((price) => {
    const newest = prices.findLast(({ symbol }) => symbol === price.symbol)
    return newest !== undefined && content(newest) !== content(price) &&
      prices.find(({ symbol }) => symbol === price.symbol) === price
  })
}

/** @param {readonly TimelineMessage[]} messages */
function unitsOf(messages) {
  return sum(messages.map((message) => wireText(message).length))
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

/** @param {TimelineMessage} message */
function content({ streamType, symbol, data, timestampMs, userId }) {
  return JSON.stringify([streamType, symbol, data, timestampMs, userId])
}
