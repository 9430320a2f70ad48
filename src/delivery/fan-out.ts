import { isThenable } from '../foreign.ts'
import type { Outlet } from '../outlet.ts'
import type { Seat, Seats } from '../seats.ts'
import type { MessageFields } from '../streams/message-fields.ts'
import { oneOf, type DoubleSeat, type Recipients, type SeatRange } from './recipients.ts'

/** A connection whose outlet threw, and what it threw. */
export interface SendFailure<TConnection> {
  readonly connection: TConnection
  readonly error: unknown
}

/** What a fan-out leaves to whoever started it. */
export interface SendOutcomes<TConnection> {
  /** Told of each `send` that answered with something that settles later. */
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>): void
  /** Whether a socket threw what a publish of this very chain was refused with: no fault of the socket. */
  isOwnRefusal(error: unknown): boolean
}

/** Whom a message is not for any more. */
export type Exclusion<TConnection> = (connection: TConnection) => boolean

/** Sends one message to each recipient, once, whatever the others do. */
export class FanOut<TConnection extends { readonly outlet: Outlet }> {
  /** How many outlets took the text. */
  taken = 0
  readonly failures: SendFailure<TConnection>[] = []
  readonly fields: MessageFields
  readonly #recipients: Recipients<TConnection>
  readonly #outcomes: SendOutcomes<TConnection>
  #exclusions: readonly Exclusion<TConnection>[] = NO_EXCLUSIONS

  constructor(fields: MessageFields, recipients: Recipients<TConnection>, outcomes: SendOutcomes<TConnection>) {
    this.fields = fields
    this.#recipients = recipients
    this.#outcomes = outcomes
    for (const { seats } of recipients.ranges) seats.pin()
  }

  serve(text: string): void {
    const { doubles, ranges } = this.#recipients
    for (const double of doubles) coverBoth(double)
    for (const range of ranges) this.#serveRange(range, text)
    for (const double of doubles) for (const range of uncovered(double)) this.#serveDouble(range, text)
  }

  /** Keeps the text from those whose turn is still to come. */
  withhold(isExcluded: Exclusion<TConnection>): void {
    this.#exclusions = [...this.#exclusions, isExcluded]
    for (const { seats, seat } of this.#seatsWhere(isExcluded)) seats.cover(seat)
  }

  /** Lets all seats be as they were; to be called once nobody is to be served any more. */
  end(): void {
    for (const isExcluded of this.#exclusions) for (const { seats, seat } of this.#seatsWhere(isExcluded)) seats.uncover(seat)
    for (const { seats } of this.#recipients.ranges) seats.unpin()
  }

  *#seatsWhere(isExcluded: Exclusion<TConnection>): Generator<{ seats: Seats<TConnection>; seat: Seat<TConnection> }, undefined> {
    for (const { seats } of this.#recipients.ranges) {
      for (const seat of seats.occupants) if (seat !== undefined && isExcluded(seat.connection)) yield { seats, seat }
    }
  }

  #serveDouble(range: SeatRange<TConnection>, text: string): void {
    const connection = connectionBefore(range.to, range.seats.occupants)
    if (!this.#exclusions.some((isExcluded) => isExcluded(connection))) this.#serveRange(range, text)
  }

  #serveRange({ seats: { outlets, occupants }, from, to }: SeatRange<TConnection>, text: string): void {
    let taken = 0
    let slot = from
    // The inner loop is left by a throw, and entered again behind it: one `try` for all of them.
    while (slot < to) {
      try {
        while (slot < to) {
          const outlet = outlets[slot++]
          if (outlet === undefined) continue
          const answer = outlet.send(text)
          if (answer !== undefined && isThenable(answer)) this.#outcomes.answeredLate(connectionBefore(slot, occupants), answer)
          taken++
        }
      } catch (error) {
        if (this.#outcomes.isOwnRefusal(error)) taken++
        else this.failures.push({ connection: connectionBefore(slot, occupants), error })
      }
    }
    this.taken += taken
  }
}

const NO_EXCLUSIONS: readonly Exclusion<unknown>[] = []

/** Whose outlet was just served. Looked up when needed: to read the seats along with the outlets costs a quarter more. */
function connectionBefore<TConnection>(slot: number, occupants: readonly (Seat<TConnection> | undefined)[]): TConnection {
  return (occupants[slot - 1] as Seat<TConnection>).connection
}

function coverBoth<TConnection extends { readonly outlet: Outlet }>({ exact, exactSeat, whole, wholeSeat }: DoubleSeat<TConnection>): void {
  exact.cover(exactSeat)
  whole.cover(wholeSeat)
}

/** Lets both seats be seen again, and returns one that is still taken, if any: a connection may have lost either meanwhile. */
function uncovered<TConnection extends { readonly outlet: Outlet }>({
  exact,
  exactSeat,
  whole,
  wholeSeat,
}: DoubleSeat<TConnection>): readonly SeatRange<TConnection>[] {
  exact.uncover(exactSeat)
  whole.uncover(wholeSeat)
  return (exact.holds(exactSeat) ? oneOf(exact, exactSeat) : oneOf(whole, wholeSeat)).ranges
}
