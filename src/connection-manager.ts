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

/** No argument for the default catalogue. For any other, one argument of type `never`, so a call without `streams` does not compile. */
type MissingStreams<TStreams> = [TradingStreams] extends [TStreams] ? [] : [streamsAreMissingInTheOptions: never]

export interface ConnectionManager<in out TSocket extends Socket, in out TStreams extends StreamCatalogue, in out TMetadata> extends Disposal {}

/**
 * Knows who is connected and what each user is subscribed to. Delivers each message at most once to each of its recipients.
 *
 * State changes are synchronous and atomic. When a call returns, every index agrees and every listener was told. A method returns a promise
 * only if it waits for sockets to close. The state has changed by the time the promise is returned.
 *
 * Bad arguments throw synchronously. A failing socket never throws: the failure is counted, and the manager emits `error`.
 *
 * A message takes this path: `publish` finds the subscribed connections and serializes the message once. Each socket gets the text at once, or
 * through a send queue. If a client reads too slowly, its messages wait in the send queue. There a newer message may replace an older one. If too
 * much waits, or it waits too long, messages are dropped, and the client is told. If their stream type does not allow that, the client is a slow
 * consumer: its connection is removed and its socket is closed.
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
    attachRecorder(this.#parts.options, this)
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds a socket as a connection of a user, and returns the connection's handle.
   *
   * From the next message on, the connection gets the messages that its user is subscribed to. The user's pending subscriptions become
   * `CONNECTED`. Adding the same id, socket and user again returns the existing handle. One socket under two ids is two connections.
   *
   * A `transport` says how to write to this connection's socket, and how to measure and close it. It replaces the one in the manager's options. If it
   * has `onClose`, the manager removes the connection when its socket has closed. `metadata` becomes `connection.metadata`. It is required if the
   * manager's type of metadata does not include `undefined`.
   *
   * @throws `ERR_INVALID_ID`, `ERR_INVALID_SOCKET`, `ERR_SOCKET_CLOSED` if the socket's `readyState` is 2 or 3 or its transport says that it
   * is closed, `ERR_DUPLICATE_CONNECTION` if another socket or user has the id, `ERR_INVALID_OPTION` for a bad transport,
   * `ERR_QUOTA_EXCEEDED`, `ERR_CLOSED`; then nothing has changed
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
   * Removes a connection and closes its socket. The promise is true if this call removed it, false for an unknown id.
   *
   * If it is the user's last connection, all of the user's subscriptions end in the same call. The promise settles when the socket's `close`
   * has settled, or after `closeTimeoutMs`. It never rejects. The process stays alive until then.
   */
  async removeConnection(connectionId: string): Promise<boolean> {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection !== undefined && this.#parts.lifecycle.remove(connection, PLAIN_REMOVAL)
  }

  /**
   * Removes all connections of a user, for a ban or a logout. The promise says how many there were.
   *
   * The user's subscriptions end, pending ones included. The promise waits as that of `removeConnection` does.
   */
  async removeUser(userId: string): Promise<number> {
    return this.#parts.lifecycle.removeUser(userId)
  }

  /** Returns the handle of a connection, `undefined` for an unknown id. */
  getConnection(connectionId: string): Connection<TSocket, TStreams, TMetadata> | undefined {
    const connection = this.#parts.connections.byId.get(connectionId)
    return connection && this.#own(connection)
  }

  /** Returns the sockets of a user, oldest first; empty for an unknown user. The array is the caller's. */
  getUserConnections(userId: string): TSocket[] {
    return this.#parts.lifecycle.socketsOf(userId) as TSocket[]
  }

  /** Iterates over the handles of all connections, oldest first. Connections may be added and removed meanwhile. */
  *connections(): Generator<Connection<TSocket, TStreams, TMetadata>, undefined> {
    for (const connection of this.#parts.connections.byId.values()) yield this.#own(connection)
  }

  /**
   * Iterates over the connections that receive exactly this stream, for audits and counts. A connection that only receives it through a subscription
   * to the whole type is not included. On a private stream, the connections of all users are included.
   *
   * The call fixes the set. A connection may be removed while you iterate.
   */
  connectionsOf(streamType: string, symbol?: string | null): IterableIterator<Connection<TSocket, TStreams, TMetadata>> {
    return this.#parts.subscriptions.connectionsOf(streamType, symbol).map((each) => this.#own(each)).values()
  }

  // ── Subscriptions ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Subscribes a user: all of their present and future connections. Returns a live view of the subscription.
   *
   * Subscribing again returns the same view, with the `filters` of this call. A connection's own filters are separate. A user without a connection
   * may be subscribed: see `pendingTtlMs`. If the symbol of the stream type is optional, a request without one means the whole type.
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
   * Ends a subscription for all of its holders: the user, and any connection. Returns false if there was none.
   *
   * Messages of the stream that wait for the user's connections are purged, the batch of this turn included. A malformed id returns false.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, lacks its `userId` or `streamType`, or has an unknown field
   */
  removeSubscription(subscription: SubscriptionReference): boolean {
    return this.#parts.subscribing.end(subscription)
  }

  /**
   * Revokes streams that a user may no longer see: ends all subscriptions to them, and purges their messages that wait for the user's connections.
   * Returns how many subscriptions ended.
   *
   * Once it has returned, no earlier message of these streams is handed to a socket of these users. This includes messages that were being delivered,
   * deferred or waiting, whichever method sent them. Messages that a socket has accepted already cannot be called back.
   *
   * An absent field matches any value: `{ userId }` revokes all streams of the user, `{ streamType }` revokes a stream type for all users. A `symbol`
   * also ends subscriptions to whole types that cover it. A user may subscribe again later, so change what `authorize` answers first.
   *
   * @throws `ERR_INVALID_ARGUMENT` if no field says what to revoke, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`,
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
   * Pending subscribers are included. If a symbol is given, subscribers of the whole type are not. The array is the caller's.
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
   * The recipients are fixed when the delivery starts, which is now. The message is serialized once, or not at all if there are no recipients.
   *
   * A `send`, a listener or a `toJSON` may call this while a delivery is running. Then the message is serialized now and delivered later, to the
   * connections that are subscribed by then. The result says `deferred`, and `stats()` counts what becomes of the message. Connections in `except`
   * are not recipients. If there is a `text`, it is the message's wire form, and `data` may be absent.
   *
   * @throws `ERR_INVALID_MESSAGE`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`,
   * `ERR_INVALID_ID`, `ERR_RECIPIENT_REQUIRED`, `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_INVALID_ARGUMENT` for bad options, `ERR_UNSERIALIZABLE`,
   * `ERR_QUOTA_EXCEEDED`, `ERR_PUBLISH_DEPTH`, `ERR_CLOSED`; then nobody receives anything
   */
  publish(message: PublishableMessage<TStreams>, options?: PublishOptions): PublishResult
  publish(message: WithoutData<PublishableMessage<TStreams>>, options: PublishOptions & { readonly text: string | Uint8Array }): PublishResult
  publish(message: unknown, options?: unknown): PublishResult {
    const result = this.#parts.publishing.publish(message, options)
    // Nobody is subscribed. Perhaps the host still publishes because a timer was lost, and so `streamIdle` has not been emitted.
    if (result.matched === 0) this.#parts.renewTimers()
    return result
  }

  /**
   * Delivers a message to all connections of a user, subscribed or not. A private message is addressed to this user, so its `userId` may be absent.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` if the message names another user
   */
  sendToUser(userId: string, message: AddressedMessage<TStreams>): PublishResult {
    return this.#parts.publishing.sendToUser(userId, message)
  }

  /**
   * Delivers a message to one connection, subscribed or not. A private message may leave out `userId`: it goes to the connection's user.
   *
   * An unknown connection is not an error, because it may have been removed a moment ago. Then `matched` is 0. `text` is as in `publish`.
   *
   * @throws what `publish` throws, `ERR_RECIPIENT_MISMATCH` if the message names another user
   */
  sendToConnection(connectionId: string, message: AddressedMessage<TStreams>, options?: SendOptions): PublishResult
  sendToConnection(connectionId: string, message: WithoutData<AddressedMessage<TStreams>>, options: SendOptions & { readonly text: string | Uint8Array }): PublishResult
  sendToConnection(connectionId: string, message: unknown, options?: unknown): PublishResult {
    return this.#parts.publishing.sendToConnection(connectionId, message, options)
  }

  /**
   * Delivers a public message to every connection, subscribed or not.
   *
   * @throws what `publish` throws; for a private message `ERR_RECIPIENT_REQUIRED`, or `ERR_RECIPIENT_NOT_ALLOWED`
   * if it names a user
   */
  broadcast(message: PublicMessage<TStreams>): PublishResult {
    return this.#parts.publishing.broadcast(message)
  }

  /**
   * Runs `act` as one step. Listeners are called when the step ends. What `act` publishes is delivered at once, in order. What a socket or a `toJSON`
   * publishes meanwhile is deferred to the end of the step. A batch within another one is part of it. Returns what `act` returns.
   *
   * @throws what `act` throws, after the step is settled, and `ERR_INVALID_ARGUMENT` if `act` returns a promise, because a step is synchronous
   */
  batch<TOutcome>(act: () => TOutcome): TOutcome {
    return this.#parts.changes.batch(act)
  }

  /**
   * Sends a gap notice to all connections that receive this stream: messages are missing. `dropped` is how many, or `undefined` if that is unknown.
   * Without a symbol, connections that receive any stream of the type get one notice each. A notice is sent like a text of `connection.send`.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`, `ERR_RECIPIENT_REQUIRED` for a private
   * stream without its user, `ERR_RECIPIENT_NOT_ALLOWED` for a public one with a user, `ERR_PUBLISH_DEPTH`, `ERR_CLOSED`; then nobody is told
   */
  notifyGap(stream: StreamSource<TStreams>, dropped: number | undefined): void {
    this.#parts.noticing.notifyGap(stream, dropped)
  }

  /**
   * Sets the status of the upstream source of exactly this stream. Its subscriptions have that status until you set `CONNECTED`, or the last of them
   * ends. At each change, each connection that receives the stream gets a status notice. A connection that begins to receive it later gets one too,
   * unless the status is `CONNECTED`. A notice is sent like a text of `connection.send`. Returns false, and does nothing, if nobody is subscribed to
   * the stream.
   *
   * @throws what `notifyGap` throws, and `ERR_SYMBOL_REQUIRED`; then nothing has changed
   */
  setStreamStatus(stream: StreamSource<TStreams>, status: StreamStatus): boolean {
    return this.#parts.noticing.setStreamStatus(stream, status)
  }

  /**
   * Returns what became of all messages so far, and how much is waiting: see `Stats`. A message counts once for each connection, and from the start
   * of its delivery. The cost grows with the number of connections with waiting messages.
   */
  stats(): Stats {
    return this.#parts.delivery.stats()
  }

  /**
   * Returns the active streams: those with a connected subscriber, and those that lost their last one less than `idleDelayMs` ago. Use it if your
   * listener was registered too late for `streamActive`. The array is the caller's.
   */
  activeStreams(): ActiveStream<keyof TStreams & string>[] {
    const { demand, renewTimers, subscriptions } = this.#parts
    renewTimers()
    return [...subscriptions.demanded(), ...demand.idling()] as ActiveStream<keyof TStreams & string>[]
  }

  // ── Five mappings, for compatibility with managers that keep their state in five maps, and how much is in them ──

  /** connectionId → socket. Like all five mappings, it is a live and read-only view, for code that expects maps. */
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

  /** How many streams have a subscriber, pending ones included. */
  get streamCount(): number {
    return this.#parts.subscriptions.streamCount
  }

  /** Returns the counts only, no ids or messages. `JSON.stringify` and `console.log` print this. */
  toJSON(): Pick<ConnectionManager, 'connectionCount' | 'userCount' | 'subscriptionCount' | 'streamCount' | 'closed'> {
    const { connectionCount, userCount, subscriptionCount, streamCount, closed } = this
    return { connectionCount, userCount, subscriptionCount, streamCount, closed }
  }

  // ── Events and shutdown ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Calls `listener` for each event of this name. Returns a function that removes the listener.
   *
   * Listeners run synchronously, in the order of their registration. They run when a state change is complete, before the call that made it returns.
   * A function that is registered twice is called twice. One that is registered during a change (from a listener, a hook, a `send`, a `toJSON`) is
   * called from the next change on. One call of the manager's methods is one change, with all its events.
   *
   * If a listener throws or rejects, the call goes on, and the manager emits `error` without a `connection`. Errors of an error listener are
   * swallowed. If there is no error listener, `console.warn` prints the first error of each stage.
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
   * Shuts down. It refuses new connections from now on, and removes every connection and subscription. It first hands waiting messages to each
   * socket, as far as it has room. Then it closes all sockets in parallel, each once. A running delivery stops here, and nothing is sent afterwards.
   *
   * The promise never rejects, and keeps the process alive. When all sockets are closed, or after `deadlineMs` (default 5,000), it resolves to a
   * report of how they ended. It also waits for sockets of earlier removals that are still closing, and counts them; these keep their own deadlines.
   * A socket that is still closing by then counts as `timedOut`. With `0`, only a `close` that has settled already counts as closed. `Infinity` waits
   * without a timer, so only the sockets keep the process alive. Later calls get the same promise.
   *
   * @throws `ERR_INVALID_OPTION` for a bad `deadlineMs`; then nothing has changed
   */
  cleanup(options: { readonly deadlineMs?: number | undefined } = {}): Promise<CleanupReport> {
    return this.#parts.lifecycle.cleanup(options)
  }

  /** True once `cleanup()` was called. */
  get closed(): boolean {
    return this.#parts.gate.isClosed
  }

  /** Casts a handle to this manager's types. That is safe, because the parts hold only what callers of this manager passed in. */
  #own(handle: AnyConnection): Connection<TSocket, TStreams, TMetadata> {
    return handle as unknown as Connection<TSocket, TStreams, TMetadata>
  }
}
