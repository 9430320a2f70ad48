import { UsageError } from '../command-line.js'
import { Dice } from './dice.js'
import { HARD_LIMIT_BYTES, REPLAY } from './limits.js'
import { ownStreams, steadyStreams } from './plan.js'
import { MOST_STAMP_UNITS } from './stamp.js'
import { covers, isOneOf, isPrivateOfAnother, isPublic } from './stream.js'
import { wireText } from './wire-text.js'

/** @import { MisbehaviourKind } from './options.js' */
/** @import { Cue, Plan, Slot, Stall } from './plan.js' */
/** @import { Scenario } from './scenario.js' */
/** @import { Stream } from './stream.js' */
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
  skip: 'a client that reconnects, and misses a little while it is away',
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
  const misbehaviour = occasionFor(kind, scenario, new Dice(seed, 'misbehaviour'))
  if (misbehaviour) return misbehaviour
  throw new UsageError(`--inject ${kind} needs ${NEEDS[kind]}; this run has none`)
}

/**
 * @param {MisbehaviourKind} kind
 * @param {Scenario} scenario
 * @param {Dice} dice
 */
function occasionFor(kind, scenario, dice) {
  switch (kind) {
    case 'regress':
    case 'hide': return whileSlow(kind, scenario, dice)
    case 'skip': return whileAway(scenario, dice)
    default: return lateInThePlay(kind, scenario, dice)
  }
}

/**
 * @param {Exclude<MisbehaviourKind, 'regress' | 'hide' | 'skip'>} kind
 * @param {Scenario} scenario
 * @param {Dice} dice
 * @returns {Misbehaviour | undefined}
 */
function lateInThePlay(kind, { timeline, plan }, dice) {
  const late = timeline.slice(plan.gate)
  const slots = plan.users.flatMap(({ connections }, user) => connections.map((_, connection) => ({ user, connection })))
    .filter((slot) => isOverWebSocket(plan, slot))
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
  const deliveries = ofStreams(late, userId, streams)
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
  const stalls = plan.stalls.filter(({ slot }) => isOverWebSocket(plan, slot))
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
  return ofStreams(timeline.slice(from, to), userId, streams)
}

/**
 * @param {readonly TimelineMessage[]} messages
 * @param {string} userId
 * @param {readonly Stream[]} streams
 */
function ofStreams(messages, userId, streams) {
  return messages.filter((message) => {
    return !isPrivateOfAnother(message, userId) && streams.some((stream) => covers(stream, message))
  })
}

/**
 * A client that certainly misses a message, and so little in all that it is sent again.
 *
 * @param {Scenario} scenario
 * @param {Dice} dice
 * @returns {Misbehaviour | undefined}
 */
function whileAway(scenario, dice) {
  const { plan } = scenario
  const reconnects = plan.cues.filter(({ slot, action }) => action.kind === 'reconnect' && isOverWebSocket(plan, slot))
  const cue = dice.sample(reconnects).find((each) => isSentAgain(each, scenario))
  return cue && { kind: 'skip', slot: cue.slot, from: cue.until - 1 }
}

/**
 * @param {Cue} cue of a client that reconnects
 * @param {Scenario} scenario
 */
function isSentAgain({ slot, position, until }, { timeline, plan }) {
  const { userId } = plan.users[slot.user]
  const { steady, all } = ownStreams(plan, slot)
  const meanwhile = timeline.slice(position, until)
  const most = ofStreams(meanwhile, userId, all)
  const fits = most.length <= REPLAY.count && stampedUnitsOf(most) <= REPLAY.units
  return fits && ofStreams(meanwhile, userId, steady).some(({ streamType }) => streamType !== 'PRICE')
}

/**
 * @param {Plan} plan
 * @param {Slot} slot
 */
function isOverWebSocket({ users }, { user, connection }) {
  return users[user].connections[connection].over === 'ws'
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
    longestPrices.set(message.symbol, Math.max(longestPrices.get(message.symbol) ?? 0, stampedUnitsOf([message])))
  }
  const gapped = new Set(due.filter(isOneOf('TRADES')).map(({ symbol }) => String(symbol)))
  const notices = [...gapped].map((symbol) => GAP_NOTICE_UNITS + JSON.stringify(symbol).length)
  return stampedUnitsOf(lasting) + sum([...longestPrices.values()]) + sum(notices) < HARD_LIMIT_BYTES
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

/**
 * The most that messages take on the wire.
 *
 * @param {readonly TimelineMessage[]} messages
 */
function stampedUnitsOf(messages) {
  return unitsOf(messages) + messages.length * MOST_STAMP_UNITS
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
