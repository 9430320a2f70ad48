import { assemble, type Parts } from './assembly.ts'
import type { CleanupReport } from './closing/socket-closer.ts'
import type { Stats } from './delivery/totals.ts'
import type { ActiveStream, ManagerEvents } from './events/events.ts'
import { INSPECT } from './guards/inspect.ts'
import type { StreamCatalogue, TradingStreams } from './model/catalogue.ts'
import type { PublishResult } from './model/publish-result.ts'
import type { Revocation } from './model/revocation.ts'
import type { AddressedMessage, PublicMessage, PublishableMessage } from './model/stream-message.ts'
import type { StreamTypeName, SubscribeRequest, Subscription, SubscriptionReference } from './model/subscription.ts'
import type { ConnectionManagerOptions } from './options.ts'
import type { AnyConnection, Connection, Socket } from './ports/connection.ts'
import type { Transport } from './ports/transport.ts'
import { subscribersOf } from './registry/mappings.ts'

/** The key of `Symbol.asyncDispose`, if the compiler knows it: `await using` is newer than the language version of the library. */
type AsyncDisposeKey = SymbolConstructor extends { readonly asyncDispose: infer TKey extends symbol } ? TKey : never

/** What `await using` needs. */
type Disposal = {
  /** Cleans up at the end of an `await using` block, in runtimes that have `Symbol.asyncDispose`. */
  readonly [TKey in AsyncDisposeKey]: () => Promise<void>
}

/** Empty for the default catalogue. For another one it asks for an argument that nobody has, so that `streams` has to be in the options. */
type MissingStreams<TStreams> = [TradingStreams] extends [TStreams] ? [] : [streamsAreMissingInTheOptions: never]

let managersMade = 0

export interface ConnectionManager<in out TSocket extends Socket, in out TStreams extends StreamCatalogue> extends Disposal {}

/**
 * Knows who is connected and what each user listens to, and delivers each message once to exactly those connections.
 *
 * State changes are synchronous and atomic: when a call returns, every index agrees and every listener was told.
 * Only what waits for a socket to close is a promise, and by the time it is returned the state has changed. Bad
 * arguments throw, synchronously; trouble with a peer never does: it is counted, and told to `on('error', …)`.
 *
 * @example
 * const manager = new ConnectionManager<WebSocket>()
 * const connection = manager.addConnection('c1', socket, 'alice')
 * manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
 * manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } }) // { matched: 1, sent: 1, … }
 * await connection.remove()
 */
export class ConnectionManager<in out TSocket extends Socket = Socket, in out TStreams extends StreamCatalogue = TradingStreams> {
  readonly #parts: Parts

  /** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
  constructor(options: ConnectionManagerOptions<TSocket, TStreams> & { readonly streams: TStreams })
  /** Without `streams`, the catalogue is the default one. */
  constructor(options?: ConnectionManagerOptions<TSocket, TStreams>, ...missing: MissingStreams<TStreams>)
  constructor(options: ConnectionManagerOptions<TSocket, TStreams> = {}) {
    this.#parts = assemble(options)
    // All else is private, so an equality check would take any two managers for equal.
    Object.defineProperty(this, 'serial', { value: ++managersMade, enumerable: true })
    Object.defineProperty(this, INSPECT, { value: () => this.toJSON() })
    const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol }
    // Here and not as a method: where the symbol does not exist, a method of that name would be called "undefined".
    if (typeof asyncDispose === 'symbol') {
      Object.defineProperty(this, asyncDispose, { value: async () => void (await this.cleanup()) })
    }
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Registers a socket as a connection of a user, and returns its handle.
   *
   * The connection gets what its user is subscribed to from the next message on; pending subscriptions become
   * `CONNECTED`. The same id with the same socket and user again returns the existing handle. One socket under two
   * ids is two connections.
   *
   * A `transport` says how this connection's socket is written to, measured and closed, in place of the one in the
   * manager's options. If it has `onClose`, the manager removes the connection when its socket has closed.
   *
   * A socket that has closed already is refused with `ERR_SOCKET_CLOSED`. That happens if the client leaves while the host awaits
   * something. If the connection exists already, it is returned.
   *
   * @throws `ERR_INVALID_ID`, `ERR_INVALID_SOCKET`, `ERR_SOCKET_CLOSED` when its `readyState` is 2 or 3 or its transport says that it
   * is closed, `ERR_DUPLICATE_CONNECTION` when the id is in use by another socket or user, `ERR_INVALID_OPTION` for a bad transport,
   * `ERR_QUOTA_EXCEEDED`, `ERR_CLOSED`; then nothing has changed
   */
  addConnection<TOwnSocket extends TSocket, TFrame = string>(
    connectionId: string,
    socket: TOwnSocket,
    userId: string,
    options?: { readonly transport?: Transport<TOwnSocket, TFrame> | undefined },
  ): Connection<TSocket, TStreams> {
    return this.#own(this.#parts.lifecycle.add(connectionId, socket, userId, options))
  }

  /**
   * Removes a connection and closes its socket. The promise is true when this call removed it, false for an unknown id.
   *
   * With a user's last connection, all of the user's subscriptions end, in the same call. The promise settles when
   * the socket's `close` did, or `closeTimeoutMs` later, and never rejects. The process stays alive until then.
   */
  async removeConnection(connectionId: string): Promise<boolean> {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection !== undefined && this.#parts.lifecycle.remove(connection, true)
  }

  /**
   * Removes all of a user's connections, for a ban or a logout; the promise says how many there were.
   *
   * The user's subscriptions end, pending ones included. The promise settles as that of `removeConnection` does.
   */
  async removeUser(userId: string): Promise<number> {
    return this.#parts.lifecycle.removeUser(userId)
  }

  /** Returns the handle of a connection, `undefined` for an unknown id. */
  getConnection(connectionId: string): Connection<TSocket, TStreams> | undefined {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection && this.#own(connection)
  }

  /** Returns the sockets of a user, oldest first; empty for an unknown user. The array is the caller's. */
  getUserConnections(userId: string): TSocket[] {
    return this.#parts.lifecycle.socketsOf(userId) as TSocket[]
  }

  /** Iterates over the handles of all connections, oldest first. Connections may come and go meanwhile. */
  *connections(): Generator<Connection<TSocket, TStreams>, undefined> {
    for (const connection of this.#parts.connections.byId.values()) yield this.#own(connection)
  }

  // ── Subscriptions ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Subscribes a user as such: all of their present and future connections. Returns the subscription's view.
   *
   * Subscribing again is the same subscription and returns the same view. Its `filters` are those of the last call of this method; a
   * connection has filters of its own. A user without a connection may be subscribed: see `pendingTtlMs`. If the stream type's symbol is
   * optional, a request without one means the whole type. The first time costs as much as the user has connections.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`,
   * `ERR_SYMBOL_NOT_ALLOWED`, `ERR_UNKNOWN_USER`, `ERR_FORBIDDEN`, `ERR_QUOTA_EXCEEDED`, `ERR_CLOSED`; then nothing has
   * changed
   */
  addSubscription<TName extends StreamTypeName<TStreams>>(
    request: SubscribeRequest<TStreams, TName>,
  ): Subscription<keyof TStreams & string> {
    return this.#parts.subscribing.subscribeUser(request) as Subscription<keyof TStreams & string>
  }

  /**
   * Ends a subscription for all of its holders, the user and any connection; false when there was none.
   *
   * What waits of it for the user's connections is discarded, the batch of this turn included. A `Subscription` is accepted as it is. An
   * unknown or ill-formed id returns false.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is no object, lacks its `userId` or `streamType`, or has an unknown field
   */
  removeSubscription(subscription: SubscriptionReference): boolean {
    return this.#parts.subscribing.end(subscription)
  }

  /**
   * Takes away what a user was entitled to: ends every subscription to the streams that are named, whoever holds it, and
   * discards what waits of them for the user's connections. Returns how many subscriptions ended.
   *
   * When it returns, no message of those streams that was published before is handed to a socket of those users any more,
   * however it was addressed: not by a delivery that is running, not by one that is deferred, and not from what waits. What was
   * handed over cannot be called back.
   *
   * A field that is absent stands for any: `{ userId }` revokes all that the user has, `{ streamType }` a stream type of
   * everybody's. A `symbol` ends subscriptions to the whole types that cover it, too. Nobody is kept from subscribing again: change
   * what `authorize` answers first.
   *
   * @throws `ERR_INVALID_ARGUMENT` where no field says what to revoke, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`,
   * `ERR_SYMBOL_NOT_ALLOWED`; then nothing has changed
   */
  revoke(revocation: Revocation<TStreams>): number {
    return this.#parts.subscribing.revoke(revocation)
  }

  /** Returns the views of a user's subscriptions, oldest first; empty for an unknown user. The array is the caller's. */
  getUserSubscriptions(userId: string): Subscription<keyof TStreams & string>[] {
    return this.userSubscriptions.get(userId) ?? []
  }

  /**
   * Returns the ids of the users who are subscribed to exactly this stream, in the order in which they subscribed.
   *
   * Subscribers of the whole type are not among those of a symbol. Pending ones are. The array is the caller's.
   */
  getSubscribers(streamType: string, symbol?: string | null): string[] {
    const stream = this.#parts.subscriptions.stream(streamType, symbol)
    return stream === undefined ? [] : subscribersOf(stream)
  }

  // ── Delivery ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Delivers a message to the subscribed connections of its stream: of everybody on a public stream, of the user in
   * `userId` alone on a private one. Each gets one copy, however many subscriptions cover it.
   *
   * Recipients are fixed when the delivery starts, which is now, and the message is serialized once, or not at all when
   * there are none. Called from within a `send`, a listener or a `toJSON` while a delivery is running, it is serialized
   * now and delivered in its turn, to those who are subscribed then: the result says `deferred`, and what became of it
   * is in `stats()`.
   *
   * @throws `ERR_INVALID_MESSAGE`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`,
   * `ERR_INVALID_ID`, `ERR_RECIPIENT_REQUIRED`, `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_UNSERIALIZABLE`,
   * `ERR_QUOTA_EXCEEDED`, `ERR_PUBLISH_DEPTH`, `ERR_CLOSED`; then nobody receives anything
   */
  publish(message: PublishableMessage<TStreams>): PublishResult {
    const result = this.#parts.publishing.publish(message)
    // A stream without subscribers may still be published because a lost timer kept `streamIdle` back.
    if (result.matched === 0) this.#parts.renewTimers()
    return result
  }

  /**
   * Delivers a message to all connections of a user, subscribed or not. A private message becomes that user's.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` when the message is another user's
   */
  sendToUser(userId: string, message: AddressedMessage<TStreams>): PublishResult {
    return this.#parts.publishing.sendToUser(userId, message)
  }

  /**
   * Delivers a message to one connection, subscribed or not. A private message becomes its user's.
   *
   * An unknown connection is no error, since it may have gone a moment ago: then nothing is `matched`.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` when the message is another user's
   */
  sendToConnection(connectionId: string, message: AddressedMessage<TStreams>): PublishResult {
    return this.#parts.publishing.sendToConnection(connectionId, message)
  }

  /**
   * Delivers a public message to every connection, subscribed or not.
   *
   * @throws what `publish` throws; for a private message `ERR_RECIPIENT_REQUIRED`, or `ERR_RECIPIENT_NOT_ALLOWED`
   * when it names its user
   */
  broadcast(message: PublicMessage<TStreams>): PublishResult {
    return this.#parts.publishing.broadcast(message)
  }

  /**
   * Returns what became of all messages so far, in connections, and how much waits. A deferred message counts from its delivery
   * on. A message that waits moves from `waiting` to what becomes of it. A message that a socket accepts and rejects later stays
   * `sent` and also counts as `rejected`. Costs as much as there are connections that something waits for.
   */
  stats(): Stats {
    return this.#parts.delivery.stats()
  }

  /**
   * Returns the streams that are active: those with a connected subscriber, and those that lost their last one less than
   * `idleDelayMs` ago. For whoever comes too late for `streamActive`. The array is the caller's.
   */
  activeStreams(): ActiveStream<keyof TStreams & string>[] {
    const { demand, renewTimers, subscriptions } = this.#parts
    renewTimers()
    return [...subscriptions.demanded(), ...demand.idling()] as ActiveStream<keyof TStreams & string>[]
  }

  // ── The five mappings, and how much is in them ─────────────────────────────────────────────────────────────

  /** connectionId → socket. Live and read-only, as all five are. */
  get activeConnections(): ReadonlyMap<string, TSocket> {
    return this.#parts.mappings.activeConnections as ReadonlyMap<string, TSocket>
  }

  /** connectionId → userId. */
  get connectionUsers(): ReadonlyMap<string, string> {
    return this.#parts.mappings.connectionUsers
  }

  /** userId → connectionIds, oldest first. Users without a connection are not in it. */
  get userConnections(): ReadonlyMap<string, string[]> {
    return this.#parts.mappings.userConnections
  }

  /** userId → subscriptions, oldest first, pending ones included. */
  get userSubscriptions(): ReadonlyMap<string, Subscription<keyof TStreams & string>[]> {
    return this.#parts.mappings.userSubscriptions as ReadonlyMap<string, Subscription<keyof TStreams & string>[]>
  }

  /** `streamKey` → ids of the users subscribed to exactly this stream, pending ones included. */
  get streamSubscriptions(): ReadonlyMap<string, string[]> {
    return this.#parts.mappings.streamSubscriptions
  }

  /** Connections that are there now. */
  get connectionCount(): number {
    return this.#parts.connections.byId.size
  }

  /** Users who have a connection. */
  get userCount(): number {
    return this.#parts.connections.userCount
  }

  /** Subscriptions, pending ones included. */
  get subscriptionCount(): number {
    return this.#parts.subscriptions.count
  }

  /** Streams that somebody is subscribed to, pending or not. */
  get streamCount(): number {
    return this.#parts.subscriptions.streamCount
  }

  /** Returns the counts and no content: what `JSON.stringify` and `console.log` show of a manager. */
  toJSON(): Pick<ConnectionManager, 'connectionCount' | 'userCount' | 'subscriptionCount' | 'streamCount' | 'closed'> {
    const { connectionCount, userCount, subscriptionCount, streamCount, closed } = this
    return { connectionCount, userCount, subscriptionCount, streamCount, closed }
  }

  // ── Events and shutdown ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Calls `listener` at each event of this name; the returned function ends that.
   *
   * Listeners run synchronously, in the order of their registration, when a state change is complete and before the
   * call that made it returns. A function that is registered twice is called twice. If a listener throws or rejects, the call goes
   * on, and `on('error', …)` is told, without a `connection`. Errors of an error listener are swallowed. If there is no error listener,
   * `console.warn` prints the first error of each stage.
   *
   * A listener that is registered during a change (from a listener, a hook, a `send`, a `toJSON`) is called from the next change on. One call
   * of the manager's methods is one change, with all the events that it causes. If a listener calls such a method, that is another change.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an unknown event, or a listener that is no function
   */
  on<TName extends keyof ManagerEvents>(
    event: TName,
    listener: (payload: ManagerEvents<TSocket, TStreams>[TName]) => void,
  ): () => void {
    return this.#parts.events.on(event, listener)
  }

  /**
   * Shuts down: refuses newcomers from now on, removes every connection and subscription, and closes every socket
   * once, in parallel. What is being delivered stops here; nothing is sent afterwards.
   *
   * The promise never rejects. It resolves when all sockets are closed, or after `deadlineMs` (default 5,000), and says how they
   * ended. It also waits for sockets of earlier removals that are still closing, and counts them. A socket that is still closing after
   * `deadlineMs` counts as `timedOut`; if its removal has a later deadline, that one still holds. Later calls get the same promise.
   *
   * The process stays alive until the promise resolves. A `deadlineMs` of `0` waits for what is settled already. `Infinity` waits for as
   * long as the sockets take, without a timer, so only the sockets keep the process alive.
   *
   * @throws `ERR_INVALID_OPTION` for a bad `deadlineMs`; then nothing has changed
   */
  cleanup(options: { readonly deadlineMs?: number | undefined } = {}): Promise<CleanupReport> {
    return this.#parts.lifecycle.cleanup(options)
  }

  /** True from the moment at which `cleanup()` was called. */
  get closed(): boolean {
    return this.#parts.gate.isClosed
  }

  /** The parts know sockets as such and catalogues as such. What they hold of this manager's came from its callers. */
  #own(handle: AnyConnection): Connection<TSocket, TStreams> {
    return handle as unknown as Connection<TSocket, TStreams>
  }
}
