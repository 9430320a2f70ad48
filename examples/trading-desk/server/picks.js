import { SYMBOL_STREAMS } from '../streams.js'

/** @import { Connection, ConnectionManager } from '../../../dist/index.js' */
/** @import { WebSocket } from 'ws' */
/** @import { DeskStreams } from '../streams.js' */
/** @import { Scope } from './command.js' */

/** @typedef {ConnectionManager<WebSocket, DeskStreams>} Manager */
/** @typedef {Connection<WebSocket, DeskStreams>} DeskConnection */

/**
 * Subscribes connections and users to all streams of a symbol at once, and knows who picked what: the manager knows the
 * subscriptions, and the host who asked for them.
 */
export class Picks {
  #manager
  /** @type {Map<string, Set<string>>} */
  #byConnection = new Map()
  /** @type {Map<string, Set<string>>} */
  #byUser = new Map()

  /** @param {Manager} manager */
  constructor(manager) {
    this.#manager = manager
    manager.on('connectionRemoved', ({ connection }) => this.#byConnection.delete(connection.id))
    manager.on('userOffline', ({ userId }) => this.#byUser.delete(userId))
  }

  /**
   * The symbols that a connection picked for itself.
   *
   * @param {string} connectionId
   */
  of(connectionId) {
    return [...(this.#byConnection.get(connectionId) ?? [])]
  }

  /**
   * The symbols that a user picked for all of their connections.
   *
   * @param {string} userId
   */
  sharedBy(userId) {
    return [...(this.#byUser.get(userId) ?? [])]
  }

  /**
   * @param {DeskConnection} connection whose user is meant, where the scope is the user
   * @param {string} symbol
   * @param {Scope} scope
   */
  add(connection, symbol, scope) {
    const { id, userId } = connection
    for (const streamType of SYMBOL_STREAMS) {
      if (scope === 'user') this.#manager.addSubscription({ userId, streamType, symbol })
      else connection.subscribe({ streamType, symbol })
    }
    if (scope === 'user') note(this.#byUser, userId, symbol)
    else note(this.#byConnection, id, symbol)
  }

  /**
   * Ends a connection's own subscriptions to a symbol; or those of the user, which ends them for each of the user's
   * connections, whoever asked for them.
   *
   * @param {DeskConnection} connection
   * @param {string} symbol
   * @param {Scope} scope
   */
  remove(connection, symbol, scope) {
    const { id, userId } = connection
    for (const streamType of SYMBOL_STREAMS) {
      if (scope === 'user') this.#manager.removeSubscription({ userId, streamType, symbol })
      else connection.unsubscribe({ streamType, symbol })
    }
    this.#byConnection.get(id)?.delete(symbol)
    if (scope === 'connection') return
    this.#byUser.get(userId)?.delete(symbol)
    for (const each of this.#manager.userConnections.get(userId) ?? []) this.#byConnection.get(each)?.delete(symbol)
  }
}

/**
 * @param {Map<string, Set<string>>} picks
 * @param {string} id
 * @param {string} symbol
 */
function note(picks, id, symbol) {
  const symbols = picks.get(id) ?? new Set()
  picks.set(id, symbols.add(symbol))
}
