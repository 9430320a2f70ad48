import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import type { EventListeners } from './client-events.ts'
import type { OpenCommands } from './open-commands.ts'
import { whenAborted, type Abortable } from './signal.ts'
import { positionOf, type Answer } from './stream-state.ts'
import type { ClientSubscription } from './subscription.ts'
import type { AnyStream } from './update.ts'
import { WantedStream, type Incoming, type StreamListener, type UnsubscribedNotice } from './wanted-stream.ts'

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
  readonly #lingerMs: number
  readonly #changed: () => void
  readonly #streams = new Map<string, WantedStream>()
  /** The unsubscribe commands that the client has not sent yet. */
  #unsubscribes: string[] = []

  /** @param changed called if there are commands to send, or if the client may no longer need its connection */
  constructor(agenda: Agenda, events: EventListeners, commands: OpenCommands, lingerMs: number, changed: () => void) {
    this.#agenda = agenda
    this.#events = events
    this.#commands = commands
    this.#lingerMs = lingerMs
    this.#changed = changed
  }

  get size(): number {
    return this.#streams.size
  }

  /**
   * Calls the listener with each update of a stream.
   *
   * @param gone called at each `unsubscribe`, and when the signal ends the subscription
   */
  subscribe(named: AnyStream, listener: StreamListener, { signal }: Abortable = {}, gone = (): void => {}): ClientSubscription {
    const stream = this.#obtain(named)
    const { listeners } = stream
    let forget = (): void => {}
    const own: StreamListener = (update) => {
      if (update.type === 'ended') forget()
      return listener(update)
    }
    const unsubscribe = (): void => {
      forget()
      if (listeners.delete(own) && listeners.size === 0) this.#linger(stream)
      gone()
    }
    stream.join(own)
    forget = whenAborted(signal, unsubscribe)
    return {
      unsubscribe,
      refresh: () => {
        if (!listeners.has(own)) return
        stream.forget()
        this.#release(stream)
      },
      get live() {
        return stream.phase === 'held' && listeners.has(own)
      },
    }
  }

  /**
   * Returns the wanted stream for this type and symbol, or a new one if there is none. The stream stays wanted until `lingerMs` after the removal of
   * its last listener, or until the server ends the subscription.
   */
  #obtain({ streamType, symbol }: AnyStream): WantedStream {
    const name = { streamType, symbol: symbol ?? undefined }
    const key = keyOf(name)
    const stream = this.#streams.get(key) ?? new WantedStream(name, this.#events.message.failed)
    this.#streams.set(key, stream)
    this.#agenda.cancel(key)
    this.#changed()
    return stream
  }

  /** Keeps a stream without listeners wanted for `lingerMs`, in case a listener comes back soon. */
  #linger(stream: WantedStream): void {
    const key = keyOf(stream.name)
    this.#agenda.plan(key, this.#lingerMs, () => {
      this.#streams.delete(key)
      this.#release(stream)
    })
  }

  /** Unsubscribes from a stream. If the stream is still wanted, the client then subscribes to it again. */
  #release(stream: WantedStream): void {
    if (stream.phase === 'held' || stream.phase === 'asked') {
      this.#unsubscribes.push(this.#commands.issue('unsubscribe', stream.name))
      // The answer to an open subscribe command is ignored from now on.
      stream.disconnected()
    }
    this.#changed()
  }

  /** Returns the commands that the caller has to send now, and treats these commands as sent. */
  commands(): string[] {
    const due = this.#unsubscribes
    this.#unsubscribes = []
    for (const stream of this.#streams.values()) if (stream.phase === 'wanted') due.push(this.#ask(stream))
    return due
  }

  disconnected(): void {
    for (const stream of this.#streams.values()) stream.disconnected()
    this.#unsubscribes = []
    this.#commands.disconnected()
  }

  #end(stream: WantedStream, code: string): void {
    this.#streams.delete(keyOf(stream.name))
    stream.disconnected()
    stream.listeners.tell({ type: 'ended', ...stream.name, code })
    stream.listeners.clear()
    this.#changed()
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const stream of this.#streams.values()) this.#end(stream, 'ERR_CLOSED')
  }

  /**
   * Passes a frame to the command or the subscriptions that it concerns. Frames of unknown types are ignored, so that the server can be newer than the
   * client.
   */
  receive(frame: WireObject): void {
    if (this.#commands.answer(frame)) return
    const update = updateIn(frame)
    // The server tells a new subscriber if the stream's source has failed. This notice may come before the answer.
    const held = this.#covering(update).filter(({ phase }) => phase === 'held' || (phase === 'asked' && update.type === 'status'))
    for (const stream of held) {
      if (update.type !== 'unsubscribed') stream.receive(update)
      // The server has ended the subscription without a command of the client.
      else if (stream.name.symbol === update.symbol) this.#end(stream, update.reason)
    }
    if (!update.type && held.length === 0) this.#events.message.tell(update)
  }

  /** Returns the streams that cover an update: the stream itself, and its whole type. Without a symbol, a gap is about all streams of the type. */
  #covering(update: Incoming | UnsubscribedNotice): WantedStream[] {
    const { streamType } = update
    if (update.type === 'gap' && !update.symbol) return [...this.#streams.values()].filter(({ name }) => name.streamType === streamType)
    const keys = new Set([keyOf(update), keyOf({ streamType })])
    return [...keys].flatMap((key) => this.#streams.get(key) ?? [])
  }

  #ask(stream: WantedStream): string {
    const text = this.#commands.issue('subscribe', { ...stream.name, position: positionOf(stream) }, (answer) => {
      // The answer is out of date: nobody wants the stream any more, a newer command asked for it, or the connection has ended.
      if (stream.asked !== text) return
      if (answer['type'] === 'refused') this.#refused(stream, answer)
      else this.#events.subscribed.tell({ ...stream.name, recovered: stream.answered(answer as unknown as Answer) })
    })
    stream.phase = 'asked'
    return (stream.asked = text)
  }

  #refused(stream: WantedStream, { code, retry_ms: retryMs }: WireObject): void {
    if (retryMs === undefined) return this.#end(stream, code as string)
    stream.phase = 'waiting'
    this.#agenda.plan(`:${keyOf(stream.name)}`, (retryMs as number) * (1 + JITTER * this.#agenda.clock.random()), () => {
      // A new connection may have asked in the meantime.
      if (stream.phase === 'waiting') stream.phase = 'wanted'
      this.#changed()
    })
  }
}

/** Reads a frame as a message or as a notice. This function trusts the server, and checks nothing. */
function updateIn({ type, stream_type: streamType, symbol, user_id: userId, timestamp, dropped, ...others }: WireObject): Incoming | UnsubscribedNotice {
  const own = type ? { type, dropped: dropped ?? undefined } : { timestamp: new Date(timestamp as string), userId: userId ?? undefined }
  return { ...others, ...own, streamType, symbol: symbol ?? undefined } as unknown as Incoming | UnsubscribedNotice
}

/** Returns the key of a stream. No two streams share a key, because a stream type has no colon, and a symbol is not empty. */
function keyOf({ streamType, symbol }: { readonly streamType: unknown; readonly symbol?: unknown }): string {
  return `${streamType}:${symbol ?? ''}`
}
