import type { Timers } from '../time/clock.ts'
import type { ActiveStream, Events } from '../events/events.ts'
import { ExpiringSet } from '../time/expiring-set.ts'

/** The part of `Events` that posts `streamActive` and `streamIdle`. */
export type DemandEvents = Pick<Events, 'post'>

/** How long a stream stays active without a connected subscriber, and how many such streams may be active. */
export interface DemandLimits {
  readonly idleDelayMs: number
  readonly idleStreams: number
}

/**
 * Decides which streams need an upstream feed.
 *
 * A stream becomes active when it gets its first connected subscriber. The stream becomes idle when it has had no connected subscriber for
 * `idleDelayMs`. It becomes idle earlier if there are too many such streams, or when the manager shuts down. So the feed stays open if a client
 * reconnects in time.
 *
 * This class keeps only idling streams. An idling stream is still active, but has lost its last connected subscriber. Streams with a connected
 * subscriber are in the registry.
 */
export class Demand {
  readonly #idleDelayMs: number
  readonly #maxIdling: number
  readonly #events: DemandEvents
  readonly #idling = new Map<string, ActiveStream>()
  /**
   * Iterates over `#idling`, oldest first. If the limit is exceeded several times in a row, the same iterator is used each time. A new iterator would
   * have to skip the places of all deleted streams. When a stream begins to idle and the limit is not exceeded, the iterator is released. Otherwise
   * the iterator would keep old tables of the map in memory.
   */
  #oldestFirst: Iterator<ActiveStream, undefined> | undefined
  readonly #expiry: ExpiringSet<ActiveStream>

  /**
   * @param limits `idleDelayMs` is how long a stream stays active without a connected subscriber. With `0`, it becomes idle at once. With `Infinity`,
   * it stays active until `end()`, unless there are too many such streams. `idleStreams` is how many of them may stay active. If there are more, the
   * oldest one becomes idle
   */
  constructor(clock: Timers, { idleDelayMs, idleStreams }: DemandLimits, events: DemandEvents) {
    this.#idleDelayMs = idleDelayMs
    this.#maxIdling = idleStreams
    this.#events = events
    const expire = (streams: readonly ActiveStream[]): void => {
      this.#oldestFirst = undefined
      for (const stream of streams) this.#becomeIdle(stream)
    }
    // When clients reconnect, streams lose and regain their only subscriber all the time.
    this.#expiry = new ExpiringSet(clock, idleDelayMs, expire, { staysWhenEmpty: true })
  }

  /** Call this when a stream has got its first connected subscriber. */
  gained(stream: ActiveStream): void {
    const key = keyOf(stream)
    const idling = this.#idling.get(key)
    if (idling === undefined) return this.#events.post('streamActive', stream)
    this.#idling.delete(key)
    this.#expiry.delete(idling)
  }

  /**
   * Call this when a stream has lost its last connected subscriber. If no stream may idle, because a limit is 0, the stream becomes idle at once. If
   * there are now too many idling streams, the oldest one becomes idle at once.
   */
  lost(stream: ActiveStream): void {
    if (this.#idleDelayMs === 0 || this.#maxIdling < 1) return this.#events.post('streamIdle', stream)
    this.#idling.set(keyOf(stream), stream)
    this.#expiry.add(stream)
    if (this.#idling.size > this.#maxIdling) this.#endOldest()
    else this.#oldestFirst = undefined
  }

  /** Sets the timer again if the timer may have been lost. */
  renew(): void {
    this.#expiry.renew()
  }

  /** The streams that have no connected subscriber and are still active. */
  idling(): Iterable<ActiveStream> {
    return this.#idling.values()
  }

  /** Makes all idling streams idle at once, and posts `streamIdle` for each. */
  end(): void {
    this.#oldestFirst = undefined
    this.#expiry.clear()
    for (const stream of this.#idling.values()) this.#becomeIdle(stream)
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
 * Returns the key of a stream. The key of a private stream begins with a colon and contains the user id. A stream type has no colon, so the key of a
 * public stream never begins with one. A user id may have colons, so the key also has the length of the user id. Adding the length takes half the
 * time of encoding the user id.
 */
function keyOf({ streamType, symbol, userId }: ActiveStream): string {
  const stream = symbol === undefined ? streamType : `${streamType}:${symbol}`
  return userId === undefined ? stream : `:${userId.length}:${userId}:${stream}`
}
