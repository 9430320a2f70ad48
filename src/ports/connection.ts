import { ConnectionManagerError, describe } from '../errors.ts'
import type { PublishResult } from '../model/publish-result.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { ConnectionSubscribeRequest, OwnSubscription, StreamReference, StreamTypeName, Subscription } from '../model/subscription.ts'

/**
 * What the manager needs of a socket: anything that can send a text and be closed.
 *
 * Sockets of ws, Fastify, Hono, crossws, Bun, Deno, Workers and the DOM fit as they are. `send` may throw, or
 * answer with a promise that rejects: either ends the connection. Whatever else it answers is ignored.
 */
export interface Socket {
  /** Accepts a text for the peer. To be slow is no reason to throw: only that the text cannot be accepted. */
  send(text: string): void
  /** Ends the socket. A removal and `cleanup()` wait for its promise, where it answers with one. */
  close(): Promise<void> | void
}

/**
 * Returns the value as a socket.
 *
 * @throws `ERR_INVALID_SOCKET` when it has no callable `send` and `close`
 */
export function asSocket(value: unknown): Socket {
  let cause: unknown
  try {
    const { send, close } = value as Record<keyof Socket, unknown>
    if (typeof send === 'function' && typeof close === 'function') return value as Socket
  } catch (error) {
    cause = error
  }
  const message = `A socket needs callable send and close, got ${describe(value)}`
  throw new ConnectionManagerError('ERR_INVALID_SOCKET', message, {}, cause)
}

/** `readyState` of a WebSocket that is closing, and of one that is closed. */
const CLOSING_STATES: readonly unknown[] = [2, 3]

/** True if the socket itself says that it is closing, or closed. A `readyState` that is no number, or that throws, says nothing. */
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
 * | `peer-closed` | because the peer had gone: its transport's `onClose` said so, or the host did by `connection.remove({ close: false })` |
 * | `send-failed` | by the manager: the socket's `send`, or its transport's `write`, threw or rejected |
 * | `slow-consumer` | by the manager: more waited for it than `delivery.hardLimitBytes`, or something for longer than `delivery.maxLagMs` |
 * | `cleanup` | by `cleanup()` |
 */
export type CloseReason = 'removed' | 'peer-closed' | 'send-failed' | 'slow-consumer' | 'cleanup'

/**
 * The handle of one connection, from `addConnection`.
 *
 * It stands for this very connection: when the same id is used again later, an old handle never touches the
 * new connection. There is one handle for each connection. `id` and `userId` are own, enumerable properties: an
 * equality check compares these, and a log shows them. `JSON.stringify` gives `{"id":…,"userId":…}`.
 */
export interface Connection<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  /** The `connectionId` that it was added by, unique among the connections that are there. */
  readonly id: string
  /** Whose it is, for as long as it lasts. */
  readonly userId: string
  /** The very object that was added: what its transport does better is not done through it. */
  readonly socket: TSocket
  /** True from the moment at which the connection was removed, for whatever reason. */
  readonly removed: boolean

  /**
   * Returns the subscriptions that this connection holds for itself, oldest first, with the `filters` that it asked for. Those that only its
   * user holds are not among them. Empty once the connection was removed. The array is the caller's.
   */
  subscriptions(): OwnSubscription[]

  /**
   * Subscribes this connection alone; the subscription goes with it.
   *
   * Subscribing again is the same subscription and returns the same view. The `filters` of the last request replace this
   * connection's own, which are in `subscriptions()`. Those of another connection, or of the user, do not change.
   *
   * @throws `ERR_UNKNOWN_CONNECTION` once removed, `ERR_CLOSED` once `cleanup()` began, `ERR_FORBIDDEN`, `ERR_QUOTA_EXCEEDED`, and
   * for a malformed request `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`, or
   * `ERR_INVALID_ARGUMENT`, also for an unknown field and for a `userId` that is not the connection's own. Then nothing has
   * changed.
   */
  subscribe<TName extends StreamTypeName<TStreams>>(
    request: ConnectionSubscribeRequest<TStreams, TName>,
  ): Subscription<keyof TStreams & string>

  /**
   * Releases this connection's own hold on a subscription, with its filters; false if it has none. Only the stream counts; a
   * `userId` is ignored.
   *
   * A hold of the user's, or of another connection, is untouched: a connection that its user's subscription
   * covers goes on receiving. If it is not covered, what waits of the stream is discarded, the batch of this turn included. To
   * send that first, call `flush()`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if the argument is no object, has no `streamType`, or has an unknown field
   */
  unsubscribe(stream: StreamReference): boolean

  /**
   * Sends a text of the host's own to this connection: an acknowledgement, a refusal, a notice. Returns what became of it, as a publish to
   * one recipient does.
   *
   * The text leaves after what was published before it, in the same write, and counts against the same limits. So a client that sends
   * commands and does not read the answers ends as a slow consumer. While the connection is behind, the text waits among the private
   * messages. It is never conflated or dropped, and no unsubscribe or revocation discards it. During a delivery it is `deferred`. After the
   * connection was removed, and after `cleanup()`, it is `skipped`.
   *
   * @throws `ERR_INVALID_ARGUMENT` if it is no string, `ERR_QUOTA_EXCEEDED` if it is longer than `quotas.messageUnits`, `ERR_PUBLISH_DEPTH`; then
   * nothing is sent
   */
  send(text: string): PublishResult

  /**
   * Hands what waits for this connection to its socket now, as far as there is room: for a host that is about to write
   * to the socket itself. True when nothing waits any more; false, too, from within the `write` that is running.
   */
  flush(): boolean

  /**
   * Tells the manager that the socket may have room again, for hosts whose sockets say so in a handler of the server's.
   * Without it, and without `onDrain`, the manager looks every `delivery.drainIntervalMs`.
   */
  drained(): void

  /**
   * Removes this connection. The promise is true when this call removed it, false when it was gone already.
   *
   * The state has changed when the call returns; the promise settles when the socket's `close` did, or
   * `closeTimeoutMs` later. It never rejects. With `close: false` the socket is not touched, for a peer that is
   * gone already.
   *
   * @throws `ERR_INVALID_ARGUMENT` for options that cannot be read, an unknown option, or a `close` that is no boolean; then nothing has
   * changed
   */
  remove(options?: { readonly close?: boolean | undefined }): Promise<boolean>
}

/** A handle as the rooms know it, whatever the manager's sockets and catalogue are. */
export type AnyConnection = Connection<Socket, StreamCatalogue>
