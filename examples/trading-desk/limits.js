/** @import { DeliveryOptions } from '../../dist/index.js' */
/** @import { TradesPolicy } from './streams.js' */

/** What a slow tab's line lets through: little, so that one sees within seconds what comes of it. */
export const SLOW_BYTES_PER_SECOND = 2_000

/**
 * Much less than a server would allow, for the same reason.
 *
 * @param {TradesPolicy} trades
 * @returns {Required<Pick<DeliveryOptions, 'softLimitBytes' | 'hardLimitBytes'>>}
 */
export function deliveryLimits(trades) {
  // Half of it may be replayed to a tab that comes back: the trades of a few seconds. Where trades are kept, a tab may be slow for a while before that
  // ends its connection.
  return { softLimitBytes: 2_000, hardLimitBytes: trades === 'drop' ? 50_000 : 100_000 }
}
