import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Connection, Socket } from '../ports/connection.ts'

/** Carries out the commands of one connection. The method `open` of a command server returns a session. */
export interface Session<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The connection that the commands are for. */
  readonly connection: Connection<TSocket, TStreams, TMetadata>
  /**
   * Carries out the commands in one text of the client. The text is the JSON of one command, or of an array of commands. Bytes are accepted too.
   * Never throws: anything that is not a command is refused. Does nothing once the connection has been removed.
   */
  receive(text: unknown): void
  /**
   * Tells the client to leave, and when to reconnect. Without `closeInMs`, the server does not close the connection, but leaves this to the client.
   * Once the connection has been removed, nothing is sent.
   *
   * @throws `ERR_INVALID_ARGUMENT` for a field that is unknown or out of range; then nothing has happened
   */
  goodbye(goodbye: Goodbye): void
}

/** Why and when a client has to leave. */
export interface Goodbye {
  /** A short reason for the client, such as `draining`. At most 123 bytes of UTF-8, because the close frame contains the reason too. */
  readonly reason: string
  /**
   * False if the client should not reconnect. The clients of `createClient` then wait for the server to close the connection, so give `closeInMs`
   * too.
   *
   * @default true
   */
  readonly reconnect?: boolean | undefined
  /**
   * The client reconnects no earlier than this time after the goodbye. It stays connected until then, unless `closeInMs` is shorter. Milliseconds.
   *
   * @default 0
   */
  readonly afterMs?: number | undefined
  /**
   * The client reconnects at a random moment between `afterMs` and `withinMs`, both counted from the goodbye. The random moment spreads the
   * reconnects of many clients. `withinMs` must be at least `afterMs`. Milliseconds.
   *
   * @default the same as `afterMs`
   */
  readonly withinMs?: number | undefined
  /**
   * The close code, if the server closes the connection: a whole number from 3000 to 4999.
   *
   * @default 4000, or 4403 if `reconnect` is false
   */
  readonly code?: number | undefined
  /**
   * How long after the goodbye the server closes the connection, if the client has not closed it before. `0`: at once. Milliseconds.
   *
   * @default the server does not close
   */
  readonly closeInMs?: number | undefined
}
