import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import { Agenda } from './agenda.ts'
import { runtimeClock } from './client-clock.ts'
import { ClientError } from './client-error.ts'
import { newEventListeners, type ClientEvents, type ClientState } from './client-events.ts'
import type { ClientOptions } from './client-options.ts'
import { Connector } from './connector.ts'
import { whenAborted, type Signal } from './signal.ts'
import { OpenCommands } from './open-commands.ts'
import type { AnyMessage, AnyStream, Gap, Message, StreamOf, Update } from './update.ts'
import { Updates } from './updates.ts'
import type { StreamListener } from './wanted-stream.ts'
import { WantedStreams } from './wanted-streams.ts'

/** The options of a subscription, an iteration or a request that a signal can end. */
export interface Abortable {
  /** When the signal is aborted, the listener is removed, the iteration ends, or the promise of the request rejects. */
  readonly signal?: Signal | undefined
}

/** The options of `updates`. */
export interface UpdatesOptions extends Abortable {
  /**
   * How many updates may wait for the reader. If one more comes, a gap replaces the oldest updates. With `0`, a message reaches only a reader that is
   * already waiting.
   *
   * @default 1_000
   */
  readonly maxWaiting?: number | undefined
}

/** One listener's share in the subscription to a stream. */
export interface ClientSubscription {
  /** True while the server sends the stream, and this listener is not removed. False while there is no connection. */
  readonly live: boolean
  /** Removes the listener. Other listeners of the same stream stay subscribed. */
  unsubscribe(): void
  /**
   * Subscribes to the stream again without a position, for instance because your order book is broken. All listeners of the stream get a snapshot,
   * which replaces their state. If the stream is `latest`, they get the last value. If the server has neither a snapshot nor a last value, the
   * listeners get a gap. Without a connection, the client does this when it has connected.
   */
  refresh(): void
}

/** A client of a server that speaks the protocol of this library: see `createClient`. */
export interface Client<TStreams extends StreamCatalogue = TradingStreams> {
  /** The client's state. */
  readonly state: ClientState
  /**
   * Calls a listener with each message, gap and status of a stream, and with the end of the subscription, until you unsubscribe. A reconnect does not
   * end the subscription. All listeners of a stream share one subscription. A late listener of a `latest` stream first gets the last message.
   *
   * @throws `ERR_CLOSED`
   */
  subscribe<TName extends keyof TStreams & string>(
    stream: StreamOf<TStreams, TName>,
    listener: (update: Update<TStreams, TName>) => void,
    options?: Abortable,
  ): ClientSubscription
  /**
   * Returns the messages and the gaps of a stream, to iterate over. The client subscribes at once, and unsubscribes when the iteration ends. If the
   * server ends the subscription, the iteration first returns the waiting updates, and then throws a `ClientError` with the server's code. If the
   * client is closed, the iteration ends after the waiting updates, without an error. If `signal` is aborted, the iteration ends at once.
   *
   * @throws `ERR_CLOSED`
   */
  updates<TName extends keyof TStreams & string>(
    stream: StreamOf<TStreams, TName>,
    options?: UpdatesOptions,
  ): AsyncIterableIterator<Message<TStreams, TName> | Gap>
  /**
   * Sends a command that the author of the server has written, and returns the answer. At most 256 requests can be open. A request is never queued
   * and never repeated, because the client cannot know whether the server has carried it out.
   *
   * Rejects with `ERR_NOT_CONNECTED`, `ERR_CANNOT_SEND`, `ERR_TOO_MANY_REQUESTS`, with `ERR_DISCONNECTED` if the connection ends before the answer, with
   * the code of a refusal, and with the reason of the signal.
   */
  request(command: string, data?: unknown, options?: Abortable): Promise<unknown>
  /** Calls a listener with each event of this name. A listener that is added twice is called once. Returns a function that removes the listener. */
  on<TName extends keyof ClientEvents>(event: TName, listener: (payload: ClientEvents<TStreams>[TName]) => void): () => void
  /**
   * Connects now, even if the client is `stopped`, waits for its next attempt, or has no subscription. A client without a subscription then stays
   * connected until `close()`.
   *
   * @throws `ERR_CLOSED`
   */
  connect(): void
  /** Ends the connection, all subscriptions (`ERR_CLOSED`) and all requests, for good. No timer and no listener is left. */
  close(): void
}

declare function queueMicrotask(fn: () => void): void

/** The largest number of requests that are open at once. */
const MOST_REQUESTS = 256

class StreamClient implements Client<StreamCatalogue> {
  readonly #lingerMs: number
  readonly #agenda: Agenda
  readonly #events = newEventListeners()
  readonly #commands = new OpenCommands()
  readonly #streams: WantedStreams
  readonly #connector: Connector
  #isAdjusting = false

  constructor(options: ClientOptions) {
    const { clock = runtimeClock, lazy = true, lingerMs = 1_000 } = options
    this.#lingerMs = lingerMs
    this.#agenda = new Agenda(clock)
    this.#streams = new WantedStreams(this.#agenda, this.#events, this.#commands, () => this.#adjustSoon())
    this.#connector = new Connector(this.#agenda, options, this.#events, this.#streams, this.#commands)
    this.#connector.isCalledFor = !lazy
    this.#adjustSoon()
  }

  get state(): ClientState {
    return this.#connector.state
  }

  /** @param left called when `unsubscribe` or the signal removes the listener */
  subscribe(stream: AnyStream, listener: StreamListener, { signal }: Abortable = {}, left = (): void => {}): ClientSubscription {
    this.#assertOpen()
    const wanted = this.#streams.obtain(stream)
    const { listeners } = wanted
    let forget = (): void => {}
    const own: StreamListener = (update) => {
      if (update.type === 'ended') forget()
      return listener(update)
    }
    const unsubscribe = (): void => {
      forget()
      if (listeners.delete(own)) this.#streams.left(wanted, this.#lingerMs)
      left()
    }
    wanted.join(own)
    forget = whenAborted(signal, unsubscribe)
    return {
      unsubscribe,
      refresh: () => listeners.has(own) && this.#streams.refresh(wanted),
      get live() {
        return wanted.phase === 'held' && listeners.has(own)
      },
    }
  }

  updates(stream: AnyStream, { signal, maxWaiting = 1_000 }: UpdatesOptions = {}): AsyncIterableIterator<AnyMessage | Gap> {
    const updates = new Updates(maxWaiting)
    const { unsubscribe } = this.subscribe(stream, (update) => updates.take(update), { signal }, () => updates.stop())
    return Object.assign(updates.read(), {
      // That of a generator would wait until the next update has come.
      async return() {
        unsubscribe()
        return { done: true, value: undefined } as const
      },
    })
  }

  async request(command: string, data?: unknown, { signal }: Abortable = {}): Promise<unknown> {
    const connector = this.#connector
    if (!connector.write) throw new ClientError(connector.state === 'connected' ? 'ERR_CANNOT_SEND' : 'ERR_NOT_CONNECTED')
    if (connector.requests >= MOST_REQUESTS) throw new ClientError('ERR_TOO_MANY_REQUESTS')
    let forget = (): void => {}
    connector.requests++
    try {
      return await new Promise((resolve, reject) => {
        forget = whenAborted(signal, () => reject(signal?.reason))
        if (signal?.aborted) return
        const text = this.#commands.issue(command, { data }, ({ type, code, retry_ms: retryMs, data }) => {
          if (type === 'refused') reject(new ClientError(code as string, retryMs as number | undefined))
          else resolve(data)
        })
        void connector.send(text)
      })
    } finally {
      connector.requests--
      forget()
      this.#adjustSoon()
    }
  }

  on<TName extends keyof ClientEvents>(event: TName, listener: (payload: ClientEvents<StreamCatalogue>[TName]) => void): () => void {
    const listeners = this.#events[event] as Set<unknown>
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  connect(): void {
    this.#assertOpen()
    if (this.#streams.size === 0) this.#connector.isCalledFor = true
    this.#connector.connect()
  }

  close(): void {
    if (this.state === 'closed') return
    this.#connector.rest('closed')
    this.#streams.endAll('ERR_CLOSED')
    this.#agenda.clear()
  }

  #assertOpen(): void {
    if (this.state === 'closed') throw new ClientError('ERR_CLOSED')
  }

  /**
   * Adjusts the connection in a microtask. So if code unsubscribes and directly subscribes to the same stream again, the client sends no commands.
   */
  #adjustSoon(): void {
    if (this.#isAdjusting) return
    this.#isAdjusting = true
    queueMicrotask(() => {
      this.#isAdjusting = false
      this.#connector.adjust()
    })
  }
}

/**
 * Returns a client that keeps its streams when a connection is lost: it reconnects, resumes each stream, and reports missing messages.
 *
 * With a recovery on the server, each listener gets each message at most once, in the order in which its publisher sent it. If a message is lost, the
 * listener gets a gap in its place. Without a recovery, each stream begins with a gap after a reconnect. After a loss, the client waits for a random
 * time (full jitter). The upper limit of the wait grows with each failure. The client stops reconnecting if the server's goodbye or close code says
 * so. The client notices a dead connection, even if no close is reported. If the client itself was asleep, it does not mistake its own pause for a
 * dead connection.
 *
 * The library uses no global before a client is created. A client has one timer at most, which does not keep a process alive. `connect` decides on
 * the kind of connection, and gives the credentials. The type parameter is the type of the server's catalogue: `createClient<typeof streams>(…)`.
 *
 * @example
 * import { createClient } from 'stream-connection-manager/client'
 *
 * const client = createClient({ connect: () => new WebSocket('wss://desk.example/live') })
 * client.on('state', ({ state }) => console.log(state)) // connecting connected
 *
 * client.subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' }, (update) => {
 *   if (update.type === undefined) console.log(update.data) // 64000
 *   else if (update.type === 'gap') console.log('missing:', update.dropped ?? 'unknown') // missing: 2
 * })
 */
export function createClient<TStreams extends StreamCatalogue = TradingStreams>(options: ClientOptions): Client<TStreams> {
  return new StreamClient(options) as unknown as Client<TStreams>
}
