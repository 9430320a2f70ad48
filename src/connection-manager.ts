import { assemble, type Parts } from './assembly.ts'
import type { CleanupReport } from './closing/socket-closer.ts'
import type { Stats } from './delivery/totals.ts'
import type { ActiveStream, ManagerEvents } from './events/events.ts'
import { defineHiddenMembers, type Disposal } from './hidden-members.ts'
import type { StreamCatalogue, TradingStreams } from './model/catalogue.ts'
import type { StreamStatus } from './model/notices.ts'
import type { PublishOptions, SendOptions } from './model/publish-options.ts'
import type { PublishResult } from './model/publish-result.ts'
import type { Revocation } from './model/revocation.ts'
import type { StreamSource } from './model/source.ts'
import type { AddressedMessage, PublicMessage, PublishableMessage, WithoutData } from './model/stream-message.ts'
import type { StreamTypeName, SubscribeRequest, Subscription, SubscriptionReference } from './model/subscription.ts'
import { attachRecorder, type ConnectionManagerOptions, type ConnectionOptionsArgument } from './options.ts'
import type { AnyConnection, Connection, Socket } from './ports/connection.ts'
import { subscribersOf } from './registry/mappings.ts'
import { PLAIN_REMOVAL } from './registry/removal.ts'

/** `new ConnectionManager` without `streams` compiles only for the default catalogue. For any other, the compiler reports a missing argument. */
type MissingStreams<TStreams> = [TradingStreams] extends [TStreams] ? [] : [streamsAreMissingInTheOptions: never]

export interface ConnectionManager<in out TSocket extends Socket, in out TStreams extends StreamCatalogue, in out TMetadata> extends Disposal {}

/**
 * Knows who is connected and what each user is subscribed to. Delivers each message at most once to each of its recipients.
 *
 * State changes are synchronous and atomic. When a call returns, the state is consistent, and all listeners have been called (in a `batch`: when the
 * batch ends). A method returns a promise only if it waits for sockets to close. The state has changed before the method returns its promise.
 *
 * An error for bad arguments is thrown synchronously. A call never throws because a socket failed: the manager emits `error`.
 *
 * A message takes this path: `publish` finds the subscribed connections and serializes the message once. Each socket gets the text at once, or
 * through a send queue. If a client reads too slowly, its messages wait in the send queue. In the queue, a newer message may replace an older one. If
 * too many bytes wait, or a message waits too long, messages are dropped, and the client gets a gap notice. If the stream type does not allow
 * dropping, the client is a slow consumer: its connection is removed and its socket is closed.
 *
 * @example
 * const manager = new ConnectionManager<WebSocket>()
 * const connection = manager.addConnection('c1', socket, 'alice')
 * manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
 * manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } }) // { matched: 1, sent: 1, … }
 * await connection.remove()
 */
export class ConnectionManager<
  in out TSocket extends Socket = Socket,
  in out TStreams extends StreamCatalogue = TradingStreams,
  in out TMetadata = unknown,
> {
  readonly #parts: Parts

  /** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
  constructor(options: ConnectionManagerOptions<TSocket, TStreams, TMetadata> & { readonly streams: TStreams })
  /** Without `streams`, the manager has the default catalogue. */
  constructor(options?: ConnectionManagerOptions<TSocket, TStreams, TMetadata>, ...missing: MissingStreams<TStreams>)
  constructor(options: ConnectionManagerOptions<TSocket, TStreams, TMetadata> = {}) {
    this.#parts = assemble(options)
    defineHiddenMembers(this)
    attachRecorder(this.#parts.options, this, this.#parts.forRecorder)
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds a socket as a connection of a user, and returns the connection's handle.
   *
   * From the next message on, the connection receives all streams to which `addSubscription` subscribed the user. The user's subscriptions are no
   * longer `PENDING`. Adding the same id, socket and user again returns the existing handle unchanged. A socket with two ids has two connections.
   *
   * A `transport` says how to write to this socket, how to measure it and how to close it. This transport replaces the transport in the manager's
   * options. If the transport has `onClose`, the manager removes the connection when the socket has closed. `metadata` becomes `connection.metadata`.
   * `metadata` is required if the manager's type of metadata does not include `undefined`.
   *
   * @throws `ERR_INVALID_ID`, `ERR_INVALID_SOCKET`, `ERR_SOCKET_CLOSED` if the socket's `readyState` is 2 or 3, or if the transport says that the
   * socket is closed, `ERR_DUPLICATE_CONNECTION` if another socket or user has the id, `ERR_INVALID_OPTION` for a bad transport,
   * `ERR_QUOTA_EXCEEDED`, `ERR_CLOSED`. On an error, nothing changes
   */
  addConnection<TOwnSocket extends TSocket, TFrame = string>(
    connectionId: string,
    socket: TOwnSocket,
    userId: string,
    ...[options]: ConnectionOptionsArgument<TOwnSocket, TFrame, TMetadata>
  ): Connection<TSocket, TStreams, TMetadata> {
    return this.#own(this.#parts.lifecycle.add(connectionId, socket, userId, options))
  }

  /**
   * Removes a connection and closes its socket. The promise resolves to true if this call removed the connection, and to false for an unknown id.
   *
   * If the connection is the user's last one, all of the user's subscriptions end in the same call. The promise settles when the socket's `close` has
   * settled, or after `closeTimeoutMs`. It never rejects, and keeps the process alive until it settles, unless `closeTimeoutMs` is `Infinity`.
   */
  async removeConnection(connectionId: string): Promise<boolean> {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection !== undefined && this.#parts.lifecycle.remove(connection, PLAIN_REMOVAL)
  }

  /**
   * Removes all connections of a user, for a ban or a logout. The promise resolves to the number of removed connections.
   *
   * The user's subscriptions end, pending ones included. The promise waits for each socket in the same way as the promise of `removeConnection`.
   */
  async removeUser(userId: string): Promise<number> {
    return this.#parts.lifecycle.removeUser(userId)
  }

  /** Returns the handle of a connection, or `undefined` for an unknown id. */
  getConnection(connectionId: string): Connection<TSocket, TStreams, TMetadata> | undefined {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection && this.#own(connection)
  }

  /** Returns a new array of a user's sockets, oldest first. The array is empty for an unknown user. */
  getUserConnections(userId: string): TSocket[] {
    return this.#parts.lifecycle.socketsOf(userId) as TSocket[]
  }

  /** Iterates over the handles of all connections, oldest first. You may add and remove connections while you iterate. */
  *connections(): Generator<Connection<TSocket, TStreams, TMetadata>, undefined> {
    for (const connection of this.#parts.connections.byId.values()) yield this.#own(connection)
  }

  /**
   * Iterates over the connections that receive exactly this stream. Use this method for audits and counts. A connection that receives the stream only
   * through a subscription to the whole type is not included. If the stream is private, the connections of all users are included.
   *
   * The set of connections is fixed when you call the method. A connection that is removed while you iterate is still returned.
   */
  connectionsOf(streamType: string, symbol?: string | null): IterableIterator<Connection<TSocket, TStreams, TMetadata>> {
    return this.#parts.subscriptions.connectionsOf(streamType, symbol).map((each) => this.#own(each)).values()
  }

  // ── Subscriptions ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Subscribes a user: all present and future connections of the user get the stream. The returned subscription is always up to date.
   *
   * Subscribing again returns the same object, with the `filters` of this call. The filters of `connection.subscribe` are separate. You can subscribe
   * a user who has no connection: see `pendingTtlMs`. If the stream type's symbol is optional, a request without a symbol means the whole type.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_UNKNOWN_USER`,
   * `ERR_FORBIDDEN`, `ERR_QUOTA_EXCEEDED`, `ERR_CLOSED`. On an error, nothing changes
   */
  addSubscription<TName extends StreamTypeName<TStreams>>(
    request: SubscribeRequest<TStreams, TName>,
  ): Subscription<keyof TStreams & string> {
    return this.#parts.subscribing.subscribeUser(request) as Subscription<keyof TStreams & string>
  }

  /**
   * Ends a subscription for all of its holders: for the user, and for each connection that holds it. Returns false if there was no such subscription.
   *
   * The user's waiting messages of the stream are purged, even of this turn, unless another subscription covers them. A malformed id returns false.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, has no `userId` or no `streamType`, or has an unknown field
   */
  removeSubscription(subscription: SubscriptionReference): boolean {
    return this.#parts.subscribing.end(subscription)
  }

  /**
   * Revokes streams that one user, or all users, may no longer see. The subscriptions of these users to the streams end, and the streams' messages
   * that wait for these users are purged. Returns how many subscriptions ended.
   *
   * After the call, no earlier message of these streams is handed to a socket of these users. This applies to deferred messages, waiting messages and
   * messages whose delivery is running, no matter which method sent them. A message cannot be recalled once a socket has accepted it.
   *
   * An absent field matches any value: `{ userId }` revokes all streams of the user, and `{ streamType }` revokes a stream type for all users. If you
   * give a `symbol`, subscriptions to a whole type end too, because they include the symbol. A user may subscribe again, so change the answer of
   * `authorize` before you call `revoke`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if no field is given, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_NOT_ALLOWED`. On an error, nothing
   * changes
   */
  revoke(revocation: Revocation<TStreams>): number {
    return this.#parts.subscribing.revoke(revocation)
  }

  /** Returns a new array of a user's subscriptions, oldest first. The array is empty for an unknown user. */
  getUserSubscriptions(userId: string): Subscription<keyof TStreams & string>[] {
    return this.userSubscriptions.get(userId) ?? []
  }

  /**
   * Returns a new array with the ids of the users who are subscribed to exactly this stream, in the order in which they subscribed.
   *
   * Pending subscribers are included. If a symbol is given, users who are subscribed only to the whole type are not included.
   */
  getSubscribers(streamType: string, symbol?: string | null): string[] {
    const stream = this.#parts.subscriptions.stream(streamType, symbol)
    return stream === undefined ? [] : subscribersOf(stream)
  }

  // ── Delivery ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Delivers a message to the connections that are subscribed to its stream. A private message goes only to the connections of the user in its
   * `userId`. Each connection gets one copy, even if several subscriptions cover the message.
   *
   * The delivery starts at once, and fixes the recipients. The message is serialized once, or not at all if nobody gets it and no `recorder` is set.
   *
   * A socket's `send`, a listener or a `toJSON` may call `publish` while a delivery is running. Then the new message is deferred: it is serialized at
   * once, and delivered later, to the connections that are subscribed then. The result has `deferred: true`, and all its counts are 0. `stats()` counts
   * the message. Connections in the option `except` are not recipients. The option `text` is the message's wire form. With `text`, `data` may be absent.
   *
   * @throws `ERR_INVALID_MESSAGE`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`, `ERR_RECIPIENT_REQUIRED`,
   * `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_INVALID_ARGUMENT` for bad options, `ERR_UNSERIALIZABLE`, `ERR_QUOTA_EXCEEDED`, `ERR_PUBLISH_DEPTH`,
   * `ERR_CLOSED`. On an error, nobody receives the message
   */
  publish(message: PublishableMessage<TStreams>, options?: PublishOptions): PublishResult
  publish(message: WithoutData<PublishableMessage<TStreams>>, options: PublishOptions & { readonly text: string | Uint8Array }): PublishResult
  publish(message: unknown, options?: unknown): PublishResult {
    const result = this.#parts.publishing.publish(message, options)
    // Nobody gets the message now. The host may still publish because the timer that emits `streamIdle` was lost.
    if (result.matched === 0) this.#parts.renewTimers()
    return result
  }

  /**
   * Delivers a message to all connections of a user, subscribed or not. A private message is addressed to this user, so its `userId` may be absent.
   *
   * @throws what `publish` throws, and `ERR_RECIPIENT_MISMATCH` if the message names another user
   */
  sendToUser(userId: string, message: AddressedMessage<TStreams>): PublishResult {
    return this.#parts.publishing.sendToUser(userId, message)
  }

  /**
   * Delivers a message to one connection, subscribed or not. A private message is addressed to the connection's user, so its `userId` may be absent.
   *
   * For an unknown connection, which may have been removed a moment ago, `matched` is 0. The option `text` works as in `publish`.
   *
   * @throws what `publish` throws, and `ERR_RECIPIENT_MISMATCH` if the message names another user
   */
  sendToConnection(connectionId: string, message: AddressedMessage<TStreams>, options?: SendOptions): PublishResult
  sendToConnection(connectionId: string, message: WithoutData<AddressedMessage<TStreams>>, options: SendOptions & { readonly text: string | Uint8Array }): PublishResult
  sendToConnection(connectionId: string, message: unknown, options?: unknown): PublishResult {
    return this.#parts.publishing.sendToConnection(connectionId, message, options)
  }

  /**
   * Delivers a public message to every connection, subscribed or not.
   *
   * @throws what `publish` throws. A private message throws `ERR_RECIPIENT_NOT_ALLOWED` if it has a `userId`, and `ERR_RECIPIENT_REQUIRED` otherwise
   */
  broadcast(message: PublicMessage<TStreams>): PublishResult {
    return this.#parts.publishing.broadcast(message)
  }

  /**
   * Runs `act` as one step, and returns its result. Listeners are called when the step ends. Unless a delivery is running, messages of `act` are
   * delivered at once, in order. What a `send` or a `toJSON` publishes is deferred until the step ends. A nested batch joins the outer one.
   *
   * @throws what `act` throws, after the step has ended. `ERR_INVALID_ARGUMENT` if `act` returns a promise, because a step is synchronous
   */
  batch<TOutcome>(act: () => TOutcome): TOutcome {
    return this.#parts.changes.batch(act)
  }

  /**
   * Sends a gap notice to all connections that receive this stream. `dropped` is the number of missing messages, or `undefined` if this number is
   * unknown. Without a symbol, each connection that receives any stream of the type gets one notice. Notices are sent like texts of `connection.send`.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`, `ERR_UNSERIALIZABLE`, `ERR_RECIPIENT_REQUIRED`
   * if a private stream has no user, `ERR_RECIPIENT_NOT_ALLOWED` if a public one has one, `ERR_PUBLISH_DEPTH`, `ERR_CLOSED`. Then nothing is sent
   */
  notifyGap(stream: StreamSource<TStreams>, dropped: number | undefined): void {
    this.#parts.noticing.notifyGap(stream, dropped)
  }

  /**
   * Sets the status of the upstream source of exactly this stream. The stream's subscriptions have this status (but `PENDING` while pending) until
   * you set another one, or until the last of them ends. Whenever the status changes, each connection that receives the stream through these
   * subscriptions gets a status notice. A connection that begins to receive the stream later also gets a notice, unless the status is `CONNECTED`. A
   * notice is sent in the same way as a text of `connection.send`. If nobody is subscribed to the stream, the call does nothing and returns false.
   *
   * @throws what `notifyGap` throws, and `ERR_SYMBOL_REQUIRED`. On an error, nothing changes
   */
  setStreamStatus(stream: StreamSource<TStreams>, status: StreamStatus): boolean {
    return this.#parts.noticing.setStreamStatus(stream, status)
  }

  /**
   * Returns counts of all messages so far, how many connections are behind, and how many bytes wait: see `Stats`. A message counts once for each
   * recipient, as soon as its delivery starts. The cost grows with the number of connections that have waiting messages.
   */
  stats(): Stats {
    return this.#parts.delivery.stats()
  }

  /**
   * Returns a new array of the active streams. A stream is active while it has a connected subscriber, and for up to `idleDelayMs` after it lost its
   * last connected subscriber. Use this method if you registered your `streamActive` listener after streams had become active.
   */
  activeStreams(): ActiveStream<keyof TStreams & string>[] {
    const { demand, renewTimers, subscriptions } = this.#parts
    renewTimers()
    return [...subscriptions.demanded(), ...demand.idling()] as ActiveStream<keyof TStreams & string>[]
  }

  // ── Five mappings, for code that expects a manager's state in five maps; and four counts ─────────────────────

  /** connectionId → socket. Like the other four mappings, this mapping is a live, read-only view. */
  get activeConnections(): ReadonlyMap<string, TSocket> {
    return this.#parts.mappings.activeConnections as ReadonlyMap<string, TSocket>
  }

  /** connectionId → userId. */
  get connectionUsers(): ReadonlyMap<string, string> {
    return this.#parts.mappings.connectionUsers
  }

  /** userId → connectionIds, oldest first. Users without a connection are not included. */
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

  /** How many connections there are. */
  get connectionCount(): number {
    return this.#parts.connections.byId.size
  }

  /** How many users have a connection. */
  get userCount(): number {
    return this.#parts.connections.userCount
  }

  /** How many subscriptions there are, pending ones included. */
  get subscriptionCount(): number {
    return this.#parts.subscriptions.count
  }

  /** How many streams have a subscriber, pending subscribers included. A private stream counts once for all users. */
  get streamCount(): number {
    return this.#parts.subscriptions.streamCount
  }

  /** Returns the four counts and `closed`, without any ids or messages. `JSON.stringify` and `console.log` print this object. */
  toJSON(): Pick<ConnectionManager, 'connectionCount' | 'userCount' | 'subscriptionCount' | 'streamCount' | 'closed'> {
    const { connectionCount, userCount, subscriptionCount, streamCount, closed } = this
    return { connectionCount, userCount, subscriptionCount, streamCount, closed }
  }

  // ── Events and shutdown ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Calls `listener` for each event of this name. Returns a function that removes the listener.
   *
   * Listeners run synchronously, in the order of their registration, when a state change is complete. The call that made the change returns after all
   * listeners have run. A function that is registered twice is called twice. A listener that is registered during a change (from a listener, a hook,
   * a `send`, a `toJSON`) is called from the next change on. Each call of a manager's method is one change. All calls in a batch are one change.
   *
   * If a listener throws or rejects, the call continues, and the manager emits `error` without a `connection`. An error that an `error` listener
   * throws is ignored. If there is no `error` listener, `console.warn` prints the first error of each stage.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an unknown event, or a listener that is not a function
   */
  on<TName extends keyof ManagerEvents>(
    event: TName,
    listener: (payload: ManagerEvents<TSocket, TStreams, TMetadata>[TName]) => void,
  ): () => void {
    return this.#parts.events.on(event, listener)
  }

  /**
   * Shuts the manager down: it refuses everything new, and removes all connections and subscriptions. Each socket first gets as many waiting messages
   * as it has room for. Then the manager closes all sockets in parallel, each once. A running delivery stops. Nothing more is sent.
   *
   * The promise resolves when all sockets are closed, or after `deadlineMs` (default 5,000). The result is a report of how the sockets closed. A
   * socket that is still closing at the deadline counts as `timedOut`. The report includes sockets of earlier removals that are still closing. A
   * socket of an earlier removal also keeps its own deadline. If `deadlineMs` is `0`, a socket counts as closed only if its `close` settles at once.
   * The promise keeps the process alive until it settles, unless `deadlineMs` is `Infinity`: then there is no timer, and only the sockets keep the
   * process alive. The promise never rejects. Later calls return the same promise.
   *
   * @throws `ERR_INVALID_OPTION` for a bad `deadlineMs`. On an error, nothing changes
   */
  cleanup(options: { readonly deadlineMs?: number | undefined } = {}): Promise<CleanupReport> {
    return this.#parts.lifecycle.cleanup(options)
  }

  /** True once `cleanup()` was called. */
  get closed(): boolean {
    return this.#parts.gate.isClosed
  }

  /** Casts a handle to this manager's types. The cast is safe, because a handle holds only values that callers of this manager passed in. */
  #own(handle: AnyConnection): Connection<TSocket, TStreams, TMetadata> {
    return handle as unknown as Connection<TSocket, TStreams, TMetadata>
  }
}
