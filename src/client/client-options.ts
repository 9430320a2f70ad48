import type { Backoff } from './backoff.ts'
import type { ClientClock } from './client-clock.ts'
import type { LifecycleTarget } from './lifecycle.ts'
import type { ClientSocket, Loss } from './socket.ts'
import type { RuntimeSignal } from './signal.ts'

/** What a client tells `connect` about the attempt. */
export interface ConnectContext {
  /**
   * How many failures came before this attempt: failed attempts, and connections that were lost without a goodbye. A connection that lasts 5 seconds
   * after the welcome resets the number to `0`, so its own loss makes it `1`. Calling `connect()` on a `stopped` client also resets the number.
   */
  readonly attempt: number
  /**
   * The subscribe commands that the client has to send now, as a JSON text, for the URL of an `EventSource`. If `connect` reads the property
   * `commands`, the client does not send these commands in another way. So read it once in each attempt: a second read returns no commands. If the
   * socket then cannot send, and there is no `send`, the client reconnects whenever its set of wanted streams changes.
   */
  readonly commands: string
  /** The signal is aborted when the client abandons this attempt, and when the connection of the attempt ends. */
  readonly signal: RuntimeSignal
}

/** The options of `createClient`. All times are in milliseconds. */
export interface ClientOptions {
  /**
   * Makes a connection, for example `() => new WebSocket(url)`. The client calls `connect` for each attempt, so `connect` can fetch new credentials
   * each time. `connect` may return a promise. If `connect` throws, or its promise rejects, the attempt has failed.
   */
  readonly connect: (context: ConnectContext) => ClientSocket | PromiseLike<ClientSocket>
  /**
   * Sends commands for a socket that only receives, such as an `EventSource`. For example, `send` makes a POST with the text and the `connection_id`
   * of the welcome. If `send` throws or rejects, the client reconnects. The client calls `send` again only after the promise of the last call has
   * settled, so the texts stay in order. Texts that still wait when the connection ends are not sent. `send` is not used if the socket itself can
   * send.
   *
   * A POST may hang while events still come. The client notices a hanging POST when the pong of its next ping is missing. To notice a hanging POST
   * earlier, limit its time with `AbortSignal.timeout(10_000)`.
   *
   * @default none: the subscribe commands then have to be in the URL, see `commands` of `connect`
   */
  readonly send?: ((text: string, connectionId: string) => unknown) | undefined
  /**
   * With `true`, the client is connected only while it has subscriptions or open requests, or after a call of `connect()` without a subscription.
   * With `false`, the client connects at once, and stays connected.
   *
   * @default true
   */
  readonly lazy?: boolean | undefined
  /**
   * How long to wait before the next attempt, unless the server's goodbye names the time: a random time between 0 and a limit (full jitter). The
   * limit begins with `minMs`, and doubles with each failure up to `maxMs`. A connection that lasted 5 seconds after the welcome resets the limit to
   * `minMs`.
   *
   * @default { minMs: 1_000, maxMs: 30_000 }
   */
  readonly backoff?: Partial<Backoff> | undefined
  /**
   * How long an attempt to connect may take, until the server's welcome comes. `Infinity` removes the limit.
   *
   * @default 10_000
   */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How often the client sends a ping. If the server closes idle connections, a ping is sent after half of the server's idle time, if that is
   * shorter. With `Infinity`, the client sends these pings only to such a server. It also sends a ping when the page becomes visible again, or goes
   * online or offline. A client that cannot send, such as one with an `EventSource` and no `send`, sends no pings. Such a client expects the
   * heartbeats that the server announces.
   *
   * @default 25_000
   */
  readonly pingMs?: number | undefined
  /**
   * How long the client waits for the answer to a ping, or for a late heartbeat. After this time, the connection counts as lost. Any frame from the
   * server counts as an answer. If the client sends its commands by `send`, only the pong counts, because events may still come while commands are
   * lost.
   *
   * @default 10_000
   */
  readonly pongMs?: number | undefined
  /**
   * How long a stream stays subscribed after its last listener was removed. A lazy client stays connected for this time too. With `0`, the
   * subscription ends in the next turn of the event loop.
   *
   * @default 1_000
   */
  readonly lingerMs?: number | undefined
  /**
   * Decides whether the client reconnects after a connection was lost or could not be made. The result overrides the server's close code and goodbye.
   * If the result is `undefined`, or the function throws, the client decides. Not called if the server speaks a newer protocol: then the client
   * stops.
   */
  readonly shouldReconnect?: ((loss: Loss) => boolean | undefined) | undefined
  /**
   * The object on which the client listens for the events of the page: `online`, `offline`, `pagehide`, `pageshow` and `visibilitychange`. With
   * `null`, the client does not listen for these events.
   *
   * @default globalThis if there is a `document`, otherwise none
   */
  readonly lifecycle?: LifecycleTarget | null | undefined
  /**
   * A source of time and random numbers, for tests.
   *
   * @default the clock of the runtime, whose timers do not keep a process alive
   */
  readonly clock?: ClientClock | undefined
}
