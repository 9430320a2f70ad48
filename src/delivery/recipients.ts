import type { Sink } from '../ports/sink.ts'
import type { Seat, Seats } from '../collections/fan-out-list.ts'

/** Some of the seats that receive together: those from slot `from` up to, not including, slot `to`. */
export interface SeatRange<TConnection extends { readonly sink: Sink }> {
  readonly seats: Seats<TConnection>
  readonly from: number
  readonly to: number
}

/** Two seats of one connection, which is to receive one copy. */
export interface DoubleSeat<TConnection extends { readonly sink: Sink }> {
  readonly exact: Seats<TConnection>
  readonly exactSeat: Seat<TConnection>
  readonly whole: Seats<TConnection>
  readonly wholeSeat: Seat<TConnection>
}

/** Those whom one delivery is for, fixed at its start. */
export interface Recipients<TConnection extends { readonly sink: Sink }> {
  /** In connections. */
  readonly matched: number
  readonly ranges: readonly SeatRange<TConnection>[]
  readonly doubles: readonly DoubleSeat<TConnection>[]
}

/** Nearly nobody sits twice. */
const NO_DOUBLES: readonly DoubleSeat<never>[] = []

/** Nobody at all. */
export function nobody(): Recipients<never> {
  return { matched: 0, ranges: [], doubles: NO_DOUBLES }
}

/** Everybody who is seated here. */
export function allOf<TConnection extends { readonly sink: Sink }>(
  seats: Seats<TConnection> | undefined,
): Recipients<TConnection> {
  if (seats === undefined) return nobody()
  return { matched: seats.size, ranges: [{ seats, from: 0, to: seats.occupants.length }], doubles: NO_DOUBLES }
}

/** The connection in this seat, if it still sits there. */
export function oneOf<TConnection extends { readonly sink: Sink }>(
  seats: Seats<TConnection>,
  seat: Seat<TConnection>,
): Recipients<TConnection> {
  if (!seats.holds(seat)) return nobody()
  return { matched: 1, ranges: [{ seats, from: seat.slot, to: seat.slot + 1 }], doubles: NO_DOUBLES }
}

/** The connection in this seat: a recipient, too, if it has gone, which is skipped then. */
export function thisOne<TConnection extends { readonly sink: Sink }>(
  seats: Seats<TConnection>,
  seat: Seat<TConnection>,
): Recipients<TConnection> {
  return seats.holds(seat) ? oneOf(seats, seat) : { matched: 1, ranges: [], doubles: NO_DOUBLES }
}

/** The connections in these seats, each of which is taken. */
export function eachOf<TConnection extends { readonly sink: Sink }>(
  seats: Seats<TConnection>,
  chosen: readonly Seat<TConnection>[],
): Recipients<TConnection> {
  const ranges = chosen.map(({ slot }) => ({ seats, from: slot, to: slot + 1 }))
  return { matched: ranges.length, ranges, doubles: NO_DOUBLES }
}

/** Everybody who is seated in a whole type, in one of its exact streams, or in both. */
export function eitherOf<TConnection extends { readonly sink: Sink }>(
  whole: Seats<TConnection> | undefined,
  exact: Seats<TConnection> | undefined,
): Recipients<TConnection> {
  if (whole === undefined || whole.size === 0) {
    // Nearly every message ends here.
    return exact === undefined ? nobody() : { matched: exact.size, ranges: [{ seats: exact, from: 0, to: exact.occupants.length }], doubles: NO_DOUBLES }
  }
  if (exact === undefined || exact.size === 0) return allOf(whole)
  const doubles = Array.from(exact.doubles ?? [], ([exactSeat, wholeSeat]) => ({ exact, exactSeat, whole, wholeSeat }))
  return {
    matched: whole.size + exact.size - doubles.length,
    ranges: [rangeOf(whole), rangeOf(exact)],
    doubles,
  }
}

function rangeOf<TConnection extends { readonly sink: Sink }>(seats: Seats<TConnection>): SeatRange<TConnection> {
  return { seats, from: 0, to: seats.occupants.length }
}
