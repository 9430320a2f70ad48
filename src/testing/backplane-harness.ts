import type { Backplane } from '../ports/backplane.ts'
import type { Awaitable } from './host.ts'

/**
 * The adapter between your driver, which is your implementation of `Backplane`, and the backplane suite. The harness starts a real broker, and
 * connects clients to the broker.
 */
export interface BackplaneHarness {
  /** Starts a new broker that listens on the loopback interface. Called once for each test. */
  start(): Promise<RunningBroker>
}

/**
 * A running broker, and the methods that make it fail. If an optional method is missing, the tests that need the method fail, and the error names the
 * method. You may skip these tests, with a reason.
 */
export interface RunningBroker {
  /** Connects a client as an application does, and makes a driver that uses the client. Does not open the driver, because the suite opens it. */
  connect(): Awaitable<BackplaneClient>
  /** Ends the broker at once, as `kill -9` does. Resolves when the broker has ended. */
  kill?(): Awaitable<void>
  /**
   * Starts the broker again at the same address. The restarted broker has no data from before. Resolves when clients can connect. Called after
   * `kill`.
   */
  restart?(): Awaitable<void>
  /** Suspends the broker without closing its connections, as `SIGSTOP` does. Resolves when the broker is frozen. */
  freeze?(): Awaitable<void>
  /** Resumes a frozen broker, as `SIGCONT` does. */
  thaw?(): Awaitable<void>
  /** Stops the broker, whether it is running, killed or frozen. The suite calls this method once, after it has stopped all clients. */
  stop(): Awaitable<void>
}

/** A client of the broker, and the driver that uses it. */
export interface BackplaneClient {
  /** The driver. The suite opens and closes the driver. */
  readonly backplane: Backplane
  /** Sends a request to the broker with the application's own client, for example a ping. Rejects if the request fails. */
  use(): Awaitable<unknown>
  /**
   * Closes the application's own client. Called at most once, after the driver was closed. If `close` of the driver fails at the end of the test,
   * `stop` is not called.
   */
  stop(): Awaitable<void>
}
