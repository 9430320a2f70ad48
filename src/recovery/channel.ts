import { Queue } from '../collections/queue.ts'
import type { ChannelName } from '../model/channel.ts'
import { positionText, type Position } from '../model/position.ts'
import type { History, HistoryMessage } from './history-message.ts'

/** How far the messages of one epoch are known. */
interface EpochState {
  /** The last number. */
  seq: number
  /** The last number that is not held any more. Nobody can resume from before it. */
  forgotten: number
}

/** A channel remembers this many epochs. */
const MOST_EPOCHS = 32

/**
 * The numbers and the history of one channel.
 *
 * If all messages count, the history is the last ones, in order. If only the latest of each stream counts, it is that one. A message that a newer
 * one replaced is not missing to anybody.
 */
export class Channel implements ChannelName, History {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
  readonly isLatest: boolean
  /** The epoch of the messages that this node publishes. */
  readonly epoch: string
  /** How many of its streams are active. */
  activeStreams = 0
  units = 0
  readonly #limits: { readonly count: number; readonly units: number }
  /** The state of this node's own epoch, which nearly every message is of. */
  readonly #own: EpochState = { seq: 0, forgotten: 0 }
  readonly #epochs = new Map<string, EpochState>()
  readonly #messages = new Queue<HistoryMessage>()
  /** Symbol → its latest message. In the order in which they came. */
  readonly #latest = new Map<string | undefined, HistoryMessage>()
  #count = 0

  constructor({ streamType, symbol, userId }: ChannelName, epoch: string, isLatest: boolean, limits: { readonly count: number; readonly units: number }) {
    this.streamType = streamType
    this.symbol = symbol
    this.userId = userId
    this.epoch = epoch
    this.isLatest = isLatest
    this.#limits = limits
    this.#epochs.set(epoch, this.#own)
  }

  /** The last number of this node's own epoch. */
  get seq(): number {
    return this.#own.seq
  }

  /** True if the oldest message has to go, because there are too many or they are too long. */
  get isTooLarge(): boolean {
    return !this.isLatest && this.#count > 0 && (this.#count > this.#limits.count || this.units > this.#limits.units)
  }

  /** The place behind the last message. */
  get position(): string {
    return positionText(Array.from(this.#epochs, ([epoch, { seq }]) => [epoch, seq] as const))
  }

  get epochs(): readonly { readonly epoch: string; readonly seq: number; readonly forgotten: number }[] {
    return Array.from(this.#epochs, ([epoch, state]) => ({ epoch, ...state }))
  }

  /** Makes an epoch of an earlier run known. The oldest one is forgotten if there are too many. */
  knowEpoch(epoch: string, state: EpochState): void {
    if (epoch === this.epoch) Object.assign(this.#own, state)
    else this.#epochs.set(epoch, { ...state })
    for (const each of this.#epochs.keys()) if (this.#epochs.size > MOST_EPOCHS && each !== this.epoch) this.#epochs.delete(each)
  }

  /** Adds a message, and returns the one that it replaced. */
  add(message: HistoryMessage): HistoryMessage | undefined {
    const state = this.#stateOf(message)
    state.seq = Math.max(state.seq, message.seq)
    this.units += message.units
    if (!this.isLatest) {
      this.#messages.push(message)
      this.#count++
      return undefined
    }
    const replaced = this.#latest.get(message.symbol)
    if (replaced !== undefined) this.units -= replaced.units
    this.#latest.delete(message.symbol)
    this.#latest.set(message.symbol, message)
    return replaced
  }

  /** The oldest message of the history. */
  get oldest(): HistoryMessage | undefined {
    for (const message of this.#held()) return message
    return undefined
  }

  /** Forgets the oldest message. It is missing to those who do not have it. */
  forgetOldest(): HistoryMessage | undefined {
    const message = this.isLatest ? this.oldest : this.#messages.shift()
    if (message === undefined) return undefined
    if (this.isLatest) this.#latest.delete(message.symbol)
    else this.#count--
    this.units -= message.units
    const state = message.epoch === this.epoch ? this.#own : this.#epochs.get(message.epoch)
    if (state !== undefined) state.forgotten = Math.max(state.forgotten, message.seq)
    return message
  }

  /** Returns what came after a position, in order. `undefined` if that cannot be proven to be all. */
  since(position: Position): HistoryMessage[] | undefined {
    for (const epoch of position.keys()) if (!this.#epochs.has(epoch)) return undefined
    for (const [epoch, { seq, forgotten }] of this.#epochs) {
      const from = position.get(epoch) ?? 0
      const isOfFuture = from > seq
      if (isOfFuture || (from < seq && from < forgotten)) return undefined
    }
    return [...this.#held()].filter(({ epoch, seq }) => seq > (position.get(epoch) ?? 0))
  }

  /** Returns the latest message of a symbol, or of the whole type: of each symbol, in order. */
  latest(symbol: string | undefined): HistoryMessage[] {
    if (symbol === undefined || this.symbol !== undefined) return [...this.#latest.values()]
    const message = this.#latest.get(symbol)
    return message === undefined ? [] : [message]
  }

  /** Returns the history, oldest first. */
  messages(): HistoryMessage[] {
    return [...this.#held()]
  }

  /** Returns the text of the place before these messages. Behind it, they are all that is missing. */
  positionBefore(messages: readonly { readonly epoch: string; readonly seq: number }[]): string {
    const before = new Map(Array.from(this.#epochs, ([epoch, { seq }]) => [epoch, seq]))
    for (const { epoch, seq } of messages) before.set(epoch, Math.min(before.get(epoch) ?? Infinity, seq - 1))
    return positionText(before)
  }

  #held(): Iterable<HistoryMessage> {
    return this.isLatest ? this.#latest.values() : this.#messages
  }

  #stateOf({ epoch, seq }: HistoryMessage): EpochState {
    let state = epoch === this.epoch ? this.#own : this.#epochs.get(epoch)
    if (state === undefined) {
      this.knowEpoch(epoch, { seq: seq - 1, forgotten: seq - 1 })
      state = this.#epochs.get(epoch) as EpochState
    }
    return state
  }
}
