import { Dice } from './dice.js'
import { UsageError } from './options.js'
import { steadyStreams } from './plan.js'
import { covers } from './stream.js'

/** @import { MisbehaviourKind } from './options.js' */
/** @import { Plan, Slot } from './plan.js' */
/** @import { Scenario } from './scenario.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** @typedef {{ kind: MisbehaviourKind, slot: Slot }} Misbehaviour */

/** What the run needs for each kind, in words for whoever has to change the options. */
const NEEDS = {
  drop: 'a delivery late in the play',
  duplicate: 'a delivery late in the play',
  swap: 'two different deliveries to one connection late in the play',
  leak: 'a private message of another user: give --users 2 or more',
}

/**
 * Chooses the connection that the server will fail once, after the last reconnect.
 *
 * Refuses when the run has no certain occasion: an injection that did not happen would pass as a blind checker.
 *
 * @param {MisbehaviourKind} kind
 * @param {Scenario} scenario
 * @param {number} seed
 * @returns {Misbehaviour}
 */
export function planMisbehaviour(kind, { timeline, plan }, seed) {
  const late = timeline.slice(plan.gate)
  const slots = plan.users.flatMap(({ connections }, user) => {
    return connections.map((_, connection) => ({ user, connection }))
  })
  const slot = new Dice(seed, 'misbehaviour').sample(slots).find((each) => hasOccasion(kind, each, late, plan))
  if (slot) return { kind, slot }
  throw new UsageError(`--inject ${kind} needs ${NEEDS[kind]}; this run has none`)
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
 * Whether a user must never see a message.
 *
 * @param {TimelineMessage} message
 * @param {string} userId
 */
export function isPrivateOfAnother(message, userId) {
  return message.userId !== undefined && message.userId !== userId
}

/** @param {TimelineMessage} message */
function content({ streamType, symbol, data, timestampMs, userId }) {
  return JSON.stringify([streamType, symbol, data, timestampMs, userId])
}
