import type { LoggedMessage } from '../ports/channel-log.ts'
import type { Destination } from './destination.ts'

/** Each message that waits counts this many units more than its text, so that the number of very short messages is limited too. */
const UNITS_OF_A_MESSAGE = 64

/** What an origin is asked for. */
export interface Range {
  readonly first: number
  readonly last: number
}

/**
 * Puts the messages of one epoch in order.
 *
 * A message that comes early waits, while its origin is asked for those before it. Messages that the origin does not have any more are reported as
 * missing. Then the waiting messages are delivered.
 */
export class Origin {
  readonly epoch: string
  /** The node that publishes. `undefined` if nothing has come from it yet. */
  node: string | undefined
  /** Units of the messages that wait. */
  heldUnits = 0
  /** How far it was, even if the destination has forgotten its epoch. */
  reached: number
  /** True if the origin has to tell its last number, because this node may have missed something. */
  isInDoubt = false
  /** How often its node has come back since, and was asked again. */
  timesAskedAgain = 0
  /** To complete the history, the origin was asked for messages from `askedFrom` on, and has answered from `answeredFrom` on. `Infinity`: never. */
  askedFrom: number = Infinity
  answeredFrom: number = Infinity
  readonly #destination: Destination
  readonly #held = new Map<number, LoggedMessage>()
  /** The last number that is known to exist. */
  #last = 0
  /** The first number of the hole that the origin was asked for. */
  #askedFirst = 0
  /** How often the origin was asked for this hole. */
  #questions = 0

  constructor(epoch: string, node: string | undefined, destination: Destination) {
    this.epoch = epoch
    this.node = node
    this.#destination = destination
    this.reached = this.seq
  }

  /** The last number that was delivered, or reported as missing. */
  get seq(): number {
    return this.#destination.knownOf(this.epoch)?.seq ?? 0
  }

  /** The last number whose message is not held here any more. */
  get forgotten(): number {
    return this.#destination.knownOf(this.epoch)?.forgotten ?? 0
  }

  /** Goes on from a number. `isMissing`: subscribers are told that what was before it is missing. */
  skipTo(seq: number, isMissing: boolean): void {
    this.#destination.skipTo(this.epoch, seq, isMissing)
    this.reached = seq
  }

  /** True if a message is missing that is known to exist. */
  get hasHole(): boolean {
    return this.seq < this.#last
  }

  /** Returns what the origin has to be asked for now. `undefined` if nothing is missing, or if it was asked already. */
  get question(): Range | undefined {
    const first = this.seq + 1
    return this.hasHole && first !== this.#askedFirst ? { first, last: this.#endOfHole(this.#last) } : undefined
  }

  noteAsked({ first }: Range): void {
    this.#askedFirst = first
    this.#questions++
  }

  /** True if the origin may be asked again, because the question or the answer may have been lost. */
  mayAskAgain(): boolean {
    return !this.isInDoubt && this.#questions < this.#destination.mostQuestions
  }

  /** Nobody knows whether the origin got the question, or has answered. */
  doubtAnswer(): void {
    this.#askedFirst = 0
    this.askedFrom = Infinity
    this.answeredFrom = Infinity
  }

  /** Takes a message. Returns false if it is here already. */
  take(message: LoggedMessage): boolean {
    const { seq } = message
    if (seq <= this.seq || this.#held.has(seq)) return false
    this.expect(seq)
    if (this.#destination.isLatest || seq === this.seq + 1) {
      this.#accept(message)
      this.#release()
    } else {
      this.#held.set(seq, message)
      this.heldUnits += unitsOf(message)
    }
    return true
  }

  /**
   * Takes messages that the origin sent again, in order. If a number before one of these messages is missing, the origin does not have that message
   * any more.
   */
  takeAgain(messages: readonly LoggedMessage[], { last }: Range, isComplete: boolean): number {
    let taken = 0
    for (const message of messages) {
      if (message.seq <= this.seq) continue
      // What a newer message has replaced is missing to nobody.
      if (!this.#destination.isLatest) this.#passTo(message.seq - 1, true)
      if (this.take(message)) taken++
    }
    this.#questions = 0
    if (isComplete) this.#passTo(Math.min(last, this.#last), !this.#destination.isLatest)
    return taken
  }

  /** Notes that the origin has published up to this number. */
  expect(seq: number): void {
    this.#last = Math.max(this.#last, seq)
  }

  /** Goes on without what is missing. Subscribers are told. */
  giveUp(): void {
    this.#passTo(this.#last, true)
  }

  /** Passes all numbers up to this one. A number whose message does not wait here is missing, or its message was replaced. */
  #passTo(last: number, isMissing: boolean): void {
    this.#release()
    while (this.seq < last) {
      this.skipTo(this.#endOfHole(last), isMissing)
      this.#release()
    }
  }

  /** Returns the last number before the next message that waits, up to `last`. The search takes time, so do not call it for each message. */
  #endOfHole(last: number): number {
    let end = last
    for (const seq of this.#held.keys()) end = Math.min(end, seq - 1)
    return end
  }

  /** Delivers the waiting messages that are next in order. */
  #release(): void {
    for (let next = this.#held.get(this.seq + 1); next !== undefined; next = this.#held.get(this.seq + 1)) {
      this.#drop(next)
      this.#accept(next)
    }
  }

  #accept(message: LoggedMessage): void {
    this.#destination.accept(this.epoch, message)
    this.reached = message.seq
  }

  #drop(message: LoggedMessage): void {
    this.#held.delete(message.seq)
    this.heldUnits -= unitsOf(message)
  }
}

function unitsOf({ text }: LoggedMessage): number {
  return UNITS_OF_A_MESSAGE + text.length
}
