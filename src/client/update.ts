import type { StreamCatalogue, SymbolField, SymbolRuleOf, TradingStreams } from '../model/catalogue.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { ValidMessage } from '../model/stream-message.ts'
import type { MessagePlace } from '../model/wire-reading.ts'

type NameIn<TStreams extends StreamCatalogue> = keyof TStreams & string

/** A stream of the catalogue: its type, and a symbol if the type takes one. If the symbol is optional and left out, the stream is the whole type. */
export type StreamOf<TStreams extends StreamCatalogue, TName extends NameIn<TStreams>> = {
  readonly streamType: TName
} & SymbolField<SymbolRuleOf<TStreams[TName]>>

/**
 * A message of a stream.
 *
 * If it is a `snapshot`, it is the present state, and replaces all that came before it.
 */
export type Message<TStreams extends StreamCatalogue = TradingStreams, TName extends NameIn<TStreams> = NameIn<TStreams>> = ValidMessage<
  TStreams,
  TName
> &
  MessagePlace & { readonly type?: undefined }

/** Messages are missing here: between the update before this one and the next. */
export interface Gap {
  /** Distinguishes it from a message, which has no `type`. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing. `undefined` for all of the subscription. */
  readonly symbol: string | undefined
  /** How many are missing. `undefined` if nobody knows: any number, and perhaps none. */
  readonly dropped: number | undefined
}

/** The source of the stream has another status: see `setStreamStatus` of the server. While it is not `CONNECTED`, data may be out of date. */
export interface Status {
  /** Distinguishes it from a message, which has no `type`. */
  readonly type: 'status'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a stream without a symbol. */
  readonly symbol: string | undefined
  /** The new status. */
  readonly status: StreamStatus
}

/** The last update that a listener gets: the subscription is over, and is not made again. */
export interface Ended {
  /** Distinguishes it from a message, which has no `type`. */
  readonly type: 'ended'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /** Why: the code of the server's refusal, such as `ERR_FORBIDDEN`; the reason of its unsubscribe, such as `revoked`; or `ERR_CLOSED` by `close()`. */
  readonly code: string
}

/** What a listener of a stream gets. */
export type Update<TStreams extends StreamCatalogue = TradingStreams, TName extends NameIn<TStreams> = NameIn<TStreams>> =
  | Message<TStreams, TName>
  | Gap
  | Status
  | Ended

/** An update for code that does not know the catalogue. */
export type AnyUpdate = Update<StreamCatalogue, string>

/** A message for code that does not know the catalogue. */
export type AnyMessage = Message<StreamCatalogue, string>

/** A stream for code that does not know the catalogue. */
export interface AnyStream {
  readonly streamType: string
  readonly symbol?: string | null | undefined
}
