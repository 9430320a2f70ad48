import { FanOutList, NO_SLOT } from '../collections/fan-out-list.ts'
import { concealed } from './concealed.ts'
import { CONNECTIONS, ConnectionRecord, type Common, type Newcomer, type UserRecord } from './records.ts'
import type { Users } from './users.ts'

const ConcealedConnection = /* @__PURE__ */ concealed(ConnectionRecord)

/** All current connections: by id, and in the order in which they were added. The record of each user has the connections of that user. */
export class Connections {
  readonly byId: Map<string, ConnectionRecord> = new Map()
  readonly all: FanOutList<ConnectionRecord> = new FanOutList(ConnectionRecord)
  /** How many users have a connection. */
  userCount = 0
  readonly #users: Users
  readonly #common: Common

  /** All connections without a transport or metadata of their own share `common`. */
  constructor(users: Users, common: Common) {
    this.#users = users
    this.#common = common
  }

  add(newcomer: Newcomer): ConnectionRecord {
    const { id, metadata, transport, userId } = newcomer
    const isCommon = transport === this.#common.transport && metadata === undefined
    const common = isCommon ? this.#common : { ...this.#common, transport, metadata }
    const user = this.#users.obtain(userId)
    if (user.connections === undefined) this.userCount++
    const connection = new ConcealedConnection(newcomer, user, common)
    ConnectionRecord.moved(connection, this.all.add(connection))
    user.connections = CONNECTIONS.including(user.connections, connection)
    this.byId.set(id, connection)
    return connection
  }

  /** Writes the connection's current sink (its send queue or its socket) into the list of all connections. */
  refreshSink(connection: ConnectionRecord): void {
    this.all.refreshSink(ConnectionRecord.slotOf(connection))
  }

  /** Moves a connection to another user. The connection becomes the newest connection of that user. */
  reassign(connection: ConnectionRecord, to: UserRecord): void {
    const from = ConnectionRecord.userOf(connection)
    if (to.connections === undefined) this.userCount++
    from.connections = CONNECTIONS.without(from.connections, connection)
    to.connections = CONNECTIONS.including(to.connections, connection)
    ConnectionRecord.setUser(connection, to)
    if (from.connections === undefined) this.userCount--
    this.#users.release(from)
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
  }
}
