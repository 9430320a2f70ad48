import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import type { EventListeners } from './client-events.ts'
import type { OpenCommands } from './open-commands.ts'
import type { AnyStream } from './update.ts'
import { WantedStream, type Incoming } from './wanted-stream.ts'

/**
 * After a refusal, the client waits for the time that the refusal names, plus a random part. The random part is at most this fraction of the named
 * time. So not all clients ask again at the same moment.
 */
const JITTER = 0.25

/** All streams that a client wants, and the commands that make the server send exactly these streams. */
export class WantedStreams {
  readonly #agenda: Agenda
  readonly #events: EventListeners
  readonly #commands: OpenCommands
  readonly #changed: () => void
  readonly #streams = new Map<string, WantedStream>()
  /** The unsubscribe commands that the client has not sent yet. */
  readonly #unsubscribes: string[] = []

  /** @param changed called if there are commands to send, or if the client may no longer need its connection */
  constructor(agenda: Agenda, events: EventListeners, commands: OpenCommands, changed: () => void) {
    this.#agenda = agenda
    this.#events = events
    this.#commands = commands
    this.#changed = changed
  }

  get size(): number {
    return this.#streams.size
  }

  /** Returns the wanted stream for this type and symbol. The stream stays wanted until its last listener is removed. */
  obtain(named: AnyStream): WantedStream {
    const key = keyOf(named)
    const stream = this.#streams.get(key) ?? new WantedStream(named, this.#events.message.failed)
    this.#streams.set(key, stream)
    this.#agenda.cancel(key)
    this.#changed()
    return stream
  }

  /** Call this when a listener was removed. After its last listener, the stream stays wanted for `lingerMs`, in case a listener comes back soon. */
  left(stream: WantedStream, lingerMs: number): void {
    const key = keyOf(stream)
    if (stream.listeners.size > 0) return
    this.#agenda.plan(key, lingerMs, () => {
      this.#streams.delete(key)
      this.#release(stream)
    })
  }

  /** Unsubscribes from a stream, and subscribes to it again without a position. */
  refresh(stream: WantedStream): void {
    stream.forget()
    this.#release(stream)
  }

  #release(stream: WantedStream): void {
    if (stream.phase === 'held' || stream.phase === 'asked') {
      this.#unsubscribes.push(this.#commands.issue('unsubscribe', stream.facts, () => {}))
      // The answer to an open command is nobody's then.
      stream.disconnected()
    }
    this.#changed()
  }

  /** Returns the commands that the caller has to send now, and treats these commands as sent. */
  commands(): string[] {
    const wanted = this.#all(({ phase }) => phase === 'wanted')
    return [...this.#unsubscribes.splice(0), ...wanted.map((stream) => this.#ask(stream))]
  }

  disconnected(): void {
    for (const stream of this.#streams.values()) stream.disconnected()
    this.#unsubscribes.length = 0
  }

  /** Ends a subscription that the server has ended without a command of the client. */
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

  /** Passes a message or a notice to the subscriptions that it concerns. Notices of unknown types are ignored. */
  receive(frame: WireObject): void {
    const update = updateIn(frame)
    const { type, streamType, symbol } = update
    // Without a symbol, a gap is about all streams of the type.
    const concerned = type === 'gap' && !symbol ? this.#all((each) => each.streamType === streamType) : this.#covering(update)
    // A server tells a new subscriber of a failed source, which may be before the answer.
    const held = concerned.filter(({ phase }) => phase === 'held' || (phase === 'asked' && type === 'status'))
    for (const stream of held) stream.receive(update)
    if (!type && held.length === 0) this.#events.message.tell(update)
  }

  /** Returns the streams that cover a stream: itself, and its whole type. */
  #covering({ streamType, symbol }: AnyStream): WantedStream[] {
    const keys = new Set([keyOf({ streamType, symbol }), keyOf({ streamType })])
    return [...keys].flatMap((key) => this.#streams.get(key) ?? [])
  }

  #all(has: (stream: WantedStream) => boolean = () => true): WantedStream[] {
    return [...this.#streams.values()].filter(has)
  }

  #ask(stream: WantedStream): string {
    const text = this.#commands.issue('subscribe', { ...stream.facts, position: stream.position }, (answer) => {
      // Nobody wants it any more, it was asked for anew, or the connection has ended.
      if (stream.asked !== text) return
      if (answer['type'] === 'refused') this.#refused(stream, answer)
      else this.#answered(stream, answer)
    })
    stream.phase = 'asked'
    stream.asked = text
    return text
  }

  #answered(stream: WantedStream, answer: WireObject): void {
    const { streamType, symbol } = stream
    this.#events.subscribed.tell({ streamType, symbol, recovered: stream.answered(answer) })
  }

  #refused(stream: WantedStream, { code, retry_ms: retryMs }: WireObject): void {
    if (retryMs === undefined) return this.end(stream, code)
    stream.phase = 'resting'
    this.#agenda.plan(`:${keyOf(stream)}`, (retryMs as number) * (1 + JITTER * this.#agenda.clock.random()), () => {
      // A new connection may have asked in the meantime.
      if (stream.phase === 'resting') stream.phase = 'wanted'
      this.#changed()
    })
  }
}

/** Reads a frame as a message or as a notice. This function trusts the server, and checks nothing. */
function updateIn({ type, stream_type: streamType, symbol, user_id: userId, timestamp, dropped, ...others }: WireObject): Incoming {
  const own = type ? { type, dropped: dropped ?? undefined } : { timestamp: new Date(timestamp as string), userId: userId ?? undefined }
  return { ...others, ...own, streamType, symbol: symbol ?? undefined } as unknown as Incoming
}

/** Returns the key of a stream. No two streams share a key, because a stream type has no colon, and a symbol is not empty. */
function keyOf({ streamType, symbol }: { readonly streamType: unknown; readonly symbol?: unknown }): string {
  return `${streamType}:${symbol ?? ''}`
}
