import { FanOutList, NO_SLOT } from '../collections/fan-out-list.ts'
import { LinkedList } from '../collections/linked-list.ts'
import { membersOf, SmallSetBy, type SmallSet } from '../collections/small-set.ts'
import type { ResolvedDefinition, StreamCatalogue } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import { subscriptionKey } from '../model/keys.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { PublishResult } from '../model/publish-result.ts'
import {
  SubscriptionStatus,
  type ConnectionSubscribeRequest,
  type OwnSubscription,
  type StreamReference,
  type Subscription,
} from '../model/subscription.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Connection, RemovalOptions, Socket } from '../ports/connection.ts'
import type { PlainSink, SendQueue, Sink } from '../ports/sink.ts'
import type { AnyTransport } from '../ports/transport.ts'
import { sharedAccessor } from './concealed.ts'
import { readRemoval, type Removal } from './removal.ts'

// The records of the registry. They refer to each other, so no id is looked up twice on the way to a socket.
//
// The record of a connection, or of a subscription, is also the object that callers hold, because one object takes 40 bytes less than two. Private
// fields hold everything that callers must not reach. The library reads these fields by static methods of the class. Callers cannot call the static
// methods, because `concealed` removes the path from an object to its class.

/** The functions that the methods of a handle call. The manager provides these functions. */
export interface HandleActions {
  subscribe(connection: ConnectionRecord, request: unknown): Subscription
  unsubscribe(connection: ConnectionRecord, stream: unknown): boolean
  purge(connection: ConnectionRecord, stream: unknown): boolean
  send(connection: ConnectionRecord, text: unknown): PublishResult
  reassign(connection: ConnectionRecord, userId: unknown): void
  remove(connection: ConnectionRecord, removal: Removal): Promise<boolean>
  /** Makes a change. The events of the change go to the listeners that were registered before the change. */
  change<TOutcome>(make: () => TOutcome): TOutcome
}

/** A connection that is about to be registered. */
export interface Newcomer {
  readonly id: string
  readonly userId: string
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
  /** Any value that the host gave. The library never reads this value. */
  readonly metadata: unknown
  /** True if the socket's `readyState` says that it is closing or closed. */
  readonly isClosed: boolean
  /** Makes the send queue, if the socket or its transport needs one from the start. */
  readonly sendQueueFor: ((connection: ConnectionRecord) => SendQueue) | undefined
}

/**
 * Values that many connections share, which saves two fields in each connection. A connection with its own transport or metadata has a separate
 * object.
 */
export interface Common {
  readonly transport: AnyTransport | undefined
  readonly actions: HandleActions
  readonly metadata: unknown
}

export interface UserRecord {
  readonly id: string
  connections: SmallSet<string, ConnectionRecord>
  subscriptions: SubscriptionSet
  /**
   * The subscriptions that the user holds. Subscriptions that only a connection holds are not included. A new connection of the user receives the
   * messages of these subscriptions.
   */
  ownSubscriptions: SubscriptionSet
}

/**
 * The record of a connection, which is also the handle that callers hold. `id` and `userId` are own, enumerable properties, for logs and equality
 * checks.
 */
export class ConnectionRecord implements Connection<Socket, StreamCatalogue> {
  readonly id: string
  #user: UserRecord
  readonly #socket: Socket
  #common: Common
  /**
   * `undefined` while the connection has no send queue. Some connections need a send queue only while they are behind, which means that their socket
   * has no room.
   */
  #sendQueue: SendQueue | undefined = undefined
  #ownSubscriptions: SubscriptionSet = undefined
  /** The connection's slot, which is its index in the list of all connections. `NO_SLOT` once the connection has been removed. */
  #slot: number = NO_SLOT

  constructor({ id, socket, sendQueueFor }: Newcomer, user: UserRecord, common: Common) {
    this.id = id
    this.#user = user
    this.#socket = socket
    this.#common = common
    Object.defineProperty(this, 'userId', OWN_USER_ID)
    Object.freeze(this)
    this.#sendQueue = sendQueueFor?.(this)
  }

  get userId(): string {
    return this.#user.id
  }

  get socket(): Socket {
    return this.#socket
  }

  get removed(): boolean {
    return this.#slot === NO_SLOT
  }

  get metadata(): unknown {
    return this.#common.metadata
  }

  set metadata(metadata: unknown) {
    this.#common = { ...this.#common, metadata }
  }

  get waitingBytes(): number {
    return this.removed ? 0 : (this.#sendQueue?.waitingUnits ?? 0)
  }

  get behindForMs(): number {
    return this.removed ? 0 : (this.#sendQueue?.behindForMs ?? 0)
  }

  subscriptions(): OwnSubscription[] {
    return membersOf(this.#ownSubscriptions).map((each) => Object.freeze({ subscription: each, filters: SubscriptionRecord.filtersOf(each, this) }))
  }

  subscribe(request: ConnectionSubscribeRequest<StreamCatalogue>): Subscription {
    return this.#common.actions.subscribe(this, request)
  }

  unsubscribe(stream: StreamReference): boolean {
    return this.#common.actions.unsubscribe(this, stream)
  }

  purge(stream: StreamReference): boolean {
    return this.#common.actions.purge(this, stream)
  }

  send(text: WireData): PublishResult {
    return this.#common.actions.send(this, text)
  }

  flush(): boolean {
    return this.#common.actions.change(() => this.#sendQueue?.flush() ?? true)
  }

  drained(): void {
    this.#common.actions.change(() => this.#sendQueue?.drained())
  }

  reassign(userId: string): void {
    this.#common.actions.reassign(this, userId)
  }

  remove(options?: RemovalOptions): Promise<boolean> {
    return this.#common.actions.remove(this, readRemoval(options))
  }

  /** Makes `JSON.stringify` and `console.log` show the ids of the connection and its user. */
  toJSON(): Pick<Connection, 'id' | 'userId'> {
    const { id, userId } = this
    return { id, userId }
  }

  // For the library only.

  static is(value: unknown): value is ConnectionRecord { return typeof value === 'object' && value !== null && #slot in value }
  static userOf(connection: ConnectionRecord): UserRecord { return connection.#user }
  static setUser(connection: ConnectionRecord, user: UserRecord): void { connection.#user = user }
  static transportOf(connection: ConnectionRecord): AnyTransport | undefined { return connection.#common.transport }
  static sendQueueOf(connection: ConnectionRecord): SendQueue | undefined { return connection.#sendQueue }
  static attachQueue(connection: ConnectionRecord, sendQueue: SendQueue | undefined): void { connection.#sendQueue = sendQueue }
  /** Returns the sink of a connection: its send queue if it has one, otherwise its socket. */
  static sinkOf(connection: ConnectionRecord): Sink { return connection.#sendQueue ?? (connection.#socket as PlainSink) }
  static slotOf(connection: ConnectionRecord): number { return connection.#slot }
  static moved(connection: ConnectionRecord, slot: number): void { connection.#slot = slot }
  /** Returns the subscriptions that a connection holds for itself. */
  static ownSubscriptionsOf(connection: ConnectionRecord): SubscriptionSet { return connection.#ownSubscriptions }
  static setOwnSubscriptions(connection: ConnectionRecord, subscriptions: SubscriptionSet): void { connection.#ownSubscriptions = subscriptions }
}

/** The descriptor of `userId` as an own property of each handle. The property is a getter, because the user of a connection may change. */
const OWN_USER_ID: PropertyDescriptor = /* @__PURE__ */ sharedAccessor(ConnectionRecord, 'userId')

export interface StreamTypeRecord {
  readonly name: string
  readonly definition: ResolvedDefinition
  /** The stream without a symbol. If the symbol is optional, this stream is the whole type. */
  whole: StreamRecord | undefined
  readonly bySymbol: Map<string, StreamRecord>
}

export class StreamRecord {
  readonly type: StreamTypeRecord
  readonly symbol: string | undefined
  readonly openedAtMs: number
  /** The subscriptions to the stream, oldest first. */
  readonly subscriptions: LinkedList<SubscriptionRecord> = new LinkedList(SubscriptionRecord)
  /** How many of the subscriptions belong to connected users. */
  connectedCount = 0
  /** The status of the source. Not used for a private stream, where each subscription has its own status. */
  sourceStatus: StreamStatus = 'CONNECTED'
  /**
   * All connections that receive this public stream through a subscription to exactly this stream. `undefined` for a private stream, where each
   * subscription has its own list.
   */
  readonly list: FanOutList<ConnectionRecord> | undefined

  constructor(type: StreamTypeRecord, symbol: string | undefined, openedAtMs: number) {
    this.type = type
    this.symbol = symbol
    this.openedAtMs = openedAtMs
    this.list = type.definition.audience === 'public' ? new FanOutList(this) : undefined
  }

  sinkOf(connection: ConnectionRecord): Sink {
    return ConnectionRecord.sinkOf(connection)
  }

  moved(connection: ConnectionRecord, slot: number): void {
    // A connection is in the list because its user has a subscription to the stream.
    const subscription = SUBSCRIPTIONS.find(ConnectionRecord.userOf(connection).subscriptions, this) as SubscriptionRecord
    SubscriptionRecord.moved(subscription, connection, slot)
  }
}

/** The filters of one holder of a subscription. The holder is the user, or one of the user's connections. */
interface HolderFilters {
  readonly holder: UserRecord | ConnectionRecord
  readonly filters: SubscriptionFilters
}

/** Fields that only some subscriptions need: each subscription to a private stream, and a subscription to a public stream that has had filters. */
interface Extra {
  /** The fan-out list of a private stream's user. `undefined` on a public stream. */
  readonly ownList: FanOutList<ConnectionRecord> | undefined
  /** The status of the source of this user's private stream. */
  sourceStatus: StreamStatus
  filters: SmallSet<UserRecord | ConnectionRecord, HolderFilters>
}

/** The state of a subscription that has ended. The time of its last update can still be read. */
class Ended {
  readonly lastUpdateMs: number | undefined

  constructor(lastUpdateMs: number | undefined) {
    this.lastUpdateMs = lastUpdateMs
  }
}

const ENDED_WITHOUT_UPDATE = /* @__PURE__ */ new Ended(undefined)

/**
 * The record of a subscription, which is also the object that callers hold.
 *
 * `userId`, `streamType` and `symbol` are own, enumerable properties, for logs and equality checks. So a copy of the object still names the same
 * subscription.
 */
export class SubscriptionRecord implements Subscription {
  readonly userId: string
  readonly streamType: string
  readonly symbol: string | undefined
  readonly #user: UserRecord
  readonly #stream: StreamRecord
  /**
   * The slots of the subscription's connections in its fan-out list. One connection: its slot. Several connections: a map from connection to slot.
   * `NO_SLOT` while the user is not connected. `Ended` after the subscription ended.
   */
  #slots: number | Map<ConnectionRecord, number> | Ended = NO_SLOT
  #extra: Extra | undefined
  /** How many of the user's connections hold the subscription for themselves. */
  #connectionHolds = 0
  /**
   * The age of the stream in milliseconds when the subscription began. In the first 24 days of a stream, this age is a small integer. A timestamp
   * would need a heap object of 16 bytes.
   */
  readonly #streamAgeMs: number
  /** How many messages had been sent to the list when the subscription began. Only later messages count as updates. */
  readonly #servingsBefore: number
  #earlier: SubscriptionRecord | undefined = undefined
  #later: SubscriptionRecord | undefined = undefined

  constructor(user: UserRecord, stream: StreamRecord, nowMs: number) {
    this.userId = user.id
    this.streamType = stream.type.name
    this.symbol = stream.symbol
    this.#user = user
    this.#stream = stream
    this.#extra = stream.list === undefined ? { ownList: new FanOutList(stream), sourceStatus: 'CONNECTED', filters: undefined } : undefined
    this.#streamAgeMs = small(nowMs - stream.openedAtMs)
    this.#servingsBefore = stream.list?.servings ?? 0
    Object.freeze(this)
  }

  get filters(): SubscriptionFilters | undefined {
    return SubscriptionRecord.filtersOf(this, this.#user)
  }

  get status(): SubscriptionStatus {
    if (this.#slots instanceof Ended) return SubscriptionStatus.DISCONNECTED
    return this.#slots === NO_SLOT ? SubscriptionStatus.PENDING : SubscriptionRecord.sourceStatusOf(this)
  }

  get createdAt(): Date {
    return new Date(this.#stream.openedAtMs + this.#streamAgeMs)
  }

  get lastUpdate(): Date | undefined {
    const ms = SubscriptionRecord.#lastUpdateMs(this)
    return ms === undefined ? undefined : new Date(ms)
  }

  get key(): string {
    return subscriptionKey(this)
  }

  /** Makes `JSON.stringify` and `console.log` show the values of the getters too. */
  toJSON(): Record<keyof Subscription, unknown> {
    const { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key } = this
    return { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key }
  }

  // For the library only. All methods are static, because a private instance method would take 8 bytes in each object.

  static #lastUpdateMs(subscription: SubscriptionRecord): number | undefined {
    if (subscription.#slots instanceof Ended) return subscription.#slots.lastUpdateMs
    const { servedAtMs, servings } = SubscriptionRecord.listOf(subscription)
    return servings === subscription.#servingsBefore ? undefined : servedAtMs
  }

  static userOf(subscription: SubscriptionRecord): UserRecord { return subscription.#user }
  static streamOf(subscription: SubscriptionRecord): StreamRecord { return subscription.#stream }

  /** True if the user of the subscription is connected. False once the subscription has ended. */
  static isConnected(subscription: SubscriptionRecord): boolean {
    return subscription.#slots !== NO_SLOT && !(subscription.#slots instanceof Ended)
  }

  static sourceStatusOf(subscription: SubscriptionRecord): StreamStatus {
    return subscription.#stream.list === undefined ? (subscription.#extra as Extra).sourceStatus : subscription.#stream.sourceStatus
  }

  /** Sets the status of the source. On a public stream, all subscriptions to the stream share the status. */
  static setSourceStatus(subscription: SubscriptionRecord, status: StreamStatus): void {
    const owner = subscription.#stream.list === undefined ? (subscription.#extra as Extra) : subscription.#stream
    owner.sourceStatus = status
  }

  /**
   * Returns the list with the connections of a subscription. A subscription to a private stream has its own list. All subscriptions to a public
   * stream share the stream's list.
   */
  static listOf(subscription: SubscriptionRecord): FanOutList<ConnectionRecord> {
    return subscription.#extra?.ownList ?? (subscription.#stream.list as FanOutList<ConnectionRecord>)
  }

  /** Returns the slot of a connection. `NO_SLOT` if this subscription has not put the connection into the list. */
  static slotOf(subscription: SubscriptionRecord, connection: ConnectionRecord): number {
    const slots = subscription.#slots
    if (slots instanceof Map) return slots.get(connection) ?? NO_SLOT
    if (typeof slots !== 'number' || slots === NO_SLOT) return NO_SLOT
    return SubscriptionRecord.listOf(subscription).connections[slots] === connection ? slots : NO_SLOT
  }

  /** Returns the connections that are in the fan-out list for this subscription. Each call returns a new array. */
  static connectionsOf(subscription: SubscriptionRecord): readonly ConnectionRecord[] {
    const slots = subscription.#slots
    if (slots instanceof Map) return [...slots.keys()]
    if (typeof slots !== 'number' || slots === NO_SLOT) return []
    return [SubscriptionRecord.listOf(subscription).connections[slots] as ConnectionRecord]
  }

  /** Adds a connection to the fan-out list of a subscription. The list must not contain the connection. */
  static add(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    SubscriptionRecord.#takeSlot(subscription, connection, SubscriptionRecord.listOf(subscription).add(connection))
  }

  /** Removes a connection from the fan-out list of a subscription. The list must contain the connection. */
  static remove(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    const slot = SubscriptionRecord.slotOf(subscription, connection)
    SubscriptionRecord.#releaseSlot(subscription, connection)
    SubscriptionRecord.listOf(subscription).remove(slot)
  }

  /** Hands a connection's slot over to another user's subscription to the same public stream. The list does not change. */
  static handOver(from: SubscriptionRecord, to: SubscriptionRecord, connection: ConnectionRecord): void {
    const slot = SubscriptionRecord.slotOf(from, connection)
    SubscriptionRecord.#releaseSlot(from, connection)
    SubscriptionRecord.#takeSlot(to, connection, slot)
  }

  static #takeSlot(subscription: SubscriptionRecord, connection: ConnectionRecord, slot: number): void {
    const slots = subscription.#slots
    const list = SubscriptionRecord.listOf(subscription)
    if (slots instanceof Map) slots.set(connection, slot)
    else if (slots === NO_SLOT) subscription.#slots = slot
    else subscription.#slots = new Map([[list.connections[slots as number] as ConnectionRecord, slots as number], [connection, slot]])
  }

  static #releaseSlot(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    const slots = subscription.#slots
    if (slots instanceof Map && slots.size > 1) slots.delete(connection)
    else subscription.#slots = NO_SLOT
  }

  static moved(subscription: SubscriptionRecord, connection: ConnectionRecord, slot: number): void {
    const slots = subscription.#slots
    if (slots instanceof Map) slots.set(connection, slot)
    else subscription.#slots = slot
  }

  static filtersOf(subscription: SubscriptionRecord, holder: UserRecord | ConnectionRecord): SubscriptionFilters | undefined {
    return FILTERS.find(subscription.#extra?.filters, holder)?.filters
  }

  static setFilters(subscription: SubscriptionRecord, holder: UserRecord | ConnectionRecord, filters: SubscriptionFilters | undefined): void {
    if (subscription.#extra === undefined && filters === undefined) return
    const extra = (subscription.#extra ??= { ownList: undefined, sourceStatus: 'CONNECTED', filters: undefined })
    const known = FILTERS.find(extra.filters, holder)
    if (known !== undefined) extra.filters = FILTERS.without(extra.filters, known)
    if (filters !== undefined) extra.filters = FILTERS.including(extra.filters, { holder, filters })
  }

  static connectionHoldsOf(subscription: SubscriptionRecord): number { return subscription.#connectionHolds }
  static countHold(subscription: SubscriptionRecord, difference: 1 | -1): void { subscription.#connectionHolds += difference }

  /** Ends a subscription. Before the call, remove all connections of the subscription from the fan-out list. */
  static end(subscription: SubscriptionRecord): void {
    const lastUpdateMs = SubscriptionRecord.#lastUpdateMs(subscription)
    subscription.#slots = lastUpdateMs === undefined ? ENDED_WITHOUT_UPDATE : new Ended(lastUpdateMs)
  }

  static earlierOf(subscription: SubscriptionRecord): SubscriptionRecord | undefined { return subscription.#earlier }
  static laterOf(subscription: SubscriptionRecord): SubscriptionRecord | undefined { return subscription.#later }
  static setEarlier(subscription: SubscriptionRecord, earlier: SubscriptionRecord | undefined): void { subscription.#earlier = earlier }
  static setLater(subscription: SubscriptionRecord, later: SubscriptionRecord | undefined): void { subscription.#later = later }
}

export type SubscriptionSet = SmallSet<StreamRecord, SubscriptionRecord>

export const CONNECTIONS: SmallSetBy<string, ConnectionRecord> = /* @__PURE__ */ new SmallSetBy(({ id }) => id)
export const SUBSCRIPTIONS: SmallSetBy<StreamRecord, SubscriptionRecord> = /* @__PURE__ */ new SmallSetBy((each) => SubscriptionRecord.streamOf(each))
const FILTERS: SmallSetBy<UserRecord | ConnectionRecord, HolderFilters> = /* @__PURE__ */ new SmallSetBy(({ holder }) => holder)

/** Returns the same number, as a small integer if possible. The engine would store the difference of two timestamps in a heap object. */
function small(value: number): number {
  const integer = value | 0
  return integer === value ? integer : value
}
