import type { Sink } from '../../src/ports/sink.ts'
import { VACATED, type Seat, type Seats } from '../../src/collections/fan-out-list.ts'

/** Gives a connection a seat. */
export function seatIn<TConnection extends { readonly sink: Sink }>(seats: Seats<TConnection>, connection: TConnection): Seat<TConnection> {
  const seat = { connection, slot: VACATED }
  seats.take(seat)
  return seat
}
