import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import { Agenda } from './agenda.ts'
import { runtimeClock } from './client-clock.ts'
import { newEventListeners, type ClientEvents, type ClientState } from './client-events.ts'
import type { ClientOptions } from './client-options.ts'
import { Connector } from './connector.ts'
import { OpenCommands } from './open-commands.ts'
import type { Abortable } from './signal.ts'
import type { ClientSubscription } from './subscription.ts'
import type { AnyStream, Gap, Message, StreamOf, Update } from './update.ts'
import { newUpdates } from './updates.ts'
import type { StreamListener } from './wanted-stream.ts'
import { WantedStreams } from './wanted-streams.ts'

/** The options of `updates`. */
export interface UpdatesOptions extends Abortable {
  /**
   * How many updates may wait for the reader. If one more comes, one gap replaces the two oldest updates. With `0`, a message
   * reaches the reader only if the reader is already waiting for it. Otherwise, the reader gets a gap.
   *
   * @default 1_000
   */
  readonly maxWaiting?: number | undefined
}

/** A client of a server that speaks the protocol of this library: see `createClient`. */
export interface Client<TStreams extends StreamCatalogue = TradingStreams> {
  /** The client's state. */
  readonly state: ClientState
  /**
   * Calls a listener with each message, gap and status of a stream, and with the end of the subscription, until you unsubscribe. A reconnect does not
   * end the subscription. All listeners of a stream share one subscription. If the stream is `latest`, a listener that is added later first gets the
   * last message. For a whole type, it gets the last message of each symbol.
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
   * server ends the subscription, the iteration first returns the waiting updates, and then throws a `ClientError` with the `code` of `Ended`. If the
   * client is closed, the iteration ends after the waiting updates, without an error. If `signal` is aborted, the iteration ends at once.
   *
   * @throws `ERR_CLOSED`
   */
  updates<TName extends keyof TStreams & string>(
    stream: StreamOf<TStreams, TName>,
    options?: UpdatesOptions,
  ): AsyncIterableIterator<Message<TStreams, TName> | Gap>
  /**
   * Sends a command that the host of the server has defined (option `commands` of `createCommandServer`), and resolves to the result. At most 256
   * requests can be open. A request does not wait for a connection. It is never repeated, because the client cannot know whether the server has
   * carried it out.
   *
   * The promise rejects with:
   *
   * - `ERR_NOT_CONNECTED`, `ERR_CANNOT_SEND` or `ERR_TOO_MANY_REQUESTS` if the command was not sent
   * - `ERR_DISCONNECTED` if the connection ends before the answer
   * - the server's code if the server refuses the command
   * - the signal's reason if the signal is aborted
   */
  request(command: string, data?: unknown, options?: Abortable): Promise<unknown>
  /** Calls a listener with each event of this name. A listener that is added twice is called once. Returns a function that removes the listener. */
  on<TName extends keyof ClientEvents>(event: TName, listener: (payload: ClientEvents<TStreams>[TName]) => void): () => void
  /**
   * Connects now, even if the client is `stopped`, waits for its next attempt, or has no subscription. If the client is `connecting` or `connected`,
   * it makes no new connection. A client that has no subscription at this call stays connected until `close()`.
   *
   * @throws `ERR_CLOSED`
   */
  connect(): void
  /**
   * Ends the connection, all subscriptions (with the code `ERR_CLOSED`) and all requests (with `ERR_DISCONNECTED`), for good. No timer and no
   * listener on the page is left.
   */
  close(): void
}

/**
 * Returns a client that keeps its streams when a connection is lost: it reconnects, resumes each stream, and reports missing messages.
 *
 * With a recovery on the server, each listener gets each message at most once, in the order in which its publisher sent it. If a message is lost, the
 * listener gets a gap in its place. Without a recovery, each stream begins with a gap after a reconnect. After a goodbye, the client reconnects in
 * the time that the goodbye names. After any other loss, it waits for a random time (full jitter), whose upper limit grows with each failure. The
 * client stops reconnecting if the server's goodbye or close code says so, unless `shouldReconnect` decides otherwise. The client notices a dead
 * connection, even if no close is reported. If the client itself was asleep, it does not mistake its own pause for a dead connection.
 *
 * The library uses no global before a client is created. A client has one timer at most, which does not keep a process alive. The option `connect`
 * decides on the kind of connection, and gives the credentials. The type parameter is the type of the server's catalogue:
 * `createClient<typeof streams>(…)`.
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
  const agenda = new Agenda(options.clock ?? runtimeClock)
  const events = newEventListeners()
  const commands = new OpenCommands()
  const streams = new WantedStreams(agenda, events, commands, options.lingerMs ?? 1_000, () => connector.adjustSoon())
  const connector = new Connector(agenda, options, events, streams, commands)
  const subscribe = (stream: AnyStream, listener: StreamListener, options?: Abortable, gone?: () => void): ClientSubscription => {
    connector.assertOpen()
    return streams.subscribe(stream, listener, options, gone)
  }
  const client: Client<StreamCatalogue> = {
    get state() {
      return connector.state
    },
    subscribe,
    updates(stream: AnyStream, options: UpdatesOptions = {}) {
      const updates = newUpdates(stream, options.maxWaiting)
      const { unsubscribe } = subscribe(stream, updates.take, options, updates.stop)
      return Object.assign(updates.read(), {
        // The `return` of a generator would wait until the next update has come.
        async return() {
          unsubscribe()
          return { done: true, value: undefined }
        },
      })
    },
    request: (command, data, options) => connector.request(command, data, options),
    on(event, listener) {
      const listeners = events[event] as Set<unknown>
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    connect: () => connector.connect(),
    close: () => connector.close(),
  }
  return client as unknown as Client<TStreams>
}
