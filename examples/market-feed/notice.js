/**
 * What the server writes besides deliveries: answers to commands, and what it says of its own accord.
 *
 * @typedef {object} Notice
 * @property {'welcome' | 'subscribed' | 'unsubscribed' | 'refused' | 'left' | 'cue' | 'end'} type
 * @property {number} position of the next message: from it on, what the notice says holds
 * @property {string} [connection] in a `welcome`: the connection's id
 * @property {number} [replaced] in a `welcome`: where the connection that it replaces ended
 * @property {boolean} [found] in an `unsubscribed`
 * @property {string} [code] in a `refused`
 * @property {number} [cue] in a `cue`
 */

const BEGINNING = '{"type":'

/** @param {Notice} notice */
export function noticeText({ type, ...facts }) {
  return JSON.stringify({ type, ...facts })
}

/**
 * Whether a text on the wire is a message of a stream. It begins with `{"stream_type"`, so nothing is parsed to tell.
 *
 * @param {string} text
 */
export function isDelivery(text) {
  return !text.startsWith(BEGINNING)
}
