import type { GapNotice, SkipNotice, StatusNotice } from '../model/notices.ts'
import { Listeners } from './listeners.ts'
import { advance, begin, explain, type Answer, type Mark, type Place, type StreamState } from './stream-state.ts'
import type { AnyMessage, AnyUpdate } from './update.ts'

declare function queueMicrotask(fn: () => unknown): void

/** A message or a notice that a server sends about a stream. */
export type Incoming = AnyMessage | GapNotice | SkipNotice | StatusNotice

/** The notice that the server has ended a subscription without a command of the client. */
export interface UnsubscribedNotice extends StreamName {
  readonly type: 'unsubscribed'
  readonly reason: string
}

export type StreamListener = (update: AnyUpdate) => unknown

/**
 * How far the subscription to a stream is:
 *
 * - `wanted`: the client has to ask the server
 * - `asked`: the client has asked the server
 * - `held`: the client gets the stream
 * - `waiting`: the server has refused for now
 */
export type Phase = 'wanted' | 'asked' | 'held' | 'waiting'

/** The name of a stream. */
export interface StreamName {
  readonly streamType: string
  readonly symbol: string | undefined
}

/** A stream that has listeners, or had listeners a moment ago. */
export class WantedStream implements StreamState {
  readonly name: StreamName
  readonly listeners: Listeners<AnyUpdate>
  phase: Phase = 'wanted'
  /** The text of the last subscribe command. Only the answer to this command counts. */
  asked: string | undefined
  /** Symbol → its last message, if the stream is `latest`. A late listener gets these messages. */
  readonly lasts: Map<string | undefined, AnyMessage> = new Map()
  answer: Answer | undefined
  isKnown = false
  readonly marks: Map<string, Mark> = new Map()
  /** True after a `refresh`, until the answer. A snapshot then replaces the missing messages. */
  #isForgotten = false
  /**
   * Epoch → a hole in the numbers. The hole lies between the last number that was known at the answer and the number of the first message after the
   * answer.
   */
  readonly #holes = new Map<string, { from: number; readonly to: number }>()

  constructor(name: StreamName, listenerFailed: (error: unknown) => void) {
    this.name = name
    this.listeners = new Listeners(listenerFailed)
  }

  /** Adds a listener. In a microtask, the listener gets the last messages that other listeners already have, unless newer messages come first. */
  join(listener: StreamListener): void {
    this.listeners.add(listener)
    for (const [symbol, message] of this.lasts) queueMicrotask(() => this.lasts.get(symbol) === message && this.listeners.tellOne(listener, message))
  }

  /**
   * Handles the answer to a subscribe command. Returns `null` for the first answer. After that, returns true if no message since the last answer is
   * missing, or if the snapshot of a `refresh` replaces the missing messages.
   */
  answered(answer: Answer): boolean | null {
    // Each answer leaves a mark.
    const recovered = this.marks.size > 0 ? !!(answer.recovered || (this.#isForgotten && answer.snapshot)) : null
    begin(this, answer)
    this.phase = 'held'
    this.#isForgotten = false
    // A snapshot replaces all that came before it. After a gap, the last messages may be out of date.
    if (answer.snapshot || recovered === false) this.lasts.clear()
    this.#holes.clear()
    if (recovered === false) this.#tellGap(undefined)
    return recovered
  }

  /** Makes the next subscribe command ask for the stream without a position. */
  forget(): void {
    this.#isForgotten = true
    this.isKnown = false
  }

  /** Call this when the server no longer sends the stream. */
  disconnected(): void {
    this.phase = 'wanted'
    this.asked = this.answer = undefined
  }

  /** Handles a message or a notice of the stream. A skip takes the place of a message that the server did not send to this client. */
  receive(update: Incoming): void {
    const { type } = update
    if (!type || type === 'skip') return this.#take(update)
    if (type === 'gap') explain(this, update.dropped)
    if (type === 'gap' || type === 'status') this.listeners.tell(update)
  }

  #take(message: AnyMessage | SkipNotice): void {
    const { epoch, seq = 0 } = message
    if (epoch) {
      const known = this.marks.get(epoch)?.top ?? 0
      const isNew = this.#isNew(message as AnyMessage, known)
      const missing = advance(this, message as Place) + (isNew ? 0 : this.#countLate(epoch, seq))
      if (missing > 0) this.#tellGap(missing)
      if (!isNew) return
      this.isKnown = true
      if (!this.#holes.has(epoch)) this.#holes.set(epoch, { from: known, to: seq })
    }
    if (message.type) return
    if (this.answer?.delivery === 'latest') this.lasts.set(message.symbol, message)
    this.listeners.tell(message)
  }

  /** @param known the highest number that the client knows of the message's epoch */
  #isNew({ symbol, epoch, seq = 0, snapshot }: AnyMessage, known: number): boolean {
    // The announced snapshot replaces all messages before it.
    if (snapshot && !this.isKnown && symbol === this.name.symbol) return true
    if (this.answer?.delivery !== 'latest' || this.name.symbol) return seq > known
    // In the server's queue, a newer message of one symbol may pass older ones of others.
    const last = this.lasts.get(symbol)
    return last?.epoch !== epoch || seq > (last?.seq as number)
  }

  /**
   * Returns 1 for a message that comes too late to be in order, and so counts as missing. Returns 0 for other messages. The replay of a whole type
   * may bring the later messages of a symbol before the symbol's own replay brings the earlier ones.
   */
  #countLate(epoch: string, seq: number): number {
    const { answer } = this
    const hole = this.#holes.get(epoch)
    if (!hole || answer?.contiguous || answer?.delivery === 'latest' || seq <= hole.from || seq >= hole.to) return 0
    hole.from = seq
    return 1
  }

  #tellGap(dropped: number | undefined): void {
    this.listeners.tell({ type: 'gap', ...this.name, dropped })
  }
}
