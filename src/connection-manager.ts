import { clockThatRuns } from './time/clock.ts'
import { CloseListener } from './closing/close-listener.ts'
import { SocketCloser, type CleanupReport, type CloseOutcome } from './closing/socket-closer.ts'
import { handleOf, type HandleActions } from './registry/connection-handle.ts'
import { asSocket, isClosed, type CloseReason, type Connection, type Socket } from './ports/connection.ts'
import { Delivery, type RecipientsFinder } from './delivery/delivery.ts'
import type { OutgoingMessage } from './delivery/outgoing-message.ts'
import { allOf, eachOf, eitherOf, nobody, oneOf, thisOne, type Recipients } from './delivery/recipients.ts'
import type { Stats } from './delivery/totals.ts'
import { Demand } from './demand/demand.ts'
import { authorizationBy, type AnyAuthorizationRequest, type Authorization } from './access/authorization.ts'
import { ConnectionManagerError, describe, type ErrorFacts } from './errors.ts'
import { Events, type ActiveStream, type ErrorStage, type ManagerEvents } from './events/events.ts'
import { ExpiringSet } from './time/expiring-set.ts'
import { INSPECT } from './guards/inspect.ts'
import { deadlineIn, resolvedOptions, transportIn, type ConnectionManagerOptions, type ResolvedOptions } from './options.ts'
import type { SendQueue } from './ports/sink.ts'
import type { PublishResult } from './model/publish-result.ts'
import { Quotas } from './access/quotas.ts'
import { Connections } from './registry/connections.ts'
import { countOf, membersOf } from './collections/small-set.ts'
import { mappingsOf, subscribersOf, type Mappings } from './registry/mappings.ts'
import type { ConnectionRecord, Newcomer, StreamRecord, SubscriptionRecord } from './registry/records.ts'
import { viewOf } from './registry/subscription-view.ts'
import { Subscriptions } from './registry/subscriptions.ts'
import { Users } from './registry/users.ts'
import type { StreamCatalogue, TradingStreams } from './model/catalogue.ts'
import { asIdentifier } from './model/identifier.ts'
import { addressedTo, forEverybody, hostText, readMessage, withRecipient, type MessageFields } from './model/message-fields.ts'
import { isOfRevoked, readRevocation, type Revocation, type Revoked } from './model/revocation.ts'
import type { AddressedMessage, PublicMessage, PublishableMessage } from './model/stream-message.ts'
import {
  readReference,
  readRequest,
  readUserRequest,
  SubscriptionStatus,
  type StreamRequest,
  type StreamTypeName,
  type SubscribeRequest,
  type Subscription,
  type SubscriptionReference,
} from './model/subscription.ts'
import { customText, wireText } from './model/wire-form.ts'
import type { Transport } from './ports/transport.ts'

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
  readonly #options: ResolvedOptions
  readonly #events = new Events<TSocket, TStreams>()
  readonly #users = new Users()
  readonly #connections: Connections
  readonly #subscriptions: Subscriptions
  readonly #quotas: Quotas
  readonly #authorization: Authorization
  readonly #pending: ExpiringSet<SubscriptionRecord>
  readonly #demand: Demand
  readonly #delivery: Delivery<ConnectionRecord>
  readonly #closer: SocketCloser<ConnectionRecord>
  readonly #mappings: Mappings<TSocket, TStreams>
  readonly #toSubscribers = (fields: MessageFields): Recipients<ConnectionRecord> => this.#subscribersOf(fields)
  /** Removed, and about to be handed what waits for them. */
  readonly #leaving = new Set<ConnectionRecord>()
  /** The listeners of connections whose transport has `onClose`. */
  readonly #closeListeners = new Map<ConnectionRecord, CloseListener>()
  #cleanup: Promise<CleanupReport> | undefined

  /** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
  constructor(options: ConnectionManagerOptions<TSocket, TStreams> & { readonly streams: TStreams })
  /** Without `streams`, the catalogue is the default one. */
  constructor(options?: ConnectionManagerOptions<TSocket, TStreams>, ...missing: MissingStreams<TStreams>)
  constructor(options: ConnectionManagerOptions<TSocket, TStreams> = {}) {
    this.#options = resolvedOptions(options, (...failure) => this.#clockFailed(...failure))
    const { authorize, delivery, idleDelayMs, maxDeferred, pendingTtlMs, quotas, streams } = this.#options
    const change = <TOutcome>(make: () => TOutcome): TOutcome => this.#events.change(make)
    const clock = clockThatRuns(this.#options.clock, change)
    const actions: HandleActions = {
      subscribe: (...request) => change(() => this.#subscribe(...request)),
      unsubscribe: (...stream) => change(() => this.#unsubscribe(...stream)),
      send: (...text) => this.#send(...text),
      remove: (...removal) => change(() => this.#removeOne(...removal)),
      change,
    }
    this.#delivery = new Delivery({
      clock,
      maxDeferred,
      ...delivery,
      textOf: (fields) => this.#textOf(fields),
      attachQueue: (...sendQueue) => this.#attachQueue(...sendQueue),
      failed: (...failure) => this.#sendFailed(...failure),
      tooSlow: (connection) => this.#endService(connection, 'slow-consumer'),
      hookFailed: (connection, error) => this.#postError('transport', error, connection),
      gapTold: (...gap) => this.#postGap(...gap),
      settled: () => this.#events.flush(),
      change,
      withinChange: (act) => this.#events.withinChange(act),
    })
    this.#connections = new Connections(this.#users, (connection) => handleOf(connection, actions))
    this.#subscriptions = new Subscriptions(streams, this.#users, {
      now: () => clock.now(),
      assertRoom: (quota, count, request) => this.#quotas.assertRoom(quota, count, request),
      changed: (...change) => this.#noteChange(...change),
      demanded: (change, stream) => this.#demand[change](stream),
      unseated: (...seat) => this.#purge(...seat),
    })
    this.#quotas = new Quotas(quotas)
    this.#authorization = authorizationBy(authorize, (...failure) => this.#authorizationFailed(...failure))
    this.#pending = new ExpiringSet(clock, pendingTtlMs, (expired) => this.#expire(expired))
    const { idleStreams } = quotas
    this.#demand = new Demand(clock, { idleDelayMs, idleStreams }, (...change) => this.#noteDemand(...change), () => this.#events.flush())
    this.#closer = new SocketCloser(clock, (...failure) => this.#closeFailed(...failure))
    this.#mappings = mappingsOf(this.#users, this.#connections, this.#subscriptions) as Mappings<Socket, StreamCatalogue> as unknown as Mappings<TSocket, TStreams>
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
    this.#renewTimers()
    const newcomer = this.#read(() => this.#newcomer(connectionId, socket, userId, options))
    return this.#publicHandle(this.#events.change(() => this.#known(newcomer) ?? this.#listenAndAdmit(newcomer)))
  }

  /**
   * Removes a connection and closes its socket. The promise is true when this call removed it, false for an unknown id.
   *
   * With a user's last connection, all of the user's subscriptions end, in the same call. The promise settles when
   * the socket's `close` did, or `closeTimeoutMs` later, and never rejects. The process stays alive until then.
   */
  async removeConnection(connectionId: string): Promise<boolean> {
    const connection = this.#connections.byId.get(connectionId)
    return connection !== undefined && this.#events.change(() => this.#removeOne(connection, true))
  }

  /**
   * Removes all of a user's connections, for a ban or a logout; the promise says how many there were.
   *
   * The user's subscriptions end, pending ones included. The promise settles as that of `removeConnection` does.
   */
  async removeUser(userId: string): Promise<number> {
    const user = this.#users.find(userId)
    if (user === undefined) return 0
    const connections = membersOf(user.connections)
    const outcomes = this.#events.change(() => {
      if (connections.length === 0) this.#subscriptions.endAllOf(user)
      return this.#remove(connections, 'removed', this.#options.closeTimeoutMs)
    })
    await Promise.all(outcomes)
    return connections.length
  }

  /** Returns the handle of a connection, `undefined` for an unknown id. */
  getConnection(connectionId: string): Connection<TSocket, TStreams> | undefined {
    const connection = this.#connections.byId.get(connectionId)
    return connection && this.#publicHandle(connection)
  }

  /** Returns the sockets of a user, oldest first; empty for an unknown user. The array is the caller's. */
  getUserConnections(userId: string): TSocket[] {
    return membersOf(this.#users.find(userId)?.connections).map(({ socket }) => socket as TSocket)
  }

  /** Iterates over the handles of all connections, oldest first. Connections may come and go meanwhile. */
  *connections(): Generator<Connection<TSocket, TStreams>, undefined> {
    for (const connection of this.#connections.byId.values()) yield this.#publicHandle(connection)
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
    return this.#events.change(() => this.#subscribeUser(request))
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
    const { userId, streamType, symbol } = readReference(subscription, 'userId', 'streamType')
    const found = this.#subscriptions.find(this.#users.find(userId), streamType, symbol)
    if (found !== undefined) this.#events.change(() => this.#end([found]))
    return found !== undefined
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
    const revoked = readRevocation(revocation, this.#options.streams)
    const subscriptions = this.#subscriptions.revoked(revoked)
    this.#events.change(() => this.#end(subscriptions, revoked))
    return subscriptions.length
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
    const stream = this.#subscriptions.stream(streamType, symbol)
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
    const fields = withRecipient(this.#readMessage(message))
    const result = this.#deliver(fields, this.#toSubscribers)
    // A stream without listeners may still be published because a lost timer kept `streamIdle` back.
    if (result.matched === 0) this.#renewTimers()
    return result
  }

  /**
   * Delivers a message to all connections of a user, subscribed or not. A private message becomes that user's.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` when the message is another user's
   */
  sendToUser(userId: string, message: AddressedMessage<TStreams>): PublishResult {
    const fields = addressedTo(asIdentifier(userId, 'userId'), this.#readMessage(message))
    return this.#deliver(fields, () => this.#connectionsOf(userId))
  }

  /**
   * Delivers a message to one connection, subscribed or not. A private message becomes its user's.
   *
   * An unknown connection is no error, since it may have gone a moment ago: then nothing is `matched`.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` when the message is another user's
   */
  sendToConnection(connectionId: string, message: AddressedMessage<TStreams>): PublishResult {
    const fields = this.#readMessage(message)
    const connection = this.#connections.byId.get(asIdentifier(connectionId, 'connectionId'))
    if (connection === undefined) return this.#deliver(fields, nobody)
    return this.#deliver(addressedTo(connection.user.id, fields), () => oneOf(this.#connections.all, connection))
  }

  /**
   * Delivers a public message to every connection, subscribed or not.
   *
   * @throws what `publish` throws; for a private message `ERR_RECIPIENT_REQUIRED`, or `ERR_RECIPIENT_NOT_ALLOWED`
   * when it names its user
   */
  broadcast(message: PublicMessage<TStreams>): PublishResult {
    const fields = forEverybody(this.#readMessage(message))
    return this.#deliver(fields, () => allOf(this.#connections.all))
  }

  /**
   * Returns what became of all messages so far, in connections, and how much waits. A deferred message counts from its delivery
   * on. A message that waits moves from `waiting` to what becomes of it. A message that a socket accepts and rejects later stays
   * `sent` and also counts as `rejected`. Costs as much as there are connections that something waits for.
   */
  stats(): Stats {
    return this.#delivery.stats()
  }

  /**
   * Returns the streams that are active: those with a connected subscriber, and those that lost their last one less than
   * `idleDelayMs` ago. For whoever comes too late for `streamActive`. The array is the caller's.
   */
  activeStreams(): ActiveStream<keyof TStreams & string>[] {
    this.#renewTimers()
    return [...this.#subscriptions.demanded(), ...this.#demand.idling()] as ActiveStream<keyof TStreams & string>[]
  }

  // ── The five mappings, and how much is in them ─────────────────────────────────────────────────────────────

  /** connectionId → socket. Live and read-only, as all five are. */
  get activeConnections(): ReadonlyMap<string, TSocket> {
    return this.#mappings.activeConnections
  }

  /** connectionId → userId. */
  get connectionUsers(): ReadonlyMap<string, string> {
    return this.#mappings.connectionUsers
  }

  /** userId → connectionIds, oldest first. Users without a connection are not in it. */
  get userConnections(): ReadonlyMap<string, string[]> {
    return this.#mappings.userConnections
  }

  /** userId → subscriptions, oldest first, pending ones included. */
  get userSubscriptions(): ReadonlyMap<string, Subscription<keyof TStreams & string>[]> {
    return this.#mappings.userSubscriptions
  }

  /** `streamKey` → ids of the users subscribed to exactly this stream, pending ones included. */
  get streamSubscriptions(): ReadonlyMap<string, string[]> {
    return this.#mappings.streamSubscriptions
  }

  /** Connections that are there now. */
  get connectionCount(): number {
    return this.#connections.byId.size
  }

  /** Users who have a connection. */
  get userCount(): number {
    return this.#connections.userCount
  }

  /** Subscriptions, pending ones included. */
  get subscriptionCount(): number {
    return this.#subscriptions.count
  }

  /** Streams that somebody is subscribed to, pending or not. */
  get streamCount(): number {
    return this.#subscriptions.streamCount
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
    return this.#events.on(event, listener)
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
    if (this.#cleanup !== undefined) return this.#cleanup
    const deadlineMs = deadlineIn(options)
    // To read the options was user code.
    if (this.#cleanup !== undefined) return this.#cleanup
    // Set before any socket is closed: a `close` that calls this in its turn gets this promise.
    this.#cleanup = this.#closer.reportLast(deadlineMs)
    this.#events.change(() => this.#shutDown(deadlineMs))
    return this.#cleanup
  }

  /** True from the moment at which `cleanup()` was called. */
  get closed(): boolean {
    return this.#cleanup !== undefined
  }

  // ── How the rooms play together ────────────────────────────────────────────────────────────────────────────

  /** Reads what a caller gave. That may run the caller's code, so the manager must be open before it and after it. */
  #read<TRead>(reader: () => TRead): TRead {
    this.#assertOpen()
    const read = reader()
    this.#assertOpen()
    return read
  }

  #assertOpen(): void {
    if (this.closed) throw new ConnectionManagerError('ERR_CLOSED', 'This connection manager is closed')
  }

  #newcomer(id: string, socket: Socket, userId: string, options: unknown): Newcomer {
    asIdentifier(id, 'connectionId')
    asSocket(socket)
    asIdentifier(userId, 'userId')
    const transport = transportIn(options) ?? this.#options.transport
    return { id, userId, socket, transport, isClosed: isClosed(socket), sendQueueFor: this.#delivery.sendQueueMaker({ socket, transport }) }
  }

  /** Returns the connection if it is registered already, and nothing if it may be registered. */
  #known({ id: connectionId, socket, userId, isClosed }: Newcomer): ConnectionRecord | undefined {
    const known = this.#connections.byId.get(connectionId)
    if (known?.socket === socket && known.user.id === userId) return known
    const facts = { connectionId, userId }
    if (known !== undefined) {
      const message = `Connection ${describe(connectionId)} exists already, with another socket or user`
      throw new ConnectionManagerError('ERR_DUPLICATE_CONNECTION', message, facts)
    }
    if (isClosed) throw socketClosed(facts)
    this.#quotas.assertRoom('connections', this.connectionCount, facts)
    this.#quotas.assertRoom('connectionsPerUser', countOf(this.#users.find(userId)?.connections), facts)
    return undefined
  }

  /** Has the transport listen for the socket's close, then checks the state again, because that is user code. */
  #listenAndAdmit(newcomer: Newcomer): ConnectionRecord {
    const { id: connectionId, socket, transport, userId } = newcomer
    if (transport?.onClose === undefined) return this.#admit(newcomer)
    const listener = new CloseListener(socket, transport.onClose)
    let isInUse = false
    try {
      this.#assertOpen()
      const known = this.#known(newcomer)
      if (known !== undefined) return known
      if (listener.isClosed) throw socketClosed({ connectionId, userId }, listener.failure?.error)
      isInUse = true
      return this.#admit(newcomer, listener)
    } finally {
      if (!isInUse) this.#discard(listener)
    }
  }

  /** Stops listening for the close of a socket that was not registered. */
  #discard(listener: CloseListener): void {
    const report = (error: unknown): void => this.#hookFailed(error)
    if (listener.failure !== undefined && !listener.isClosed) report(listener.failure.error)
    listener.stop(report)
  }

  #admit(newcomer: Newcomer, closeListener?: CloseListener): ConnectionRecord {
    const { userId } = newcomer
    const connection = this.#connections.add(newcomer)
    this.#events.post('connectionAdded', { connection: this.#publicHandle(connection) })
    if (closeListener !== undefined) this.#attach(closeListener, connection)
    if (countOf(connection.user.connections) === 1) this.#events.post('userOnline', { userId })
    this.#subscriptions.admit(connection)
    this.#events.flush()
    return connection
  }

  #attach(closeListener: CloseListener, connection: ConnectionRecord): void {
    this.#closeListeners.set(connection, closeListener)
    closeListener.attach(() => void this.#events.change(() => this.#removeOne(connection, false)))
    if (closeListener.failure !== undefined) this.#postError('transport', closeListener.failure.error, connection)
  }

  #stopListening(connection: ConnectionRecord): void {
    const closeListener = this.#closeListeners.get(connection)
    this.#closeListeners.delete(connection)
    closeListener?.stop((error) => this.#hookFailed(error, connection))
  }

  #attachQueue(connection: ConnectionRecord, sendQueue: SendQueue | undefined): void {
    connection.sendQueue = sendQueue
    this.#connections.renew(connection)
    this.#subscriptions.renew(connection)
  }

  #subscribeUser(request: unknown): Subscription<keyof TStreams & string> {
    const { userId, ...stream } = this.#read(() => this.#measured(readUserRequest(request, this.#options.streams)))
    const { streamType, symbol, filters } = stream
    this.#assertMayHold(userId, undefined, stream)
    const subscription = this.#subscriptions.holdForUser(userId, streamType, symbol, filters)
    this.#events.flush()
    return publicView(subscription)
  }

  #subscribe(connection: ConnectionRecord, request: unknown): Subscription {
    const stream = this.#read(() => this.#measured(readRequest(request, connection.user.id, this.#options.streams), connection))
    const { streamType, symbol, filters } = stream
    this.#assertMayHold(connection.user.id, connection, stream)
    const subscription = this.#subscriptions.holdForConnection(connection, streamType, symbol, filters)
    this.#events.flush()
    return viewOf(subscription)
  }

  /** Returns a request whose filters are not too long. To measure them may run the caller's code. */
  #measured<TRequest extends StreamRequest & { readonly userId?: string }>(request: TRequest, connection?: ConnectionRecord): TRequest {
    if (request.filters === undefined) return request
    const { userId = connection?.user.id, streamType, symbol, filters } = request
    this.#quotas.assertFilters(filters, { userId, connectionId: connection?.id, streamType, symbol })
    return request
  }

  /** Asks for leave, which is user code: what it may have changed is looked at again. */
  #assertMayHold(userId: string, connection: ConnectionRecord | undefined, stream: StreamRequest): void {
    this.#renewTimers()
    this.#assertPresent(userId, connection)
    this.#authorization.assertAllowed(userId, stream, connection?.handle)
    this.#assertOpen()
    this.#assertPresent(userId, connection)
  }

  #assertPresent(userId: string, connection: ConnectionRecord | undefined): void {
    if (connection?.removed === true) {
      const message = `Connection ${describe(connection.id)} was removed`
      throw new ConnectionManagerError('ERR_UNKNOWN_CONNECTION', message, { connectionId: connection.id })
    }
    if (this.#options.pendingTtlMs === 0 && !this.userConnections.has(userId)) {
      throw new ConnectionManagerError('ERR_UNKNOWN_USER', `User ${describe(userId)} has no connection`, { userId })
    }
  }

  #unsubscribe(connection: ConnectionRecord, stream: unknown): boolean {
    const { streamType, symbol } = readReference(stream, 'streamType')
    const wasHeld = this.#subscriptions.letGo(connection, streamType, symbol)
    this.#delivery.settle()
    this.#events.flush()
    return wasHeld
  }

  /** Ends subscriptions, and what waits for their connections with them; of what was revoked, all of it. */
  #end(subscriptions: readonly SubscriptionRecord[], revoked?: Revoked): void {
    for (const subscription of subscriptions) this.#subscriptions.end(subscription)
    if (revoked !== undefined) this.#withhold(revoked)
    this.#delivery.settle()
    this.#events.flush()
  }

  #readMessage(message: unknown): MessageFields {
    const { streams, clock } = this.#options
    return this.#read(() => readMessage(message, streams, () => clock.now()))
  }

  #deliver(fields: MessageFields, findRecipients: RecipientsFinder<ConnectionRecord>): PublishResult {
    const outer = this.#events.begin()
    try {
      return this.#delivery.deliver(fields, findRecipients)
    } finally {
      this.#events.end(outer)
    }
  }

  #subscribersOf({ definition, streamType, symbol, userId }: MessageFields): Recipients<ConnectionRecord> {
    const { whole, exact } =
      definition.audience === 'private'
        ? this.#subscriptions.subscribedOf(userId, streamType, symbol)
        : this.#subscriptions.subscribed(streamType, symbol)
    return eitherOf(whole, exact)
  }

  #connectionsOf(userId: string): Recipients<ConnectionRecord> {
    return eachOf(this.#connections.all, membersOf(this.#users.find(userId)?.connections))
  }

  #send(connection: ConnectionRecord, text: unknown): PublishResult {
    if (typeof text !== 'string') throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A text must be a string, got ${describe(text)}`)
    const { id: connectionId, user } = connection
    this.#quotas.assertLength(text, { connectionId, userId: user.id })
    return this.#deliver(hostText(text, user.id, this.#options.clock.now()), () => thisOne(this.#connections.all, connection))
  }

  #textOf(fields: MessageFields): string {
    if (fields.text !== undefined) return fields.text
    const { serialize } = this.#options
    const text = serialize === undefined ? wireText(fields) : customText(serialize, fields)
    this.#quotas.assertLength(text, fields)
    return text
  }

  #removeOne(connection: ConnectionRecord, isToBeClosed: boolean): Promise<boolean> {
    if (connection.removed) return Promise.resolve(false)
    if (isToBeClosed) return Promise.all(this.#remove([connection], 'removed', this.#options.closeTimeoutMs)).then(() => true)
    this.#forget(connection)
    return Promise.resolve(true)
  }

  /** Takes connections out of every index, closes their sockets, and tells the listeners, in this order. */
  #remove(connections: readonly ConnectionRecord[], reason: CloseReason, timeoutMs: number): Promise<CloseOutcome>[] {
    this.#takeOut(connections, reason)
    const outcomes = this.#close(connections, reason, timeoutMs)
    this.#events.flush()
    return outcomes
  }

  #close(connections: readonly ConnectionRecord[], reason: CloseReason, timeoutMs: number): Promise<CloseOutcome>[] {
    const isToBeFlushed = reason === 'removed' || reason === 'cleanup'
    this.#delivery.run(() => {
      for (const connection of connections) this.#leaving.add(connection)
      for (const connection of connections) {
        connection.sendQueue?.end(isToBeFlushed)
        this.#leaving.delete(connection)
      }
      for (const connection of connections) this.#stopListening(connection)
    })
    return this.#closer.closeAll(connections, reason, timeoutMs)
  }

  #forget(connection: ConnectionRecord): void {
    this.#takeOut([connection], 'peer-closed')
    this.#delivery.run(() => {
      connection.sendQueue?.end(false)
      this.#stopListening(connection)
    })
    this.#events.flush()
  }

  #takeOut(connections: readonly ConnectionRecord[], reason: CloseReason): void {
    for (const connection of connections) {
      this.#connections.remove(connection)
      this.#delivery.forget(connection)
      this.#events.post('connectionRemoved', { connection: this.#publicHandle(connection), reason })
      this.#subscriptions.dismiss(connection)
      const { id: userId, connections: left } = connection.user
      if (left === undefined) this.#events.post('userOffline', { userId, reason })
    }
  }

  #shutDown(deadlineMs: number): void {
    const connections = [...this.#connections.byId.values()]
    this.#takeOut(connections, 'cleanup')
    for (const user of this.#users.all()) this.#subscriptions.endAllOf(user)
    this.#demand.end()
    // Called from within what a removal hands on: nothing of it may come later than this. That is user code, which may revoke
    // what these wait for.
    const leftBefore = [...this.#leaving]
    for (const connection of connections) this.#leaving.add(connection)
    this.#delivery.run(() => {
      for (const { sendQueue } of leftBefore) sendQueue?.end(true)
    })
    this.#close(connections, 'cleanup', deadlineMs)
    this.#events.flush()
  }

  #noteChange(change: 'added' | 'changed' | 'removed', record: SubscriptionRecord, holder: ConnectionRecord | undefined): void {
    if (record.status === SubscriptionStatus.PENDING) this.#pending.add(record)
    else this.#pending.delete(record)
    const name = SUBSCRIPTION_EVENTS[change]
    if (!this.#events.areHeard(name)) return
    const subscription = publicView<keyof TStreams & string>(record)
    this.#events.post(name, holder === undefined ? { subscription } : { subscription, connection: this.#publicHandle(holder) })
  }

  #expire(expired: readonly SubscriptionRecord[]): void {
    for (const subscription of expired) this.#subscriptions.end(subscription)
    this.#events.flush()
  }

  /** Discards what waits of a stream for a connection that sits in it no more. Who is removed has no need of it. */
  #purge(connection: ConnectionRecord, { type, symbol }: StreamRecord): void {
    if (connection.removed) return
    connection.sendQueue?.purge(type.name, symbol, (each) => this.#subscriptions.covers(connection, type.name, each))
  }

  /** Keeps back all that was published before of what was revoked, from those whom it was revoked for. */
  #withhold(revoked: Revoked): void {
    const isConcerned = ({ user }: ConnectionRecord): boolean => revoked.userId === undefined || user.id === revoked.userId
    const streamTypes = revoked.streamType === undefined ? Object.keys(this.#options.streams) : [revoked.streamType]
    this.#delivery.withhold((fields) => fields.text === undefined && isOfRevoked(fields, revoked), isConcerned)
    for (const { sendQueue } of this.#concernedBy(revoked).filter(isConcerned)) {
      for (const streamType of streamTypes) sendQueue?.purge(streamType, revoked.symbol, () => false)
    }
  }

  #concernedBy({ userId }: Revoked): ConnectionRecord[] {
    const present = userId === undefined ? this.#connections.byId.values() : membersOf(this.#users.find(userId)?.connections)
    return [...present, ...this.#leaving]
  }

  /** Sets those timers anew that may be lost. */
  #renewTimers(): void {
    this.#closer.renew()
    this.#pending.renew()
    this.#demand.renew()
    this.#delivery.renewTimers()
  }

  #noteDemand(change: 'active' | 'idle', stream: ActiveStream): void {
    this.#events.post(change === 'active' ? 'streamActive' : 'streamIdle', stream)
  }

  #postGap(connection: ConnectionRecord, { gap: dropped, streamType, symbol }: OutgoingMessage): void {
    this.#events.post('gap', { connection: this.#publicHandle(connection), streamType, symbol, dropped })
  }

  #authorizationFailed(error: unknown, { connection }: AnyAuthorizationRequest): void {
    const holder = connection && { connection: connection as unknown as Connection<TSocket, TStreams> }
    this.#events.postError({ error, stage: 'authorize', ...holder })
    this.#events.flush()
  }

  #postError(stage: ErrorStage, error: unknown, connection: ConnectionRecord): void {
    this.#events.postError({ error, stage, connection: this.#publicHandle(connection) })
  }

  #hookFailed(error: unknown, connection?: ConnectionRecord): void {
    if (connection === undefined) this.#events.postError({ error, stage: 'transport' })
    else this.#postError('transport', error, connection)
    this.#events.flush()
  }

  #sendFailed(connection: ConnectionRecord, error: unknown): void {
    this.#postError('send', error, connection)
    this.#endService(connection, 'send-failed')
    this.#events.flush()
  }

  /** It may have been removed before its turn to be: by the host, or for another reason. */
  #endService(connection: ConnectionRecord, reason: CloseReason): void {
    if (!connection.removed) this.#remove([connection], reason, this.#options.closeTimeoutMs)
  }

  /** The clock may be read in the middle of a state change: the listeners are told after it, and in any case soon. */
  #clockFailed(error: unknown, isOfClose: boolean): void {
    this.#events.postError({ error, stage: isOfClose ? 'close' : 'listener' })
    void Promise.resolve().then(() => this.#events.flush())
  }

  #closeFailed(error: unknown, connection: ConnectionRecord): void {
    this.#postError('close', error, connection)
    this.#events.flush()
  }

  /** The rooms know sockets as such and catalogues as such; what they hold of this manager's came from its callers. */
  #publicHandle({ handle }: ConnectionRecord): Connection<TSocket, TStreams> {
    return handle as Connection<Socket, StreamCatalogue> as unknown as Connection<TSocket, TStreams>
  }
}

function socketClosed(facts: ErrorFacts, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_SOCKET_CLOSED', `The socket of connection ${describe(facts.connectionId)} has closed`, facts, cause)
}

/** The registry knows stream types as texts; those of this manager are of its catalogue. */
function publicView<TStreamType extends string>(record: SubscriptionRecord): Subscription<TStreamType> {
  return viewOf(record) as Subscription<TStreamType>
}

const SUBSCRIPTION_EVENTS = {
  added: 'subscriptionAdded',
  changed: 'subscriptionChanged',
  removed: 'subscriptionRemoved',
} as const
