import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Connection, Socket } from '../ports/connection.ts'

/** The commands of one connection: from `open`. */
export interface Session<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The connection that the commands are for. */
  readonly connection: Connection<TSocket, TStreams, TMetadata>
  /**
   * Carries out what the client sent: one command as JSON, or an array of them; a text, or its bytes. Never throws: what is no command is refused. Ignored
   * once the connection has been removed.
   */
  receive(text: unknown): void
  /**
   * Tells the client that it has to go, and when to come back. Without `closeInMs`, it is the client that closes.
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
   * The client stays for so long at least. Milliseconds.
   *
   * @default 0
   */
  readonly afterMs?: number | undefined
  /**
   * The client reconnects within this time, at a random moment after `afterMs`. So many clients do not come all at once. Milliseconds.
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
   * Closes the connection after so long, whether or not the client has gone. `0`: now. Milliseconds.
   *
   * @default the server does not close
   */
  readonly closeInMs?: number | undefined
}
