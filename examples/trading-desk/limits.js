/** @import { DeliveryOptions } from '../../dist/index.js' */
/** @import { TradesPolicy } from './streams.js' */

/** What a slow tab's line lets through: little, so that one sees within seconds what comes of it. */
export const SLOW_BYTES_PER_SECOND = 2_000

/** How long a user may be gone before their open orders are cancelled. */
export const GRACE_MS = 10_000

/** How long a connection lives at most, as at an exchange. */
export const LIFETIME_MS = 86_400_000

/**
 * Much less than a server would allow, for the same reason.
 *
 * @param {TradesPolicy} trades
 * @param {number} nodes
 * @returns {Required<Pick<DeliveryOptions, 'softLimitBytes' | 'hardLimitBytes'>>}
 */
export function deliveryLimits(trades, nodes) {
  // Where trades are kept, a tab may be slow for a while before that ends its connection.
  if (trades === 'keep') return { softLimitBytes: 2_000, hardLimitBytes: 100_000 }
  // Half of it may be replayed to a tab that comes back. A tab that goes to another node was away for longer.
  return { softLimitBytes: 2_000, hardLimitBytes: nodes === 1 ? 20_000 : 50_000 }
}
