import type { OutgoingMessage } from '../model/outgoing-message.ts'
import type { WireData } from '../model/wire-data.ts'

/**
 * The outcome of one message for one connection. `sent`: sent at once. `batched`: waits until the turn of the event loop ends, or until the batch is
 * large enough for a write. `queued`: waits in the send queue. `conflated`: waits there in the place of an older message. With any other outcome, the
 * message is not delivered.
 */
export type Acceptance = 'sent' | 'batched' | 'queued' | 'conflated' | 'dropped' | 'failed' | 'skipped'

/** A socket that gets messages directly, without a send queue. */
export interface PlainSink {
  /** Sends a text, or bytes. The sending has failed if `send` throws, or returns a promise that rejects. Any other return value is ignored. */
  send(text: WireData): unknown
  /** Bytes that the socket has accepted but not sent yet. Not every socket has this property. A getter is user code and may return anything. */
  readonly bufferedAmount?: unknown
}

/** The queue in front of a socket. Messages wait in the queue until the turn of the event loop ends, or while the socket has no room. */
export abstract class SendQueue {
  /**
   * The size of the messages that wait because the connection is behind: its socket has no room. Gap notices do not count. `0` while the connection
   * keeps up.
   */
  abstract readonly waitingUnits: number
  /** How long the connection has been behind, in milliseconds. `0` while the connection keeps up. */
  abstract readonly behindForMs: number
  /** Accepts a message for the connection. */
  abstract accept(message: OutgoingMessage): Acceptance
  /** Sends waiting messages as far as the socket has room. Returns true if no message waits any more. */
  abstract flush(): boolean
  /** Call when the socket may have room again. */
  abstract drained(): void
  /**
   * Purges the waiting messages of a stream, or of all streams of a type if `symbol` is `undefined`. Streams for which `isCovered` is true are not
   * purged.
   */
  abstract purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void
  /** Purges the waiting messages and gap notices for which `isUnwanted` is true. */
  abstract purgeWhere(isUnwanted: (message: OutgoingMessage) => boolean): void
  /** True if `isMeant` is true for a waiting message, or for a waiting gap notice. */
  abstract hasSome(isMeant: (message: OutgoingMessage) => boolean): boolean
  /** Returns at least one message or gap notice of each stream that has any in the queue. */
  abstract waitingStreams(): OutgoingMessage[]
  /** Ends the queue. With `isToBeFlushed`, the queue first sends as many messages as the socket has room for. The other messages are purged. */
  abstract end(isToBeFlushed: boolean): void
}

/** The object that accepts messages for a connection: its socket, or the send queue in front of the socket. */
export type Sink = PlainSink | SendQueue
