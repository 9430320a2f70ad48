import type { GapNotice, SkipNotice, StatusNotice, SubscribedNotice } from '../model/notices.ts'
import type { WireObject } from '../model/wire-reading.ts'
import { Listeners } from './listeners.ts'
import { advance, begin, explain, newState, positionOf } from './stream-state.ts'
import type { AnyMessage, AnyStream, AnyUpdate } from './update.ts'

declare function queueMicrotask(fn: () => unknown): void

/** A message or a notice that a server sends about a stream. */
export type Incoming = AnyMessage | GapNotice | SkipNotice | StatusNotice

export type StreamListener = (update: AnyUpdate) => unknown

/**
 * How far the subscription to a stream is: the client has to ask the server (`wanted`), has asked the server (`asked`), gets the stream (`held`), or
 * was refused for now (`resting`).
 */
export type Phase = 'wanted' | 'asked' | 'held' | 'resting'

/** A stream that has listeners, or had listeners a moment ago. */
export class WantedStream {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly listeners: Listeners<AnyUpdate>
  phase: Phase = 'wanted'
  /** The text of the last subscribe command. Only the answer to this command counts. */
  asked: string | undefined
  /** The last message of each symbol of a `latest` stream. A late listener gets these messages. */
  readonly lasts: Map<string, AnyMessage> = new Map()
  #wasHeld = false
  /** True after a `refresh`, until the answer. A snapshot then replaces the missing messages. */
  #isForgotten = false
  /**
   * Epoch → a hole in the numbers. The hole lies between the last number that was known at the answer and the number of the first message after the
   * answer.
   */
  readonly #holes = new Map<string, { readonly from: number; readonly to: number }>()
  readonly #state = newState()

  constructor({ streamType, symbol }: AnyStream, listenerFailed: (error: unknown) => void) {
    this.streamType = streamType
    this.symbol = symbol ?? undefined
    this.listeners = new Listeners(listenerFailed)
  }

  /** Adds a listener. In a microtask, the listener gets the last messages that other listeners already have, unless newer messages come first. */
  join(listener: StreamListener): void {
    const { listeners, lasts } = this
    listeners.add(listener)
    for (const [key, message] of lasts) queueMicrotask(() => lasts.get(key) === message && listeners.tellOne(listener, message))
  }

  /** The fields of a command about the stream. */
  get facts(): object {
    return { stream_type: this.streamType, symbol: this.symbol }
  }

  /** The position up to which the client has all messages. `undefined` if the client has no position. */
  get position(): string | undefined {
    return positionOf(this.#state)
  }

  /**
   * Handles the answer to a subscribe command. Returns true if no message since the last answer is missing, and `null` if this is the first answer.
   */
  answered(answer: WireObject): boolean | null {
    const recovered = this.#wasHeld ? answer['recovered'] === true || (this.#isForgotten && !!answer['snapshot']) : null
    this.phase = 'held'
    this.#wasHeld = true
    this.#isForgotten = false
    // A server without a recovery has no positions.
    begin(this.#state, { position: '', ...answer } as unknown as SubscribedNotice)
    // A snapshot replaces all that came before it. After a gap, the last messages may be out of date.
    if (answer['snapshot'] || recovered === false) this.lasts.clear()
    this.#holes.clear()
    if (recovered === false) this.#tellGap(undefined)
    return recovered
  }

  /** Makes the next subscribe command begin without a position. */
  forget(): void {
    this.#isForgotten = true
    this.#state.isKnown = false
  }

  disconnected(): void {
    this.phase = 'wanted'
    this.asked = undefined
    this.#state.answer = undefined
  }

  /** Handles a message or a notice of the stream. A skip takes the place of a message that the server did not send to this client. */
  receive(update: Incoming): void {
    const { type } = update
    if (type === 'gap') explain(this.#state, update.dropped)
    if (!type || type === 'skip') this.#take(update)
    else if (type === 'gap' || type === 'status') this.listeners.tell(update)
  }

  #take(message: AnyMessage | SkipNotice): void {
    const { symbol, epoch, seq = 0 } = message
    if (epoch) {
      const known = this.#state.marks.get(epoch)?.top ?? 0
      const isNew = this.#isNew(message as AnyMessage)
      const missing = advance(this.#state, { epoch, seq }) + (isNew ? 0 : this.#countLate(epoch, seq))
      if (missing > 0) this.#tellGap(missing)
      if (!isNew) return
      this.#state.isKnown = true
      if (!this.#holes.has(epoch)) this.#holes.set(epoch, { from: known, to: seq })
    }
    if (message.type) return
    if (this.#state.answer?.delivery === 'latest') this.lasts.set(symbol ?? '', message)
    this.listeners.tell(message)
  }

  #isNew({ symbol, epoch = '', seq = 0, snapshot }: AnyMessage): boolean {
    const { answer, isKnown, marks } = this.#state
    // What was announced replaces all that came before it.
    if (snapshot && !isKnown && symbol === this.symbol) return true
    if (answer?.delivery !== 'latest' || this.symbol) return seq > (marks.get(epoch)?.top ?? 0)
    // In the server's queue, a newer message of one symbol may pass older ones of others.
    const last = this.lasts.get(symbol ?? '')
    return last?.epoch !== epoch || seq > (last.seq as number)
  }

  /**
   * Returns 1 for a message that comes too late to be in order. The replay of a whole type may bring the later messages of a symbol before the
   * symbol's own replay brings the earlier ones.
   */
  #countLate(epoch: string, seq: number): number {
    const { answer } = this.#state
    const hole = this.#holes.get(epoch)
    if (!hole || answer?.contiguous || answer?.delivery === 'latest' || seq <= hole.from || seq >= hole.to) return 0
    this.#holes.set(epoch, { ...hole, from: seq })
    return 1
  }

  #tellGap(dropped: number | undefined): void {
    const { streamType, symbol } = this
    this.listeners.tell({ type: 'gap', streamType, symbol, dropped })
  }
}
