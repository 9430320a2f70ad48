/**
 * What became of all messages up to now. A message counts once for each connection.
 *
 * At any moment, `matched` is the sum of `sent`, `conflated`, `dropped`, `failed`, `skipped`, `purged` and `waiting`. `waiting`,
 * `waitingBytes` and `connectionsBehind` are gauges of this moment. `mostWaitingBytes` is a peak. All others are counters: they never fall.
 */
export interface Stats {
  /** Recipients of all messages whose delivery has started. */
  readonly matched: number
  /** Handed to a socket, at once or after waiting. The peer may not have received it. */
  readonly sent: number
  /** Replaced, while waiting, by a newer message of their stream. */
  readonly conflated: number
  /** Dropped because too much was waiting, or because it waited too long. A gap notice tells the client. */
  readonly dropped: number
  /** Not sent because `send` or `write` threw, because no frame could be made, or because it was the one that made the client a slow consumer. */
  readonly failed: number
  /** Not sent because the connection was removed or unsubscribed before its turn. */
  readonly skipped: number
  /** Discarded while waiting: the connection was unsubscribed, or it was removed and its socket had no room. */
  readonly purged: number
  /** Accepted by the socket and rejected later. These also count as `sent`. */
  readonly rejected: number
  /** Gap notices that were handed to a socket. No other field counts them, because they are not messages. */
  readonly gapNotices: number
  /** Messages that had to wait for another delivery to end. Each counts once, no matter how many recipients it has. */
  readonly deferred: number
  /** Not handed to a socket yet: the batch of this turn, and what waits for connections that are behind. */
  readonly waiting: number
  /** The size of `waiting`: UTF-16 units of the texts, or bytes of the frames that have a `byteLength`. */
  readonly waitingBytes: number
  /** The most that ever waited for one connection, in the same units. The batch of a turn counts. */
  readonly mostWaitingBytes: number
  /** Connections that are behind: something waits for them because their socket has no room. */
  readonly connectionsBehind: number
}

/** What becomes of a delivery in the end. */
export type Outcome = 'sent' | 'conflated' | 'dropped' | 'failed' | 'skipped' | 'purged'

type Counts = { -readonly [TName in Exclude<keyof Stats, 'connectionsBehind' | 'waitingBytes'>]: number }

/** The running totals of a manager. */
export class Totals {
  readonly #counts: Counts = {
    matched: 0,
    sent: 0,
    conflated: 0,
    dropped: 0,
    failed: 0,
    skipped: 0,
    purged: 0,
    rejected: 0,
    gapNotices: 0,
    deferred: 0,
    waiting: 0,
    mostWaitingBytes: 0,
  }

  /** Notes that a message goes out to `matched` connections. Each of these deliveries is `waiting` until its outcome is counted. */
  begin(matched: number): void {
    this.#counts.matched += matched
    this.#counts.waiting += matched
  }

  /** Counts the deliveries of one message, except those that a send queue took. */
  countServed(sent: number, failed: number, skipped: number): void {
    this.#counts.waiting -= sent + failed + skipped
    this.#counts.sent += sent
    this.#counts.failed += failed
    this.#counts.skipped += skipped
  }

  /** Counts the outcome of deliveries that a send queue took. */
  count(outcome: Outcome, deliveries: number): void {
    if (deliveries === 0) return
    this.#counts.waiting -= deliveries
    // Nearly always the outcome is `sent`, and the engine reads a property faster by a constant name.
    if (outcome === 'sent') this.#counts.sent += deliveries
    else this.#counts[outcome] += deliveries
  }

  /** Counts something that is not an outcome. */
  note(what: 'rejected' | 'gapNotices' | 'deferred', count = 1): void {
    this.#counts[what] += count
  }

  /** Notes how much is queued for one connection. */
  noteQueued(units: number): void {
    if (units > this.#counts.mostWaitingBytes) this.#counts.mostWaitingBytes = units
  }

  read(): Counts {
    return { ...this.#counts }
  }
}
