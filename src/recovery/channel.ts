import { Queue } from '../collections/queue.ts'
import type { ChannelName } from '../model/channel.ts'
import { fitsInPosition, isMark, markOf, positionText, type Position } from '../model/position.ts'
import type { History, HistoryMessage } from './history-message.ts'

/** What a channel knows about the numbers of one epoch. */
interface EpochState {
  /** The number of the last message of the epoch. */
  seq: number
  /**
   * Messages up to this number may be missing from the history, which has removed them or never had them. A client that has not received the message
   * with this number cannot resume.
   */
  forgotten: number
  /** True if the epoch belongs to another node. */
  isForeign: boolean
}

/** The maximum number of epochs that a channel remembers. */
const MOST_EPOCHS = 32

/**
 * The numbers and the history of one channel. `Position` says what a channel and an epoch are.
 *
 * For the delivery `every`, the history holds the last messages in order. For the delivery `latest`, it holds only the latest message of each stream.
 * Older messages of a `latest` stream do not count as missing.
 */
export class Channel implements ChannelName, History {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
  readonly isLatest: boolean
  /** The epoch of the messages that this node publishes. */
  readonly epoch: string
  /** How many streams of the channel are active. */
  activeStreams = 0
  /** When this node recorded the first message of its own epoch, in milliseconds of the monotonic clock. `undefined` before that message. */
  firstAtMs: number | undefined
  /** When this node recorded the latest message of its own epoch, like `firstAtMs`. */
  lastAtMs: number | undefined
  readonly #limits: { readonly count: number; readonly units: number }
  /** The state of this node's own epoch. */
  readonly #own: EpochState = { seq: 0, forgotten: 0, isForeign: false }
  readonly #epochs = new Map<string, EpochState>()
  readonly #mark: string
  /** The messages of the history, if the delivery is `every`. `#count` and `#units` are their number and their UTF-16 units. */
  #messages = new Queue<HistoryMessage>()
  #count = 0
  #units = 0
  /** The latest message of each symbol. The oldest of these messages is first. */
  readonly #latest = new Map<string | undefined, HistoryMessage>()

  constructor({ streamType, symbol, userId }: ChannelName, epoch: string, isLatest: boolean, limits: { readonly count: number; readonly units: number }) {
    this.streamType = streamType
    this.symbol = symbol
    this.userId = userId
    this.epoch = epoch
    this.#mark = markOf(epoch)
    this.isLatest = isLatest
    this.#limits = limits
    this.#epochs.set(epoch, this.#own)
  }

  /** The last number of this node's own epoch. */
  get seq(): number {
    return this.#own.seq
  }

  /** True if the history exceeds a limit, so that its oldest message must be removed. The limits do not apply to the delivery `latest`. */
  get isTooLarge(): boolean {
    return this.#count > this.#limits.count || this.#units > this.#limits.units
  }

  /** The position of a client that has received every message up to now. */
  get position(): string {
    return positionText(Array.from(this.#epochs, ([epoch, { seq }]) => [epoch, seq] as const))
  }

  /** The epochs, oldest first. This node's own epoch is the last one. */
  get epochs(): readonly { readonly epoch: string; readonly seq: number; readonly forgotten: number; readonly isForeign?: true }[] {
    const others = [...this.#epochs].filter(([epoch]) => epoch !== this.epoch)
    const all = [...others, [this.epoch, this.#own] as const]
    return all.map(([epoch, { seq, forgotten, isForeign }]) => ({ epoch, seq, forgotten, ...(isForeign && { isForeign }) }))
  }

  stateOf(epoch: string): EpochState | undefined {
    return this.#epochs.get(epoch)
  }

  /**
   * Adds an epoch of another node, or an epoch that this node used before a restart. If the epoch is known already, sets its state. The oldest epochs
   * are forgotten if there are too many, or if they do not all fit in the text of a position. This node's own epoch and its mark (see `markOf`) stay.
   * If a forgotten epoch belongs to another node and has messages, this node no longer knows which of these messages a client missed. Then no client
   * can resume from a position that this node gave out earlier.
   */
  knowEpoch(epoch: string, { seq, forgotten, isForeign }: EpochState): void {
    if (epoch === this.epoch) Object.assign(this.#own, { seq, forgotten })
    else this.#epochs.set(epoch, { seq, forgotten, isForeign })
    for (const each of this.#epochs.keys()) {
      if (this.#epochs.size <= MOST_EPOCHS && fitsInPosition(this.#epochs.keys())) return
      if (each === this.epoch || each === this.#mark) continue
      const oldest = this.#epochs.get(each) as EpochState
      this.#epochs.delete(each)
      if (oldest.isForeign && oldest.seq > 0) this.#refuseOlderPositions()
    }
  }

  /**
   * Forgets an epoch of another node. The epoch's messages stay in the history. From now on, no client can resume from a position that this node gave
   * out earlier, because the epoch may have messages that this node does not know. This node's own epoch is never forgotten.
   */
  forgetEpoch(epoch: string): void {
    if (epoch === this.epoch) return
    this.#epochs.delete(epoch)
    this.#refuseOlderPositions()
  }

  #refuseOlderPositions(): void {
    const seq = (this.#epochs.get(this.#mark)?.seq ?? 0) + 1
    this.#epochs.set(this.#mark, { seq, forgotten: seq, isForeign: false })
  }

  /**
   * Records that another node has published messages up to number `seq` in its epoch. No client can resume from a smaller number, because this node
   * may not have all messages up to number `seq`. Does nothing if this node knows this number or a higher one.
   */
  skipTo(epoch: string, seq: number): void {
    const state = this.#epochs.get(epoch)
    if (state === undefined) this.knowEpoch(epoch, { seq, forgotten: seq, isForeign: true })
    else if (seq > state.seq) Object.assign(state, { seq, forgotten: seq })
  }

  /** Adds a message. Returns the older message that the new one replaced, if there is one. */
  add(message: HistoryMessage): HistoryMessage | undefined {
    const state = this.#stateOf(message)
    // A hole: nobody can resume from before it.
    if (message.seq > state.seq + 1) state.forgotten = message.seq - 1
    state.seq = Math.max(state.seq, message.seq)
    if (!this.isLatest) {
      this.#messages.push(message)
      this.#count++
      this.#units += message.units
      return undefined
    }
    const replaced = this.#latest.get(message.symbol)
    this.#latest.delete(message.symbol)
    this.#latest.set(message.symbol, message)
    return replaced
  }

  /**
   * Adds messages of known epochs in front of the history. `messages` is oldest first. No message may be missing between the last one of `messages`
   * and the history.
   */
  addBefore(messages: readonly HistoryMessage[]): void {
    const held = this.#messages
    this.#messages = new Queue()
    for (const message of messages) this.#messages.push(message)
    for (const message of held) this.#messages.push(message)
    for (const { epoch, seq, units } of messages) {
      const state = this.#epochs.get(epoch) as EpochState
      state.forgotten = Math.min(state.forgotten, seq - 1)
      this.#units += units
    }
    this.#count += messages.length
  }

  /** The oldest message of the history. */
  get oldest(): HistoryMessage | undefined {
    for (const message of this.#held()) return message
    return undefined
  }

  /** Removes the oldest message, and returns it. A client that has not received this message can no longer resume. */
  forgetOldest(): HistoryMessage | undefined {
    const message = this.isLatest ? this.#shiftLatest() : this.#shift()
    if (message === undefined) return undefined
    const state = this.#epochs.get(message.epoch)
    // The epoch may have been forgotten before its messages.
    if (state !== undefined) state.forgotten = Math.max(state.forgotten, message.seq)
    return message
  }

  /**
   * Returns all messages after a position, in order. Returns `undefined` if one of them may be missing from the history, or if the channel does not
   * know an epoch or a number of the position.
   */
  since(position: Position): HistoryMessage[] | undefined {
    for (const epoch of position.keys()) if (!this.#epochs.has(epoch) && !isMark(epoch)) return undefined
    for (const [epoch, { seq, forgotten }] of this.#epochs) {
      const from = position.get(epoch) ?? 0
      const isOfFuture = from > seq
      if (isOfFuture || from < forgotten) return undefined
    }
    return [...this.#held()].filter(({ epoch, seq }) => seq > (position.get(epoch) ?? 0))
  }

  /** Returns the latest message of a symbol. Without a symbol, returns the latest message of each symbol, oldest first. */
  latest(symbol: string | undefined): HistoryMessage[] {
    if (symbol === undefined) return [...this.#latest.values()]
    const message = this.#latest.get(symbol)
    return message === undefined ? [] : [message]
  }

  /** Returns the messages of the history, oldest first. */
  messages(): HistoryMessage[] {
    return [...this.#held()]
  }

  /**
   * Returns the position just before the first of these messages in each epoch. A client with this position lacks all of these messages, and perhaps
   * others.
   */
  positionBefore(messages: readonly { readonly epoch: string; readonly seq: number }[]): string {
    const before = new Map(Array.from(this.#epochs, ([epoch, { seq }]) => [epoch, seq]))
    for (const { epoch, seq } of messages) before.set(epoch, Math.min(before.get(epoch) ?? Infinity, seq - 1))
    return positionText(before)
  }

  #held(): Iterable<HistoryMessage> {
    return this.isLatest ? this.#latest.values() : this.#messages
  }

  #shift(): HistoryMessage | undefined {
    const message = this.#messages.shift()
    if (message === undefined) return undefined
    this.#count--
    this.#units -= message.units
    return message
  }

  #shiftLatest(): HistoryMessage | undefined {
    const message = this.oldest
    if (message !== undefined) this.#latest.delete(message.symbol)
    return message
  }

  #stateOf({ epoch, seq }: HistoryMessage): EpochState {
    let state = this.#epochs.get(epoch)
    if (state === undefined) {
      this.knowEpoch(epoch, { seq: seq - 1, forgotten: seq - 1, isForeign: true })
      state = this.#epochs.get(epoch) as EpochState
    }
    return state
  }
}
