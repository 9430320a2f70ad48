import { isThenable } from '../foreign.ts'
import type { Outlet } from '../outlet.ts'
import type { Seat } from '../seats.ts'
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

/** Sends one text to each recipient, once, whatever the others do. */
export class FanOut<TConnection extends { readonly outlet: Outlet }> {
  /** How many outlets took the text. */
  taken = 0
  readonly failures: SendFailure<TConnection>[] = []
  readonly #text: string
  readonly #outcomes: SendOutcomes<TConnection>

  constructor(text: string, outcomes: SendOutcomes<TConnection>) {
    this.#text = text
    this.#outcomes = outcomes
  }

  serve({ ranges, doubles }: Recipients<TConnection>): void {
    for (const double of doubles) coverBoth(double)
    for (const range of ranges) this.#serveRange(range)
    for (const double of doubles) for (const range of uncovered(double)) this.#serveRange(range)
  }

  #serveRange({ seats: { outlets, occupants }, from, to }: SeatRange<TConnection>): void {
    const text = this.#text
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
