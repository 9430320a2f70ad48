import type { Backplane } from '../ports/backplane.ts'
import type { Awaitable } from './host.ts'

/** What you write to run the suite for backplanes on your driver. It starts a real broker, and connects clients to it. */
export interface BackplaneHarness {
  /** Starts a new broker. It listens on the loopback interface. Called once for each test. */
  start(): Promise<RunningBroker>
}

/**
 * A running broker, and how to make it fail. If a method is missing, the tests that need it fail, and the error names it. You may skip those tests.
 */
export interface RunningBroker {
  /** Connects a client as an application does, and makes a driver that uses the client. Does not open the driver. */
  connect(): Awaitable<BackplaneClient>
  /** Ends the broker at once, as `kill -9` does. Resolves when it has gone. */
  kill?(): Awaitable<void>
  /** Starts the broker again at the same address. The broker has forgotten everything. Resolves when clients can connect. Called after `kill`. */
  restart?(): Awaitable<void>
  /** Stops the broker without closing its connections, as `SIGSTOP` does. Resolves when it does nothing any more. */
  freeze?(): Awaitable<void>
  /** Lets a frozen broker go on. */
  thaw?(): Awaitable<void>
  /** Stops the broker, whether it is running, killed or frozen. Called once, after all clients were stopped. */
  stop(): Awaitable<void>
}

/** A client of the broker, and the driver that uses it. */
export interface BackplaneClient {
  /** The driver. The suite opens and closes it. */
  readonly backplane: Backplane
  /** Asks the broker something with the application's own client, such as a ping. Rejects if the client cannot. */
  use(): Awaitable<unknown>
  /** Closes the application's own client. Called once, after the driver was closed. */
  stop(): Awaitable<void>
}
