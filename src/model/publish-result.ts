/**
 * What became of one message, in connections: `matched` is the sum of the other counts.
 *
 * All zero while `deferred` is true: then the message waits for its turn, and what becomes of it is in `stats()`.
 */
export interface PublishResult {
  /** Recipients when the delivery started. */
  readonly matched: number
  /** Accepted by the socket, or into the batch that leaves at the end of this turn. The peer may not have received it. */
  readonly sent: number
  /** Waiting because the connection is behind. */
  readonly queued: number
  /** Waiting in the place of an older message of the same stream. */
  readonly conflated: number
  /** Given up because too much was waiting; the client is told by a gap notice. */
  readonly dropped: number
  /**
   * The socket's `send` threw, the transport could not make a frame of it, or it was one too many for a slow consumer,
   * which was disconnected.
   */
  readonly failed: number
  /** Removed or unsubscribed before its turn. */
  readonly skipped: number
  /** True when another delivery was running: this one follows it, in order. */
  readonly deferred: boolean
}

export function emptyResult(deferred: boolean): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred }
}
