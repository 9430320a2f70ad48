import type { GapNotice, SkipNotice } from '../model/notices.ts'
import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import type { EventListeners } from './client-events.ts'
import { StreamListeners } from './stream-listeners.ts'
import { MOST_SKIPS, remember } from './stream-state.ts'
import type { AnyMessage, AnyStream } from './update.ts'
import { WantedStream } from './wanted-stream.ts'

/** Of the time that a refusal names, so much is added at random at most, so that not all come again together. */
const JITTER = 0.25

/** All streams that are wanted, and what the server has to be told so that it sends these and no others. */
export class WantedStreams {
  readonly #agenda: Agenda
  readonly #events: EventListeners
  readonly #changed: () => void
  readonly #streams = new Map<string, WantedStream>()
  readonly #nextId: () => number
  /** Commands for streams that the server sends, and nobody wants any more. */
  readonly #unsubscribes: string[] = []
  /** Open commands → the streams that they ask for. */
  readonly #asked = new Map<unknown, WantedStream>()
  /** The places of messages that this client was left out of. */
  readonly #skipped = new Map<string, unknown>()

  /** @param changed called if there is something to tell the server, or if there is less to need a connection for */
  constructor(agenda: Agenda, events: EventListeners, nextId: () => number, changed: () => void) {
    this.#agenda = agenda
    this.#nextId = nextId
    this.#events = events
    this.#changed = changed
  }

  get size(): number {
    return this.#streams.size
  }

  /** Returns a stream, which stays wanted until its last listener has left. */
  obtain(stream: AnyStream): WantedStream {
    const key = keyOf(stream)
    const wanted = this.#streams.get(key) ?? this.#newStream(stream)
    this.#streams.set(key, wanted)
    this.#agenda.cancel(key)
    return wanted
  }

  /** A listener has left. If it was the last one, the stream stays wanted for `lingerMs`, for those who come back at once. */
  left(stream: WantedStream, lingerMs: number): void {
    const key = keyOf(stream)
    if (stream.listeners.size > 0 || this.#streams.get(key) !== stream) return
    this.#agenda.plan(key, lingerMs, () => {
      this.#streams.delete(key)
      if (stream.phase === 'held' || stream.phase === 'asked') this.#unsubscribes.push(stream.command('unsubscribe', this.#nextId()))
      // What the server still answers and sends is nobody's.
      stream.disconnected()
      this.#changed()
    })
  }

  /** Returns the commands that are due, and takes them as given. */
  commands(): string[] {
    const wanted = this.#all.filter(({ phase }) => phase === 'wanted')
    return [...this.#unsubscribes.splice(0), ...wanted.map((stream) => this.#ask(stream, this.#nextId()))]
  }

  disconnected(): void {
    for (const stream of this.#all) stream.disconnected()
    this.#unsubscribes.length = 0
    this.#asked.clear()
  }

  answered(answer: WireObject): void {
    const stream = this.#askedBy(answer['id'])
    if (!stream) return
    const { streamType, symbol } = stream
    this.#events.raise('subscribed', { streamType, symbol, recovered: stream.answered(answer) })
  }

  refused({ id, code, retry_ms: retryMs }: WireObject): void {
    const stream = this.#askedBy(id)
    if (!stream) return
    if (retryMs === undefined) return this.end(stream, String(code))
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
    if (stream?.phase === 'held') this.end(stream, String(reason))
  }

  end(stream: WantedStream, code: string): void {
    const { streamType, symbol, listeners } = stream
    this.#streams.delete(keyOf(stream))
    stream.disconnected()
    listeners.tell({ type: 'ended', streamType, symbol, code })
    listeners.clear()
    this.#changed()
  }

  endAll(code: string): void {
    for (const stream of this.#all) this.end(stream, code)
  }

  message(message: AnyMessage): void {
    const held = this.held(message)
    for (const stream of held) stream.take(message, this.#skipped)
    if (held.length === 0) this.#events.raise('message', message)
  }

  gap(notice: GapNotice): void {
    // Without a symbol, it is about all streams of the type.
    const ofType = (): WantedStream[] => this.#all.filter(({ phase, streamType }) => phase === 'held' && streamType === notice.streamType)
    for (const stream of notice.symbol ? this.held(notice) : ofType()) stream.gap(notice)
  }

  skip(notice: SkipNotice): void {
    const { epoch, seq } = notice
    remember(this.#skipped, `${epoch}:${seq}`, seq, MOST_SKIPS)
    for (const stream of this.held(notice)) stream.skip(notice, this.#skipped)
  }

  /** Returns the subscriptions that cover a stream: its own, and that of its whole type. */
  held({ streamType, symbol }: AnyStream): WantedStream[] {
    const keys = new Set([keyOf({ streamType, symbol }), keyOf({ streamType })])
    return [...keys].flatMap((key) => this.#streams.get(key) ?? []).filter(({ phase }) => phase === 'held')
  }

  get #all(): WantedStream[] {
    return [...this.#streams.values()]
  }

  #ask(stream: WantedStream, id: number): string {
    this.#asked.set(id, stream)
    return stream.ask(id)
  }

  #newStream({ streamType, symbol }: AnyStream): WantedStream {
    return new WantedStream(streamType, symbol ?? undefined, new StreamListeners((error) => this.#events.fail('listener', error)))
  }

  /** Returns the stream whose command is open. An earlier command may be about a subscription that has ended meanwhile. */
  #askedBy(id: unknown): WantedStream | undefined {
    const stream = this.#asked.get(id)
    this.#asked.delete(id)
    return stream?.phase === 'asked' ? stream : undefined
  }
}

/** A stream type has no colon, and a symbol is not empty. */
function keyOf({ streamType, symbol }: { readonly streamType: unknown; readonly symbol?: unknown }): string {
  return `${streamType}:${symbol ?? ''}`
}
