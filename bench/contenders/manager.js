import { libraryModule } from '../library.js'
import { STREAM_TYPE } from '../market.js'

const { ConnectionManager } = await libraryModule('index')

/** This library. The text that is published is what it is given, so that nobody serializes anything. */
export class ManagerHub {
  #text = ''
  manager = new ConnectionManager({ serialize: () => this.#text, quotas: { pendingUsers: Infinity } })

  join({ id, socket, userId }) {
    return this.manager.addConnection(id, socket, userId)
  }

  /** For this connection alone. */
  subscribe(connection, symbols) {
    for (const symbol of symbols) connection.subscribe({ streamType: STREAM_TYPE, symbol })
  }

  leave(connection) {
    void connection.remove({ close: false })
  }

  publish(symbol, text) {
    this.#text = text
    this.manager.publish({ streamType: STREAM_TYPE, symbol, data: null })
  }
}

/** The same where subscriptions are the users', for all of their connections. */
export class UserManagerHub extends ManagerHub {
  subscribe({ userId }, symbols) {
    for (const symbol of symbols) this.manager.addSubscription({ userId, streamType: STREAM_TYPE, symbol })
  }
}
