import type { LoggedMessage } from '../ports/channel-log.ts'
import type { Destination } from './destination.ts'

/** Each waiting message counts this many UTF-16 units in addition to its text, so that the number of very short messages is limited too. */
const UNITS_OF_A_MESSAGE = 64

/** The numbers of the messages that an origin is asked for. */
export interface Range {
  readonly first: number
  readonly last: number
}

/**
 * Puts the messages of one epoch in order.
 *
 * A message that comes too early waits, while its origin is asked for the messages before it. Messages that the origin does not have any more are
 * reported as missing. A waiting message is delivered once each message before it was delivered, skipped, or reported as missing. If this node gives
 * up an origin that is in doubt, the waiting messages are dropped. If each message of the channel replaces all older ones, no message waits.
 */
export class Origin {
  readonly epoch: string
  /** The node that publishes in the epoch. `undefined` if no frame of that node has arrived yet. */
  node: string | undefined
  /** The size of the waiting messages, in UTF-16 units. */
  heldUnits = 0
  /** The last number that this node has reached in the epoch. This number stays known even if the destination has forgotten the epoch. */
  reached: number
  /** True if the origin must report its last number, because this node may have missed messages. */
  isInDoubt = false
  /** How many times the origin's node has come back and was asked again for the same messages. */
  timesAskedAgain = 0
  /**
   * Both numbers concern messages that are older than the messages held here. `askedFrom` is the first number that the origin was asked for.
   * `answeredFrom` is the first number for which the origin has answered. `Infinity` means that the origin was not asked, or has not answered.
   */
  askedFrom: number = Infinity
  answeredFrom: number = Infinity
  /**
   * The lowest number that this node has not reached and that a client waits for, because the client got it from another node. `Infinity` if no client
   * waits. `0` for a new origin, because a client may wait until this node knows the origin.
   */
  awaited = 0
  readonly #destination: Destination
  readonly #held = new Map<number, LoggedMessage>()
  /** The highest number that the origin is known to have published. */
  #last = 0
  /** The first missing number in the last request to the origin. */
  #askedFirst = 0
  /** How many times the origin was asked for missing messages since its last answer. */
  #questions = 0

  constructor(epoch: string, node: string | undefined, destination: Destination) {
    this.epoch = epoch
    this.node = node
    this.#destination = destination
    this.reached = this.seq
  }

  /** The last number that is settled: its message was delivered, skipped, or reported as missing. */
  get seq(): number {
    return this.#destination.knownOf(this.epoch)?.seq ?? 0
  }

  /** Up to this number, messages may be missing from this node's history. `0` if none are missing. */
  get forgotten(): number {
    return this.#destination.knownOf(this.epoch)?.forgotten ?? 0
  }

  /**
   * Continues after number `seq`. If `isMissing` is true, subscribers are told that the messages up to this number are missing, except those that
   * were settled before.
   */
  skipTo(seq: number, isMissing: boolean): void {
    this.#destination.skipTo(this.epoch, seq, isMissing)
    this.reached = seq
  }

  /** True if the origin is known to have published a message that is missing here. */
  get hasHole(): boolean {
    return this.seq < this.#last
  }

  /** Returns the numbers that the origin must be asked for now. Returns `undefined` if no message is missing, or if the origin was asked already. */
  get question(): Range | undefined {
    const first = this.seq + 1
    return this.hasHole && first !== this.#askedFirst ? { first, last: this.#endOfHole(this.#last) } : undefined
  }

  noteAsked({ first }: Range): void {
    this.#askedFirst = first
    this.#questions++
  }

  /** True if the origin may be asked again, because the question or the answer may have been lost. False while `isInDoubt` is true. */
  mayAskAgain(): boolean {
    return !this.isInDoubt && this.#questions < this.#destination.mostQuestions
  }

  /** Forgets the requests to the origin, because nobody knows whether the origin received them or has answered. */
  doubtAnswer(): void {
    this.#askedFirst = 0
    this.askedFrom = Infinity
    this.answeredFrom = Infinity
  }

  /** Takes a message. Returns false if the message waits here already, or if its number is settled: see `seq`. */
  take(message: LoggedMessage): boolean {
    const { seq } = message
    if (seq <= this.seq || this.#held.has(seq)) return false
    this.expect(seq)
    if (this.#destination.isReplacing || seq === this.seq + 1) {
      this.#accept(message)
      this.#release()
    } else {
      this.#held.set(seq, message)
      this.heldUnits += unitsOf(message)
    }
    return true
  }

  /**
   * Takes messages that the origin sent again. They are in ascending order. If a number before one of these messages is missing, the origin does not
   * have the message with that number any more. Returns how many of the messages were missing here.
   */
  takeAgain(messages: readonly LoggedMessage[], { first, last }: Range, isComplete: boolean): number {
    const isToQuestion = first <= this.#askedFirst && this.#askedFirst <= last
    let taken = 0
    for (const message of messages) {
      if (message.seq <= this.seq) continue
      // What a newer message has replaced is missing to nobody.
      if (!this.#destination.isReplacing) this.#passTo(message.seq - 1, !this.#destination.isLatest)
      if (this.take(message)) taken++
    }
    this.#questions = 0
    if (isComplete) this.#passTo(Math.min(last, this.#last), !this.#destination.isLatest)
    // The rest of the answer is under way.
    else if (isToQuestion) this.#askedFirst = this.seq + 1
    return taken
  }

  /** Notes that the origin has published messages up to number `seq`. */
  expect(seq: number): void {
    this.#last = Math.max(this.#last, seq)
  }

  /** Continues without the missing messages. Subscribers are told how many messages are missing. */
  giveUp(): void {
    this.#passTo(this.#last, true)
  }

  /**
   * Goes on to the numbers after `last`. Messages that wait here are delivered. The other messages up to `last` are given up. If `isMissing` is true,
   * subscribers are told that these messages are missing.
   */
  #passTo(last: number, isMissing: boolean): void {
    this.#release()
    while (this.seq < last) {
      this.skipTo(this.#endOfHole(last), isMissing)
      this.#release()
    }
  }

  /**
   * Returns the number before the first waiting message, or `last` if that is lower. This search takes time, so do not call the method for each
   * message.
   */
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
