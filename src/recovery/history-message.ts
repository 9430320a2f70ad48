import type { StreamMessage } from '../model/stream-message.ts'

/** The history that holds a message. */
export interface History {
  readonly streamType: string
  /** True if only the latest message of each stream counts. */
  readonly isLatest: boolean
  forgetOldest(): HistoryMessage | undefined
}

/** A message in a history. It is also an item of a `MessageList`, with links to the earlier and the later item. */
export class HistoryMessage implements RecordedMessage {
  readonly channel: History
  readonly epoch: string
  readonly seq: number
  /** The symbol of the message. A channel of a whole type holds messages of several symbols. */
  readonly symbol: string | undefined
  /** The text that was sent, with its epoch and number. */
  readonly text: string
  /** The text before it was numbered. It is kept only if the host's `stamp` needs it to mark snapshots. */
  readonly unstamped: string | undefined
  /** The message itself. It is kept only for `latest` streams, and only if the library cannot parse the text. */
  readonly message: StreamMessage<unknown, string> | undefined
  /**
   * When the message was recorded, in milliseconds of the monotonic clock. A message that was added in front of the history has the time of the
   * message after it, if there was one.
   */
  readonly atMs: number
  /** The place of the message among all recorded messages. The oldest message has the lowest number. */
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

/** A message before it is added to a history. */
export interface RecordedMessage {
  readonly epoch: string
  readonly seq: number
  readonly symbol: string | undefined
  readonly text: string
  readonly unstamped: string | undefined
  readonly message: StreamMessage<unknown, string> | undefined
}

/** A linked list of messages, oldest first. Removing a message from any place takes constant time. */
export class MessageList {
  first: HistoryMessage | undefined = undefined
  #last: HistoryMessage | undefined = undefined

  add(message: HistoryMessage): void {
    message.earlier = this.#last
    if (this.#last === undefined) this.first = message
    else this.#last.later = message
    this.#last = message
  }

  /** Adds a message in front of a message that is in the list. */
  addBefore(message: HistoryMessage, next: HistoryMessage): void {
    const { earlier } = next
    message.earlier = earlier
    message.later = next
    next.earlier = message
    if (earlier === undefined) this.first = message
    else earlier.later = message
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
