import type { RefusingQuota } from '../errors.ts'
import type { ActiveStream } from '../events/events.ts'
import { NO_SLOT, type FanOutList, type Overlap } from '../collections/fan-out-list.ts'
import type { StreamCatalogue, ResolvedDefinition } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import { coversRevoked, type Revoked } from '../model/revocation.ts'
import type { SubscriptionChange, SubscriptionEndReason } from '../model/subscription.ts'
import { countOf, membersOf } from '../collections/small-set.ts'
import { concealed } from './concealed.ts'
import {
  ConnectionRecord,
  StreamRecord,
  SUBSCRIPTIONS,
  SubscriptionRecord,
  type StreamTypeRecord,
  type UserRecord,
} from './records.ts'
import type { Users } from './users.ts'

/** A change of a subscription, with the name of its event. */
export type SubscriptionNews =
  | { readonly event: 'subscriptionAdded' }
  | { readonly event: 'subscriptionChanged'; readonly change: SubscriptionChange }
  | { readonly event: 'subscriptionRemoved'; readonly reason: SubscriptionEndReason }

/** The fields of a message that decide who receives it. */
interface Addressed {
  readonly definition: ResolvedDefinition
  readonly streamType: string
  readonly symbol: string | undefined
  /** The user, if the stream type is private. */
  readonly userId: string | undefined
}

/**
 * Called after a change of a subscription. `holder` is the connection that subscribed, unsubscribed, was removed or was reassigned, if this
 * connection itself held the subscription. `holder` is `undefined` for any other change, and if the user held a subscription that ended.
 */
type SubscriptionListener = (news: SubscriptionNews, subscription: SubscriptionRecord, holder: ConnectionRecord | undefined) => void

// Constants that all subscriptions share, because they never change.
const ADDED: SubscriptionNews = { event: 'subscriptionAdded' }
const HOLDER_ADDED: SubscriptionNews = { event: 'subscriptionChanged', change: 'holder-added' }
const HOLDER_REMOVED: SubscriptionNews = { event: 'subscriptionChanged', change: 'holder-removed' }
const FILTERS: SubscriptionNews = { event: 'subscriptionChanged', change: 'filters' }
const STATUS: SubscriptionNews = { event: 'subscriptionChanged', change: 'status' }
const END_NEWS: Readonly<Record<SubscriptionEndReason, SubscriptionNews>> = {
  unsubscribed: { event: 'subscriptionRemoved', reason: 'unsubscribed' },
  disconnected: { event: 'subscriptionRemoved', reason: 'disconnected' },
  expired: { event: 'subscriptionRemoved', reason: 'expired' },
  revoked: { event: 'subscriptionRemoved', reason: 'revoked' },
  reassigned: { event: 'subscriptionRemoved', reason: 'reassigned' },
  cleanup: { event: 'subscriptionRemoved', reason: 'cleanup' },
}

/** A request of a user or a connection to hold a subscription. */
interface HoldRequest {
  readonly userId: string
  readonly connectionId?: string
  readonly streamType: string
  readonly symbol: string | undefined
}

/** The quota checks that the registry calls. */
interface SubscriptionQuotas {
  /** True if the quota allows one more item when there are `count` items. */
  hasRoom(quota: RefusingQuota, count: number): boolean
  refusal(quota: RefusingQuota, request: HoldRequest): Error
}

/** The functions that the registry calls immediately, within a change. */
export interface SubscriptionsDependencies {
  /** Returns milliseconds since the Unix epoch. */
  now(): number
  readonly quotas: SubscriptionQuotas
  readonly changed: SubscriptionListener
  /** Called when a stream gained its first connected subscriber, or lost its last one. Each user has a separate stream of a private type. */
  demanded(change: 'gained' | 'lost', stream: ActiveStream): void
  /** Called when a connection begins to receive a stream whose upstream source has failed. */
  receivesFailed(connection: ConnectionRecord, subscription: SubscriptionRecord): void
  /** Called when a connection stopped receiving a stream through a subscription. Not called by `reassign`, whose caller purges the send queue. */
  released(connection: ConnectionRecord, stream: StreamRecord): void
}

/** The two lists of connections that get a published message: the list of the whole type, and the list of the exact stream. */
export interface Subscribed {
  readonly whole: FanOutList<ConnectionRecord> | undefined
  readonly exact: FanOutList<ConnectionRecord> | undefined
  /** The connections that are in both lists. */
  readonly overlaps: readonly Overlap[]
}

/**
 * The new user's subscription to a stream that a moving connection keeps. `isNew` is true if this subscription has just begun. `filters` are the
 * connection's filters.
 */
interface TakenOver {
  readonly subscription: SubscriptionRecord
  readonly isNew: boolean
  readonly filters: SubscriptionFilters | undefined
}

/** The place of a connection in a fan-out list. A fan-out list has the connections that get the same messages. */
export interface Slot {
  readonly list: FanOutList<ConnectionRecord>
  readonly slot: number
}

const ConcealedSubscription = /* @__PURE__ */ concealed(SubscriptionRecord)

/** The usual case: no connection is in both lists. */
const NO_OVERLAPS: readonly Overlap[] = []

/**
 * Subscriptions and their holders. A holder is a user, or one of the user's connections.
 *
 * If a connection or its user holds a subscription, the connection is in the fan-out list of the stream, and so gets the stream's messages. A
 * connection is in a list only once, even if both the connection and its user hold the subscription. So the connection gets only one copy of a
 * message.
 */
export class Subscriptions {
  count = 0
  streamCount = 0
  /** How many users have a subscription. */
  userCount = 0
  /** How many users have a subscription but no connection. */
  pendingUserCount = 0
  readonly #types = new Map<string, StreamTypeRecord>()
  readonly #users: Users
  readonly #dependencies: SubscriptionsDependencies

  constructor(streams: StreamCatalogue, users: Users, dependencies: SubscriptionsDependencies) {
    for (const [name, definition] of Object.entries(streams)) {
      this.#types.set(name, { name, definition: definition as ResolvedDefinition, whole: undefined, bySymbol: new Map() })
    }
    this.#users = users
    this.#dependencies = dependencies
  }

  // Looking up

  stream(streamType: unknown, symbol: unknown): StreamRecord | undefined {
    const type = this.#types.get(streamType as string)
    return symbol === undefined || symbol === null ? type?.whole : type?.bySymbol.get(symbol as string)
  }

  find(user: UserRecord | undefined, streamType: unknown, symbol: unknown): SubscriptionRecord | undefined {
    const stream = this.stream(streamType, symbol)
    return stream && SUBSCRIPTIONS.find(user?.subscriptions, stream)
  }

  *streams(): Generator<StreamRecord, undefined> {
    for (const { whole, bySymbol } of this.#types.values()) {
      if (whole !== undefined) yield whole
      yield* bySymbol.values()
    }
  }

  /**
   * Returns the connections that receive a stream. Without a symbol, returns the connections that receive any stream of the type. If the type is
   * private, only connections of the given user are included.
   */
  receivers(streamType: string, symbol: string | undefined, userId: string | undefined): Set<ConnectionRecord> {
    const { whole, bySymbol } = this.#types.get(streamType) as StreamTypeRecord
    const streams = [whole, ...(symbol === undefined ? bySymbol.values() : [bySymbol.get(symbol)])].filter((each) => each !== undefined)
    const subscriptions = streams.flatMap((stream) => this.subscriptionsTo(streamType, stream.symbol, userId))
    return new Set(subscriptions.flatMap((each) => SubscriptionRecord.connectionsOf(each)))
  }

  /** Returns the subscriptions to a stream. If the stream is private, returns only the subscription of the given user. */
  subscriptionsTo(streamType: string, symbol: string | undefined, userId: string | undefined): readonly SubscriptionRecord[] {
    const stream = this.stream(streamType, symbol)
    if (stream?.list !== undefined) return [...stream.subscriptions]
    const own = this.find(this.#users.find(userId), streamType, symbol)
    return own === undefined ? [] : [own]
  }

  /**
   * Returns the connections that receive a stream through a subscription to exactly this stream, in the order in which their users' subscriptions
   * began.
   */
  connectionsOf(streamType: unknown, symbol: unknown): ConnectionRecord[] {
    return [...(this.stream(streamType, symbol)?.subscriptions ?? [])].flatMap((each) => SubscriptionRecord.connectionsOf(each))
  }

  /** Returns the fan-out lists whose connections get a message. */
  subscribed({ definition, streamType, symbol, userId }: Addressed): Subscribed {
    if (definition.audience === 'private') return this.#subscribedOf(userId, streamType, symbol)
    const { whole, bySymbol } = this.#types.get(streamType) as StreamTypeRecord
    const stream = symbol === undefined ? undefined : bySymbol.get(symbol)
    const overlaps = stream === undefined || whole === undefined ? NO_OVERLAPS : overlapsOf(stream.list?.overlaps, stream, whole)
    return { whole: whole?.list, exact: stream?.list, overlaps }
  }

  /** Returns the fan-out lists whose connections get a private message of this stream to this user. */
  #subscribedOf(userId: string | undefined, streamType: string, symbol: string | undefined): Subscribed {
    const user = this.#users.find(userId)
    const whole = this.find(user, streamType, undefined)
    const exact = symbol === undefined ? undefined : this.find(user, streamType, symbol)
    const list = exact && SubscriptionRecord.listOf(exact)
    return {
      whole: whole && SubscriptionRecord.listOf(whole),
      exact: list,
      overlaps: whole && exact ? overlapsOf(list?.overlaps, SubscriptionRecord.streamOf(exact), SubscriptionRecord.streamOf(whole)) : NO_OVERLAPS,
    }
  }

  /** Returns the slots of a connection in the two lists of `subscribed`, for a message of this stream. */
  slotsIn({ whole, exact }: Subscribed, connection: ConnectionRecord, streamType: string, symbol: string | undefined): Slot[] {
    const user = ConnectionRecord.userOf(connection)
    const inList = (list: Subscribed['whole'], each: string | undefined): Slot[] => {
      const subscription = this.find(user, streamType, each)
      if (subscription === undefined || SubscriptionRecord.listOf(subscription) !== list) return []
      const slot = SubscriptionRecord.slotOf(subscription, connection)
      return slot === NO_SLOT ? [] : [{ list, slot }]
    }
    return [...inList(whole, undefined), ...inList(exact, symbol)]
  }

  /** True if a connection receives a stream: the connection is in the stream's list, or in the list of the whole type. */
  covers(connection: ConnectionRecord, streamType: string, symbol: string | undefined): boolean {
    const user = ConnectionRecord.userOf(connection)
    const isIn = (each: string | undefined): boolean => slotIn(this.find(user, streamType, each), connection) !== NO_SLOT
    return isIn(symbol) || isIn(undefined)
  }

  /**
   * Returns the subscriptions that a revocation ends. With a user, the cost grows with the number of the user's subscriptions. Without a user, the
   * cost grows with the number of all streams.
   */
  revoked(revoked: Revoked): SubscriptionRecord[] {
    const isConcerned = ({ type, symbol }: StreamRecord): boolean =>
      coversRevoked({ streamType: type.name, symbol }, type.definition, revoked)
    if (revoked.userId === undefined) return [...this.streams()].filter(isConcerned).flatMap(({ subscriptions }) => [...subscriptions])
    return membersOf(this.#users.find(revoked.userId)?.subscriptions).filter((each) => isConcerned(SubscriptionRecord.streamOf(each)))
  }

  /** Iterates over the streams with a connected subscriber. Each user has a separate stream of a private type. */
  *demanded(): Generator<ActiveStream, undefined> {
    for (const { type, symbol, subscriptions, connectedCount } of this.streams()) {
      if (connectedCount === 0) continue
      if (type.definition.audience === 'public') yield Object.freeze({ streamType: type.name, symbol })
      else for (const each of subscriptions) if (SubscriptionRecord.isConnected(each)) yield streamOf(each)
    }
  }

  // Holding and releasing

  /**
   * Makes a user a holder of a subscription. The subscription begins if it does not exist. @throws `ERR_QUOTA_EXCEEDED`, and then nothing has changed
   */
  holdForUser(userId: string, streamType: string, symbol: string | undefined, filters: SubscriptionFilters | undefined): SubscriptionRecord {
    const stream = this.stream(streamType, symbol)
    const known = stream && SUBSCRIPTIONS.find(this.#users.find(userId)?.subscriptions, stream)
    if (known === undefined) this.#assertRoomForUser(userId, streamType, symbol)
    const user = this.#users.obtain(userId)
    const subscription = known ?? this.#begin(user, stream, streamType, symbol)
    const isNewHolder = !isHeldByUser(subscription)
    const isNews = isNewHolder || subscription.filters !== filters
    if (isNewHolder) user.ownSubscriptions = SUBSCRIPTIONS.includingAlike(user.ownSubscriptions, subscription, user.subscriptions)
    SubscriptionRecord.setFilters(subscription, user, filters)
    // If the user was a holder before, all of the user's connections are in the list already.
    if (isNewHolder) for (const connection of membersOf(user.connections)) this.#add(subscription, connection)
    if (isNews) this.#dependencies.changed(known === undefined ? ADDED : isNewHolder ? HOLDER_ADDED : FILTERS, subscription, undefined)
    if (known === undefined && SubscriptionRecord.isConnected(subscription)) this.#connected(subscription)
    return subscription
  }

  /**
   * Makes a connection a holder of a subscription. The subscription begins if it does not exist. @throws `ERR_QUOTA_EXCEEDED`, and then nothing has
   * changed
   */
  holdForConnection(
    connection: ConnectionRecord,
    streamType: string,
    symbol: string | undefined,
    filters: SubscriptionFilters | undefined,
  ): SubscriptionRecord {
    const user = ConnectionRecord.userOf(connection)
    const stream = this.stream(streamType, symbol)
    const known = stream && SUBSCRIPTIONS.find(user.subscriptions, stream)
    const isNewHolder = known === undefined || !isHeldBy(connection, known)
    if (isNewHolder) this.#assertRoomForHold(connection, known === undefined, streamType, symbol)
    const subscription = known ?? this.#begin(user, stream, streamType, symbol)
    const isNews = isNewHolder || SubscriptionRecord.filtersOf(subscription, connection) !== filters
    if (isNewHolder) this.#hold(subscription, connection)
    SubscriptionRecord.setFilters(subscription, connection, filters)
    if (isNews) this.#dependencies.changed(known === undefined ? ADDED : isNewHolder ? HOLDER_ADDED : FILTERS, subscription, connection)
    if (known === undefined) this.#connected(subscription)
    return subscription
  }

  /** Returns a connection's own subscription to a stream. */
  ownOf(connection: ConnectionRecord, streamType: unknown, symbol: unknown): SubscriptionRecord | undefined {
    const stream = this.stream(streamType, symbol)
    return stream && SUBSCRIPTIONS.find(ConnectionRecord.ownSubscriptionsOf(connection), stream)
  }

  /** Makes a connection stop holding a subscription for itself. Returns false if the connection does not hold it. */
  release(connection: ConnectionRecord, streamType: unknown, symbol: unknown): boolean {
    const subscription = this.ownOf(connection, streamType, symbol)
    if (subscription === undefined) return false
    if (isHeldOnce(subscription)) {
      this.end(subscription, 'unsubscribed', connection)
      return true
    }
    this.#releaseHold(subscription, connection)
    if (!isHeldByUser(subscription)) this.#remove(subscription, connection)
    this.#dependencies.changed(HOLDER_REMOVED, subscription, connection)
    return true
  }

  /** Ends a subscription for all of its holders. */
  end(subscription: SubscriptionRecord, reason: SubscriptionEndReason, lastHolder?: ConnectionRecord): void {
    const user = SubscriptionRecord.userOf(subscription)
    const wasConnected = SubscriptionRecord.isConnected(subscription)
    for (const connection of SubscriptionRecord.connectionsOf(subscription)) {
      if (isHeldBy(connection, subscription)) this.#releaseHold(subscription, connection)
      this.#remove(subscription, connection)
    }
    user.subscriptions = SUBSCRIPTIONS.without(user.subscriptions, subscription)
    user.ownSubscriptions = SUBSCRIPTIONS.without(user.ownSubscriptions, subscription)
    if (user.subscriptions === undefined) this.#forgetSubscriber(user, wasConnected)
    this.#conclude(subscription, { wasConnected, reason }, lastHolder)
  }

  endAllOf(user: UserRecord, reason: SubscriptionEndReason): void {
    for (const subscription of membersOf(user.subscriptions)) this.end(subscription, reason)
  }

  // Adding, removing and reassigning connections

  /** Adds a new connection to the lists of all subscriptions that its user holds. */
  admit(connection: ConnectionRecord): void {
    const user = ConnectionRecord.userOf(connection)
    const wasPending = countOf(user.connections) === 1
    if (wasPending && user.subscriptions !== undefined) this.pendingUserCount--
    this.#receiveAllOf(user, connection, wasPending)
  }

  /**
   * Adds a connection to the lists of all subscriptions that its user holds. If the connection is the user's first one, the user becomes connected.
   */
  #receiveAllOf(user: UserRecord, connection: ConnectionRecord, wasPending: boolean): void {
    for (const subscription of membersOf(user.ownSubscriptions)) {
      this.#add(subscription, connection)
      if (!wasPending) continue
      this.#dependencies.changed(STATUS, subscription, undefined)
      this.#connected(subscription)
    }
  }

  /**
   * Writes the connection's current sink into each list that has the connection. The cost grows with the number of subscriptions that the connection
   * or its user holds.
   */
  refreshSink(connection: ConnectionRecord): void {
    for (const subscription of mayReceive(connection)) {
      const slot = SubscriptionRecord.slotOf(subscription, connection)
      if (slot !== NO_SLOT) SubscriptionRecord.listOf(subscription).refreshSink(slot)
    }
  }

  /**
   * Takes a removed connection out of all lists. The connection stops holding its own subscriptions. A subscription that nobody else holds ends. If
   * the connection was the user's last one, all of the user's subscriptions end.
   */
  detach(connection: ConnectionRecord, reason: SubscriptionEndReason): void {
    if (ConnectionRecord.userOf(connection).connections === undefined) this.#endAllWith(connection, reason)
    // Only the subscriptions that the user or this connection holds matter. The user's other connections may hold many more.
    else for (const subscription of mayReceive(connection)) this.#detachFrom(subscription, connection, reason)
    ConnectionRecord.setOwnSubscriptions(connection, undefined)
  }

  /**
   * Moves a connection to another user. `switchUser` moves the connection in the other indexes. `isKept` selects the connection's own subscriptions
   * that the new user takes over. Only subscriptions to public streams may be kept. No queued message is purged.
   */
  reassign(connection: ConnectionRecord, to: UserRecord, isKept: (subscription: SubscriptionRecord) => boolean, switchUser: () => void): void {
    const from = ConnectionRecord.userOf(connection)
    const wasPending = to.connections === undefined
    const own = membersOf(ConnectionRecord.ownSubscriptionsOf(connection))
    const received = new Set(mayReceive(connection))
    // The kept subscriptions begin before the old ones end, so that no stream ends in between.
    const kept = own.filter(isKept).map((old) => this.#beginAlike(old, connection, to))
    const keptNow = new Set(kept.map(({ subscription }) => subscription))
    const nextOf = (old: SubscriptionRecord): SubscriptionRecord | undefined => {
      if (isPrivate(old)) return undefined
      const next = SUBSCRIPTIONS.find(to.subscriptions, SubscriptionRecord.streamOf(old))
      return next !== undefined && (isHeldByUser(next) || keptNow.has(next)) ? next : undefined
    }
    for (const old of received) if (nextOf(old) === undefined) this.#unlist(old, connection)
    switchUser()
    // If the connection still receives a stream, it keeps its slot. So the connection does not miss a message that is being delivered.
    for (const old of received) handOver(old, nextOf(old), connection)
    for (const old of own) this.#releaseHold(old, connection)
    // The kept subscriptions are held before the connection is added to other lists, because adding looks for overlaps with them.
    for (const each of kept) this.#holdAlike(each, connection)
    if (wasPending && to.subscriptions !== undefined) this.pendingUserCount--
    this.#receiveAllOf(to, connection, wasPending)
    for (const { subscription, isNew } of kept) this.#tellOfHold(subscription, isNew, connection)
    if (from.connections === undefined) this.#endAll(from, connection, 'reassigned')
    else for (const old of own) this.#endUnlessHeld(old, connection, 'reassigned')
  }

  #beginAlike(old: SubscriptionRecord, connection: ConnectionRecord, to: UserRecord): TakenOver {
    const stream = SubscriptionRecord.streamOf(old)
    const known = SUBSCRIPTIONS.find(to.subscriptions, stream)
    const subscription = known ?? this.#begin(to, stream, old.streamType, old.symbol)
    return { subscription, isNew: known === undefined, filters: SubscriptionRecord.filtersOf(old, connection) }
  }

  #holdAlike({ subscription, filters }: TakenOver, connection: ConnectionRecord): void {
    this.#hold(subscription, connection)
    SubscriptionRecord.setFilters(subscription, connection, filters)
  }

  #tellOfHold(subscription: SubscriptionRecord, isNew: boolean, connection: ConnectionRecord): void {
    this.#dependencies.changed(isNew ? ADDED : HOLDER_ADDED, subscription, connection)
    if (isNew) this.#connected(subscription)
  }

  /**
   * Ends a subscription if nobody holds it any more. Otherwise reports that the connection is no longer a holder. Before the call, release the
   * connection's hold.
   */
  #endUnlessHeld(subscription: SubscriptionRecord, connection: ConnectionRecord, reason: SubscriptionEndReason): void {
    if (isHeldByUser(subscription) || SubscriptionRecord.connectionHoldsOf(subscription) > 0) {
      return this.#dependencies.changed(HOLDER_REMOVED, subscription, connection)
    }
    const user = SubscriptionRecord.userOf(subscription)
    user.subscriptions = SUBSCRIPTIONS.without(user.subscriptions, subscription)
    if (user.subscriptions === undefined) this.#forgetSubscriber(user, true)
    this.#conclude(subscription, { wasConnected: true, reason }, connection)
  }

  /** Ends all subscriptions of a user whose last connection was removed. */
  #endAllWith(connection: ConnectionRecord, reason: SubscriptionEndReason): void {
    const user = ConnectionRecord.userOf(connection)
    // Each list of the user contains the last connection, and no other connection of the user.
    for (const subscription of membersOf(user.subscriptions)) this.#remove(subscription, connection)
    this.#endAll(user, connection, reason)
  }

  /** Ends all subscriptions of a user, oldest first. Before the call, remove the user's last connection from all lists. */
  #endAll(user: UserRecord, last: ConnectionRecord, reason: SubscriptionEndReason): void {
    if (user.subscriptions === undefined) return
    for (const subscription of membersOf(user.subscriptions)) {
      SubscriptionRecord.setFilters(subscription, last, undefined)
      this.#conclude(subscription, { wasConnected: true, reason }, isHeldByUser(subscription) ? undefined : last)
    }
    user.subscriptions = undefined
    user.ownSubscriptions = undefined
    this.#forgetSubscriber(user, true)
  }

  /**
   * Marks a subscription as ended, removes it from its stream, and reports the end. Before the call, remove the connections of the subscription from
   * its list.
   */
  #conclude(
    subscription: SubscriptionRecord,
    { wasConnected, reason }: { readonly wasConnected: boolean; readonly reason: SubscriptionEndReason },
    lastHolder: ConnectionRecord | undefined,
  ): void {
    const stream = SubscriptionRecord.streamOf(subscription)
    SubscriptionRecord.end(subscription)
    stream.subscriptions.remove(subscription)
    this.count--
    if (stream.subscriptions.isEmpty) this.#drop(stream)
    this.#dependencies.changed(END_NEWS[reason], subscription, lastHolder)
    if (wasConnected) this.#disconnected(subscription)
  }

  #assertRoomForUser(userId: string, streamType: string, symbol: string | undefined): void {
    const { quotas } = this.#dependencies
    const user = this.#users.find(userId)
    const isPendingRefused = user === undefined && !quotas.hasRoom('pendingUsers', this.pendingUserCount)
    if (isPendingRefused) throw quotas.refusal('pendingUsers', { userId, streamType, symbol })
    if (quotas.hasRoom('subscriptionsPerUser', countOf(user?.subscriptions))) return
    throw quotas.refusal('subscriptionsPerUser', { userId, streamType, symbol })
  }

  #assertRoomForHold(connection: ConnectionRecord, isNew: boolean, streamType: string, symbol: string | undefined): void {
    const { quotas } = this.#dependencies
    const { subscriptions } = ConnectionRecord.userOf(connection)
    const isUserFull = isNew && !quotas.hasRoom('subscriptionsPerUser', countOf(subscriptions))
    if (!isUserFull && quotas.hasRoom('subscriptionsPerConnection', countOf(ConnectionRecord.ownSubscriptionsOf(connection)))) return
    const { id: connectionId, userId } = connection
    throw quotas.refusal(isUserFull ? 'subscriptionsPerUser' : 'subscriptionsPerConnection', { userId, connectionId, streamType, symbol })
  }

  #detachFrom(subscription: SubscriptionRecord, connection: ConnectionRecord, reason: SubscriptionEndReason): void {
    if (SubscriptionRecord.slotOf(subscription, connection) === NO_SLOT) return
    const isHolder = isHeldBy(connection, subscription)
    if (isHolder && isHeldOnce(subscription)) return this.end(subscription, reason, connection)
    this.#remove(subscription, connection)
    if (!isHolder) return
    this.#releaseHold(subscription, connection)
    this.#dependencies.changed(HOLDER_REMOVED, subscription, connection)
  }

  #hold(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    this.#add(subscription, connection)
    // If the connection holds exactly the subscriptions of its user, both share one array.
    const { subscriptions } = ConnectionRecord.userOf(connection)
    const own = ConnectionRecord.ownSubscriptionsOf(connection)
    ConnectionRecord.setOwnSubscriptions(connection, SUBSCRIPTIONS.includingAlike(own, subscription, subscriptions))
    SubscriptionRecord.countHold(subscription, 1)
  }

  #releaseHold(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    const own = ConnectionRecord.ownSubscriptionsOf(connection)
    ConnectionRecord.setOwnSubscriptions(connection, SUBSCRIPTIONS.without(own, subscription))
    SubscriptionRecord.setFilters(subscription, connection, undefined)
    SubscriptionRecord.countHold(subscription, -1)
  }

  #connected(subscription: SubscriptionRecord): void {
    const isFirst = ++SubscriptionRecord.streamOf(subscription).connectedCount === 1
    if (isFirst || isPrivate(subscription)) this.#dependencies.demanded('gained', streamOf(subscription))
  }

  #disconnected(subscription: SubscriptionRecord): void {
    const wasLast = --SubscriptionRecord.streamOf(subscription).connectedCount === 0
    if (wasLast || isPrivate(subscription)) this.#dependencies.demanded('lost', streamOf(subscription))
  }

  #begin(user: UserRecord, opened: StreamRecord | undefined, streamType: string, symbol: string | undefined): SubscriptionRecord {
    const nowMs = this.#dependencies.now()
    const stream = opened ?? this.#open(streamType, symbol, nowMs)
    const subscription = new ConcealedSubscription(user, stream, nowMs)
    if (user.subscriptions === undefined) this.#noteSubscriber(user)
    user.subscriptions = SUBSCRIPTIONS.including(user.subscriptions, subscription)
    stream.subscriptions.add(subscription)
    this.count++
    return subscription
  }

  #noteSubscriber({ connections }: UserRecord): void {
    this.userCount++
    if (connections === undefined) this.pendingUserCount++
  }

  #forgetSubscriber(user: UserRecord, wasConnected: boolean): void {
    this.userCount--
    if (!wasConnected) this.pendingUserCount--
    this.#users.release(user)
  }

  // Streams exist while somebody is subscribed to them

  #open(streamType: string, symbol: string | undefined, nowMs: number): StreamRecord {
    const type = this.#types.get(streamType) as StreamTypeRecord
    const stream = new StreamRecord(type, symbol, nowMs)
    if (symbol === undefined) type.whole = stream
    else type.bySymbol.set(symbol, stream)
    this.streamCount++
    return stream
  }

  #drop({ type, symbol }: StreamRecord): void {
    if (symbol === undefined) type.whole = undefined
    else type.bySymbol.delete(symbol)
    this.streamCount--
  }

  // Fan-out lists

  /** Adds a connection to the subscription's list, unless the list contains the connection already. */
  #add(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    if (SubscriptionRecord.slotOf(subscription, connection) !== NO_SLOT) return
    SubscriptionRecord.add(subscription, connection)
    if (SubscriptionRecord.sourceStatusOf(subscription) !== 'CONNECTED') this.#dependencies.receivesFailed(connection, subscription)
    for (const exact of overlappingLists(subscription, connection)) (exact.overlaps ??= new Set()).add(connection)
  }

  #remove(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    this.#unlist(subscription, connection)
    this.#dependencies.released(connection, SubscriptionRecord.streamOf(subscription))
  }

  /** Removes a connection from the list. The list must contain the connection. */
  #unlist(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    for (const exact of overlappingLists(subscription, connection)) exact.overlaps?.delete(connection)
    SubscriptionRecord.remove(subscription, connection)
  }

}

/** Hands a connection's slot over to the new user's subscription, if the new user has one. */
function handOver(old: SubscriptionRecord, next: SubscriptionRecord | undefined, connection: ConnectionRecord): void {
  if (next !== undefined) SubscriptionRecord.handOver(old, next, connection)
}

/**
 * Returns the stream that a subscription makes active. A private stream has the user's id. The returned object is frozen, because callers get the
 * object.
 */
function streamOf(subscription: SubscriptionRecord): ActiveStream {
  const { streamType, symbol, userId } = subscription
  return Object.freeze(isPrivate(subscription) ? { streamType, symbol, userId } : { streamType, symbol })
}

function isPrivate(subscription: SubscriptionRecord): boolean {
  return SubscriptionRecord.streamOf(subscription).type.definition.audience === 'private'
}

function isHeldByUser(subscription: SubscriptionRecord): boolean {
  const { ownSubscriptions } = SubscriptionRecord.userOf(subscription)
  return SUBSCRIPTIONS.find(ownSubscriptions, SubscriptionRecord.streamOf(subscription)) !== undefined
}

/** True if a connection holds a subscription for itself. */
function isHeldBy(connection: ConnectionRecord, subscription: SubscriptionRecord): boolean {
  return SUBSCRIPTIONS.find(ConnectionRecord.ownSubscriptionsOf(connection), SubscriptionRecord.streamOf(subscription)) !== undefined
}

/** True if exactly one connection holds the subscription, and the user does not. */
function isHeldOnce(subscription: SubscriptionRecord): boolean {
  return !isHeldByUser(subscription) && SubscriptionRecord.connectionHoldsOf(subscription) === 1
}

/**
 * Returns the subscriptions of a connection: all that its user holds, and all that the connection itself holds. A subscription may be in the array
 * twice.
 */
function mayReceive(connection: ConnectionRecord): readonly SubscriptionRecord[] {
  const { ownSubscriptions } = ConnectionRecord.userOf(connection)
  return [...membersOf(ownSubscriptions), ...membersOf(ConnectionRecord.ownSubscriptionsOf(connection))]
}

function slotIn(subscription: SubscriptionRecord | undefined, connection: ConnectionRecord): number {
  return subscription === undefined ? NO_SLOT : SubscriptionRecord.slotOf(subscription, connection)
}

const NO_LISTS: readonly FanOutList<ConnectionRecord>[] = []

/**
 * Returns the lists of exact streams in which a connection overlaps because of this subscription. A connection overlaps if it is in the list of an
 * exact stream and in the list of the whole type. The connection must be in the subscription's list.
 */
function overlappingLists(subscription: SubscriptionRecord, connection: ConnectionRecord): readonly FanOutList<ConnectionRecord>[] {
  const { type, symbol } = SubscriptionRecord.streamOf(subscription)
  if (type.definition.symbol !== 'optional') return NO_LISTS
  if (symbol === undefined) return exactListsWith(connection, type)
  const whole = type.whole && SUBSCRIPTIONS.find(ConnectionRecord.userOf(connection).subscriptions, type.whole)
  return slotIn(whole, connection) === NO_SLOT ? NO_LISTS : [SubscriptionRecord.listOf(subscription)]
}

/** Returns the lists of exact streams of a type that contain a connection. */
function exactListsWith(connection: ConnectionRecord, type: StreamTypeRecord): readonly FanOutList<ConnectionRecord>[] {
  const isExact = (each: SubscriptionRecord): boolean => each.symbol !== undefined && SubscriptionRecord.streamOf(each).type === type
  const isIn = (each: SubscriptionRecord): boolean => SubscriptionRecord.slotOf(each, connection) !== NO_SLOT
  return mayReceive(connection).filter((each) => isExact(each) && isIn(each)).map((each) => SubscriptionRecord.listOf(each))
}

/** Returns both slots of each connection that is in the list of an exact stream and in the list of its whole type. */
function overlapsOf(connections: ReadonlySet<ConnectionRecord> | undefined, exact: StreamRecord, whole: StreamRecord): readonly Overlap[] {
  if (connections === undefined) return NO_OVERLAPS
  return Array.from(connections, (connection) => {
    const { subscriptions } = ConnectionRecord.userOf(connection)
    const slotInStream = (stream: StreamRecord): number => slotIn(SUBSCRIPTIONS.find(subscriptions, stream), connection)
    return { exactSlot: slotInStream(exact), wholeSlot: slotInStream(whole) }
  })
}
