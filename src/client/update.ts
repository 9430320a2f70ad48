import type { StreamCatalogue, SymbolField, SymbolRuleOf, TradingStreams } from '../model/catalogue.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { ValidMessage } from '../model/stream-message.ts'
import type { MessagePlace } from '../model/wire-reading.ts'

type NameIn<TStreams extends StreamCatalogue> = keyof TStreams & string

/** A stream of the catalogue: its type, and a symbol if the type takes one. If an optional symbol is left out, the stream is the whole type. */
export type StreamOf<TStreams extends StreamCatalogue, TName extends NameIn<TStreams>> = {
  readonly streamType: TName
} & SymbolField<SymbolRuleOf<TStreams[TName]>>

/**
 * A message of a stream.
 *
 * A message with `snapshot` has the present state of the stream, and replaces all earlier messages.
 */
export type Message<TStreams extends StreamCatalogue = TradingStreams, TName extends NameIn<TStreams> = NameIn<TStreams>> = ValidMessage<
  TStreams,
  TName
> &
  MessagePlace & { readonly type?: undefined }

/** Messages are missing, or may be missing, between the update before this gap and the update after it. */
export interface Gap {
  /** Distinguishes a gap from a message, which has no `type`. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing. `undefined` if messages of any symbol of the subscription may be missing. */
  readonly symbol: string | undefined
  /** How many messages are missing. `undefined` if the number is unknown. An unknown number may be 0. */
  readonly dropped: number | undefined
}

/**
 * The status of the stream's source has changed, or is not `CONNECTED` when the subscription begins: see `setStreamStatus` of the server. While the
 * status is not `CONNECTED`, data may be out of date.
 */
export interface Status {
  /** Distinguishes a status from a message, which has no `type`. */
  readonly type: 'status'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /** The new status. */
  readonly status: StreamStatus
}

/** The last update that a listener gets: the subscription has ended, and the client does not renew it. */
export interface Ended {
  /** Distinguishes the end from a message, which has no `type`. */
  readonly type: 'ended'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /**
   * Why the subscription ended:
   *
   * - the code of the server's refusal, such as `ERR_FORBIDDEN`
   * - the reason of the server's `unsubscribed`, such as `revoked`
   * - `ERR_CLOSED` after `close()`
   */
  readonly code: string
}

/** What a listener of a stream gets. */
export type Update<TStreams extends StreamCatalogue = TradingStreams, TName extends NameIn<TStreams> = NameIn<TStreams>> =
  | Message<TStreams, TName>
  | Gap
  | Status
  | Ended

/** The type of updates in code that does not know the catalogue. */
export type AnyUpdate = Update<StreamCatalogue, string>

/** The type of messages in code that does not know the catalogue. */
export type AnyMessage = Message<StreamCatalogue, string>

/** The type of streams in code that does not know the catalogue. */
export interface AnyStream {
  readonly streamType: string
  readonly symbol?: string | null | undefined
}
