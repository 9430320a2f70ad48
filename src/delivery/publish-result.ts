/**
 * What became of one message, in connections: `matched` is the sum of the other counts.
 *
 * All zero while `deferred` is true: then the message waits for its turn, and what becomes of it is in `stats()`.
 */
export interface PublishResult {
  /** Recipients when the delivery started. */
  readonly matched: number
  /** Accepted by the socket. That is not received by the peer. */
  readonly sent: number
  /** Waiting because the connection is behind. Always 0 in this version. */
  readonly queued: number
  /** Took the place of a waiting message. Always 0 in this version. */
  readonly conflated: number
  /** Given up because too much was waiting. Always 0 in this version. */
  readonly dropped: number
  /** The socket's `send` threw; in `stats()`, or rejected later. */
  readonly failed: number
  /** Removed or unsubscribed before its turn. */
  readonly skipped: number
  /** True when another delivery was running: this one follows it, in order. */
  readonly deferred: boolean
}

/** What became of all messages so far, in connections. */
export interface Stats extends Omit<PublishResult, 'deferred'> {
  /** Messages that had to wait for another delivery to end. */
  readonly deferred: number
}

export function emptyResult(deferred: boolean): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred }
}

/** Running totals of results. */
export class Totals {
  readonly #totals = { ...emptyResult(false), deferred: 0 }

  add(result: PublishResult): void {
    this.#totals.matched += result.matched
    this.#totals.sent += result.sent
    this.#totals.failed += result.failed
    this.#totals.skipped += result.skipped
    if (result.deferred) this.#totals.deferred++
  }

  /** A delivery that counted as sent turns out to have failed. */
  moveSentToFailed(): void {
    this.#totals.sent--
    this.#totals.failed++
  }

  read(): Stats {
    return { ...this.#totals }
  }
}
