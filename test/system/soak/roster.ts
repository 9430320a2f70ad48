import { Channel, channelName } from './channel.ts'
import { ORDER_SYMBOLS, type StreamName } from './streams.ts'

/** One connection, and what it has asked for by itself. */
export class Listener {
  /** The client's number, which no other client has. */
  readonly client: number
  readonly userId: string
  readonly own: Map<string, StreamName> = new Map()
  covered: ReadonlySet<Channel<Listener>> = new Set()
  /** What is sent to this connection alone. */
  readonly toItself: Channel<Listener>

  constructor(client: number, userId: string) {
    this.client = client
    this.userId = userId
    this.toItself = new Channel({ streamType: 'BOT_STATUS', userId })
  }
}

interface User {
  readonly listeners: Set<Listener>
  /** What they are subscribed to as such. */
  readonly held: Map<string, StreamName>
  readonly orders: readonly Channel<Listener>[]
  /** What is sent to all of their connections, subscribed or not. */
  readonly alerts: Channel<Listener>
}

/** Whoever is told when a connection begins to get a channel, and when that is over. */
export interface CoverageObserver {
  covered(listener: Listener, channel: Channel<Listener>): void
  uncovered(listener: Listener, channel: Channel<Listener>): void
}

/**
 * Who is to get what, by the words of the contract alone: it looks at everything anew after each change, and knows nothing of
 * fan-out lists, send queues or indexes.
 */
export class Roster {
  readonly listeners: Map<number, Listener> = new Map()
  /** What goes to every connection, subscribed or not. */
  readonly news: Channel<Listener> = new Channel({ streamType: 'NEWS' })
  readonly #users = new Map<string, User>()
  readonly #market = new Map<string, Channel<Listener>>()
  readonly #observer: CoverageObserver

  constructor(observer: CoverageObserver) {
    this.#observer = observer
  }

  get userIds(): Iterable<string> {
    return this.#users.keys()
  }

  listenersOf(userId: string): readonly Listener[] {
    return [...(this.#users.get(userId)?.listeners ?? [])]
  }

  /** What a user is subscribed to as such. */
  heldBy(userId: string): readonly StreamName[] {
    return [...(this.#users.get(userId)?.held.values() ?? [])]
  }

  /** The channel of a market's stream. */
  marketChannel({ streamType, symbol }: StreamName): Channel<Listener> {
    const name = channelName({ streamType, symbol })
    const channel = this.#market.get(name) ?? new Channel<Listener>({ streamType, symbol })
    this.#market.set(name, channel)
    return channel
  }

  /** The channel of a user's orders; one without an audience for a user who is not there. */
  orderChannel(userId: string, symbol: string | undefined): Channel<Listener> {
    const channel = this.#users.get(userId)?.orders.find(({ address }) => address.symbol === symbol)
    return channel ?? new Channel({ streamType: 'ORDER_UPDATES', symbol, userId })
  }

  alertChannel(userId: string): Channel<Listener> {
    return this.#users.get(userId)?.alerts ?? new Channel({ streamType: 'RISK_ALERTS', userId })
  }

  join(client: number, userId: string): Listener {
    const listener = new Listener(client, userId)
    const user = this.#users.get(userId) ?? newUser(userId)
    this.#users.set(userId, user)
    user.listeners.add(listener)
    this.listeners.set(client, listener)
    this.#look(listener)
    return listener
  }

  /** With a user's last connection all that they were subscribed to ends. */
  leave(listener: Listener): void {
    const { client, userId } = listener
    const user = this.#users.get(userId)
    user?.listeners.delete(listener)
    if (user?.listeners.size === 0) this.#users.delete(userId)
    this.listeners.delete(client)
    this.#look(listener)
  }

  holdForUser(userId: string, stream: StreamName): void {
    this.#users.get(userId)?.held.set(channelName(stream), stream)
    this.#lookAt(userId)
  }

  holdForConnection(listener: Listener, stream: StreamName): void {
    listener.own.set(channelName(stream), stream)
    this.#look(listener)
  }

  /** Ends a connection's own hold. */
  release(listener: Listener, stream: StreamName): void {
    listener.own.delete(channelName(stream))
    this.#look(listener)
  }

  /** Ends a subscription, whoever holds it. */
  end(userId: string, stream: StreamName): void {
    this.endWhere(userId, (each) => channelName(each) === channelName(stream))
  }

  /** Ends those of a user's subscriptions that are meant, whoever holds them; how many they were. */
  endWhere(userId: string, isMeant: (stream: StreamName) => boolean): number {
    const user = this.#users.get(userId)
    const holders = [user?.held ?? new Map<string, StreamName>(), ...this.listenersOf(userId).map(({ own }) => own)]
    const ended = new Set<string>()
    for (const held of holders) {
      for (const [name, stream] of held) if (isMeant(stream) && held.delete(name)) ended.add(name)
    }
    this.#lookAt(userId)
    return ended.size
  }

  /** Forgets a channel of the market that nobody will listen to again. */
  forget(stream: StreamName): void {
    this.#market.delete(channelName(stream))
  }

  /** How many different streams a user is subscribed to, by whatever holder. */
  subscriptionsOf(userId: string): number {
    const held = this.#users.get(userId)?.held.keys() ?? []
    return new Set([...held, ...this.listenersOf(userId).flatMap(({ own }) => [...own.keys()])]).size
  }

  #lookAt(userId: string): void {
    for (const listener of this.listenersOf(userId)) this.#look(listener)
  }

  /** Finds out what a connection gets from now on, and tells what is different. */
  #look(listener: Listener): void {
    const before = listener.covered
    const now = this.#coverageOf(listener)
    listener.covered = now
    for (const channel of before) if (!now.has(channel) && channel.audience.delete(listener)) this.#observer.uncovered(listener, channel)
    for (const channel of now) if (!before.has(channel) && channel.audience.add(listener)) this.#observer.covered(listener, channel)
  }

  #coverageOf(listener: Listener): ReadonlySet<Channel<Listener>> {
    const user = this.#users.get(listener.userId)
    if (user === undefined || !user.listeners.has(listener)) return new Set()
    const asked = [...user.held.values(), ...listener.own.values()].flatMap((stream) => this.#channelsOf(stream, user))
    return new Set([...asked, this.news, user.alerts, listener.toItself])
  }

  #channelsOf(stream: StreamName, { orders }: User): readonly Channel<Listener>[] {
    if (stream.streamType !== 'ORDER_UPDATES') return [this.marketChannel(stream)]
    return orders.filter(({ address }) => stream.symbol === undefined || address.symbol === stream.symbol)
  }
}

function newUser(userId: string): User {
  return {
    listeners: new Set(),
    held: new Map(),
    orders: ORDER_SYMBOLS.map((symbol) => new Channel({ streamType: 'ORDER_UPDATES', symbol, userId })),
    alerts: new Channel({ streamType: 'RISK_ALERTS', userId }),
  }
}
