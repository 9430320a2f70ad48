/** @import { Connections, Figures } from '../streams.js' */
/** @import { DeskConnection, Manager, Picks } from './picks.js' */

/** Tells, by the manager's own streams, what the manager knows. */
export class Panel {
  #manager
  #picks
  #isSlow
  #gaps = 0
  /** What each user was told last. @type {Map<string, string>} */
  #told = new Map()

  /**
   * @param {Manager} manager
   * @param {Picks} picks
   * @param {(connection: DeskConnection) => boolean} isSlow whether a connection's line is
   */
  constructor(manager, picks, isSlow) {
    this.#manager = manager
    this.#picks = picks
    this.#isSlow = isSlow
    manager.on('gap', () => this.#gaps++)
    manager.on('connectionRemoved', ({ connection }) => this.tellUser(connection.userId))
    manager.on('userOffline', ({ userId }) => this.#told.delete(userId))
  }

  /** Tells everybody what the manager counts, and each user what changed of theirs. */
  tellAll() {
    this.#manager.publish({ streamType: 'MANAGER', data: this.#figures() })
    for (const userId of this.#manager.userConnections.keys()) this.tellUser(userId)
  }

  /**
   * Tells a user's connections what they listen to, if that is not what they were told last.
   *
   * It is a private stream, of which each message is delivered: the fewer there are the better.
   *
   * @param {string} userId
   */
  tellUser(userId) {
    if (this.#manager.closed || !this.#manager.userConnections.has(userId)) return
    const data = this.#connectionsOf(userId)
    const text = JSON.stringify(data)
    if (text === this.#told.get(userId)) return
    this.#told.set(userId, text)
    this.#manager.publish({ streamType: 'CONNECTIONS', userId, data })
  }

  /** @returns {Figures} */
  #figures() {
    const { connectionCount, userCount, subscriptionCount, streamCount } = this.#manager
    return {
      connections: connectionCount, users: userCount, subscriptions: subscriptionCount, streams: streamCount,
      gaps: this.#gaps, ...this.#manager.stats(),
    }
  }

  /**
   * @param {string} userId
   * @returns {Connections}
   */
  #connectionsOf(userId) {
    const ids = this.#manager.userConnections.get(userId) ?? []
    return {
      shared: this.#picks.sharedBy(userId),
      subscriptions: this.#manager.getUserSubscriptions(userId).length,
      connections: ids.flatMap((id) => this.#manager.getConnection(id) ?? []).map((connection) => ({
        id: connection.id,
        symbols: this.#picks.of(connection.id),
        slow: this.#isSlow(connection),
        // A flush says whether anything is left that waits.
        behind: !connection.flush(),
      })),
    }
  }
}
