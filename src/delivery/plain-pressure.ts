import type { WireData } from '../model/wire-data.ts'
import type { Socket } from '../ports/connection.ts'
import type { Ticks } from './end-of-tick.ts'
import { bufferedAmountOf } from './meter.ts'

/**
 * Says that a socket counts as having room in turn `tick`, although it has buffered more than the limit. If `isInDoubt` is true, the next turn
 * decides whether the socket still has room.
 */
interface Presumption {
  readonly tick: number
  readonly isInDoubt: boolean
}

/**
 * Decides whether a socket has room, if the socket has a `bufferedAmount` and no send queue.
 *
 * `bufferedAmount` is read for each message, and grows with each message. No client has had time to read the bytes of this turn of the event loop, or
 * the bytes of the turn before. If the bytes of these two turns can explain a reading above the limit, the reading does not show that the client is
 * slow. The class counts each delivered text once, for all sockets together. So the count is at least as large as the number of bytes that any one
 * socket was given. State is kept only for sockets above the limit.
 */
export class PlainPressure<TConnection extends { readonly socket: Socket }> {
  readonly #softLimitBytes: number
  readonly #ticks: Ticks
  readonly #presumptions = new Map<TConnection, Presumption>()
  /**
   * Upper bounds on the bytes that any one socket was given. `tick` is the last turn whose bytes have a count of their own: `inTick`. `inTickBefore`
   * counts the bytes of the turn before it. `since` adds up the bytes of all later turns, which together are within the limit.
   */
  #bytes = { tick: 0, inTick: 0, inTickBefore: 0, since: 0 }

  constructor(softLimitBytes: number, ticks: Ticks) {
    this.#softLimitBytes = softLimitBytes
    this.#ticks = ticks
  }

  /**
   * True if a socket counts as having room until this turn ends, although it has buffered more than the limit.
   *
   * The excess is the number of buffered bytes above the limit. If the bytes of this turn can explain the excess, the socket has room. Otherwise the
   * socket is in doubt, and the turn before decides. A socket that was above the limit in the turn before has room, unless it was in doubt in that
   * turn too. A socket that was not above the limit in that turn has room if the bytes of that turn can explain the rest of the excess.
   */
  hasRoom(connection: TConnection, buffered: number): boolean {
    const { tick } = this.#ticks
    const last = this.#presumptions.get(connection)
    if (last?.tick === tick) return true
    const unexplained = buffered - this.#bytesIn(tick) - this.#bytes.since
    const isInDoubt = unexplained > this.#softLimitBytes
    const canBeOfTurnBefore = last?.tick === tick - 1 ? !last.isInDoubt : unexplained - this.#bytesIn(tick - 1) <= this.#softLimitBytes
    if (isInDoubt && !canBeOfTurnBefore) return false
    this.#presumptions.set(connection, { tick, isInDoubt })
    this.#ticks.await()
    return true
  }

  /**
   * Counts a text that was delivered in this turn.
   *
   * If the bytes of several turns together are within the limit, they cannot put a socket above it. So they are only added up in `since`, and the
   * ends of these turns are not awaited.
   */
  count(text: WireData): void {
    const bytes = mostBytesOf(text)
    if (!this.#ticks.isAwaited && this.#bytes.since + bytes <= this.#softLimitBytes) {
      this.#bytes.since += bytes
      return
    }
    const { tick } = this.#ticks
    // The bytes in `since` may belong to this turn, so they count as bytes of this turn.
    if (this.#bytes.tick !== tick) this.#bytes = { tick, inTick: this.#bytes.since, inTickBefore: this.#bytesIn(tick - 1), since: 0 }
    this.#bytes.inTick += bytes
    this.#ticks.await()
  }

  /** Releases the state of sockets that have room again. */
  review(): void {
    for (const connection of [...this.#presumptions.keys()]) {
      if (bufferedAmountOf(connection.socket) <= this.#softLimitBytes) this.release(connection)
    }
  }

  release(connection: TConnection): void {
    this.#presumptions.delete(connection)
  }

  /** An upper bound on the bytes that any one socket was given in turn `tick`. `tick` is the running turn, or the turn before. */
  #bytesIn(tick: number): number {
    if (this.#bytes.tick === tick) return this.#bytes.inTick
    return this.#bytes.tick === tick + 1 ? this.#bytes.inTickBefore : 0
  }
}

/**
 * The most bytes that a message can take on the wire. In UTF-8, a text takes at most three bytes for each UTF-16 unit. Framing and TLS add some
 * bytes.
 */
function mostBytesOf(text: WireData): number {
  const payload = typeof text === 'string' ? text.length * 3 : text.length
  return payload + (text.length >> 6) + 64
}
