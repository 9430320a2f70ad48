import type { Socket } from '../ports/connection.ts'
import type { Ticks } from './end-of-tick.ts'
import { bufferedAmountOf } from './meter.ts'

/** A turn in which a socket that has more buffered than the limit is taken to have room. With a doubt, the next turn decides. */
interface Presumption {
  readonly tick: number
  readonly isInDoubt: boolean
}

/**
 * Decides which plain sockets have room: those that tell a `bufferedAmount` and have no send queue.
 *
 * The amount is read for each message, and grows with each. So a reading above the limit says nothing if this turn of the event loop and the
 * one before can explain it, because no peer had time to read those bytes. This counts the most bytes that one socket can have been given in
 * a turn, and keeps a state only for the sockets above the limit.
 */
export class PlainPressure<TConnection extends { readonly socket: Socket }> {
  readonly #softLimitBytes: number
  readonly #ticks: Ticks
  readonly #presumptions = new Map<TConnection, Presumption>()
  /** In turn `tick`, in the one before it, and since then while that was too little to count. */
  #bytes = { tick: 0, inTick: 0, inTickBefore: 0, since: 0 }

  constructor(softLimitBytes: number, ticks: Ticks) {
    this.#softLimitBytes = softLimitBytes
    this.#ticks = ticks
  }

  /**
   * Whether a socket that has more buffered than the limit is taken to have room until this turn ends. If all that is too much can be of this
   * turn, there is room. If it can be of the turn before, or the socket had room in that one, this turn passes in doubt.
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
   * Counts what each of these sockets may have been given in this turn.
   *
   * A turn that brings less than the limit puts no socket over it. So its end is not awaited, and its bytes are counted with those of earlier
   * turns.
   */
  count(text: string): void {
    const bytes = mostBytesOf(text)
    if (!this.#ticks.isAwaited && this.#bytes.since + bytes <= this.#softLimitBytes) {
      this.#bytes.since += bytes
      return
    }
    const { tick } = this.#ticks
    // What was too little until now may be of this very turn.
    if (this.#bytes.tick !== tick) this.#bytes = { tick, inTick: this.#bytes.since, inTickBefore: this.#bytesIn(tick - 1), since: 0 }
    this.#bytes.inTick += bytes
    this.#ticks.await()
  }

  /** Forgets the sockets that have room again. */
  review(): void {
    for (const connection of [...this.#presumptions.keys()]) {
      if (bufferedAmountOf(connection.socket) <= this.#softLimitBytes) this.forget(connection)
    }
  }

  forget(connection: TConnection): void {
    this.#presumptions.delete(connection)
  }

  /** The most bytes that one socket can have been given in a turn: this one, or the one before. */
  #bytesIn(tick: number): number {
    if (this.#bytes.tick === tick) return this.#bytes.inTick
    return this.#bytes.tick === tick + 1 ? this.#bytes.inTickBefore : 0
  }
}

/** The most bytes that a text can take on the wire: at most three a unit in UTF-8, and some for framing and TLS in each chunk. */
function mostBytesOf(text: string): number {
  return text.length * 3 + (text.length >> 6) + 64
}
