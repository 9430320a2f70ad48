import { socketClasses } from './sockets.js'

/**
 * A connection that is to be.
 *
 * @typedef {object} Newcomer
 * @property {string} id
 * @property {string} userId
 * @property {import('./sockets.js').CountingSocket} socket
 *
 * Who connects, and how.
 *
 * @typedef {object} Crowd
 * @property {number} connections
 * @property {number} [connectionsPerUser]
 * @property {number} [classes] of sockets
 * @property {boolean} [isMetered] whether sockets have a `bufferedAmount`
 * @property {boolean} [isShuffled] they come in another order than they lie in memory
 */

/** @returns {Newcomer[]} in the order in which they are to connect */
export function population(/** @type {Crowd} */ { connections, connectionsPerUser = 1, classes = 1, isMetered = false, isShuffled = false }) {
  const kinds = socketClasses(classes, isMetered)
  const newcomers = Array.from({ length: connections }, (_, i) => ({
    id: `c${i}`,
    userId: `u${Math.floor(i / connectionsPerUser)}`,
    socket: new kinds[i % kinds.length](),
  }))
  return isShuffled ? shuffled(newcomers) : newcomers
}

/**
 * Shuffles in place, the same way each time.
 *
 * @template TItem
 * @param {TItem[]} items
 * @returns {TItem[]}
 */
function shuffled(items) {
  let state = 0x2545f491
  for (let i = items.length - 1; i > 0; i--) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const j = (state >>> 0) % (i + 1)
    ;[items[i], items[j]] = [items[j], items[i]]
  }
  return items
}
