import type { Timers } from '../time/clock.ts'
import type { ActiveStream, Events } from '../events/events.ts'
import { ExpiringSet } from '../time/expiring-set.ts'

/** The part of `Events` that posts `streamActive` and `streamIdle`. */
export type DemandEvents = Pick<Events, 'post'>

/** How long a stream stays active without a subscriber, and how many such streams there may be. */
export interface DemandLimits {
  readonly idleDelayMs: number
  readonly idleStreams: number
}

/**
 * Decides which streams need an upstream feed.
 *
 * A stream is active from its first connected subscriber on. It becomes idle when it has had none for `idleDelayMs`. So a client that
 * reconnects in time does not close and reopen the feed.
 *
 * Only idling streams are kept here: active streams that have lost their last subscriber. Those with a subscriber are in the registry.
 */
export class Demand {
  readonly #idleDelayMs: number
  readonly #maxIdling: number
  readonly #events: DemandEvents
  readonly #idling = new Map<string, ActiveStream>()
  /**
   * Iterates over `#idling`, and is kept while one oldest stream after the other has to become idle. A new iterator each time would step over the
   * places of all deleted streams. The iterator is released once there is room, because it keeps the map's former tables in memory.
   */
  #oldestFirst: Iterator<ActiveStream, undefined> | undefined
  readonly #expiry: ExpiringSet<ActiveStream>

  /**
   * @param limits `idleDelayMs`: how long a stream without subscribers stays active. `0`: not at all. `Infinity`: until `end()`.
   * `idleStreams`: how many such streams there may be
   */
  constructor(clock: Timers, { idleDelayMs, idleStreams }: DemandLimits, events: DemandEvents) {
    this.#idleDelayMs = idleDelayMs
    this.#maxIdling = idleStreams
    this.#events = events
    this.#expiry = new ExpiringSet(clock, idleDelayMs, (streams) => {
      this.#oldestFirst = undefined
      for (const stream of streams) this.#becomeIdle(stream)
    })
  }

  /** Call when a stream has its first connected subscriber. */
  gained(stream: ActiveStream): void {
    const key = keyOf(stream)
    const idling = this.#idling.get(key)
    if (idling === undefined) return this.#events.post('streamActive', stream)
    this.#idling.delete(key)
    this.#expiry.delete(idling)
  }

  /** Call when a stream has lost its last connected subscriber. If too many streams are idling by then, the oldest becomes idle at once. */
  lost(stream: ActiveStream): void {
    if (this.#idleDelayMs === 0 || this.#maxIdling < 1) return this.#events.post('streamIdle', stream)
    this.#idling.set(keyOf(stream), stream)
    this.#expiry.add(stream)
    if (this.#idling.size > this.#maxIdling) this.#endOldest()
    else this.#oldestFirst = undefined
  }

  /** Replaces the timer if it may be lost. */
  renew(): void {
    this.#expiry.renew()
  }

  /** The streams that have no subscriber and are still active. */
  idling(): Iterable<ActiveStream> {
    return this.#idling.values()
  }

  /** Makes every stream without a subscriber idle now. */
  end(): void {
    this.#oldestFirst = undefined
    for (const stream of this.#idling.values()) {
      this.#expiry.delete(stream)
      this.#becomeIdle(stream)
    }
  }

  #endOldest(): void {
    this.#oldestFirst ??= this.#idling.values()
    const { value: oldest } = this.#oldestFirst.next()
    if (oldest === undefined) return
    this.#expiry.delete(oldest)
    this.#becomeIdle(oldest)
  }

  #becomeIdle(stream: ActiveStream): void {
    this.#idling.delete(keyOf(stream))
    this.#events.post('streamIdle', stream)
  }
}

/**
 * The key of a private stream, which belongs to one user, begins with a colon. A stream type has no colon, so a public stream never has the
 * same key. A user id may have colons. Its length in front keeps the key unique, and takes half the time that encoding the id would.
 */
function keyOf({ streamType, symbol, userId }: ActiveStream): string {
  const stream = symbol === undefined ? streamType : `${streamType}:${symbol}`
  return userId === undefined ? stream : `:${userId.length}:${userId}:${stream}`
}
