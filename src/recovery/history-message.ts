import type { StreamMessage } from '../model/stream-message.ts'

/** The history that a message is in. */
export interface History {
  readonly streamType: string
  /** True if only the latest message of each stream counts. */
  readonly isLatest: boolean
  forgetOldest(): HistoryMessage | undefined
}

/** A message in a history. It knows its neighbours in the list of all messages of its kind, oldest first. */
export class HistoryMessage implements RecordedMessage {
  readonly channel: History
  readonly epoch: string
  readonly seq: number
  /** The symbol of the message, which a channel of a whole type needs. */
  readonly symbol: string | undefined
  /** The text that went out, numbers included. */
  readonly text: string
  /** The text before it was numbered, if only the host can mark it as a snapshot. */
  readonly unstamped: string | undefined
  /** The message itself, if its text cannot be parsed. */
  readonly message: StreamMessage<unknown, string> | undefined
  /** When it was recorded, in milliseconds of the monotonic clock. */
  readonly atMs: number
  /** Its place among all recorded messages. */
  readonly order: number
  earlier: HistoryMessage | undefined = undefined
  later: HistoryMessage | undefined = undefined

  constructor(channel: History, { epoch, seq, symbol, text, unstamped, message }: RecordedMessage, atMs: number, order: number) {
    this.channel = channel
    this.epoch = epoch
    this.seq = seq
    this.symbol = symbol
    this.text = text
    this.unstamped = unstamped
    this.message = message
    this.atMs = atMs
    this.order = order
  }

  get units(): number {
    return this.text.length + (this.unstamped?.length ?? 0)
  }
}

/** The facts of a message that is recorded. */
export interface RecordedMessage {
  readonly epoch: string
  readonly seq: number
  readonly symbol: string | undefined
  readonly text: string
  readonly unstamped: string | undefined
  readonly message: StreamMessage<unknown, string> | undefined
}

/** All messages of one kind, oldest first. A message is removed from where it is, which costs the same whatever the length. */
export class MessageList {
  first: HistoryMessage | undefined = undefined
  #last: HistoryMessage | undefined = undefined

  add(message: HistoryMessage): void {
    message.earlier = this.#last
    if (this.#last === undefined) this.first = message
    else this.#last.later = message
    this.#last = message
  }

  remove(message: HistoryMessage): void {
    const { earlier, later } = message
    if (earlier === undefined) this.first = later
    else earlier.later = later
    if (later === undefined) this.#last = earlier
    else later.earlier = earlier
    message.earlier = undefined
    message.later = undefined
  }
}
