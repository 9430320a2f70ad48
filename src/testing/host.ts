import type { AddressedMessage, CleanupReport, CloseDetails, PublishableMessage, PublishResult, Stats, StreamReference } from '../index.ts'

/** A value, or a promise of that value. An object that forwards calls to another process must return promises. */
export type Awaitable<T> = T | Promise<T>

/**
 * The adapter between your host and the host suite. Your host is a real server that adds each client to a manager, and the clients are real clients.
 *
 * The manager must have the default catalogue, limits and quotas, because the suite depends on them.
 */
export interface HostHarness {
  /**
   * Starts a new server with a new manager. The server listens on the loopback interface. Called once for each test, and twice for the test `keeps two
   * servers apart`.
   */
  start(): Promise<RunningHost>
}

/** A running server, with its manager and its clients. */
export interface RunningHost {
  /** The server's manager: `hosted(manager)`, or an object that forwards to a manager in another process. */
  readonly manager: HostedManager

  /**
   * Connects a real client of this user. The client requests these subscriptions as the host's clients do, for example in its URL. The server must
   * subscribe the new connection (`connection.subscribe`), not the user (`addSubscription`). Resolves once the server has added the connection with
   * its subscriptions.
   *
   * User ids and symbols may contain any characters, such as spaces, colons, percent signs and emoji. Encode them if the protocol requires it.
   */
  connect(userId: string, subscriptions?: readonly StreamReference[]): Promise<HostClient>

  /**
   * Connects a client of this user that asks for these subscriptions. The client breaks its connection while the host is authenticating the client,
   * before the server adds the connection to the manager. Resolves once the client has disconnected.
   *
   * If this method is missing, the test `registers no client that left before it was accepted` fails. You may skip this test, with a reason.
   */
  connectAndLeave?(userId: string, subscriptions: readonly StreamReference[]): Promise<void>

  /**
   * Lets one interval of the host's heartbeat pass: call the heartbeat's function, advance its clock, or wait. Resolves once every client that can
   * answer the heartbeat has answered it. The server must keep a client that answers. Within five calls of `beat`, it must remove a client that has
   * stopped answering. Within two calls, it must remove a client that has sent invalid bytes and broken its connection.
   *
   * If this method is missing, the test `removes a client that falls silent` fails. You may skip this test, with a reason.
   */
  beat?(): Awaitable<void>

  /** Stops the server and the remaining clients. Called once. In some tests, the manager's `cleanup()` has been called already. */
  stop(): Promise<void>
}

/** A client's request to the server, for its own connection. */
export interface HostRequest {
  /** Whether the client subscribes to the stream or unsubscribes from it. */
  readonly action: 'subscribe' | 'unsubscribe'
  /** The stream. */
  readonly stream: StreamReference
  /**
   * More fields for the request, in which the client claims to be another user or connection. Add these fields to the request unchanged. The server
   * must ignore these fields, or disconnect the client.
   */
  readonly claims?: Readonly<Record<string, string>> | undefined
}

/**
 * A client: the other end of a real connection.
 *
 * If an optional method is missing, the tests that need the method fail, and the error names the method. If the clients of this host cannot do what
 * the method asks, skip these tests with a reason.
 */
export interface HostClient {
  /**
   * The texts that the client has received, in order, without the transport's framing. Include the manager's messages and notices. Leave out the
   * server's own texts, such as the answer to a request, even if the server sends them with `connection.send`.
   */
  readonly received: readonly string[]

  /** Resolves when the client sees that its connection has ended, for any reason. */
  readonly closed: Promise<void>

  /**
   * Closes the connection in the regular way of its protocol, with a closing handshake if the protocol has one. Does nothing if the connection has
   * ended already.
   */
  close(): Awaitable<void>

  /** Breaks the connection without a handshake, as a crash or a lost network does. Does nothing if the connection has ended already. */
  destroy(): Awaitable<void>

  /** Stops reading from the network, so that the bytes to this client stay in the server's buffers. */
  pause(): Awaitable<void>

  /** Reads from the network again. Must not fail if the server has ended the connection in the meantime. */
  resume(): Awaitable<void>

  /**
   * Sends a request as the host's clients do, without waiting for an answer. The server must carry out a client's requests in order. Does nothing
   * once the connection has ended.
   */
  ask?(request: HostRequest): Awaitable<void>

  /** Sends any text in place of a request, such as a malformed request. Does nothing once the connection has ended. */
  send?(text: string): Awaitable<void>

  /**
   * Writes bytes to the network, without the host's protocol. The bytes may break the protocol: for example, they may be an invalid WebSocket frame.
   */
  sendBytes?(bytes: Uint8Array): Awaitable<void>

  /** Makes the client silent, as if it had lost its network. The client reads nothing more, answers no heartbeat and leaves its connection open. */
  freeze?(): Awaitable<void>

  /**
   * Returns the close code and the reason that the client got when its connection ended. Returns `undefined` if the client got neither. The suite
   * calls this method after `closed` has resolved.
   */
  closedWith?(): Awaitable<CloseDetails | undefined>
}

/** The methods of a manager that the suite calls. Arguments and results are JSON, so that calls can be forwarded to another process. */
export interface HostedManager {
  /** Publishes these messages in order, within one turn of the event loop. */
  publish(messages: readonly PublishableMessage[]): Awaitable<readonly PublishResult[]>

  /** Sends this message to all of a user's connections, subscribed or not. */
  sendToUser(userId: string, message: AddressedMessage): Awaitable<PublishResult>

  /** Returns how many connections, users, subscriptions and streams there are. */
  counts(): Awaitable<HostCounts>

  /** Returns the manager's running totals. */
  stats(): Awaitable<Stats>

  /** Returns the ids of a user's connections, or an empty array if the user has no connection. */
  connectionIds(userId: string): Awaitable<readonly string[]>

  /** Removes all of a user's connections, and returns how many there were. */
  removeUser(userId: string): Awaitable<number>

  /** Removes this connection, and tells its client why. Returns false if no connection has this id. */
  removeConnection(connectionId: string, why: CloseDetails): Awaitable<boolean>

  /** Publishes these messages, if there are any. Then shuts the manager down within the same turn of the event loop. */
  cleanup(last?: readonly PublishableMessage[]): Awaitable<CleanupReport>
}

/** The counts of a manager: its `connectionCount`, `userCount`, `subscriptionCount` and `streamCount`. */
export interface HostCounts {
  /** Connections of all users. */
  readonly connections: number
  /** Users who have a connection. */
  readonly users: number
  /** Subscriptions. A user has one subscription for each stream, even if several connections of the user hold this subscription. */
  readonly subscriptions: number
  /** Streams that have a subscriber. */
  readonly streams: number
}
