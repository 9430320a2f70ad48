/** @import { Figures, Tabs } from '../streams.js' */
/** @import { Calls } from './calls.js' */
/** @import { DeskConnection, Manager } from './manager.js' */

/** Tells what the manager of a node knows: its figures, and the tabs of each user. */
export class TabsPanel {
  #node
  #manager
  #exchange
  #gaps = 0
  /** What was told of each user last. @type {Map<string, string>} */
  #told = new Map()

  /**
   * @param {string} node
   * @param {Manager} manager
   * @param {Calls} exchange
   */
  constructor(node, manager, exchange) {
    this.#node = node
    this.#manager = manager
    this.#exchange = exchange
    manager.on('gap', () => this.#gaps++)
    manager.on('connectionAdded', ({ connection }) => this.tellUser(connection.userId))
    manager.on('connectionRemoved', ({ connection: { id, userId }, reason }) => {
      this.tellUser(userId)
      void exchange.departed(userId, id, reason)
    })
    manager.on('userOffline', ({ userId }) => {
      this.#told.delete(userId)
      void exchange.tabsChanged(userId, { node, subscriptions: 0, connections: [] })
    })
  }

  /** Tells everybody on this node what its manager counts, and each user what changed of theirs. */
  tellAll() {
    this.#manager.publish({ streamType: 'MANAGER', data: this.#figures() })
    for (const userId of this.#manager.userConnections.keys()) this.tellUser(userId)
  }

  /**
   * Tells of the tabs of a user, if they are not as they were told last.
   *
   * @param {string} userId
   */
  tellUser(userId) {
    if (this.#manager.closed || !this.#manager.userConnections.has(userId)) return
    const tabs = this.#tabsOf(userId)
    const text = JSON.stringify(tabs)
    if (text === this.#told.get(userId)) return
    this.#told.set(userId, text)
    void this.#exchange.tabsChanged(userId, tabs)
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
   * @returns {Tabs}
   */
  #tabsOf(userId) {
    const connections = [...this.#manager.connections()].filter((connection) => connection.userId === userId)
    return { node: this.#node, subscriptions: this.#manager.getUserSubscriptions(userId).length, connections: connections.map(factsOf) }
  }
}

/** @param {DeskConnection} connection */
function factsOf(connection) {
  const symbols = connection.subscriptions().flatMap(({ subscription: { streamType, symbol } }) => streamType === 'PRICE' && symbol || [])
  // A flush says whether anything is left that waits.
  const { line, pongAtMs } = connection.metadata
  return { id: connection.id, symbols, slow: line.isSlow, behind: !connection.flush(), pongAtMs }
}
