import type { Outlet } from '../../src/outlet.ts'
import { VACATED, type Seat, type Seats } from '../../src/seats.ts'

/** Gives a connection a seat. */
export function seatIn<TConnection extends { readonly outlet: Outlet }>(seats: Seats<TConnection>, connection: TConnection): Seat<TConnection> {
  const seat = { connection, slot: VACATED }
  seats.take(seat)
  return seat
}
