import type { CloseDetails, CloseReason, Connection, StreamStatus, Subscription, SubscriptionChange } from '../../../src/index.ts'
import { bringing, isPrivate, keyOf, type Stream, type Streams } from './catalogue.ts'
import type { Setting } from './setting.ts'
import type { ScriptedSocket } from './sockets.ts'

/** A connection that is there, or was. */
export interface ConnectionFact {
  readonly id: string
  /** Whose it is now, or was when it went. */
  userId: string
  readonly socket: ScriptedSocket
  /** How many came before it, in all. */
  readonly order: number
  /** How many had come to any user before it came to this one. */
  rank: number
  /** The change that gave it to its user. */
  ownedSince: number
  /** What the host keeps with it. */
  readonly metadata: unknown
  handle: Connection<ScriptedSocket, Streams> | undefined
  isLive: boolean
  /** Why it went, as far as is known: what went wrong says more than one thing. */
  reasons: readonly CloseReason[]
  /** What its peer is to be told when it is closed, if the host says so. */
  toldAtClose: CloseDetails | undefined
  /** Its socket threw because of a code, so that it is closed once more, without. */
  wasRefusedACode: boolean
  /** Removed in a way that hands on what waits first, and not closed yet. */
  isLeaving: boolean
  /** How many calls of its socket's `send`, or its transport's `write`, are running. */
  handingOn: number
  /** Its socket failed, so that it is to be taken out of service. */
  hasFailed: boolean
  /** Its socket had something buffered, or did not accept everything, so that messages may wait for it. */
  wasPressed: boolean
  /** More may have waited for it than may, since the outermost call began. */
  wasFull: boolean
}

export type Holder = ConnectionFact | 'user'

export type Filters = Readonly<Record<string, unknown>>

/** What a holder asked for, and how many began to hold anything before it did. */
export interface Asked {
  readonly filters: Filters | undefined
  readonly order: number
}

/** A subscription that is there, or was. */
export interface SubscriptionFact {
  readonly userId: string
  readonly stream: Stream
  readonly holders: Holder[]
  /** What each holder asked for last. */
  readonly asked: Map<Holder, Asked>
  readonly createdAtMs: number
  /** When it ends unless its user has connected. */
  readonly pendingUntilMs: number
  view: Subscription | undefined
  /** When it was last served; `perhaps` where that depends on what cannot be seen. */
  lastUpdateMs: number | undefined | 'perhaps'
}

/** A revocation, and since when. */
export interface RevocationFact {
  readonly version: number
  readonly userId: string | undefined
  readonly streamType: string | undefined
  readonly symbol: string | undefined
}

/** A connection that began to receive a stream whose source has failed, and has not been told yet. */
interface Newcomer {
  readonly connection: ConnectionFact
  readonly stream: Stream
  /** It does not receive the stream any more. If it does so again before anybody is told, it keeps its turn. */
  hasLeft: boolean
}

/** An active stream without a connected subscriber. */
interface Idling {
  readonly sinceMs: number
  /** The change that left it without one. */
  readonly version: number
}

/** What came of one change. */
export interface Change {
  readonly came: readonly ConnectionFact[]
  readonly went: readonly ConnectionFact[]
  readonly online: readonly string[]
  readonly offline: readonly string[]
  readonly begun: readonly SubscriptionFact[]
  /** With whoever held it last. */
  readonly ended: readonly { readonly subscription: SubscriptionFact; readonly holders: readonly Holder[] }[]
  /** Those that are not as they were; `holder` is the connection that came or went. */
  readonly changed: readonly SubscriptionNews[]
}

/** How a subscription is not as it was. */
export interface SubscriptionNews {
  readonly subscription: SubscriptionFact
  readonly change: SubscriptionChange
  readonly holder: ConnectionFact | undefined
}

/** A subscription that was asked for again with other filters, by this holder. */
export interface Refreshed {
  readonly subscription: SubscriptionFact
  readonly holder: Holder
}

interface Picture {
  readonly live: readonly ConnectionFact[]
  readonly users: ReadonlySet<string>
  readonly subscriptions: readonly SubscriptionFact[]
  readonly holders: ReadonlyMap<SubscriptionFact, readonly Holder[]>
}

/** A connection that is given to another user, who may have some public streams of those that it holds or that wait for it. */
export interface Move {
  readonly connection: ConnectionFact
  readonly userId: string
  isAllowed(stream: Stream): boolean
}

/** Since which version a connection has been covered by a subscription to a stream, without a break. */
export type Cover = ReadonlyMap<string, number>

/** What the facts need to see of the manager. */
export interface FactsDependencies {
  monotonic(): number
  /** The streams that the manager says are active. */
  active(): readonly string[]
  complain(complaint: string): void
}

/**
 * Who is connected and who holds what, as plain lists: every question is answered by looking through all of them.
 *
 * Each change has a number, its version, so that it can be said afterwards what was so when.
 */
export class Facts {
  version = 0
  #holdsBegun = 0
  isClosed = false
  /** All connections that ever were. */
  readonly connections: ConnectionFact[] = []
  subscriptions: SubscriptionFact[] = []
  readonly ended: SubscriptionFact[] = []
  readonly revocations: RevocationFact[] = []
  cover: Cover = new Map()
  /** The cover before the last change. */
  coverBefore: Cover = new Map()
  readonly #setting: Setting
  readonly #dependencies: FactsDependencies
  /** Stream → the status of its source, if that has failed. */
  readonly #statuses = new Map<string, StreamStatus>()
  /** Those who are to be told, in the order in which they are. */
  #newcomers: Newcomer[] = []
  readonly #idling = new Map<string, Idling>()
  #lastLossMs = -Infinity
  /** Stream → how often it lost its last connected subscriber. */
  readonly losses = new Map<string, number>()
  #ranks = 0
  /** Streams that one change left, if only some of them may stay active. Their order cannot be seen. */
  #contenders: string[] = []
  /** A change is seen after others that it made: of streams that were active before, some may not be any more. */
  #isSeenLate = false

  constructor(setting: Setting, dependencies: FactsDependencies) {
    this.#setting = setting
    this.#dependencies = dependencies
  }

  /** The active streams without a connected subscriber, by key. */
  get idling(): Map<string, Idling> {
    if (this.#contenders.length > 0) this.#seeWhoIsKept()
    return this.#idling
  }

  /** Whether the timer of idling streams may still wait, though each of these streams has a subscriber again: it is kept for the next one. */
  get mayIdleTimerWait(): boolean {
    return !this.isClosed && this.#dependencies.monotonic() < this.#lastLossMs + this.#setting.idleDelayMs
  }

  get live(): ConnectionFact[] {
    return this.connections.filter(({ isLive }) => isLive)
  }

  liveOf(userId: string): ConnectionFact[] {
    return this.connections.filter((each) => each.isLive && each.userId === userId).sort((one, other) => one.rank - other.rank)
  }

  liveById(id: string): ConnectionFact | undefined {
    return this.connections.find((each) => each.isLive && each.id === id)
  }

  isOnline(userId: string): boolean {
    return this.connections.some((each) => each.isLive && each.userId === userId)
  }

  subscription(userId: string, stream: Stream): SubscriptionFact | undefined {
    return this.subscriptions.find((each) => each.userId === userId && keyOf(each.stream) === keyOf(stream))
  }

  /** Users who are known by pending subscriptions alone. */
  pendingUsers(): string[] {
    return [...new Set(this.subscriptions.map(({ userId }) => userId))].filter((userId) => !this.isOnline(userId))
  }

  /** What a connection holds for itself, in the order in which it asked. */
  heldBy(connection: ConnectionFact): SubscriptionFact[] {
    const orderOf = ({ asked }: SubscriptionFact): number => asked.get(connection)?.order ?? 0
    return this.subscriptions.filter(({ holders }) => holders.includes(connection)).sort((one, other) => orderOf(one) - orderOf(other))
  }

  /** The streams with a connected subscriber; of private ones each user's own. */
  demanded(): Set<string> {
    return new Set(this.subscriptions.filter(({ userId }) => this.isOnline(userId)).map(demandKeyOf))
  }

  /** Whether a connection receives exactly this stream, not by the whole type. */
  isIn(connection: ConnectionFact, stream: Stream): boolean {
    return this.cover.has(coverKeyOf(connection, stream))
  }

  /** Whether a connection is covered by a subscription that brings it this stream. */
  covers(connection: ConnectionFact, stream: Stream, cover: Cover = this.cover): boolean {
    return bringing(stream).some((each) => cover.has(coverKeyOf(connection, each)))
  }

  /** Whether it has been so without a break since some version, by one and the same subscription. */
  hasCoveredSince(version: number, connection: ConnectionFact, stream: Stream): boolean {
    return bringing(stream).some((each) => (this.cover.get(coverKeyOf(connection, each)) ?? Infinity) <= version)
  }

  // The status of streams' sources

  statusOf(subscription: Pick<SubscriptionFact, 'stream' | 'userId'>): StreamStatus {
    return this.#statuses.get(demandKeyOf(subscription)) ?? 'CONNECTED'
  }

  /** Whether any source has failed. */
  get haveSourcesFailed(): boolean {
    return this.#statuses.size > 0
  }

  /** The subscriptions to a stream, on a private one the user's own. */
  subscriptionsTo(stream: Stream, userId: string | undefined): SubscriptionFact[] {
    return this.subscriptions.filter((each) => keyOf(each.stream) === keyOf(stream) && (!isPrivate(stream) || each.userId === userId))
  }

  /** The connections that receive exactly this stream, on a private one the user's own. */
  receiversOf(stream: Stream, userId: string | undefined): ConnectionFact[] {
    return this.live.filter((each) => this.isIn(each, stream) && (!isPrivate(stream) || each.userId === userId))
  }

  /** A source has another status: those who receive its stream are told. */
  setStatus(stream: Stream, userId: string | undefined, status: StreamStatus): void {
    const key = demandKeyOf({ stream, userId: userId ?? '' })
    if (status === 'CONNECTED') this.#statuses.delete(key)
    else this.#statuses.set(key, status)
    const told = this.receiversOf(stream, userId)
    this.#newcomers = this.#newcomers.filter((each) => !told.includes(each.connection) || keyOf(each.stream) !== keyOf(stream))
  }

  /** Whoever is told this now, and is not asked for again; nobody if nobody is to be told. */
  takeNewcomer(stream: Stream, status: StreamStatus): ConnectionFact | undefined {
    const isThis = (each: Newcomer): boolean => keyOf(each.stream) === keyOf(stream) && this.#isToBeTold(each) && this.statusAt(each.connection, stream) === status
    const found = this.#newcomers.find(isThis)
    if (found === undefined) return undefined
    const before = this.#newcomers.slice(0, this.#newcomers.indexOf(found))
    this.#newcomers = this.#newcomers.filter((each) => each !== found && !(each.hasLeft && before.includes(each)))
    return found.connection
  }

  /** It is told, whatever made it a newcomer again meanwhile. */
  noteTold(connection: ConnectionFact, stream: Stream): void {
    this.#newcomers = this.#newcomers.filter((each) => each.connection !== connection || keyOf(each.stream) !== keyOf(stream))
  }

  /** The status that a connection receives a stream with. */
  statusAt({ userId }: ConnectionFact, stream: Stream): StreamStatus {
    return this.statusOf({ stream, userId })
  }

  /** Those who should have been told by now. */
  takeUntold(): { readonly connection: ConnectionFact; readonly stream: Stream }[] {
    const untold = this.#newcomers.filter((each) => this.#isToBeTold(each))
    this.#newcomers = []
    return untold
  }

  #isToBeTold({ connection, stream, hasLeft }: Newcomer): boolean {
    return !hasLeft && this.statusAt(connection, stream) !== 'CONNECTED'
  }

  /** Pending subscriptions whose time is up. */
  overdue(): SubscriptionFact[] {
    const nowMs = this.#dependencies.monotonic()
    return this.subscriptions.filter(({ userId, pendingUntilMs }) => pendingUntilMs <= nowMs && !this.isOnline(userId))
  }

  /** Idling streams that need not be active any more. */
  overdueIdling(): string[] {
    const nowMs = this.#dependencies.monotonic()
    return [...this.idling].filter(([, { sinceMs }]) => sinceMs + this.#setting.idleDelayMs <= nowMs).map(([key]) => key)
  }

  /** How long it is until the next pending subscription ends, or stream is idle; `Infinity` when none will. */
  untilDueMs(): number {
    const pending = this.subscriptions.filter(({ userId }) => !this.isOnline(userId)).map(({ pendingUntilMs }) => pendingUntilMs)
    const idling = [...this.idling.values()].map(({ sinceMs }) => sinceMs + this.#setting.idleDelayMs)
    return Math.max(0, Math.min(...pending, ...idling) - this.#dependencies.monotonic())
  }

  // Changes

  /** Makes a change, and all that follows from it, and says what that is. */
  commit(change: () => void, refreshed?: Refreshed): Change {
    const before = this.#picture()
    const demandedBefore = this.demanded()
    this.version++
    change()
    this.#sweep(before)
    this.#renewCover()
    this.#renewStatuses()
    this.#renewDemand(demandedBefore)
    this.#isSeenLate = false
    return changeFrom(before, this.#picture(), refreshed)
  }

  connect(newcomer: Pick<ConnectionFact, 'id' | 'userId' | 'socket' | 'metadata'>): ConnectionFact {
    const connection: ConnectionFact = {
      ...newcomer,
      order: this.connections.length,
      rank: this.#ranks++,
      ownedSince: 0,
      handle: undefined,
      isLive: true,
      reasons: [],
      toldAtClose: undefined,
      wasRefusedACode: false,
      isLeaving: false,
      handingOn: 0,
      hasFailed: false,
      wasPressed: false,
      wasFull: false,
    }
    newcomer.socket.connection = connection
    this.connections.push(connection)
    return connection
  }

  /** What a connection holds for itself of public streams goes with it, as far as the new user may have it; the rest ends. */
  reassign({ connection, userId, isAllowed }: Move, createdAtMs: number): void {
    this.#isSeenLate = true
    const held = this.heldBy(connection).map((subscription) => ({ subscription, filters: subscription.asked.get(connection)?.filters }))
    for (const { subscription } of held) this.letGo(subscription, connection)
    connection.userId = userId
    connection.rank = this.#ranks++
    connection.ownedSince = this.version
    for (const { subscription: { stream }, filters } of held) {
      if (!isPrivate(stream) && isAllowed(stream)) this.hold({ userId, stream, holder: connection, filters, createdAtMs })
    }
  }

  disconnect(connection: ConnectionFact, reasons: readonly CloseReason[], toldAtClose?: CloseDetails): void {
    connection.isLive = false
    connection.toldAtClose = toldAtClose
    connection.reasons = reasons
    connection.isLeaving = reasons.includes('removed') || reasons.includes('cleanup')
  }

  hold({
    userId,
    stream,
    holder,
    filters,
    createdAtMs,
  }: Pick<SubscriptionFact, 'userId' | 'stream' | 'createdAtMs'> & {
    readonly holder: Holder
    readonly filters: Filters | undefined
  }): SubscriptionFact {
    const known = this.subscription(userId, stream)
    const subscription = known ?? this.#begin(userId, stream, createdAtMs)
    if (!subscription.holders.includes(holder)) subscription.holders.push(holder)
    subscription.asked.set(holder, { filters, order: subscription.asked.get(holder)?.order ?? this.#holdsBegun++ })
    return subscription
  }

  letGo(subscription: SubscriptionFact, holder: Holder): void {
    subscription.holders.splice(subscription.holders.indexOf(holder), 1)
  }

  end(subscriptions: readonly SubscriptionFact[]): void {
    for (const { holders } of subscriptions) holders.length = 0
  }

  /** What was published before is not for those any more whom it is revoked for. */
  revoke(revocation: Omit<RevocationFact, 'version'>): void {
    this.revocations.push({ version: this.version, ...revocation })
  }

  /** Everybody is removed, and everything ends. */
  close(): void {
    this.isClosed = true
    for (const connection of this.live) this.disconnect(connection, ['cleanup'])
    this.end(this.subscriptions)
  }

  #begin(userId: string, stream: Stream, createdAtMs: number): SubscriptionFact {
    const pendingUntilMs = this.#dependencies.monotonic() + this.#setting.pendingTtlMs
    const subscription: SubscriptionFact = {
      userId,
      stream,
      holders: [],
      asked: new Map(),
      createdAtMs,
      pendingUntilMs,
      view: undefined,
      lastUpdateMs: undefined,
    }
    this.subscriptions.push(subscription)
    return subscription
  }

  /** Nobody holds what they hold as a connection that has gone, and whoever's last connection went holds nothing. */
  #sweep(before: Picture): void {
    for (const { userId, holders, asked } of this.subscriptions) {
      const hasGone = before.users.has(userId) && !this.isOnline(userId)
      const left = hasGone ? [] : holders.filter((holder) => holder === 'user' || holder.isLive)
      holders.splice(0, holders.length, ...left)
      for (const holder of asked.keys()) if (!holders.includes(holder)) asked.delete(holder)
    }
    this.ended.push(...this.subscriptions.filter(({ holders }) => holders.length === 0))
    this.subscriptions = this.subscriptions.filter(({ holders }) => holders.length > 0)
  }

  #renewCover(): void {
    const cover = new Map<string, number>()
    for (const { userId, stream, holders } of this.subscriptions) {
      for (const connection of this.liveOf(userId)) {
        const key = coverKeyOf(connection, stream)
        if (holders.includes('user') || holders.includes(connection)) cover.set(key, this.cover.get(key) ?? this.version)
      }
    }
    this.coverBefore = this.cover
    this.cover = cover
  }

  /** A status ends with the last subscription to its stream; and whoever begins to receive one with a failed source is to be told. */
  #renewStatuses(): void {
    const keys = new Set(this.subscriptions.map(demandKeyOf))
    for (const key of this.#statuses.keys()) if (!keys.has(key)) this.#statuses.delete(key)
    for (const each of this.#newcomers) each.hasLeft = !each.connection.isLive || !this.isIn(each.connection, each.stream)
    for (const { userId, stream } of this.subscriptions) {
      if (this.statusOf({ userId, stream }) === 'CONNECTED') continue
      for (const connection of this.liveOf(userId)) if (this.#isNewIn(connection, stream)) this.#noteNewcomer(connection, stream)
    }
  }

  #isNewIn(connection: ConnectionFact, stream: Stream): boolean {
    const key = coverKeyOf(connection, stream)
    if (!this.cover.has(key)) return false
    const isOfAnother = isPrivate(stream) && connection.ownedSince === this.version
    return !this.coverBefore.has(key) || isOfAnother
  }

  #noteNewcomer(connection: ConnectionFact, stream: Stream): void {
    if (this.#newcomers.some((each) => each.connection === connection && keyOf(each.stream) === keyOf(stream))) return
    this.#newcomers.push({ connection, stream, hasLeft: false })
  }

  #renewDemand(before: ReadonlySet<string>): void {
    const { idling } = this
    const after = this.demanded()
    const lost = [...before].filter((key) => !after.has(key))
    for (const key of lost) this.losses.set(key, (this.losses.get(key) ?? 0) + 1)
    if (lost.length > 0) this.#lastLossMs = this.#dependencies.monotonic()
    for (const key of after) idling.delete(key)
    for (const key of this.#setting.idleDelayMs > 0 ? lost : []) idling.set(key, { sinceMs: this.#dependencies.monotonic(), version: this.version })
    if (this.isClosed) idling.clear()
    else this.#endOldest()
  }

  /** Ends the oldest idling streams if there are too many. Which of those that one change left is the oldest cannot be seen. */
  #endOldest(): void {
    for (let surplus = this.#surplus(); surplus > 0; surplus = this.#surplus()) {
      const [oldest] = this.#idling.values()
      const leftTogether = [...this.#idling].filter(([, { version }]) => version === oldest?.version).map(([key]) => key)
      if (leftTogether.length > surplus) {
        this.#contenders = leftTogether
        return
      }
      for (const key of leftTogether) this.#idling.delete(key)
    }
  }

  #surplus(): number {
    return this.#idling.size - this.#setting.quotas.idleStreams
  }

  #seeWhoIsKept(): void {
    const active = this.#dependencies.active()
    for (const key of this.#contenders) if (!active.includes(key)) this.#idling.delete(key)
    this.#contenders = []
    const { idleStreams } = this.#setting.quotas
    if (this.#idling.size !== idleStreams && !this.#isSeenLate)
      this.#dependencies.complain(`${this.#idling.size} streams without a subscriber are active, expected ${idleStreams}`)
  }

  #picture(): Picture {
    const live = this.live
    return {
      live,
      users: new Set(live.map(({ userId }) => userId)),
      subscriptions: [...this.subscriptions],
      holders: new Map(this.subscriptions.map((each) => [each, [...each.holders]])),
    }
  }
}

/** A stream that may be active, as a text; of private streams each user has their own. */
export function demandKeyOf({ stream, userId }: Pick<SubscriptionFact, 'stream' | 'userId'>): string {
  return isPrivate(stream) ? `${keyOf(stream)} of ${userId}` : keyOf(stream)
}

function coverKeyOf({ order }: ConnectionFact, stream: Stream): string {
  return `${order} ${keyOf(stream)}`
}

function changeFrom(before: Picture, after: Picture, refreshed: Refreshed | undefined): Change {
  const isOnlineNow = ({ userId }: SubscriptionFact): boolean => !before.users.has(userId) && after.users.has(userId)
  const stayed = after.subscriptions.filter((each) => before.holders.has(each))
  const statusNews = stayed.filter(isOnlineNow).map((subscription) => ({ subscription, change: 'status' as const, holder: undefined }))
  return {
    came: without(after.live, before.live),
    went: without(before.live, after.live),
    online: without([...after.users], [...before.users]),
    offline: without([...before.users], [...after.users]),
    begun: after.subscriptions.filter((each) => !before.holders.has(each)),
    ended: before.subscriptions
      .filter((each) => !after.holders.has(each))
      .map((subscription) => ({ subscription, holders: before.holders.get(subscription) ?? [] })),
    changed: [...statusNews, ...stayed.flatMap((subscription) => holderNews(before, after, subscription, refreshed))],
  }
}

/** Who came, went or asked again; nobody, when the subscription is as it was. */
function holderNews(before: Picture, after: Picture, subscription: SubscriptionFact, refreshed: Refreshed | undefined): SubscriptionNews[] {
  const [held = [], holds = []] = [before, after].map(({ holders }) => holders.get(subscription))
  const newsOf = (change: SubscriptionChange, holder: Holder): SubscriptionNews => ({
    subscription,
    change,
    holder: holder === 'user' ? undefined : holder,
  })
  const [holder] = without(holds, held)
  if (holder !== undefined) return [newsOf('holder-added', holder)]
  const [left] = without(held, holds)
  if (left !== undefined) return [newsOf('holder-removed', left)]
  return refreshed?.subscription === subscription ? [newsOf('filters', refreshed.holder)] : []
}

function without<TItem>(items: readonly TItem[], others: readonly TItem[]): TItem[] {
  return items.filter((each) => !others.includes(each))
}
