import type { Connection, Socket } from '../ports/connection.ts'
import type { SendQueue, Sink } from '../ports/sink.ts'
import { VACATED, type Seat, type Seats } from '../collections/fan-out-list.ts'
import type { ResolvedDefinition, StreamCatalogue } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import type { Subscription, SubscriptionStatus } from '../model/subscription.ts'
import type { AnyTransport } from '../ports/transport.ts'
import type { Chain, Link } from '../collections/linked-list.ts'
import { FewBy, type Few } from '../collections/small-set.ts'

// The facts that the registry holds, linked by reference: no id is looked up twice on the way to a socket.
// They never leave the library; what a caller gets is a handle, a view or a copy.

/** Makes the handle that the caller gets for a connection. */
export type HandleMaker = (connection: ConnectionRecord) => Connection<Socket, StreamCatalogue>

/** Who comes, and by what. */
export interface Newcomer {
  readonly id: string
  readonly userId: string
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
  /** The socket says of itself that it is closing, or closed. */
  readonly isClosed: boolean
  /** Makes the send queue, where the socket or its transport gives a reason for one from the start. */
  readonly sendQueueFor: ((connection: ConnectionRecord) => SendQueue) | undefined
}

/** A connection, and its seat among all: a seat of its own would take 48 bytes more. */
export class ConnectionRecord implements Seat<ConnectionRecord> {
  readonly id: string
  readonly user: UserRecord
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
  /** `undefined` where there is none, or only while the connection is behind. */
  sendQueue: SendQueue | undefined
  readonly handle: Connection<Socket, StreamCatalogue>
  /** What this connection holds for itself. */
  ownSubscriptions: FewSubscriptions = undefined
  /** What it asked for beyond the streams, where it did; none is kept for a subscription that it does not hold. */
  ownFilters: Map<SubscriptionRecord, SubscriptionFilters> | undefined = undefined
  slot: number = VACATED

  constructor(newcomer: Newcomer, user: UserRecord, all: Seats<ConnectionRecord>, handleFor: HandleMaker) {
    this.id = newcomer.id
    this.user = user
    this.socket = newcomer.socket
    this.transport = newcomer.transport
    this.sendQueue = newcomer.sendQueueFor?.(this)
    this.handle = handleFor(this)
    all.take(this)
  }

  get connection(): this {
    return this
  }

  get removed(): boolean {
    return this.slot === VACATED
  }

  get sink(): Sink {
    return this.sendQueue ?? this.socket
  }
}

export interface UserRecord {
  readonly id: string
  connections: FewConnections
  subscriptions: FewSubscriptions
  /** Those of them that the user holds as such, which a new connection is seated in. */
  ownSubscriptions: FewSubscriptions
}

export interface StreamTypeRecord {
  readonly name: string
  readonly definition: ResolvedDefinition
  /** The stream without a symbol: the whole type, where the symbol is optional. */
  whole: StreamRecord | undefined
  readonly bySymbol: Map<string, StreamRecord>
}

export interface StreamRecord {
  readonly type: StreamTypeRecord
  readonly symbol: string | undefined
  readonly openedAtMs: number
  /** In the order in which they began. */
  readonly subscriptions: Chain<SubscriptionRecord>
  /** How many of the subscriptions are of users who are connected. */
  connectedCount: number
  /** Everybody whom a public message of this stream reaches. On a private stream, each subscription has its own. */
  readonly seats: Seats<ConnectionRecord> | undefined
}

/** Its neighbours are those of its stream. */
export interface SubscriptionRecord extends Link<SubscriptionRecord> {
  readonly user: UserRecord
  readonly stream: StreamRecord
  /** Where this subscription's connections sit: the stream's seats, or its own on a private stream. */
  readonly seats: Seats<ConnectionRecord>
  /** Which of them. */
  taken: FewSeats
  /** Made when somebody first asks: see `viewOf`. */
  view: Subscription | undefined
  /** How old its stream was when it began: a small integer for 24 days, which needs no object of its own (16 bytes), as a time does. */
  readonly streamAgeMs: number
  /** `seats.servings` when the subscription began: later ones are its own. */
  readonly servingsBefore: number
  /** What `lastUpdate` said when the subscription ended. */
  lastUpdateAtEndMs: number | undefined
  status: SubscriptionStatus
  /** Those of the user as such. A connection has its own: see `ConnectionRecord`. */
  filters: SubscriptionFilters | undefined
  /** How many of the user's connections hold it for themselves. */
  ownHolds: number
}

export type ConnectionSeat = Seat<ConnectionRecord>

type FewConnections = Few<string, ConnectionRecord>
type FewSubscriptions = Few<StreamRecord, SubscriptionRecord>
type FewSeats = Few<ConnectionRecord, ConnectionSeat>

export const CONNECTIONS: FewBy<string, ConnectionRecord> = /* @__PURE__ */ new FewBy(({ id }) => id)
export const SUBSCRIPTIONS: FewBy<StreamRecord, SubscriptionRecord> = /* @__PURE__ */ new FewBy(({ stream }) => stream)
export const SEATS: FewBy<ConnectionRecord, ConnectionSeat> = /* @__PURE__ */ new FewBy(({ connection }) => connection)
