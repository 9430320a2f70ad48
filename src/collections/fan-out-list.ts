import type { Sink } from '../ports/sink.ts'

/** The slot of a seat that is nowhere. */
export const VACATED = -1

/** One connection's place among those that receive together. */
export interface Seat<TConnection> {
  readonly connection: TConnection
  /** Where in the arrays; changes when they are compacted, negative once vacated. */
  slot: number
}

/**
 * The connections that receive together, oldest first: those of one stream, on a private one of one user, or all there are.
 *
 * Outlets lie in one flat array, for the loop that sends; the seats beside it, slot for slot. Who leaves makes a hole.
 * Holes are closed once they outnumber the seats, so that leaving costs the same however many there are, and
 * never while a delivery has the arrays pinned: then a slot stays whose it was, newcomers come behind, and nobody
 * has to copy anything in order to call user code from within the loop.
 */
export class Seats<TConnection extends { readonly sink: Sink }> {
  /** How many are seated. */
  size = 0
  /** `undefined` for a hole, and for a seat that is covered. */
  sinks: (Sink | undefined)[] = []
  occupants: (Seat<TConnection> | undefined)[] = []
  /** Those of an exact stream that sit in its whole type as well: seat here → seat there. */
  doubles: Map<Seat<TConnection>, Seat<TConnection>> | undefined
  /** How often, and when last, a message was sent out to these. */
  servings = 0
  servedAtMs = 0
  /** Whether a sink was taken away or replaced since the seats were pinned: only then has the loop that sends to look twice. */
  isDisturbed = false
  #isPinned = false
  /** Slots that were vacated while pinned: until then, a delivery may still have to say whose sink threw. */
  #vacated: number[] | undefined

  /** Makes a vacated seat the last one of these. */
  take(seat: Seat<TConnection>): void {
    const { connection } = seat
    seat.slot = this.occupants.length
    if (seat.slot === 0) {
      // An array literal holds just this one, where a push into an empty array would reserve seventeen places.
      this.sinks = [connection.sink]
      this.occupants = [seat]
    } else {
      this.sinks.push(connection.sink)
      this.occupants.push(seat)
    }
    this.size++
  }

  vacate(seat: Seat<TConnection>): void {
    this.#seat(undefined, seat.slot)
    if (this.#isPinned) (this.#vacated ??= []).push(seat.slot)
    else this.occupants[seat.slot] = undefined
    seat.slot = VACATED
    this.size--
    this.#compactIfWorthIt()
  }

  holds(seat: Seat<TConnection>): boolean {
    return seat.slot !== VACATED
  }

  /** Makes a seat look like a hole to the loop that sends. */
  cover(seat: Seat<TConnection>): void {
    if (this.holds(seat)) this.#seat(undefined, seat.slot)
  }

  uncover(seat: Seat<TConnection>): void {
    if (this.holds(seat)) this.#seat(seat.connection.sink, seat.slot)
  }

  /** Gives a seat the sink that its connection has now; a covered one gets it when it is uncovered. */
  renew(seat: Seat<TConnection>): void {
    if (this.sinks[seat.slot] !== undefined) this.uncover(seat)
  }

  /** Notes that a message goes out to these. */
  served(nowMs: number): void {
    this.servings++
    this.servedAtMs = nowMs
  }

  pin(): void {
    this.#isPinned = true
    this.isDisturbed = false
  }

  unpin(): void {
    this.#isPinned = false
    if (this.#vacated === undefined) return
    for (const slot of this.#vacated) this.occupants[slot] = undefined
    this.#vacated = undefined
    this.#compactIfWorthIt()
  }

  *connections(): Generator<TConnection, undefined> {
    for (const seat of this.occupants) if (seat !== undefined && this.holds(seat)) yield seat.connection
  }

  #seat(sink: Sink | undefined, slot: number): void {
    this.sinks[slot] = sink
    this.isDisturbed = true
  }

  #compactIfWorthIt(): void {
    if (this.#isPinned || this.occupants.length <= this.size * 2) return
    let slot = 0
    for (const seat of this.occupants) {
      if (seat === undefined) continue
      this.sinks[slot] = seat.connection.sink
      this.occupants[slot] = seat
      seat.slot = slot++
    }
    this.sinks.length = slot
    this.occupants.length = slot
  }
}
