import type { GapNotice, SkipNotice, StatusNotice } from '../model/notices.ts'
import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import type { EventListeners } from './client-events.ts'
import { MOST_SKIPS, remember } from './stream-state.ts'
import type { AnyMessage, AnyStream } from './update.ts'
import { WantedStream } from './wanted-stream.ts'

/** Of the time that a refusal names, so much is added at random at most, so that not all come again together. */
const JITTER = 0.25

/** All streams that are wanted, and what the server has to be told so that it sends these and no others. */
export class WantedStreams {
  readonly #agenda: Agenda
  readonly #events: EventListeners
  readonly #nextId: () => number
  readonly #changed: () => void
  readonly #streams = new Map<string, WantedStream>()
  /** Commands for streams that the server sends, and nobody wants any more. */
  readonly #unsubscribes: string[] = []
  /** The places of messages that this client was left out of. */
  readonly #skipped = new Map<string, unknown>()

  /** @param changed called if there is something to tell the server, or if there is less to need a connection for */
  constructor(agenda: Agenda, events: EventListeners, nextId: () => number, changed: () => void) {
    this.#agenda = agenda
    this.#events = events
    this.#nextId = nextId
    this.#changed = changed
  }

  get size(): number {
    return this.#streams.size
  }

  /** Returns a stream, which stays wanted until its last listener has left. */
  obtain(named: AnyStream): WantedStream {
    const key = keyOf(named)
    const failed = (error: unknown): void => this.#events.error.tell({ error, stage: 'listener' })
    const stream = this.#streams.get(key) ?? new WantedStream(named, failed)
    this.#streams.set(key, stream)
    this.#agenda.cancel(key)
    this.#changed()
    return stream
  }

  /** A listener has left. If it was the last one, the stream stays wanted for `lingerMs`, for those who come back at once. */
  left(stream: WantedStream, lingerMs: number): void {
    const key = keyOf(stream)
    if (stream.listeners.size > 0 || this.#streams.get(key) !== stream) return
    this.#agenda.plan(key, lingerMs, () => {
      this.#streams.delete(key)
      if (stream.phase === 'held' || stream.phase === 'asked') this.#unsubscribes.push(stream.command('unsubscribe', this.#nextId()))
      this.#changed()
    })
  }

  /** Returns the commands that are due, and takes them as given. */
  commands(): string[] {
    const wanted = this.#all(({ phase }) => phase === 'wanted')
    return [...this.#unsubscribes.splice(0), ...wanted.map((stream) => stream.ask(this.#nextId()))]
  }

  disconnected(): void {
    for (const stream of this.#streams.values()) stream.disconnected()
    this.#unsubscribes.length = 0
  }

  answered(answer: WireObject): void {
    const [stream] = this.#askedBy(answer['id'])
    if (!stream) return
    const { streamType, symbol } = stream
    this.#events.subscribed.tell({ streamType, symbol, recovered: stream.answered(answer) })
  }

  refused({ id, code, retry_ms: retryMs }: WireObject): void {
    const [stream] = this.#askedBy(id)
    if (!stream) return
    if (retryMs === undefined) return this.end(stream, code)
    stream.phase = 'resting'
    this.#agenda.plan(`:${keyOf(stream)}`, (retryMs as number) * (1 + JITTER * this.#agenda.clock.random()), () => {
      // A new connection may have asked in the meantime.
      if (stream.phase === 'resting') stream.phase = 'wanted'
      this.#changed()
    })
  }

  /** The server ended a subscription unasked. */
  unsubscribed({ stream_type: streamType, symbol, reason }: WireObject): void {
    const stream = this.#streams.get(keyOf({ streamType, symbol }))
    if (stream?.phase === 'held') this.end(stream, reason)
  }

  end(stream: WantedStream, code: unknown): void {
    const { streamType, symbol, listeners } = stream
    this.#streams.delete(keyOf(stream))
    stream.disconnected()
    listeners.tell({ type: 'ended', streamType, symbol, code: String(code) })
    listeners.clear()
    this.#changed()
  }

  endAll(code: string): void {
    for (const stream of this.#all()) this.end(stream, code)
  }

  message(message: AnyMessage): void {
    const held = this.#held(message)
    for (const stream of held) stream.take(message, this.#skipped)
    if (held.length === 0) this.#events.message.tell(message)
  }

  gap(notice: GapNotice): void {
    // Without a symbol, it is about all streams of the type.
    const ofType = this.#all(({ phase, streamType }) => phase === 'held' && streamType === notice.streamType)
    for (const stream of notice.symbol ? this.#held(notice) : ofType) stream.gap(notice)
  }

  skip(notice: SkipNotice): void {
    const { epoch, seq } = notice
    remember(this.#skipped, `${epoch}:${seq}`, seq, MOST_SKIPS)
    for (const stream of this.#held(notice)) stream.skip(notice, this.#skipped)
  }

  status(notice: StatusNotice): void {
    for (const { listeners } of this.#held(notice)) listeners.tell(notice)
  }

  /** Returns the subscriptions that cover a stream: its own, and that of its whole type. */
  #held({ streamType, symbol }: AnyStream): WantedStream[] {
    const keys = symbol ? [keyOf({ streamType, symbol }), keyOf({ streamType })] : [keyOf({ streamType })]
    return keys.flatMap((key) => this.#streams.get(key) ?? []).filter(({ phase }) => phase === 'held')
  }

  #all(has: (stream: WantedStream) => boolean = () => true): WantedStream[] {
    return [...this.#streams.values()].filter(has)
  }

  /** Returns the stream whose command is open, if somebody still wants it. */
  #askedBy(id: unknown): WantedStream[] {
    return this.#all(({ phase, askedId }) => phase === 'asked' && askedId === id)
  }
}

/** A stream type has no colon, and a symbol is not empty. */
function keyOf({ streamType, symbol }: { readonly streamType: unknown; readonly symbol?: unknown }): string {
  return `${streamType}:${symbol ?? ''}`
}
