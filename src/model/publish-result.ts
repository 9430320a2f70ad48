/**
 * What happened to one message. Each count is a number of connections, and `matched` is the sum of the other counts.
 *
 * If `deferred` is true, all counts are zero, because the message is delivered later. Only `stats()` counts that delivery.
 */
export interface PublishResult {
  /** Connections that were recipients when the delivery started. */
  readonly matched: number
  /**
   * The socket accepted the message, or the message is in the batch that is written at the latest at the end of this turn of the event loop. The
   * client may still not receive the message.
   */
  readonly sent: number
  /** The message waits because the connection is behind. */
  readonly queued: number
  /** The message waits, and has replaced an older message of the same stream. */
  readonly conflated: number
  /** The message was dropped because too much waited for the connection. A gap notice tells the client. */
  readonly dropped: number
  /**
   * The socket's `send`, or the transport's `frame` or `write`, threw, or `frame` returned a promise. Or the connection was removed as a slow
   * consumer, because too much waited for it, or a message waited too long.
   */
  readonly failed: number
  /** The connection was no longer a recipient when the delivery reached it: for example, it was removed or unsubscribed meanwhile. */
  readonly skipped: number
  /**
   * True if other messages were being handed to sockets, so that this message is delivered later. Deferred messages are delivered in the order in
   * which they were published.
   */
  readonly deferred: boolean
}

export function emptyResult(deferred: boolean): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred }
}
