import { Dice } from './dice.js'

/** @import { MarketMessage, MarketStreamType } from './feed.js' */

/**
 * @typedef {'ORDER_UPDATES' | 'USER_DATA' | 'BOT_STATUS' | 'RISK_ALERTS'} PrivateStreamType
 *
 * @typedef {object} TimelineMessage
 * @property {MarketStreamType | PrivateStreamType} streamType
 * @property {string | undefined} symbol
 * @property {unknown} data
 * @property {number} timestampMs
 * @property {string | undefined} userId whose private message it is
 * @property {number} playAtMs when it is due, from the start of the play, at speed 1
 */

/**
 * A message before it has its moment: `share` is how much of the market comes before it.
 *
 * @typedef {object} PrivateDraft
 * @property {number} share
 * @property {string} userId
 * @property {PrivateStreamType} streamType
 * @property {string | undefined} symbol
 * @property {unknown} data
 */

/** @type {readonly PrivateStreamType[]} */
const PRIVATE_ROTATION = [
  'ORDER_UPDATES', 'USER_DATA', 'ORDER_UPDATES', 'BOT_STATUS', 'ORDER_UPDATES', 'RISK_ALERTS',
]
/** Enough that each user has private messages in each part of even the shortest feed. */
const FEWEST_PER_USER = 12
/** How many private messages there are to one of the market, when the market is long. */
const PRIVATE_SHARE = 0.1

/**
 * The whole play: the market, and private messages mixed in at places that the seed decides.
 *
 * A message's place in it is its **position**, the common measure of both processes.
 *
 * @param {readonly MarketMessage[]} market
 * @param {readonly string[]} userIds
 * @param {number} seed
 * @returns {TimelineMessage[]}
 */
export function drawTimeline(market, userIds, seed) {
  const drafts = draftPrivateMessages(market, userIds, new Dice(seed, 'private messages'))
  /** @type {TimelineMessage[]} */
  const timeline = []
  let { timestampMs } = market[0]
  let playAtMs = 0
  let nextDraft = 0
  for (const [index, message] of market.entries()) {
    const share = index / market.length
    for (; drafts[nextDraft]?.share < share; nextDraft++) timeline.push(dated(drafts[nextDraft], timestampMs, playAtMs))
    ;({ timestampMs } = message)
    // A feed's timestamps may go back; the play never waits for a moment that is over.
    playAtMs = Math.max(playAtMs, timestampMs - market[0].timestampMs)
    timeline.push({ ...message, userId: undefined, playAtMs })
  }
  for (const draft of drafts.slice(nextDraft)) timeline.push(dated(draft, timestampMs, playAtMs))
  return timeline
}

/**
 * @param {PrivateDraft} draft
 * @param {number} timestampMs
 * @param {number} playAtMs
 * @returns {TimelineMessage}
 */
function dated({ streamType, symbol, data, userId }, timestampMs, playAtMs) {
  return { streamType, symbol, data, timestampMs, userId, playAtMs }
}

/**
 * @param {readonly MarketMessage[]} market
 * @param {readonly string[]} userIds
 * @param {Dice} dice
 */
function draftPrivateMessages(market, userIds, dice) {
  const symbols = [...new Set(market.map((message) => message.symbol))]
  const perUser = Math.max(FEWEST_PER_USER, Math.round((market.length * PRIVATE_SHARE) / userIds.length))
  return userIds
    .flatMap((userId) => Array.from({ length: perUser }, (_, number) => {
      // One in each stretch of the play, so that no user has them all at one end.
      const share = (number + dice.next()) / perUser
      return draftPrivateMessage({ userId, number, share }, symbols, dice)
    }))
    .sort((one, other) => one.share - other.share)
}

/**
 * @param {{ userId: string, number: number, share: number }} place
 * @param {readonly string[]} symbols
 * @param {Dice} dice
 * @returns {PrivateDraft}
 */
function draftPrivateMessage({ userId, number, share }, symbols, dice) {
  const streamType = PRIVATE_ROTATION[number % PRIVATE_ROTATION.length]
  // With a symbol it reaches those who asked for the symbol or for the whole type; without one, the latter alone.
  const symbol = streamType === 'USER_DATA' || dice.next() < 0.25 ? undefined : dice.pick(symbols)
  return { share, userId, streamType, symbol, data: privatePayload(streamType, number, dice) }
}

/**
 * @param {PrivateStreamType} streamType
 * @param {number} number
 * @param {Dice} dice
 */
function privatePayload(streamType, number, dice) {
  switch (streamType) {
    case 'ORDER_UPDATES':
      return { order: number, status: dice.pick(['new', 'filled', 'cancelled']), filled: dice.next().toFixed(3) }
    case 'USER_DATA':
      return { update: number, balance: (dice.next() * 100_000).toFixed(2) }
    case 'BOT_STATUS':
      return { update: number, state: dice.pick(['running', 'paused', 'stopped']) }
    case 'RISK_ALERTS':
      return { alert: number, level: dice.pick(['notice', 'margin call']), exposure: dice.next().toFixed(4) }
  }
}
