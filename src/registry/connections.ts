import { Seats } from '../collections/fan-out-list.ts'
import { ConnectionRecord, CONNECTIONS, type HandleMaker, type Newcomer } from './records.ts'
import type { Users } from './users.ts'

/** The live connections: by id, by user, and all of them in the order in which they came. */
export class Connections {
  readonly byId: Map<string, ConnectionRecord> = new Map()
  readonly all: Seats<ConnectionRecord> = new Seats()
  /** How many users have a connection. */
  userCount = 0
  readonly #users: Users
  readonly #handleFor: HandleMaker

  constructor(users: Users, handleFor: HandleMaker) {
    this.#users = users
    this.#handleFor = handleFor
  }

  add(newcomer: Newcomer): ConnectionRecord {
    const user = this.#users.obtain(newcomer.userId)
    if (user.connections === undefined) this.userCount++
    const record = new ConnectionRecord(newcomer, user, this.all, this.#handleFor)
    user.connections = CONNECTIONS.including(user.connections, record)
    this.byId.set(record.id, record)
    return record
  }

  /** Seats the sink that a connection has now. */
  renew(connection: ConnectionRecord): void {
    this.all.renew(connection)
  }

  remove(connection: ConnectionRecord): void {
    const { id, user } = connection
    this.byId.delete(id)
    this.all.vacate(connection)
    user.connections = CONNECTIONS.without(user.connections, connection)
    if (user.connections === undefined) this.userCount--
    this.#users.release(user)
  }
}
