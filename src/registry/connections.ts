import { FanOutList, NO_SLOT } from '../collections/fan-out-list.ts'
import type { AnyTransport } from '../ports/transport.ts'
import { concealed } from './concealed.ts'
import { CONNECTIONS, ConnectionRecord, type Common, type HandleActions, type Newcomer } from './records.ts'
import type { Users } from './users.ts'

const ConcealedConnection = /* @__PURE__ */ concealed(ConnectionRecord)

/** The connections that are there: by id, by user, and all of them in the order in which they came. */
export class Connections {
  readonly byId: Map<string, ConnectionRecord> = new Map()
  readonly all: FanOutList<ConnectionRecord> = new FanOutList(ConnectionRecord)
  /** How many users have a connection. */
  userCount = 0
  readonly #users: Users
  /** What the last newcomer shares with the next one, if that has the same transport. */
  #common: Common

  constructor(users: Users, actions: HandleActions) {
    this.#users = users
    this.#common = { transport: undefined, actions }
  }

  add(newcomer: Newcomer): ConnectionRecord {
    const { id, transport, userId } = newcomer
    this.#shareWith(transport)
    const user = this.#users.obtain(userId)
    if (user.connections === undefined) this.userCount++
    const connection = new ConcealedConnection(newcomer, user, this.#common)
    ConnectionRecord.moved(connection, this.all.add(connection))
    user.connections = CONNECTIONS.including(user.connections, connection)
    this.byId.set(id, connection)
    return connection
  }

  /** Takes over the sink that a connection has now. */
  refreshSink(connection: ConnectionRecord): void {
    this.all.refreshSink(ConnectionRecord.slotOf(connection))
  }

  remove(connection: ConnectionRecord): void {
    const user = ConnectionRecord.userOf(connection)
    const slot = ConnectionRecord.slotOf(connection)
    this.byId.delete(connection.id)
    ConnectionRecord.moved(connection, NO_SLOT)
    this.all.remove(slot)
    user.connections = CONNECTIONS.without(user.connections, connection)
    if (user.connections === undefined) this.userCount--
    this.#users.release(user)
    // A transport may lead to a socket. Nothing of the last connection is to stay.
    if (this.byId.size === 0) this.#shareWith(undefined)
  }

  #shareWith(transport: AnyTransport | undefined): void {
    if (transport !== this.#common.transport) this.#common = { ...this.#common, transport }
  }
}
