/** @import { TimelineMessage } from './timeline.js' */

/**
 * @typedef {object} Stream a stream type, and a symbol or, where that may be left out, the whole type
 * @property {TimelineMessage['streamType']} streamType
 * @property {string | undefined} symbol
 */

/**
 * @param {Stream} one
 * @param {Stream} other
 */
export function sameStream(one, other) {
  return one.streamType === other.streamType && one.symbol === other.symbol
}

/**
 * Whether a subscription to a stream covers a message; without a symbol it covers the whole type.
 *
 * @param {Stream} stream
 * @param {TimelineMessage} message
 */
export function covers({ streamType, symbol }, message) {
  return streamType === message.streamType && (symbol === undefined || symbol === message.symbol)
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

/** @param {Stream} stream */
export function isPublic({ streamType }) {
  return streamType === 'PRICE' || streamType === 'TRADES' || streamType === 'ORDERBOOK'
}

/**
 * A test for streams, or messages, of certain types.
 *
 * @param {TimelineMessage['streamType'][]} streamTypes
 */
export function isOneOf(...streamTypes) {
  return (/** @type {Pick<Stream, 'streamType'>} */ { streamType }) => streamTypes.includes(streamType)
}

/**
 * What a stream is called in a query, such as `PRICE:BTCUSDT`, or `ORDER_UPDATES` for the whole type.
 *
 * @param {Stream} stream
 */
export function streamName({ streamType, symbol }) {
  return symbol === undefined ? streamType : `${streamType}:${symbol}`
}
