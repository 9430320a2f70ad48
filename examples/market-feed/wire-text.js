/** @import { TimelineMessage } from './timeline.js' */

/**
 * What stands on the wire for a message, to the letter, but for its stamp.
 *
 * @param {TimelineMessage} message
 */
export function wireText({ streamType, symbol, data, timestampMs, userId }) {
  return JSON.stringify({
    stream_type: streamType,
    symbol: symbol ?? null,
    data,
    timestamp: new Date(timestampMs).toISOString(),
    user_id: userId ?? null,
  })
}
