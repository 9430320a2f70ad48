/** @import { Stream } from './stream.js' */

/**
 * What the server writes besides deliveries: answers to commands, and what it says of its own accord.
 *
 * @typedef {object} Notice
 * @property {'welcome' | 'listening' | 'unsubscribed' | 'refused' | 'left' | 'cue' | 'slow' | 'caught up'
 *   | 'end'} type
 * @property {number} position of the next message: from it on, what the notice says holds
 * @property {string} [connection] in a `welcome`: the connection's id
 * @property {number} [replaced] in a `welcome`: where the connection that it replaces ended
 * @property {boolean} [found] in an `unsubscribed`
 * @property {string} [stream_type] in an `unsubscribed`, for whoever keeps positions
 * @property {string} [symbol] in an `unsubscribed`
 * @property {string} [code] in a `refused`
 * @property {number} [cue] in a `cue`
 */

/**
 * What the library says in the place of messages that it gave up: how many, and of which stream.
 *
 * @typedef {object} Gap
 * @property {string} streamType
 * @property {string | undefined} symbol
 * @property {number} dropped
 *
 * @typedef {object} Answer what the recovery says before it brings a subscription up to date
 * @property {Stream} stream
 * @property {boolean | null} recovered `null` for a client that gave no position
 * @property {boolean} snapshot whether the newest message follows, though the client does not get all that it missed
 */

const BEGINNING = '{"type":'

/** @param {Notice} notice */
export function noticeText({ type, ...facts }) {
  return JSON.stringify({ type, ...facts })
}

/**
 * What a text on the wire that is no message says: a notice, a gap, or an answer of the recovery.
 *
 * @param {string} text
 * @returns {{ notice: Notice } | { gap: Gap } | { answer: Answer }}
 */
export function parseNotice(text) {
  const { type, stream_type: streamType, symbol, ...facts } = JSON.parse(text)
  const stream = { streamType, symbol: symbol ?? undefined }
  if (type === 'gap') return { gap: { ...stream, dropped: facts.dropped } }
  if (type !== 'subscribed') return { notice: { type, ...facts } }
  return { answer: { stream, recovered: facts.recovered, snapshot: facts.snapshot === true } }
}

/** @param {string} text */
export function isGap(text) {
  return text.startsWith(`${BEGINNING}"gap"`)
}

/**
 * Whether a text on the wire is a message of a stream. It begins with `{"stream_type"`, so nothing is parsed to tell.
 *
 * @param {string} text
 */
export function isDelivery(text) {
  return !text.startsWith(BEGINNING)
}
