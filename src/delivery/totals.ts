/**
 * Counts of all messages up to now. A message counts once for each of its recipients. Three other things also count as messages: texts of
 * `connection.send`, notices that are sent like such texts (for example by `notifyGap`), and the skips of a recorder: see `Recorder.skip`.
 *
 * At any moment, `matched` is the sum of `sent`, `conflated`, `dropped`, `failed`, `skipped`, `purged` and `waiting`. `waiting`, `waitingBytes` and
 * `connectionsBehind` are gauges, which show the present state. `mostWaitingBytes` is a peak. All other fields are counters, which never fall.
 */
export interface Stats {
  /** The number of recipients of all messages whose delivery has started. */
  readonly matched: number
  /** Messages that were handed to a socket, at once or after waiting. The peer might not have received these messages. */
  readonly sent: number
  /** Waiting messages that were replaced by a newer message of their stream. */
  readonly conflated: number
  /**
   * Messages that were dropped because too much was waiting, or because the messages had waited too long. A gap notice in their place tells the
   * client how many messages are missing, unless the notice is purged first.
   */
  readonly dropped: number
  /**
   * Messages that failed: `send` or `write` threw, no frame could be made, or the message made its client a slow consumer. If the failure ends the
   * connection, messages that reach the connection before its removal also count. If `write` throws, all messages of that call count, even if some of
   * them were written. If a gap notice could not be made, the messages that were to be written together with the notice count too.
   */
  readonly failed: number
  /**
   * Messages that were not sent, because the connection was no longer a recipient when the delivery reached it. For example, the connection was
   * removed or unsubscribed in the meantime.
   */
  readonly skipped: number
  /** Waiting messages that were discarded, for example because the connection was unsubscribed, or was removed while its socket had no room. */
  readonly purged: number
  /** Messages for which `send` or `write` returned a promise that rejected later. Rejected messages also count as `sent`. */
  readonly rejected: number
  /** Gap notices that were handed to a socket in the place of dropped messages. No other field counts these notices. */
  readonly gapNotices: number
  /** Messages that had to wait for another delivery to end. A deferred message counts once, no matter how many recipients it has. */
  readonly deferred: number
  /**
   * Messages that have not been handed to a socket yet: the rest of a running delivery, the messages that wait for the end of this turn of the event
   * loop, and the messages for connections that are behind. A deferred message does not count before its delivery starts.
   */
  readonly waiting: number
  /**
   * The size of the messages that wait in send queues: UTF-16 units of the texts, or bytes of the frames that have a `byteLength`. Gap notices do not
   * count. The rest of a running delivery, which counts in `waiting`, has no size here.
   */
  readonly waitingBytes: number
  /**
   * The largest total size of the messages that ever waited for one connection at the same time, in the units of `waitingBytes`. Messages that wait
   * for the end of a turn count too.
   */
  readonly mostWaitingBytes: number
  /** Connections that are behind: messages wait for them, because their sockets have no room. */
  readonly connectionsBehind: number
}

/** The outcome of the delivery of one message to one connection. */
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

  /** Counts a message that has `matched` recipients. For each recipient, the message is `waiting` until its outcome is counted. */
  begin(matched: number): void {
    this.#counts.matched += matched
    this.#counts.waiting += matched
  }

  /** Counts the outcomes of one message, except for the outcomes that send queues count. */
  countServed(sent: number, failed: number, skipped: number): void {
    this.#counts.waiting -= sent + failed + skipped
    this.#counts.sent += sent
    this.#counts.failed += failed
    this.#counts.skipped += skipped
  }

  /** Counts deliveries that a send queue ended with this outcome. */
  count(outcome: Outcome, deliveries: number): void {
    if (deliveries === 0) return
    this.#counts.waiting -= deliveries
    // The outcome is nearly always `sent`, and the engine reads a property with a constant name faster.
    if (outcome === 'sent') this.#counts.sent += deliveries
    else this.#counts[outcome] += deliveries
  }

  /** Counts rejected messages, gap notices or deferred messages. None of these three is an outcome. */
  note(what: 'rejected' | 'gapNotices' | 'deferred', count = 1): void {
    this.#counts[what] += count
  }

  /** Records the size of the messages that are queued for one connection, for the peak `mostWaitingBytes`. */
  noteQueued(units: number): void {
    if (units > this.#counts.mostWaitingBytes) this.#counts.mostWaitingBytes = units
  }

  read(): Counts {
    return { ...this.#counts }
  }
}
