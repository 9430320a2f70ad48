import type { RefusingQuota } from '../errors.ts'
import type { ActiveStream } from '../events/events.ts'
import { Seats, VACATED } from '../collections/fan-out-list.ts'
import type { StreamCatalogue, ResolvedDefinition } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import { coversRevoked, type Revoked } from '../model/revocation.ts'
import { SubscriptionStatus } from '../model/subscription.ts'
import { Chain } from '../collections/linked-list.ts'
import { countOf, membersOf } from '../collections/small-set.ts'
import {
  SEATS,
  SUBSCRIPTIONS,
  type ConnectionRecord,
  type ConnectionSeat,
  type StreamRecord,
  type StreamTypeRecord,
  type SubscriptionRecord,
  type UserRecord,
} from './records.ts'
import { lastUpdateMs } from './subscription-view.ts'
import type { Users } from './users.ts'

/** What became of a subscription, and through which connection if it was one. */
export type SubscriptionChange = 'added' | 'changed' | 'removed'

type SubscriptionListener = (
  change: SubscriptionChange,
  subscription: SubscriptionRecord,
  holder: ConnectionRecord | undefined,
) => void

/** Whose subscription it is to be, and to what. */
interface HoldRequest {
  readonly userId: string
  readonly connectionId?: string
  readonly streamType: string
  readonly symbol: string | undefined
}

/** What the rest of the manager has to know of at once. */
export interface SubscriptionsDependencies {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Throws where there are as many already as there may be. */
  assertRoom(quota: RefusingQuota, count: number, request: HoldRequest): void
  readonly changed: SubscriptionListener
  /** A stream, on a private one a user's own, has its first connected subscriber, or its last one has gone. */
  demanded(change: 'gained' | 'lost', stream: ActiveStream): void
  /** A connection has lost its seat in a stream. */
  unseated(connection: ConnectionRecord, stream: StreamRecord): void
}

/** Whom a published message reaches: through the whole type, and through its exact stream. */
export interface Subscribed {
  readonly whole: Seats<ConnectionRecord> | undefined
  readonly exact: Seats<ConnectionRecord> | undefined
}

/**
 * Who subscribed to what, and who holds it: the user as such, some of their connections, or both.
 *
 * A connection has one seat in a stream for as long as its user or it holds the subscription, so two holders
 * cannot make two copies.
 */
export class Subscriptions {
  count = 0
  streamCount = 0
  /** How many users have a subscription. */
  userCount = 0
  /** How many of them have no connection. */
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

  /** Whom a public message of this stream reaches. */
  subscribed(streamType: string, symbol: string | undefined): Subscribed {
    const { whole, bySymbol } = this.#types.get(streamType) as StreamTypeRecord
    return { whole: whole?.seats, exact: symbol === undefined ? undefined : bySymbol.get(symbol)?.seats }
  }

  /** Whom a private message of this stream to this user reaches. */
  subscribedOf(userId: string | undefined, streamType: string, symbol: string | undefined): Subscribed {
    const user = this.#users.find(userId)
    return {
      whole: this.find(user, streamType, undefined)?.seats,
      exact: symbol === undefined ? undefined : this.find(user, streamType, symbol)?.seats,
    }
  }

  /** Whether a connection receives a stream: it sits in it, or in its whole type. */
  covers(connection: ConnectionRecord, streamType: string, symbol: string | undefined): boolean {
    const sitsIn = (each: string | undefined): boolean => seatIn(this.find(connection.user, streamType, each), connection) !== undefined
    return sitsIn(symbol) || sitsIn(undefined)
  }

  /** Those that would bring what is revoked. Costs as much as the user has, or as there are of the stream type, without a user. */
  revoked(revoked: Revoked): SubscriptionRecord[] {
    const isConcerned = ({ type, symbol }: StreamRecord): boolean =>
      coversRevoked({ streamType: type.name, symbol }, type.definition, revoked)
    if (revoked.userId === undefined) return [...this.streams()].filter(isConcerned).flatMap(({ subscriptions }) => [...subscriptions])
    return membersOf(this.#users.find(revoked.userId)?.subscriptions).filter(({ stream }) => isConcerned(stream))
  }

  /** The streams with a connected subscriber: each public one, and each user's own of a private one. */
  *demanded(): Generator<ActiveStream, undefined> {
    for (const { type, symbol, subscriptions, connectedCount } of this.streams()) {
      if (connectedCount === 0) continue
      if (type.definition.audience === 'public') yield Object.freeze({ streamType: type.name, symbol })
      else for (const each of subscriptions) if (each.status === SubscriptionStatus.CONNECTED) yield streamOf(each)
    }
  }

  // Holding and letting go

  /** @throws what `assertRoom` throws; then nothing has changed */
  holdForUser(userId: string, streamType: string, symbol: string | undefined, filters: SubscriptionFilters | undefined): SubscriptionRecord {
    const stream = this.stream(streamType, symbol)
    const known = stream && SUBSCRIPTIONS.find(this.#users.find(userId)?.subscriptions, stream)
    if (known === undefined) this.#assertRoomForUser(userId, streamType, symbol)
    const user = this.#users.obtain(userId)
    const subscription = known ?? this.#begin(user, stream, streamType, symbol)
    const isNewHolder = !isHeldByUser(subscription)
    const isNews = isNewHolder || subscription.filters !== filters
    if (isNewHolder) user.ownSubscriptions = SUBSCRIPTIONS.includingAlike(user.ownSubscriptions, subscription, user.subscriptions)
    subscription.filters = filters
    // Who came since the user became the holder was seated on arrival.
    if (isNewHolder) for (const connection of membersOf(user.connections)) this.#seat(subscription, connection)
    if (isNews) this.#dependencies.changed(known === undefined ? 'added' : 'changed', subscription, undefined)
    if (known === undefined && subscription.status === SubscriptionStatus.CONNECTED) this.#connected(subscription)
    return subscription
  }

  /** @throws what `assertRoom` throws; then nothing has changed */
  holdForConnection(
    connection: ConnectionRecord,
    streamType: string,
    symbol: string | undefined,
    filters: SubscriptionFilters | undefined,
  ): SubscriptionRecord {
    const { user } = connection
    const stream = this.stream(streamType, symbol)
    const known = stream && SUBSCRIPTIONS.find(user.subscriptions, stream)
    const isNewHolder = known === undefined || !isHeldBy(connection, known)
    if (isNewHolder) this.#assertRoomForHold(connection, known, streamType, symbol)
    const subscription = known ?? this.#begin(user, stream, streamType, symbol)
    const isNews = isNewHolder || connection.ownFilters?.get(subscription) !== filters
    if (isNewHolder) this.#hold(subscription, connection)
    keepFilters(connection, subscription, filters)
    if (isNews) this.#dependencies.changed(known === undefined ? 'added' : 'changed', subscription, connection)
    if (known === undefined) this.#connected(subscription)
    return subscription
  }

  /** Releases a connection's own hold; false if it has none. */
  letGo(connection: ConnectionRecord, streamType: unknown, symbol: unknown): boolean {
    const subscription = this.find(connection.user, streamType, symbol)
    if (subscription === undefined || !isHeldBy(connection, subscription)) return false
    this.#release(subscription, connection)
    // Who holds it sits in it.
    if (!isHeldByUser(subscription)) this.#unseat(subscription, seatIn(subscription, connection) as ConnectionSeat)
    this.#holderLeft(subscription, connection)
    return true
  }

  /** Ends a subscription for all of its holders. */
  end(subscription: SubscriptionRecord, lastHolder?: ConnectionRecord): void {
    const { user } = subscription
    for (const seat of membersOf(subscription.taken)) {
      if (isHeldBy(seat.connection, subscription)) this.#release(subscription, seat.connection)
      this.#unseat(subscription, seat)
    }
    user.subscriptions = SUBSCRIPTIONS.without(user.subscriptions, subscription)
    user.ownSubscriptions = SUBSCRIPTIONS.without(user.ownSubscriptions, subscription)
    if (user.subscriptions === undefined) this.#forgetSubscriber(user, subscription.status)
    this.#conclude(subscription, lastHolder)
  }

  endAllOf(user: UserRecord): void {
    for (const subscription of membersOf(user.subscriptions)) this.end(subscription)
  }

  // Connections that come and go

  /** Gives a new connection its seats in what its user subscribed to. */
  admit(connection: ConnectionRecord): void {
    const { user } = connection
    if (countOf(user.connections) === 1 && user.subscriptions !== undefined) this.pendingUserCount--
    for (const subscription of membersOf(user.ownSubscriptions)) {
      this.#seat(subscription, connection)
      if (subscription.status !== SubscriptionStatus.PENDING) continue
      subscription.status = SubscriptionStatus.CONNECTED
      this.#dependencies.changed('changed', subscription, undefined)
      this.#connected(subscription)
    }
  }

  /** Seats the sink that a connection has now. Costs as much as it may receive. */
  renew(connection: ConnectionRecord): void {
    for (const subscription of seatedIn(connection)) {
      const seat = seatIn(subscription, connection)
      if (seat !== undefined) subscription.seats.renew(seat)
    }
  }

  /** Takes a removed connection's seats and holds away; with the user's last connection, all of the user's subscriptions. */
  dismiss(connection: ConnectionRecord): void {
    const { user } = connection
    if (user.connections === undefined) this.#endAllWith(connection)
    // Only its own are looked at, not its siblings'.
    else for (const subscription of seatedIn(connection)) this.#dismissFrom(subscription, connection)
    connection.ownSubscriptions = undefined
    connection.ownFilters = undefined
  }

  /** Ends all subscriptions of a user, in the order in which they began, with the user's last connection. */
  #endAllWith(connection: ConnectionRecord): void {
    const { user } = connection
    if (user.subscriptions === undefined) return
    // None is taken out of the lists by itself: they are dropped as a whole.
    for (const subscription of membersOf(user.subscriptions)) {
      for (const seat of membersOf(subscription.taken)) this.#unseat(subscription, seat)
      this.#conclude(subscription, isHeldByUser(subscription) ? undefined : connection)
    }
    user.subscriptions = undefined
    user.ownSubscriptions = undefined
    this.#forgetSubscriber(user, SubscriptionStatus.CONNECTED)
  }

  /** Notes the end of a subscription that nobody holds or sits in any more. */
  #conclude(subscription: SubscriptionRecord, lastHolder: ConnectionRecord | undefined): void {
    const { stream, status } = subscription
    subscription.lastUpdateAtEndMs = lastUpdateMs(subscription)
    subscription.status = SubscriptionStatus.DISCONNECTED
    stream.subscriptions.delete(subscription)
    this.count--
    if (stream.subscriptions.isEmpty) this.#drop(stream)
    this.#dependencies.changed('removed', subscription, lastHolder)
    if (status === SubscriptionStatus.CONNECTED) this.#disconnected(subscription)
  }

  #assertRoomForUser(userId: string, streamType: string, symbol: string | undefined): void {
    const user = this.#users.find(userId)
    const request = { userId, streamType, symbol }
    if (user === undefined) this.#dependencies.assertRoom('pendingUsers', this.pendingUserCount, request)
    this.#dependencies.assertRoom('subscriptionsPerUser', countOf(user?.subscriptions), request)
  }

  #assertRoomForHold(
    { id: connectionId, ownSubscriptions, user }: ConnectionRecord,
    known: SubscriptionRecord | undefined,
    streamType: string,
    symbol: string | undefined,
  ): void {
    const request = { userId: user.id, connectionId, streamType, symbol }
    if (known === undefined) this.#dependencies.assertRoom('subscriptionsPerUser', countOf(user.subscriptions), request)
    this.#dependencies.assertRoom('subscriptionsPerConnection', countOf(ownSubscriptions), request)
  }

  #dismissFrom(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    const seat = seatIn(subscription, connection)
    if (seat === undefined) return
    this.#unseat(subscription, seat)
    if (!isHeldBy(connection, subscription)) return
    subscription.ownHolds--
    this.#holderLeft(subscription, connection)
  }

  #hold(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    this.#seat(subscription, connection)
    // Who is alone, or the only one to hold anything, has the list of its user.
    const { ownSubscriptions, user } = connection
    connection.ownSubscriptions = SUBSCRIPTIONS.includingAlike(ownSubscriptions, subscription, user.subscriptions)
    subscription.ownHolds++
  }

  #release(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    connection.ownSubscriptions = SUBSCRIPTIONS.without(connection.ownSubscriptions, subscription)
    keepFilters(connection, subscription, undefined)
    subscription.ownHolds--
  }

  #holderLeft(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    if (isHeldByUser(subscription) || subscription.ownHolds > 0) this.#dependencies.changed('changed', subscription, connection)
    else this.end(subscription, connection)
  }

  #connected(subscription: SubscriptionRecord): void {
    const isFirst = ++subscription.stream.connectedCount === 1
    if (isFirst || isPrivate(subscription)) this.#dependencies.demanded('gained', streamOf(subscription))
  }

  #disconnected(subscription: SubscriptionRecord): void {
    const wasLast = --subscription.stream.connectedCount === 0
    if (wasLast || isPrivate(subscription)) this.#dependencies.demanded('lost', streamOf(subscription))
  }

  #begin(user: UserRecord, opened: StreamRecord | undefined, streamType: string, symbol: string | undefined): SubscriptionRecord {
    const nowMs = this.#dependencies.now()
    const stream = opened ?? this.#open(streamType, symbol, nowMs)
    const seats = stream.seats ?? new Seats()
    const subscription: SubscriptionRecord = {
      user,
      stream,
      seats,
      taken: undefined,
      view: undefined,
      streamAgeMs: small(nowMs - stream.openedAtMs),
      servingsBefore: seats.servings,
      lastUpdateAtEndMs: undefined,
      status: user.connections !== undefined ? SubscriptionStatus.CONNECTED : SubscriptionStatus.PENDING,
      filters: undefined,
      ownHolds: 0,
      earlier: undefined,
      later: undefined,
    }
    if (user.subscriptions === undefined) this.#noteSubscriber(subscription.status)
    user.subscriptions = SUBSCRIPTIONS.including(user.subscriptions, subscription)
    stream.subscriptions.add(subscription)
    this.count++
    return subscription
  }

  #noteSubscriber(status: SubscriptionStatus): void {
    this.userCount++
    if (status === SubscriptionStatus.PENDING) this.pendingUserCount++
  }

  #forgetSubscriber(user: UserRecord, status: SubscriptionStatus): void {
    this.userCount--
    if (status === SubscriptionStatus.PENDING) this.pendingUserCount--
    this.#users.release(user)
  }

  // Streams exist while somebody subscribes to them

  #open(streamType: string, symbol: string | undefined, nowMs: number): StreamRecord {
    const type = this.#types.get(streamType) as StreamTypeRecord
    const isPublic = type.definition.audience === 'public'
    const stream: StreamRecord = {
      type,
      symbol,
      openedAtMs: nowMs,
      subscriptions: new Chain(),
      connectedCount: 0,
      seats: isPublic ? new Seats() : undefined,
    }
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

  // Seats

  /** Gives a connection a seat, unless it has one. */
  #seat(subscription: SubscriptionRecord, connection: ConnectionRecord): void {
    if (seatIn(subscription, connection) !== undefined) return
    const seat = { connection, slot: VACATED }
    subscription.seats.take(seat)
    subscription.taken = SEATS.including(subscription.taken, seat)
    for (const double of doublesOf(subscription, seat)) {
      double.exact.doubles ??= new Map()
      double.exact.doubles.set(double.exactSeat, double.wholeSeat)
    }
  }

  #unseat(subscription: SubscriptionRecord, seat: ConnectionSeat): void {
    for (const { exact, exactSeat } of doublesOf(subscription, seat)) exact.doubles?.delete(exactSeat)
    subscription.taken = SEATS.without(subscription.taken, seat)
    subscription.seats.vacate(seat)
    this.#dependencies.unseated(seat.connection, subscription.stream)
  }
}

/** The stream that a subscription makes active: on a private one, the user's own. Frozen, since callers get to see it. */
function streamOf(subscription: SubscriptionRecord): ActiveStream {
  const { user, stream: { type, symbol } } = subscription
  const stream = { streamType: type.name, symbol }
  return Object.freeze(isPrivate(subscription) ? { ...stream, userId: user.id } : stream)
}

function isPrivate({ stream }: SubscriptionRecord): boolean {
  return stream.type.definition.audience === 'private'
}

function isHeldByUser(subscription: SubscriptionRecord): boolean {
  return isHeldBy(subscription.user, subscription)
}

/** Whether a user as such, or a connection, holds a subscription. */
function isHeldBy({ ownSubscriptions }: UserRecord | ConnectionRecord, subscription: SubscriptionRecord): boolean {
  return SUBSCRIPTIONS.find(ownSubscriptions, subscription.stream) === subscription
}

/** Keeps what a connection asked for. Most ask for nothing, and have no map for it. */
function keepFilters(connection: ConnectionRecord, subscription: SubscriptionRecord, filters: SubscriptionFilters | undefined): void {
  if (filters !== undefined) {
    connection.ownFilters ??= new Map()
    connection.ownFilters.set(subscription, filters)
  } else if (connection.ownFilters?.delete(subscription) && connection.ownFilters.size === 0) {
    connection.ownFilters = undefined
  }
}

/** The same number, without an object of its own where it is a small integer: what comes of two times would keep one. */
function small(value: number): number {
  const integer = value | 0
  return integer === value ? integer : value
}

/** A connection's seat in a subscription, if it has one. */
function seatIn(subscription: SubscriptionRecord | undefined, connection: ConnectionRecord): ConnectionSeat | undefined {
  return SEATS.find(subscription?.taken, connection)
}

/** What a connection may have a seat in: what its user holds, and what it holds for itself; some of it twice. */
function seatedIn({ user, ownSubscriptions }: ConnectionRecord): readonly SubscriptionRecord[] {
  return [...membersOf(user.ownSubscriptions), ...membersOf(ownSubscriptions)]
}

interface Double {
  readonly exact: Seats<ConnectionRecord>
  readonly exactSeat: ConnectionSeat
  readonly wholeSeat: ConnectionSeat
}

const NO_DOUBLES: readonly Double[] = []

/** The exact streams in which a connection sits as well as in their whole type, given its seat in the one or the other. */
function doublesOf(subscription: SubscriptionRecord, seat: ConnectionSeat): readonly Double[] {
  const { type, symbol } = subscription.stream
  if (type.definition.symbol !== 'optional') return NO_DOUBLES
  if (symbol === undefined) return doublesOfWhole(subscription, seat)
  const whole = type.whole && SUBSCRIPTIONS.find(subscription.user.subscriptions, type.whole)
  const wholeSeat = seatIn(whole, seat.connection)
  return wholeSeat === undefined ? NO_DOUBLES : [{ exact: subscription.seats, exactSeat: seat, wholeSeat }]
}

function doublesOfWhole(whole: SubscriptionRecord, wholeSeat: ConnectionSeat): readonly Double[] {
  const { connection } = wholeSeat
  const doubles: Double[] = []
  for (const { stream, seats, taken } of seatedIn(connection)) {
    const exactSeat = stream.type === whole.stream.type && stream !== whole.stream ? SEATS.find(taken, connection) : undefined
    if (exactSeat !== undefined) doubles.push({ exact: seats, exactSeat, wholeSeat })
  }
  return doubles
}
