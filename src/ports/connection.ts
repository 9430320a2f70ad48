import { ConnectionManagerError, describe } from '../errors.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { ConnectionSubscribeRequest, OwnSubscription, StreamReference, StreamTypeName, Subscription } from '../model/subscription.ts'

/**
 * All that the manager needs of a socket: it can send a text, and it can be closed.
 *
 * Sockets of ws, Fastify, Hono, crossws, Bun, Deno, Workers and the DOM fit as they are. If `send` throws, or returns a promise that rejects,
 * the connection is removed. Any other return value is ignored.
 */
export interface Socket {
  /**
   * Accepts a text for the peer. It must also accept bytes if the host sends bytes: by `serialize`, `serializeNotice`, `text` or `connection.send`.
   * Throw only if the message cannot be accepted, not because the peer is slow.
   */
  send(text: string): void
  /** Closes the socket. If it returns a promise, a removal and `cleanup()` wait for that. */
  close(): Promise<void> | void
}

/**
 * Returns the value as a socket.
 *
 * @throws `ERR_INVALID_SOCKET` unless it has callable `send` and `close`
 */
export function asSocket(value: unknown): Socket {
  let cause: unknown
  try {
    const { send, close } = value as Record<keyof Socket, unknown>
    if (typeof send === 'function' && typeof close === 'function') return value as Socket
  } catch (error) {
    cause = error
  }
  const message = `Expected a socket with methods \`send\` and \`close\`, got ${describe(value)}`
  throw new ConnectionManagerError('ERR_INVALID_SOCKET', message, {}, cause)
}

/** The `readyState` of a WebSocket that is closing (2) or closed (3). */
const CLOSING_STATES: readonly unknown[] = [2, 3]

/** True if the socket's `readyState` says that it is closing or closed. False if `readyState` is anything else, or throws. */
export function isClosed(socket: Socket): boolean {
  try {
    return CLOSING_STATES.includes((socket as { readonly readyState?: unknown }).readyState)
  } catch {
    return false
  }
}

/**
 * Why a connection was removed.
 *
 * | reason | the connection was removed |
 * | --- | --- |
 * | `removed` | by the host: `removeConnection`, `removeUser` or `connection.remove()` |
 * | `peer-closed` | because the peer had gone: its transport's `onClose` reported it, or the host called `connection.remove({ close: false })` |
 * | `send-failed` | by the manager: the socket's `send`, or its transport's `write`, threw or rejected |
 * | `slow-consumer` | by the manager: more than `delivery.hardLimitBytes` waited, or a message waited longer than `delivery.maxLagMs` |
 * | `cleanup` | by `cleanup()` |
 */
export type CloseReason = 'removed' | 'peer-closed' | 'send-failed' | 'slow-consumer' | 'cleanup'

/**
 * The handle of one connection, from `addConnection`.
 *
 * There is one handle for each connection. If the same id is used again later, an old handle never affects the new connection. `id` and
 * `userId` are own, enumerable properties, so an equality check compares them and a log shows them. `JSON.stringify` returns
 * `{"id":…,"userId":…}`.
 */
export interface Connection<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The `connectionId` given to `addConnection`. No two current connections have the same id. */
  readonly id: string
  /** The user who owns the connection. `reassign` changes it. */
  readonly userId: string
  /** The object that was given to `addConnection`. Writing to it directly bypasses the connection's transport and send queue. */
  readonly socket: TSocket
  /** True once the connection has been removed, for any reason. */
  readonly removed: boolean
  /**
   * Anything of your own that belongs to this connection, such as the device or the token. You may set it at any time. The manager never
   * reads it. It is not enumerable, so no log and no equality check shows it. `undefined` if `addConnection` got none.
   */
  metadata: TMetadata
  /**
   * How much waits because the connection is behind: UTF-16 units of the texts, or bytes of the frames that have a `byteLength`. `0` while the
   * connection keeps up, and once it has been removed. A batch that waits for the end of the turn does not count.
   */
  readonly waitingBytes: number
  /** How long the connection has been behind, in milliseconds of the monotonic clock. `0` while it keeps up, and once it has been removed. */
  readonly behindForMs: number

  /**
   * Returns the subscriptions that this connection holds for itself, oldest first, each with this connection's `filters`. Subscriptions that only
   * its user holds are not included. Empty once the connection has been removed. Each call returns a new array.
   */
  subscriptions(): OwnSubscription[]

  /**
   * Subscribes this connection only, until it unsubscribes or is removed.
   *
   * Subscribing twice returns the same view. The `filters` of the new request replace this connection's earlier ones, and
   * `subscriptions()` returns them. The filters of other connections, and of the user, do not change.
   *
   * @throws `ERR_UNKNOWN_CONNECTION` once the connection is removed, `ERR_CLOSED` once `cleanup()` began, `ERR_FORBIDDEN`, also if
   * `authorize` gives the connection to another user, and `ERR_QUOTA_EXCEEDED`. A malformed request throws `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`
   * or `ERR_INVALID_ARGUMENT`. The last is also for an unknown field, and for a `userId` other than the connection's own. After a throw
   * nothing has changed.
   */
  subscribe<TName extends StreamTypeName<TStreams>>(
    request: ConnectionSubscribeRequest<TStreams, TName>,
  ): Subscription<keyof TStreams & string>

  /**
   * Ends this connection's own subscription to a stream. Returns false if it has none. A `userId` in the argument is ignored.
   *
   * Other connections, and the user, keep their subscriptions. If the user's subscription still covers the stream, this connection goes
   * on receiving it. Otherwise its waiting messages of the stream are purged, the batch of this turn included. To send them first, call
   * `flush()`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, has no `streamType`, or has an unknown field
   */
  unsubscribe(stream: StreamReference): boolean

  /**
   * Purges the messages of a stream that wait for this connection, and leaves it out of the delivery that is running. Deferred messages still come.
   * Without a symbol, this applies to all streams of the type. The subscription stays. Use it before you send the same messages again, as a resume
   * does.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, has no `streamType`, or has an unknown field
   */
  purge(stream: StreamReference): void

  /**
   * Sends your own text or bytes to this connection, such as an acknowledgement or a refusal. Returns the same counts as a publish to one
   * recipient.
   *
   * The text is sent after everything published before it, in the same write. It counts against the same limits, so a client that sends
   * commands and does not read the answers is removed as a slow consumer. While the connection is behind, the text waits with the private
   * messages. It is never conflated or dropped, and no unsubscribe or revocation purges it. During a delivery it is `deferred`. After the
   * connection was removed, and after `cleanup()`, it is `skipped`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if it is neither a string nor a `Uint8Array`, `ERR_QUOTA_EXCEEDED` if it is longer than `quotas.messageUnits`,
   * `ERR_PUBLISH_DEPTH`. After a throw nothing is sent
   */
  send(text: string | Uint8Array): PublishResult

  /**
   * Sends waiting messages to the socket now, as far as it has room. Call it before you write to the socket yourself.
   *
   * True if nothing waits any more. Within a running `write` of this connection it is always false.
   */
  flush(): boolean

  /**
   * Tells the manager that the socket may have room again. Call it if your server reports a drain in a handler of its own.
   *
   * Without it, and without a transport's `onDrain`, the manager checks every `delivery.drainIntervalMs`.
   */
  drained(): void

  /**
   * Gives this connection to another user, for a login on a live connection. The same user again changes nothing.
   *
   * First it sends what the socket has room for. Then, in one step:
   *
   * - Private messages of the old user, and texts from `send`, that still wait are purged. A running delivery no longer sends them.
   * - The connection's own subscriptions to public streams become the new user's, with their filters. Their old views are `DISCONNECTED`.
   *   Those to private streams end.
   * - The connection stops receiving the old user's subscriptions, and begins to receive the new user's.
   * - Messages of public streams that wait stay in their places.
   *
   * `authorize` is called with the new user's id for each public stream that the connection holds for itself, or that has messages waiting. If it
   * refuses, the subscription ends, and the stream's waiting messages are purged. If the connection receives a stream before and after, it misses no
   * message of it, and the stream stays active.
   *
   * Emits `connectionReassigned`, `userOnline` if it is the new user's first connection, and `userOffline` with reason `reassigned` if it was the
   * old user's last one.
   *
   * @throws `ERR_INVALID_ID`, `ERR_UNKNOWN_CONNECTION` once the connection is removed, `ERR_CLOSED`, and `ERR_QUOTA_EXCEEDED` for a quota of the
   * new user. After a throw nothing has changed
   */
  reassign(userId: string): void

  /**
   * Removes this connection. Resolves to true if this call removed it, and to false if it had been removed before.
   *
   * The state has changed when the call returns. The promise settles when the socket's `close` does, or after `closeTimeoutMs`. It never
   * rejects. With `close: false` the socket is not touched: use it if the peer has gone already.
   *
   * With a `code` or a `reason`, the peer learns why: they go to `socket.close(code, reason)`, or to the transport's `close`. A `code` is 1000 to
   * 1003, 1007 to 1013, or 3000 to 4999 (RFC 6455, 7.4). A `reason` has at most 123 bytes of UTF-8. If there is only a `reason`, the code is 1000.
   *
   * @throws `ERR_INVALID_ARGUMENT` for options that cannot be read, an unknown option, a `close` that is not a boolean, another `code`, a longer
   * `reason`, or a `code` or `reason` together with `close: false`. After a throw nothing has changed
   */
  remove(options?: RemovalOptions): Promise<boolean>
}

/** How `connection.remove` ends a connection. */
export interface RemovalOptions {
  /**
   * False if the peer has gone already. Then the socket is not touched.
   *
   * @default true
   */
  readonly close?: boolean | undefined
  /** The close code for the peer. */
  readonly code?: number | undefined
  /** A short text for the peer. */
  readonly reason?: string | undefined
}

/** What the peer is told when its connection is closed. */
export interface CloseDetails {
  /** A close code that `connection.remove` takes. `1000` if the host gave only a reason. */
  readonly code: number
  /** A text of at most 123 bytes of UTF-8. `''` if the host gave only a code. */
  readonly reason: string
}

/** A handle for any kind of socket, any catalogue and any metadata. */
export type AnyConnection = Connection<Socket, StreamCatalogue>
