import { ConnectionManagerError, describe } from '../errors.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { ConnectionSubscribeRequest, OwnSubscription, StreamReference, StreamTypeName, Subscription } from '../model/subscription.ts'

/**
 * All that the manager needs of a socket: methods to send a text and to close the socket.
 *
 * You can use sockets of ws, Fastify, Hono, crossws, Bun, Deno, Workers and the DOM directly. If `send` throws, or returns a promise that rejects,
 * the connection is removed. Any other return value is ignored.
 */
export interface Socket {
  /**
   * Accepts a text for the peer. If the host sends bytes (by `serialize`, `serializeNotice`, the option `text` or `connection.send`), `send` must
   * accept bytes too. Throw only if the message cannot be accepted, not because the peer is slow.
   */
  send(text: string): void
  /** Closes the socket. If `close` returns a promise, a removal waits for it for up to `closeTimeoutMs`, and `cleanup()` for up to `deadlineMs`. */
  close(): Promise<void> | void
}

/**
 * Returns the value as a socket.
 *
 * @throws `ERR_INVALID_SOCKET` if `send` or `close` is not a function, or if reading them throws
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
 * | `removed` | by `removeConnection`, `removeUser` or `connection.remove()`: called by the host, or for example by the command server or a drain |
 * | `peer-closed` | because the peer had gone: its transport's `onClose` reported it, or `connection.remove({ close: false })` was called |
 * | `send-failed` | by the manager: the socket's `send`, or its transport's `write`, threw or rejected, or a gap notice could not be made |
 * | `slow-consumer` | by the manager: messages that must be kept exceeded `delivery.hardLimitBytes`, or one waited for `delivery.maxLagMs` |
 * | `cleanup` | by `cleanup()` |
 */
export type CloseReason = 'removed' | 'peer-closed' | 'send-failed' | 'slow-consumer' | 'cleanup'

/**
 * The handle of one connection, from `addConnection`.
 *
 * There is one handle for each connection. If the same id is used again later, an old handle never affects the new connection. `id` and `userId` are
 * own, enumerable properties. So an equality check compares both ids, and a log shows both ids. `JSON.stringify` returns `{"id":…,"userId":…}`.
 */
export interface Connection<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The `connectionId` given to `addConnection`. No two current connections have the same id. */
  readonly id: string
  /** The user who owns the connection. `reassign` changes `userId`. */
  readonly userId: string
  /** The object that was given to `addConnection`. Writing to the socket directly bypasses the connection's transport and send queue. */
  readonly socket: TSocket
  /** True once the connection has been removed, for any reason. */
  readonly removed: boolean
  /**
   * Any value of your own for this connection, such as the device or the token. You may change the value at any time. The manager never reads the
   * value. The property is not enumerable, so logs and equality checks ignore it. If `addConnection` got no metadata, the value is `undefined` until
   * you set it.
   */
  metadata: TMetadata
  /**
   * The size of the messages that wait because the connection is behind: its socket has no room. A message whose frame has a `byteLength` counts in
   * bytes. Any other message counts in UTF-16 units of its text, or in bytes if its text is bytes. `0` while the connection keeps up, and once it has
   * been removed. Gap notices do not count, nor do messages that wait only for the end of the current turn of the event loop.
   */
  readonly waitingBytes: number
  /** How long the connection has been behind, in milliseconds. `0` while the connection keeps up, and once it has been removed. */
  readonly behindForMs: number

  /**
   * Returns the subscriptions that this connection holds for itself, in the order in which it subscribed, each with this connection's `filters`.
   * Subscriptions that only its user holds are not included. Empty once the connection has been removed. Each call returns a new array.
   */
  subscriptions(): OwnSubscription[]

  /**
   * Subscribes this connection only. The connection holds the subscription until it unsubscribes or is removed, or until the host ends the
   * subscription, for example with `revoke`. `reassign` releases the subscriptions to private streams, and those that `authorize` refuses.
   *
   * As long as the subscription lasts, subscribing again returns the same object. The object always shows the present state of the subscription. The
   * `filters` of the new request replace this connection's earlier filters, and `subscriptions()` returns the new ones. The filters of other
   * connections, and of the user, do not change.
   *
   * @throws `ERR_UNKNOWN_CONNECTION` once the connection is removed, `ERR_CLOSED` once `cleanup()` began, `ERR_QUOTA_EXCEEDED`, and `ERR_FORBIDDEN`
   * if `authorize` refuses the subscription or reassigns the connection. A malformed request throws `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`,
   * `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID` or `ERR_INVALID_ARGUMENT`. An unknown field, and a `userId` other than the connection's own, also
   * throw `ERR_INVALID_ARGUMENT`. After an error, nothing has changed.
   */
  subscribe<TName extends StreamTypeName<TStreams>>(
    request: ConnectionSubscribeRequest<TStreams, TName>,
  ): Subscription<keyof TStreams & string>

  /**
   * Ends this connection's own subscription to a stream. Returns false if the connection has no such subscription. A `userId` in the argument is
   * ignored.
   *
   * Other connections, and the user, keep their subscriptions. If the user still holds the subscription, or another subscription covers the stream,
   * this connection still receives the stream. Otherwise the stream's waiting messages for this connection are purged, including those of the current
   * turn. To send these messages first, call `flush()` before you unsubscribe.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, has no `streamType`, or has an unknown field
   */
  unsubscribe(stream: StreamReference): boolean

  /**
   * Purges the waiting messages of a stream for this connection. If a message of the stream is being delivered, this connection does not get the
   * message. The connection still gets messages that were published during this delivery, because these are deferred. Without a symbol, the call
   * applies to all streams of the type. The subscription stays. Use `purge` before you send the same messages again, for example to a client that
   * resumes.
   *
   * Returns false if there was no message to discard. Returns true while a message of the stream is being delivered, even if this connection has the
   * message already.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is not an object, has no `streamType`, or has an unknown field
   */
  purge(stream: StreamReference): boolean

  /**
   * Sends your own text or bytes to this connection, such as an acknowledgement or a refusal. Returns the same counts as a publish to one
   * recipient.
   *
   * While the connection keeps up, the text is sent after all messages that were published earlier. While the connection is behind, the text waits
   * with the private messages, and is sent before waiting public messages. The text counts against the same limits as messages. So a client that
   * sends commands and does not read the answers is removed as a slow consumer. No newer message replaces the text. The text is never dropped. While
   * it waits, only `reassign` and the removal of the connection can purge it. During a delivery the text is `deferred`. After the connection was
   * removed, and after `cleanup()`, the text is `skipped`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the text is neither a string nor a `Uint8Array`, `ERR_QUOTA_EXCEEDED` if the text is longer than
   * `quotas.messageUnits`, and `ERR_PUBLISH_DEPTH`. After an error, nothing is sent
   */
  send(text: string | Uint8Array): PublishResult

  /**
   * Sends waiting messages to the socket now, as far as the socket has room. Call `flush` before you write to the socket yourself.
   *
   * Returns true if no message waits any more. While another flush of this connection is running, for example within the transport's `write`, `flush`
   * sends nothing and returns false.
   */
  flush(): boolean

  /**
   * Tells the manager that the socket may have room again. Call `drained` in your server's drain handler.
   *
   * If the transport has no `onDrain`, the manager also checks the socket of a connection that is behind, every `delivery.drainIntervalMs`
   * milliseconds. So without the call, messages only wait longer, unless `drainIntervalMs` is `Infinity`.
   */
  drained(): void

  /**
   * Moves this connection to another user, for a login on a live connection. If `userId` is the current user, nothing changes.
   *
   * The call first sends as many waiting messages as the socket has room for. Then, in one step:
   *
   * - Waiting private messages of the old user, and waiting texts from `send`, are purged. Notices about public streams stay, except the gap notice
   *   for dropped messages if `authorize` refuses its stream. A running delivery sends this connection no more private messages of the old user.
   * - The connection keeps its own subscriptions to public streams, with their filters, as subscriptions of the new user. It stops holding its own
   *   subscriptions to private streams. A subscription of the old user continues if the old user has another connection, and the old user or another
   *   connection holds this subscription. Otherwise the subscription ends, and its status is `DISCONNECTED`.
   * - The subscriptions that `addSubscription` made for the old user no longer apply to the connection. Those for the new user apply instead.
   * - Waiting messages of public streams stay in their places.
   *
   * `authorize` is called with the new user's id for each public stream that the connection itself is subscribed to. It is also called for each
   * public stream with a message that waits for the connection, or with a message whose delivery has not ended. If `authorize` refuses, the
   * connection does not keep its subscription, and its waiting messages of the stream are purged. If `authorize` does not refuse, and the connection
   * receives the stream before and after the call, the connection misses no message of the stream, and the stream stays active.
   *
   * Emits `connectionReassigned`, `userOnline` if it is the new user's first connection, and `userOffline` with reason `reassigned` if it was the old
   * user's last one. Also emits an event for each subscription that begins, changes or ends.
   *
   * @throws `ERR_INVALID_ID`, `ERR_UNKNOWN_CONNECTION` once the connection is removed, `ERR_CLOSED`, and `ERR_QUOTA_EXCEEDED` for a quota of the new
   * user. After an error, nothing has changed, except that waiting messages may have been sent
   */
  reassign(userId: string): void

  /**
   * Removes this connection. Resolves to true if this call removed the connection, and to false if the connection had been removed before.
   *
   * The state has changed when the call returns. The promise settles when the socket's `close` has settled, or after `closeTimeoutMs`. The promise
   * never rejects. Use `close: false` if the peer has gone already: the socket is then not touched.
   *
   * Give a `code` or a `reason` to tell the peer why. The manager passes both to `socket.close(code, reason)`, or to the transport's `close`. A
   * `code` is 1000 to 1003, 1007 to 1013, or 3000 to 4999 (RFC 6455, 7.4, and the codes 1012 and 1013 of IANA). A `reason` has at most 123 bytes of
   * UTF-8. If there is only a `reason`, the code is 1000.
   *
   * @throws `ERR_INVALID_ARGUMENT` for options that cannot be read, an unknown option, a `close` that is not a boolean, any other `code`, a `reason`
   * that is longer or not a string, or a `code` or `reason` together with `close: false`. After an error, nothing has changed
   */
  remove(options?: RemovalOptions): Promise<boolean>
}

/** The options of `connection.remove`. */
export interface RemovalOptions {
  /**
   * Whether to close the socket. Use `false` if the peer has gone already.
   *
   * @default true
   */
  readonly close?: boolean | undefined
  /** The close code for the peer. */
  readonly code?: number | undefined
  /** A short text for the peer. */
  readonly reason?: string | undefined
}

/** The close code and the reason that a peer gets when its connection is closed. */
export interface CloseDetails {
  /** A close code that `connection.remove` takes. `1000` if the host gave only a reason. */
  readonly code: number
  /** A text of at most 123 bytes of UTF-8. `''` if the host gave only a code. */
  readonly reason: string
}

/** A handle for any kind of socket, any catalogue and any metadata. */
export type AnyConnection = Connection<Socket, StreamCatalogue>
