import type { OutgoingMessage } from '../model/outgoing-message.ts'
import type { WireData } from '../model/wire-data.ts'

/** What happened to a message: `sent` at once, `batched` until the end of the turn, waiting in the send queue, or not delivered. */
export type Acceptance = 'sent' | 'batched' | 'queued' | 'conflated' | 'dropped' | 'failed' | 'skipped'

/** A socket that messages are sent to directly. */
export interface PlainSink {
  /** Sends a text, or bytes. It may return anything. A promise that rejects is a failure, and so is a throw. */
  send(text: WireData): unknown
  /** Bytes that the socket has accepted and not sent yet, if it has this property. It may be a getter, which is user code and may return anything. */
  readonly bufferedAmount?: unknown
}

/** The queue in front of a socket whose messages may have to wait. */
export abstract class SendQueue {
  /** The size of what waits because the connection is behind. `0` while it keeps up. */
  abstract readonly waitingUnits: number
  /** How long the connection has been behind, in milliseconds. `0` while it keeps up. */
  abstract readonly behindForMs: number
  /** Accepts a message for the connection. */
  abstract accept(message: OutgoingMessage): Acceptance
  /** Sends waiting messages as far as the socket has room. True if nothing waits any more. */
  abstract flush(): boolean
  /** Call when the socket may have room again. */
  abstract drained(): void
  /** Purges the waiting messages of a stream, or of all streams of the type if `symbol` is `undefined`. Streams that are still covered stay. */
  abstract purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void
  /** Purges the waiting messages that are unwanted. */
  abstract purgeWhere(isUnwanted: (message: OutgoingMessage) => boolean): void
  /** Returns at least one message of each stream that has messages here. */
  abstract waitingStreams(): OutgoingMessage[]
  /** Ends the queue. With `isToBeFlushed` it first sends what the socket has room for. The rest is purged. */
  abstract end(isToBeFlushed: boolean): void
}

/** What accepts the messages for a connection: its socket, or the send queue in front of it. */
export type Sink = PlainSink | SendQueue
