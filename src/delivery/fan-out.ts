import type { Socket } from '../connection.ts'
import { ConnectionManagerError } from '../errors.ts'
import { isThenable } from '../foreign.ts'
import type { Seat } from '../seats.ts'
import { oneOf, type DoubleSeat, type Recipients, type SeatRange } from './recipients.ts'

/** A connection whose socket threw, and what it threw. */
export interface SendFailure<TConnection> {
  readonly connection: TConnection
  readonly error: unknown
}

/** Told of each `send` that answered with something that settles later. */
export type LateAnswer<TConnection> = (connection: TConnection, answer: PromiseLike<unknown>) => void

/** Sends one text to each recipient, once, whatever the others do. */
export class FanOut<TConnection extends { readonly socket: Socket }> {
  sent = 0
  readonly failures: SendFailure<TConnection>[] = []
  readonly #text: string
  readonly #answeredLate: LateAnswer<TConnection>

  constructor(text: string, answeredLate: LateAnswer<TConnection>) {
    this.#text = text
    this.#answeredLate = answeredLate
  }

  serve({ ranges, doubles }: Recipients<TConnection>): void {
    for (const double of doubles) coverBoth(double)
    for (const range of ranges) this.#serveRange(range)
    for (const double of doubles) for (const range of uncovered(double)) this.#serveRange(range)
  }

  #serveRange({ seats: { sockets, occupants }, from, to }: SeatRange<TConnection>): void {
    const text = this.#text
    let sent = 0
    let slot = from
    // The inner loop is left by a throw, and entered again behind it: one `try` for all of them.
    while (slot < to) {
      try {
        while (slot < to) {
          const socket = sockets[slot++]
          if (socket === undefined) continue
          const answer: unknown = socket.send(text)
          if (answer !== undefined && isThenable(answer)) this.#answeredLate(connectionBefore(slot, occupants), answer)
          sent++
        }
      } catch (error) {
        if (isDepthRefusal(error)) sent++
        else this.failures.push({ connection: connectionBefore(slot, occupants), error })
      }
    }
    this.sent += sent
  }
}

/** Whose socket was just served. Looked up when needed: to read the seats along with the sockets costs a quarter more. */
function connectionBefore<TConnection>(slot: number, occupants: readonly (Seat<TConnection> | undefined)[]): TConnection {
  return (occupants[slot - 1] as Seat<TConnection>).connection
}

/** True for the refusal of one publish too many: the fault of a chain of publishes, not of the socket it passed through. */
export function isDepthRefusal(error: unknown): boolean {
  return error instanceof ConnectionManagerError && error.code === 'ERR_PUBLISH_DEPTH'
}

function coverBoth<TConnection extends { readonly socket: Socket }>({ exact, exactSeat, whole, wholeSeat }: DoubleSeat<TConnection>): void {
  exact.cover(exactSeat)
  whole.cover(wholeSeat)
}

/** Lets both seats be seen again, and returns one that is still taken, if any: a connection may have lost either meanwhile. */
function uncovered<TConnection extends { readonly socket: Socket }>({
  exact,
  exactSeat,
  whole,
  wholeSeat,
}: DoubleSeat<TConnection>): readonly SeatRange<TConnection>[] {
  exact.uncover(exactSeat)
  whole.uncover(wholeSeat)
  return (exact.holds(exactSeat) ? oneOf(exact, exactSeat) : oneOf(whole, wholeSeat)).ranges
}
