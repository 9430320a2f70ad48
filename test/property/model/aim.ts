import type { Ledger } from './ledger.ts'
import { isOfHost } from './deliveries.ts'
import { bringing, CONNECTION_IDS, isPrivate, keyOf, STREAMS, streams, SYMBOLS, USERS, type Stream } from './catalogue.ts'
import type { ConnectionFact, Facts, SubscriptionFact } from './facts.ts'
import type { Setting } from './setting.ts'
import type { Stage } from './stage.ts'

/** Numbers from here on choose among connections that are gone. */
export const STALE_FROM = 18
/** Numbers from here on choose any stream, where the lower ones choose one that something will be seen of. */
export const ANYWHERE_FROM = 26

/** Where a message may go. */
export interface Destination {
  readonly stream: Stream
  readonly userId: string | undefined
}

/** What a connection holds for itself. */
export interface Hold {
  readonly connection: ConnectionFact
  readonly stream: Stream
}

/** Chooses by numbers among what there is now, so that something comes of it: where somebody listens, what somebody holds. */
export class Aim {
  readonly #setting: Setting
  readonly #facts: Facts
  readonly #ledger: Ledger
  readonly #stage: Stage

  constructor(setting: Setting, facts: Facts, ledger: Ledger, stage: Stage) {
    this.#ledger = ledger
    this.#setting = setting
    this.#facts = facts
    this.#stage = stage
  }

  user(n: number): string {
    return chosen(USERS.slice(0, this.#setting.users), n) as string
  }

  /** Another user, if there is one, whom a connection may be given to: first those who hold something of a type that it holds itself. */
  heirOf(connection: ConnectionFact, n: number): string {
    const types = this.#facts.heldBy(connection).map(({ stream }) => stream.streamType)
    const holdsAlike = (userId: string): boolean => this.#facts.subscriptions.some((each) => each.userId === userId && types.includes(each.stream.streamType))
    const others = USERS.slice(0, this.#setting.users).filter((each) => each !== connection.userId)
    return chosen([...others.filter(holdsAlike), ...others], n) ?? this.user(n)
  }

  /** A user without a connection, if there is one. */
  absentUser(n: number): string {
    const users = USERS.slice(0, this.#setting.users)
    return (
      chosen(
        users.filter((userId) => !this.#facts.isOnline(userId)),
        n,
      ) ?? this.user(n)
    )
  }

  /** An id that is free, if there is one. */
  id(n: number): string {
    const ids = CONNECTION_IDS.slice(0, this.#setting.ids)
    const free = ids.filter((id) => this.#facts.liveById(id) === undefined)
    return chosen(free.length > 0 ? free : ids, n) as string
  }

  stream(n: number): Stream {
    return chosen(n < ANYWHERE_FROM ? this.#setting.favourites : STREAMS, n * (n < ANYWHERE_FROM ? 1 : 7)) as Stream
  }

  /**
   * A connection. From within a hook: whose socket it is that was called, then those that the message that is being delivered leaves out, or
   * has still to come to, then the others.
   */
  connection(n: number): ConnectionFact | undefined {
    if (n >= STALE_FROM)
      return chosen(
        this.#facts.connections.filter(({ isLive, handle }) => !isLive && handle !== undefined),
        n,
      )
    const { self } = this.#stage
    const leftOut = self === undefined || this.#stage.delivery?.receipts.has(self) === true ? this.#stage.delivery?.except ?? [] : []
    const near = new Set([...leftOut, ...(self === undefined ? [] : [self]), ...this.#awaiting(), ...this.#facts.live])
    return chosen(
      [...near].filter(({ isLive }) => isLive),
      n,
    )
  }

  /** A stream that somebody receives, those with the most recipients first. */
  destination(n: number): Destination {
    const listened = n < ANYWHERE_FROM ? this.#listened() : []
    const stream = this.stream(n)
    return chosen(listened, n) ?? { stream, userId: isPrivate(stream) ? this.user(n) : undefined }
  }

  /**
   * What a connection holds for itself. From within a delivery first what brings its message to those whom it has still to come
   * to, so that they lose it before their turn.
   */
  hold(n: number): Hold | undefined {
    const connection = this.connection(n)
    const holds = this.#holdsOf(this.#facts.live)
    return chosen([...this.#endangered(), ...holds], n) ?? (connection && { connection, stream: this.stream(n) })
  }

  /** Something to take away: what is on its way, or else what somebody is subscribed to. */
  revocable(n: number): Destination {
    const ofStreams = this.#ledger.underWay().filter(({ delivery }) => !isOfHost(delivery.way))
    const onTheirWay = ofStreams.map(({ connection, delivery }) => ({ stream: delivery.stream, userId: connection.userId }))
    return chosen([...onTheirWay, ...this.#facts.subscriptions], n) ?? this.destination(n)
  }

  /** A subscription that is asked for again: one that waits for a connection, if there is one. */
  known(n: number): SubscriptionFact | undefined {
    const { subscriptions } = this.#facts
    const pending = subscriptions.filter(({ userId }) => !this.#facts.isOnline(userId))
    return chosen(pending.length > 0 ? pending : subscriptions, n)
  }

  /** The streams that a connection receives. */
  received(connection: ConnectionFact): readonly Destination[] {
    return this.#facts.subscriptions
      .filter(({ userId, holders }) => userId === connection.userId && (holders.includes('user') || holders.includes(connection)))
      .flatMap(({ stream, userId }) => covered(stream).map((each) => ({ stream: each, userId: isPrivate(each) ? userId : undefined })))
  }

  subscription(n: number): SubscriptionFact | undefined {
    const endangered = this.#endangered().flatMap(({ connection, stream }) => this.#facts.subscription(connection.userId, stream) ?? [])
    return chosen([...endangered, ...this.#facts.subscriptions], n)
  }

  /** The connections that the message that is being delivered has still to come to. */
  #awaiting(): readonly ConnectionFact[] {
    const receipts = this.#stage.delivery?.receipts.values() ?? []
    return [...receipts].filter(({ state }) => state === 'awaited').map(({ connection }) => connection)
  }

  #endangered(): readonly Hold[] {
    const { delivery } = this.#stage
    const keys = delivery === undefined ? [] : bringing(delivery.stream).map(keyOf)
    return this.#holdsOf(this.#awaiting()).filter(({ stream }) => keys.includes(keyOf(stream)))
  }

  #holdsOf(connections: readonly ConnectionFact[]): readonly Hold[] {
    return connections.flatMap((connection) => this.#facts.heldBy(connection).map(({ stream }) => ({ connection, stream })))
  }

  #listened(): Destination[] {
    const destinations = new Map<string, { destination: Destination; times: number }>()
    for (const { stream, userId: holder } of this.#facts.subscriptions) {
      const userId = isPrivate(stream) ? holder : undefined
      const times = this.#facts.liveOf(holder).filter((connection) => this.#facts.covers(connection, stream)).length
      for (const each of covered(stream)) {
        const key = `${keyOf(each)} ${userId}`
        const known = destinations.get(key) ?? { destination: { stream: each, userId }, times: 0 }
        destinations.set(key, { ...known, times: known.times + times })
      }
    }
    const listened = [...destinations.values()].filter(({ times }) => times > 0)
    return listened.sort((a, b) => b.times - a.times).map(({ destination }) => destination)
  }
}

/** The streams that a subscription brings: itself, and of a whole type some of its symbols. */
function covered(stream: Stream): readonly Stream[] {
  const isWhole = stream.symbol === undefined && streams[stream.streamType].symbol === 'optional'
  return isWhole ? [stream, ...SYMBOLS.slice(0, 2).map((symbol) => ({ ...stream, symbol }))] : [stream]
}

export function chosen<TItem>(items: readonly TItem[], n: number): TItem | undefined {
  return items[n % items.length]
}
