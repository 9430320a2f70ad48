import type { Backoff } from './backoff.ts'
import type { ClientClock } from './client-clock.ts'
import type { LifecycleTarget } from './lifecycle.ts'
import type { ClientSocket, Loss } from './link.ts'
import type { RuntimeSignal } from './signal.ts'

/** What a client knows when it connects. */
export interface ConnectContext {
  /** `0` for the first attempt, and after a connection that lasted. `1`, `2` … after failures. */
  readonly attempt: number
  /**
   * The subscribe commands that are due, as a JSON text, for the URL of an `EventSource`. If `connect` reads this property, the client does not send
   * these commands in another way. If the socket cannot send, and there is no `send`, the client connects anew whenever it wants other streams.
   */
  readonly commands: string
  /** Aborted when the client gives up this attempt, and when its connection ends. */
  readonly signal: RuntimeSignal
}

/** The options of `createClient`. All times are milliseconds. */
export interface ClientOptions {
  /**
   * Makes a connection: `() => new WebSocket(url)`. It is called for each attempt, so this is the place to fetch new credentials. It may return a
   * promise. A throw or a rejection is a failed attempt.
   */
  readonly connect: (context: ConnectContext) => ClientSocket | PromiseLike<ClientSocket>
  /**
   * Sends commands beside a socket that only receives, such as an `EventSource`: a POST with the text and the `connection_id` of the welcome. If it
   * throws or rejects, the client connects anew. The next text waits until the promise of the one before is settled, so that none overtakes another. What
   * still waits when the connection ends is not sent. Not used if the socket itself can send.
   *
   * A POST may hang while the events still come. The client notices that when the pong of its next ping is missing. Limit the time by
   * `AbortSignal.timeout(10_000)` to notice it earlier.
   *
   * @default none: then what is wanted has to stand in the URL, see `commands` of `connect`
   */
  readonly send?: ((text: string, connectionId: string) => unknown) | undefined
  /**
   * `true` connects only while something is subscribed to, or after a call of `connect()`. `false` connects at once, and stays connected.
   *
   * @default true
   */
  readonly lazy?: boolean | undefined
  /**
   * How long to wait before the next attempt: a random time between 0 and a limit (full jitter). The limit begins with `minMs`, and doubles with each
   * failure up to `maxMs`. A connection that lasted 5 seconds resets the limit.
   *
   * @default { minMs: 1_000, maxMs: 30_000 }
   */
  readonly backoff?: Partial<Backoff> | undefined
  /**
   * How long an attempt may take, up to the server's welcome. `Infinity`: as long as it takes.
   *
   * @default 10_000
   */
  readonly connectTimeoutMs?: number | undefined
  /**
   * The client sends a ping at this interval. `Infinity`: never, unless the server closes idle connections. A client that cannot send, such as one
   * with an `EventSource` and no `send`, sends no pings. It expects the heartbeats that the server announces.
   *
   * @default 25_000
   */
  readonly pingMs?: number | undefined
  /**
   * How long the answer to a ping, or a heartbeat that is due, may take. Then the connection is taken as lost. Anything that comes is an answer. Beside an
   * `EventSource`, only the pong is: events still come if the commands do not arrive.
   *
   * @default 10_000
   */
  readonly pongMs?: number | undefined
  /**
   * How long a stream stays subscribed, and a lazy client connected, after the last listener has left. `0`: not at all.
   *
   * @default 1_000
   */
  readonly lingerMs?: number | undefined
  /**
   * Decides whether to connect again after a loss. Its result overrides the close code and a goodbye of the server. `undefined` leaves the decision
   * to the client.
   */
  readonly shouldReconnect?: ((loss: Loss) => boolean | undefined) | undefined
  /**
   * Where the client listens for the events of the page: `online`, `offline`, `pagehide`, `pageshow` and `visibilitychange`. `null`: nowhere.
   *
   * @default globalThis if there is a `document`, otherwise none
   */
  readonly lifecycle?: LifecycleTarget | null | undefined
  /**
   * A source of time and chance for tests.
   *
   * @default the clock of the runtime, whose timers do not keep a process alive
   */
  readonly clock?: ClientClock | undefined
}
