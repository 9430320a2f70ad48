import type { ManagerClock } from '../time/clock.ts'
import type { ActiveStream, Events } from '../events/events.ts'
import { ExpiringSet } from '../time/expiring-set.ts'

/** Where it posts `streamActive` and `streamIdle`. */
export type DemandEvents = Pick<Events, 'post'>

/** How long streams may be active without a subscriber, and how many. */
export interface DemandLimits {
  readonly idleDelayMs: number
  readonly idleStreams: number
}

/**
 * Which streams are worth an upstream feed: a stream is active from its first connected subscriber on, until it has
 * had none for a while. A client that reconnects within that while closes and opens nothing.
 *
 * Only streams that nobody listens to any more are kept here: those that somebody does are in the registry.
 */
export class Demand {
  readonly #idleDelayMs: number
  readonly #mostIdling: number
  readonly #events: DemandEvents
  readonly #idling = new Map<string, ActiveStream>()
  /**
   * Goes on from one stream that had to end to the next: to begin anew passes all the places of those that are gone. It is let go once
   * there is room, since it keeps the map's former tables.
   */
  #oldestFirst: Iterator<ActiveStream, undefined> | undefined
  readonly #expiry: ExpiringSet<ActiveStream>

  /**
   * @param limits `idleDelayMs`: how long a stream without subscribers stays active; `0`: not at all, `Infinity`: until the end.
   * `idleStreams`: how many such streams there may be
   */
  constructor(clock: ManagerClock, { idleDelayMs, idleStreams }: DemandLimits, events: DemandEvents) {
    this.#idleDelayMs = idleDelayMs
    this.#mostIdling = idleStreams
    this.#events = events
    this.#expiry = new ExpiringSet(clock, idleDelayMs, (streams) => {
      this.#oldestFirst = undefined
      for (const stream of streams) this.#letIdle(stream)
    })
  }

  /** Notes the first connected subscriber of a stream. */
  gained(stream: ActiveStream): void {
    const key = keyOf(stream)
    const idling = this.#idling.get(key)
    if (idling === undefined) return this.#events.post('streamActive', stream)
    this.#idling.delete(key)
    this.#expiry.delete(idling)
  }

  /** Notes that the last connected subscriber of a stream has gone. If too many are kept active, the oldest becomes idle at once. */
  lost(stream: ActiveStream): void {
    if (this.#idleDelayMs === 0 || this.#mostIdling < 1) return this.#events.post('streamIdle', stream)
    this.#idling.set(keyOf(stream), stream)
    this.#expiry.add(stream)
    if (this.#idling.size > this.#mostIdling) this.#endOldest()
    else this.#oldestFirst = undefined
  }

  /** Sets the timer anew if it may be lost. */
  renew(): void {
    this.#expiry.renew()
  }

  /** The streams that have no subscriber and are active still. */
  idling(): Iterable<ActiveStream> {
    return this.#idling.values()
  }

  /** Lets every stream that has no subscriber be idle now. */
  end(): void {
    this.#oldestFirst = undefined
    for (const stream of this.#idling.values()) {
      this.#expiry.delete(stream)
      this.#letIdle(stream)
    }
  }

  #endOldest(): void {
    this.#oldestFirst ??= this.#idling.values()
    const { value: oldest } = this.#oldestFirst.next()
    if (oldest === undefined) return
    this.#expiry.delete(oldest)
    this.#letIdle(oldest)
  }

  #letIdle(stream: ActiveStream): void {
    this.#idling.delete(keyOf(stream))
    this.#events.post('streamIdle', stream)
  }
}

/**
 * Of a user's own stream it begins with a colon, which no stream type has: so none of the two is taken for the other. A user's id may have
 * colons as well: to tell how long it is takes half the time of encoding them.
 */
function keyOf({ streamType, symbol, userId }: ActiveStream): string {
  const stream = symbol === undefined ? streamType : `${streamType}:${symbol}`
  return userId === undefined ? stream : `:${userId.length}:${userId}:${stream}`
}
