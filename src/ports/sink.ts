import type { OutgoingMessage } from '../model/outgoing-message.ts'

/** What a send queue made of a message: `sent` at once, `batched` until the end of the turn, waiting, or given up. */
export type Acceptance = 'sent' | 'batched' | 'queued' | 'conflated' | 'dropped' | 'failed' | 'skipped'

/** A socket as messages are handed to it. */
export interface PlainSink {
  /** Whatever it answers is looked at: a promise that rejects is a failure, as a throw is. */
  send(text: string): unknown
  /** What it has accepted and not sent yet, if it tells that itself. It may be user code, and anything. */
  readonly bufferedAmount?: unknown
}

/** What stands in front of a connection's socket if a message may have to wait. */
export abstract class SendQueue {
  /** Takes a message for the connection. */
  abstract accept(message: OutgoingMessage): Acceptance
  /** Hands on what waits, as far as there is room. True when nothing waits any more. */
  abstract flush(): boolean
  /** Notes that there may be room again. */
  abstract drained(): void
  /** Discards what waits of a stream, or of all streams of a type if `symbol` is `undefined`, except for those that are covered still. */
  abstract purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void
  /** Ends it. With `isToBeFlushed`, what there is room for is handed on first. The rest is purged. */
  abstract end(isToBeFlushed: boolean): void
}

/** Where the messages for a connection go: its socket, or the send queue in front of it. */
export type Sink = PlainSink | SendQueue
