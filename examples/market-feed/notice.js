/**
 * What the server writes besides deliveries: answers to commands, and what it says of its own accord.
 *
 * @typedef {object} Notice
 * @property {'welcome' | 'subscribed' | 'unsubscribed' | 'refused' | 'left' | 'cue' | 'slow' | 'caught up'
 *   | 'end'} type
 * @property {number} position of the next message: from it on, what the notice says holds
 * @property {string} [connection] in a `welcome`: the connection's id
 * @property {number} [replaced] in a `welcome`: where the connection that it replaces ended
 * @property {boolean} [found] in an `unsubscribed`
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
 */

const BEGINNING = '{"type":'

/** @param {Notice} notice */
export function noticeText({ type, ...facts }) {
  return JSON.stringify({ type, ...facts })
}

/**
 * What a text on the wire that is no message says: a notice, or a gap.
 *
 * @param {string} text
 * @returns {{ notice: Notice } | { gap: Gap }}
 */
export function parseNotice(text) {
  const { type, stream_type: streamType, symbol, dropped, ...facts } = JSON.parse(text)
  if (type !== 'gap') return { notice: { type, ...facts } }
  return { gap: { streamType, symbol: symbol ?? undefined, dropped } }
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
