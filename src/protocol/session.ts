import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Connection, Socket } from '../ports/connection.ts'

/** Carries out the commands of one connection. `open` of a command server returns it. */
export interface Session<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The connection that the commands are for. */
  readonly connection: Connection<TSocket, TStreams, TMetadata>
  /**
   * Carries out what the client sent: the JSON of one command, or of an array of commands, as a text or as bytes. Never throws: anything that is not
   * a command is refused. Does nothing once the connection has been removed.
   */
  receive(text: unknown): void
  /**
   * Tells the client that it has to go, and when to come back. Without `closeInMs`, the server does not close the connection: the client does.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an option that is out of range; then nothing has happened
   */
  goodbye(goodbye: Goodbye): void
}

/** Why and when a client has to go. */
export interface Goodbye {
  /** A word for the client, such as `draining`. At most 123 bytes of UTF-8, because it is in the close frame too. */
  readonly reason: string
  /**
   * False if the client should not come back.
   *
   * @default true
   */
  readonly reconnect?: boolean | undefined
  /**
   * The client stays connected for at least this time. Milliseconds.
   *
   * @default 0
   */
  readonly afterMs?: number | undefined
  /**
   * The client reconnects within this time, at a random moment after `afterMs`. This spreads the reconnects of many clients. Milliseconds.
   *
   * @default the same as `afterMs`
   */
  readonly withinMs?: number | undefined
  /**
   * The close code, if the server closes.
   *
   * @default 4000, and 4403 if the client should not come back
   */
  readonly code?: number | undefined
  /**
   * After this time, the server closes the connection if the client has not gone before. `0`: now. Milliseconds.
   *
   * @default the server does not close
   */
  readonly closeInMs?: number | undefined
}
