/**
 * What has become of all messages up to now, in connections.
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
  /** Given up because too much was waiting, or it waited too long. The client is told by a gap notice. */
  readonly dropped: number
  /** Refused: `send` or `write` threw, no frame could be made, or one too many for a slow consumer. */
  readonly failed: number
  /** Removed or unsubscribed before their turn. */
  readonly skipped: number
  /** Discarded while waiting: the connection was unsubscribed, or has ended with no room for them. */
  readonly purged: number
  /** Also counted as `sent`: the socket accepted them, and rejected them later. */
  readonly rejected: number
  /** Gap notices that were handed to a socket. They are not messages, so no other field counts them. */
  readonly gapNotices: number
  /** Messages, not connections, that had to wait for another delivery to end. */
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

/** Where a message counts once it waits no more. */
export type Outcome = 'sent' | 'conflated' | 'dropped' | 'failed' | 'skipped' | 'purged'

type Counts = { -readonly [TName in Exclude<keyof Stats, 'connectionsBehind' | 'waitingBytes'>]: number }

/** Running totals of what became of messages. */
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

  /** Notes that a message goes out to `matched` connections. Each delivery waits until it is concluded. */
  begin(matched: number): void {
    this.#counts.matched += matched
    this.#counts.waiting += matched
  }

  /** Notes what became of a message where no send queue took it. */
  served(sent: number, failed: number, skipped: number): void {
    this.#counts.waiting -= sent + failed + skipped
    this.#counts.sent += sent
    this.#counts.failed += failed
    this.#counts.skipped += skipped
  }

  /** Notes what became of deliveries that waited. */
  conclude(outcome: Outcome, deliveries: number): void {
    if (deliveries === 0) return
    this.#counts.waiting -= deliveries
    // Nearly always it is `sent`, and a property by its name is faster for the engine.
    if (outcome === 'sent') this.#counts.sent += deliveries
    else this.#counts[outcome] += deliveries
  }

  /** Notes one more, or `count` more, of something that is no outcome. */
  note(what: 'rejected' | 'gapNotices' | 'deferred', count = 1): void {
    this.#counts[what] += count
  }

  /** Notes how much waits for one connection. */
  noteWaiting(units: number): void {
    if (units > this.#counts.mostWaitingBytes) this.#counts.mostWaitingBytes = units
  }

  read(): Counts {
    return { ...this.#counts }
  }
}
