import type { AddressedMessage, CleanupReport, PublishableMessage, PublishResult, Stats, StreamReference } from '../index.ts'

/** What may be answered at once, or later: by a manager in this process, or by one in another. */
export type Awaitable<T> = T | Promise<T>

/**
 * What a host's author provides, so that the host suite can run on it: a real server of that host, which registers who connects with a
 * manager, and real clients.
 *
 * The manager has the default catalogue, limits and quotas: what the suite expects of a client that is behind goes by them.
 */
export interface HostHarness {
  /**
   * A new server, with a new manager, that listens on the loopback interface. Called once for each test, and by the test that `keeps two
   * servers apart` twice.
   */
  start(): Promise<RunningHost>
}

/** A server that listens, with its manager and the clients that connect to it. */
export interface RunningHost {
  /** The manager that the server registers its connections with: `hosted(manager)`, or what forwards to one in another process. */
  readonly manager: HostedManager

  /**
   * A real client of this user. Resolves once the server has registered it and these subscriptions are in force for its connection alone,
   * by whatever way the host's clients subscribe.
   *
   * User ids and symbols have spaces, colons and letters of any alphabet in them: encode them where the way to the server needs it.
   */
  connect(userId: string, subscriptions?: readonly StreamReference[]): Promise<HostClient>

  /**
   * Connects a client of this user that asks for these subscriptions, and breaks its connection off before the server has accepted it, while
   * the host authenticates. Resolves once the client has gone.
   *
   * Without it, `registers no client that left before it was accepted` fails. It may be skipped.
   */
  connectAndLeave?(userId: string, subscriptions: readonly StreamReference[]): Promise<void>

  /**
   * Lets one interval of the host's heartbeat pass: call its function, advance its clock, or wait. Resolves once every client that still
   * answers has answered. The suite calls it five times at most before the server has to have removed a client that does not.
   *
   * Without it, `removes a client that falls silent` fails. It may be skipped.
   */
  beat?(): Awaitable<void>

  /** Ends the server and what is left of its clients. Called once, after `cleanup()` of its manager in some tests. */
  stop(): Promise<void>
}

/** What a client asks of the server for its own connection. */
export interface HostRequest {
  /** Whether the client subscribes to the stream or gives it up. */
  readonly action: 'subscribe' | 'unsubscribe'
  /** The stream that the client means. */
  readonly stream: StreamReference
  /**
   * More fields for the command, by which the client claims to be another user or another connection. Add them as they are: the suite
   * checks that the server ignores them.
   */
  readonly claims?: Readonly<Record<string, string>> | undefined
}

/**
 * A client as the suite sees it: a peer on the other end of a real connection.
 *
 * If an optional method is missing, the tests that need it fail and say so. If clients of this host cannot do such a thing, skip those tests
 * with that reason.
 */
export interface HostClient {
  /**
   * The texts that came, in order: each what the manager gave to a socket, without the transport's framing, and nothing that the server
   * itself says, such as the answer to a command.
   */
  readonly received: readonly string[]

  /** Resolves when this client sees that its connection has ended, whoever ended it. */
  readonly closed: Promise<void>

  /** Ends the connection as a client of this kind should: by a closing handshake where there is one. */
  close(): Awaitable<void>

  /** Ends the connection without a word, as a crash or a lost network does. */
  destroy(): Awaitable<void>

  /** Stops reading from the network, so that what the server sends piles up at the server. */
  pause(): Awaitable<void>

  /** Reads again. */
  resume(): Awaitable<void>

  /**
   * Sends a request as the host's clients do, without waiting for an answer: the server carries out a client's requests in order. Once the
   * connection has ended, nothing happens.
   */
  ask?(request: HostRequest): Awaitable<void>

  /** Sends any text in place of a request: no request at all, or one with a mistake. Once the connection has ended, nothing happens. */
  send?(text: string): Awaitable<void>

  /** Writes bytes to the network below the host's protocol, such as bytes that are no WebSocket frame. */
  sendBytes?(bytes: Uint8Array): Awaitable<void>

  /** Falls silent, as a peer whose network has gone: it reads nothing more, answers no heartbeat and leaves its connection open. */
  freeze?(): Awaitable<void>
}

/** The part of a manager that the suite drives, in a form that can be forwarded to another process as JSON. */
export interface HostedManager {
  /** Publishes these within one turn of the event loop, in order. */
  publish(messages: readonly PublishableMessage[]): Awaitable<readonly PublishResult[]>

  /** Sends this to all of a user's connections, subscribed or not. */
  sendToUser(userId: string, message: AddressedMessage): Awaitable<PublishResult>

  /** How many connections, users, subscriptions and streams there are. */
  counts(): Awaitable<HostCounts>

  /** The running totals. */
  stats(): Awaitable<Stats>

  /** The ids of a user's connections; empty for a user without any. */
  connectionIds(userId: string): Awaitable<readonly string[]>

  /** Removes all of a user's connections; how many there were. */
  removeUser(userId: string): Awaitable<number>

  /** Publishes these, if any, and shuts the manager down within the same turn of the event loop. */
  cleanup(last?: readonly PublishableMessage[]): Awaitable<CleanupReport>
}

/** How much a manager holds: its `connectionCount`, `userCount`, `subscriptionCount` and `streamCount`. */
export interface HostCounts {
  /** Connections, of all users. */
  readonly connections: number
  /** Users who have a connection. */
  readonly users: number
  /** Subscriptions: one for each user and stream, however many connections hold it. */
  readonly subscriptions: number
  /** Streams that somebody is subscribed to. */
  readonly streams: number
}
