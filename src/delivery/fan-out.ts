import { isThenable } from '../guards/user-code.ts'
import { SendQueue, type Acceptance, type Sink } from '../ports/sink.ts'
import type { Seat, Seats } from '../collections/fan-out-list.ts'
import type { MessageFields } from '../model/message-fields.ts'
import type { PublishResult } from '../model/publish-result.ts'
import { bufferedAmountOf } from './meter.ts'
import { OutgoingMessage } from '../model/outgoing-message.ts'
import { oneOf, type DoubleSeat, type Recipients, type SeatRange } from './recipients.ts'

/** A connection whose sink threw, and what it threw. */
export interface SendFailure<TConnection> {
  readonly connection: TConnection
  readonly error: unknown
}

/** What a fan-out leaves to the delivery that it is part of. */
export interface SendOutcomes<TConnection> {
  /** Told of each `send` that answered with something that settles later. */
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>): void
  /** Whether a socket that has this much buffered, which is more than the limit, is taken to have room. */
  hasRoom(connection: TConnection, buffered: number): boolean
  /** Has the message wait in a send queue, and says what became of it. */
  keep(connection: TConnection, message: OutgoingMessage): Acceptance
  /** Whether a socket threw what a publish of this very chain was refused with. That is no fault of the socket. */
  isOwnRefusal(error: unknown): boolean
}

/** Whom a message is not for any more. */
export type Exclusion<TConnection> = (connection: TConnection) => boolean

/** One message on its way to its recipients: hands it to each, once, whatever the others do, and counts what became of it. */
export class FanOut<TConnection extends { readonly sink: Sink }> implements Record<Exclude<Acceptance, 'sent'>, number> {
  readonly fields: MessageFields
  readonly matched: number
  readonly failures: SendFailure<TConnection>[] = []
  /** Sockets and send queues that took the message, whatever became of it there. */
  taken = 0
  batched = 0
  queued = 0
  conflated = 0
  dropped = 0
  failed = 0
  skipped = 0
  readonly #recipients: Recipients<TConnection>
  readonly #outcomes: SendOutcomes<TConnection>
  readonly #roomBytes: number | undefined
  #exclusions: readonly Exclusion<TConnection>[] = NO_EXCLUSIONS
  #message: OutgoingMessage | undefined

  /** With `roomBytes`, sockets are asked what they have buffered, and looked at if it is more than that. Without, none is asked. */
  constructor(
    fields: MessageFields,
    recipients: Recipients<TConnection>,
    outcomes: SendOutcomes<TConnection>,
    roomBytes: number | undefined,
  ) {
    this.fields = fields
    this.matched = recipients.matched
    this.#recipients = recipients
    this.#outcomes = outcomes
    this.#roomBytes = roomBytes
    for (const { seats } of recipients.ranges) seats.pin()
  }

  /** Hands the message to its recipients. */
  serve(text: string, servedAtMs: number): void {
    const { doubles, ranges } = this.#recipients
    for (const { seats } of ranges) seats.served(servedAtMs)
    for (const double of doubles) coverBoth(double)
    for (const range of ranges) this.#serveRange(range, text)
    for (const double of doubles) this.#serveDouble(double, text)
  }

  /** Keeps the message from those whose turn is still to come. */
  exclude(isExcluded: Exclusion<TConnection>): void {
    this.#exclusions = [...this.#exclusions, isExcluded]
    for (const { seats, seat } of this.#seatsWhere(isExcluded)) seats.cover(seat)
  }

  /** Lets all seats be as they were, releases the caller's data, and returns what became of the message. */
  end(): PublishResult {
    this.#message?.release()
    for (const isExcluded of this.#exclusions) for (const { seats, seat } of this.#seatsWhere(isExcluded)) seats.uncover(seat)
    for (const { seats } of this.#recipients.ranges) seats.unpin()
    const { matched, taken, failures, queued, conflated, dropped, failed, skipped } = this
    const sent = taken - queued - conflated - dropped - failed - skipped
    const missed = matched - taken - failures.length
    return { matched, sent, queued, conflated, dropped, failed: failed + failures.length, skipped: skipped + missed, deferred: false }
  }

  *#seatsWhere(isExcluded: Exclusion<TConnection>): Generator<{ seats: Seats<TConnection>; seat: Seat<TConnection> }, undefined> {
    for (const { seats, from, to } of this.#recipients.ranges) {
      for (let slot = from; slot < to; slot++) {
        const seat = seats.occupants[slot]
        if (seat !== undefined && isExcluded(seat.connection)) yield { seats, seat }
      }
    }
  }

  /** How many had their turn. */
  get #servedCount(): number {
    return this.taken + this.failures.length
  }

  #serveDouble({ exact, exactSeat, whole, wholeSeat }: DoubleSeat<TConnection>, text: string): void {
    exact.uncover(exactSeat)
    whole.uncover(wholeSeat)
    if (this.#exclusions.some((isExcluded) => isExcluded(exactSeat.connection))) return
    const servedBefore = this.#servedCount
    // A connection may have lost either seat meanwhile, and may lose the one while it is asked for its pressure.
    for (const { ranges } of [oneOf(exact, exactSeat), oneOf(whole, wholeSeat)]) {
      if (this.#servedCount === servedBefore) for (const range of ranges) this.#serveRange(range, text)
    }
  }

  /**
   * Serves some of the recipients. The inner loop is left by a throw, and entered again behind it: one `try` for all of them. What does not
   * take the text is counted, since that is nearly nothing.
   */
  #serveRange({ seats, from, to }: SeatRange<TConnection>, text: string): void {
    const { sinks, occupants } = seats
    const roomBytes = this.#roomBytes
    let untaken = 0
    for (let slot = from; slot < to; slot++) {
      try {
        for (; slot < to; slot++) {
          const sink = sinks[slot]
          if (sink === undefined) {
            untaken++
          } else if (sink instanceof SendQueue) {
            this.#note(sink.accept(this.#outgoing(text)))
          } else {
            const buffered = roomBytes === undefined ? 0 : bufferedAmountOf(sink)
            // That was user code: it may have cost the connection its slot.
            if (seats.isDisturbed && sinks[slot] !== sink) {
              untaken++
            } else if (roomBytes !== undefined && buffered > roomBytes && !this.#outcomes.hasRoom(connectionIn(slot, occupants), buffered)) {
              this.#note(this.#outcomes.keep(connectionIn(slot, occupants), this.#outgoing(text)))
            } else {
              const answer = sink.send(text)
              if (answer !== undefined && isThenable(answer)) this.#outcomes.answeredLate(connectionIn(slot, occupants), answer)
            }
          }
        }
      } catch (error) {
        if (this.#isFailure(connectionIn(slot, occupants), error)) untaken++
      }
    }
    this.taken += to - from - untaken
  }

  #note(acceptance: Acceptance): void {
    if (acceptance !== 'sent') this[acceptance]++
  }

  /** The message as send queues keep it. Made when the first of them needs it. */
  #outgoing(text: string): OutgoingMessage {
    return (this.#message ??= new OutgoingMessage(text, this.fields))
  }

  /** Notes that a sink threw, unless what it threw is no fault of its own: then it has taken the text. */
  #isFailure(connection: TConnection, error: unknown): boolean {
    if (this.#outcomes.isOwnRefusal(error)) return false
    this.failures.push({ connection, error })
    return true
  }
}

const NO_EXCLUSIONS: readonly Exclusion<unknown>[] = []

/** Whose sink it is. Looked up when needed: to read the seats along with the sinks costs a quarter more. */
function connectionIn<TConnection>(slot: number, occupants: readonly (Seat<TConnection> | undefined)[]): TConnection {
  return (occupants[slot] as Seat<TConnection>).connection
}

function coverBoth<TConnection extends { readonly sink: Sink }>({ exact, exactSeat, whole, wholeSeat }: DoubleSeat<TConnection>): void {
  exact.cover(exactSeat)
  whole.cover(wholeSeat)
}
