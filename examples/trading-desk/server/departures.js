/** @import { CloseReason } from '../../../dist/index.js' */
/** @import { Manager } from './picks.js' */

const MOST_KEPT = 100

/** Remembers for a while why connections ended: a tab that was cut off learns of it only once it is back. */
export class Departures {
  /** @type {Map<string, { userId: string, reason: CloseReason }>} */
  #latest = new Map()

  /** @param {Manager} manager */
  constructor(manager) {
    manager.on('connectionRemoved', ({ connection: { id, userId }, reason }) => {
      this.#latest.set(id, { userId, reason })
      const [oldest] = this.#latest.keys()
      if (this.#latest.size > MOST_KEPT) this.#latest.delete(oldest)
    })
  }

  /**
   * @param {string} connectionId
   * @param {string} userId who asks: how another user's connection ended is not theirs to know
   */
  reasonOf(connectionId, userId) {
    const departure = this.#latest.get(connectionId)
    return departure?.userId === userId ? departure.reason : undefined
  }
}
