/**
 * What became of one message, in connections: `matched` is the sum of the other counts.
 *
 * All zero while `deferred` is true: then the message waits for its turn, and what becomes of it is in `stats()`.
 */
export interface PublishResult {
  /** Recipients when the delivery started. */
  readonly matched: number
  /** Accepted by the socket, or into the batch that leaves at the end of this tick. That is not received by the peer. */
  readonly sent: number
  /** Waiting because the connection is behind. */
  readonly queued: number
  /** Waiting in the place of an older message of the same stream. */
  readonly conflated: number
  /** Given up because too much was waiting; the client is told by a gap notice. */
  readonly dropped: number
  /**
   * The socket's `send` threw, the transport could not make a frame of it, or it was one too many for a slow consumer, which
   * was disconnected.
   */
  readonly failed: number
  /** Removed or unsubscribed before its turn. */
  readonly skipped: number
  /** True when another delivery was running: this one follows it, in order. */
  readonly deferred: boolean
}

/**
 * What has become of all messages up to now, in connections: `matched` is the sum of `sent`, `queued`, `conflated`, `dropped`,
 * `failed`, `skipped` and `purged`, at any moment. A message counts as sent to all of its recipients when its delivery starts, and
 * moves from one to another when more becomes of it.
 */
export interface Stats {
  /** Recipients of all messages that were delivered, or tried to be. */
  readonly matched: number
  /** Accepted by a socket, at once or after waiting, or in a batch that leaves at the end of this tick. */
  readonly sent: number
  /** Waiting at this moment, because their connection is behind. */
  readonly queued: number
  /** Replaced, while waiting, by a newer message of their stream. */
  readonly conflated: number
  /** Given up because too much was waiting. */
  readonly dropped: number
  /** Refused: `send` or `write` threw or rejected, no frame could be made, or one too many for a slow consumer. */
  readonly failed: number
  /** Removed or unsubscribed before their turn. */
  readonly skipped: number
  /** Discarded while waiting: the connection was unsubscribed, or has ended with no room for them. */
  readonly purged: number
  /** Messages, not connections, that had to wait for another delivery to end. */
  readonly deferred: number
  /** Connections that are behind at this moment: something waits for them. */
  readonly connectionsBehind: number
  /** UTF-16 units of the messages that wait at this moment, for all connections that are behind. */
  readonly waitingBytes: number
  /** The most UTF-16 units that were ever held for one connection, the batch of a tick included. */
  readonly mostWaitingBytes: number
}

export function emptyResult(deferred: boolean): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred }
}

/** Where a message counts. */
export type Outcome = 'sent' | 'queued' | 'conflated' | 'dropped' | 'failed' | 'skipped' | 'purged'

type Counts = { -readonly [TName in Exclude<keyof Stats, 'connectionsBehind' | 'waitingBytes'>]: number }

/** Running totals of results, and of what became of the messages afterwards. */
export class Totals {
  readonly #counts: Counts = {
    matched: 0,
    sent: 0,
    queued: 0,
    conflated: 0,
    dropped: 0,
    failed: 0,
    skipped: 0,
    purged: 0,
    deferred: 0,
    mostWaitingBytes: 0,
  }

  /** Notes that a message goes out to so many: each counts as sent, until something else becomes of it. */
  begin(matched: number): void {
    this.#counts.matched += matched
    this.#counts.sent += matched
  }

  noteDeferred(): void {
    this.#counts.deferred++
  }

  /** Notes that deliveries which counted as one thing turn out to be another. */
  move(from: Outcome, to: Outcome, deliveries: number): void {
    if (deliveries === 0) return
    this.#counts[from] -= deliveries
    this.#counts[to] += deliveries
  }

  /** Notes how much waits for one connection. */
  noteWaiting(units: number): void {
    if (units > this.#counts.mostWaitingBytes) this.#counts.mostWaitingBytes = units
  }

  read(): Counts {
    return { ...this.#counts }
  }
}
