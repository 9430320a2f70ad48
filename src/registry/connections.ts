import type { Connection, Socket } from '../connection.ts'
import { Seats, type Seat } from '../seats.ts'
import type { StreamCatalogue } from '../streams/catalogue.ts'
import type { ConnectionRecord, SubscriptionRecord, UserRecord } from './records.ts'
import type { Users } from './users.ts'

/** Makes the handle that the caller gets for a connection. */
export type HandleMaker = (connection: ConnectionRecord) => Connection<Socket, StreamCatalogue>

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

  add(id: string, socket: Socket, userId: string): ConnectionRecord {
    const user = this.#users.obtain(userId)
    if (user.connections.size === 0) this.userCount++
    const record = new LiveConnection(id, user, socket, this.all, this.#handleFor)
    this.byId.set(id, record)
    return record
  }

  remove(connection: ConnectionRecord): void {
    const { id, user, seatAmongAll, seatAtUser } = connection
    connection.removed = true
    this.byId.delete(id)
    this.all.vacate(seatAmongAll)
    user.connections.vacate(seatAtUser)
    if (user.connections.size === 0) this.userCount--
    this.#users.release(user)
  }
}

class LiveConnection implements ConnectionRecord {
  readonly id: string
  readonly user: UserRecord
  readonly socket: Socket
  readonly handle: Connection<Socket, StreamCatalogue>
  readonly seatAmongAll: Seat<ConnectionRecord>
  readonly seatAtUser: Seat<ConnectionRecord>
  ownSubscriptions: Set<SubscriptionRecord> | undefined
  removed = false

  constructor(id: string, user: UserRecord, socket: Socket, all: Seats<ConnectionRecord>, handleFor: HandleMaker) {
    this.id = id
    this.user = user
    this.socket = socket
    this.handle = handleFor(this)
    this.seatAmongAll = all.take(this)
    this.seatAtUser = user.connections.take(this)
  }
}
