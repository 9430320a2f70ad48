import {
  catalogueIn,
  type PayloadOf,
  type StreamCatalogue,
  type StreamDefinition,
  type SymbolField,
  type SymbolRuleOf,
  type TradingStreams,
} from './catalogue.ts'
import { readMessage, withRecipient } from './message-fields.ts'
import type { RawJson } from './raw-json.ts'
import type { StreamType } from './stream-type.ts'

/** One message of one stream. */
export interface StreamMessage<TData = unknown, TStreamType extends string = StreamType> {
  /** A stream type of the catalogue. The definition of the stream type says who may receive the message. */
  readonly streamType: TStreamType
  /** The symbol. The rule of the stream type says whether it is required, optional or not allowed. */
  readonly symbol?: string | undefined
  /** Any value that has a JSON form, or `rawJson(text)`. With a `serialize` of your own, any value that it accepts. */
  readonly data: TData
  /**
   * The time of the message.
   *
   * @default the time of the call that creates, publishes or sends the message
   */
  readonly timestamp?: Date | undefined
  /**
   * The user who may receive the message. Not allowed on public streams. Required on private streams, unless `sendToUser` or `sendToConnection` names
   * the user.
   */
  readonly userId?: string | undefined
}

type Fields<TName, TDefinition extends StreamDefinition> = {
  readonly streamType: TName
  readonly data: PayloadOf<TDefinition> | RawJson
  readonly timestamp?: Date | null | undefined
} & SymbolField<SymbolRuleOf<TDefinition>>

type NoRecipient = { readonly userId?: null | undefined }
type Recipient = { readonly userId: string }
type PossibleRecipient = { readonly userId?: string | null | undefined }

type NamesOf<TStreams, TAudience> = {
  [TName in keyof TStreams & string]: TStreams[TName] extends { readonly audience: TAudience } ? TName : never
}[keyof TStreams & string]

/** A message for a catalogue that is known only at run time. */
export type AnyMessage = {
  readonly streamType: string
  readonly symbol?: string | null | undefined
  readonly data: unknown
  readonly timestamp?: Date | null | undefined
} & PossibleRecipient

type MessagesOf<TStreams extends StreamCatalogue, TName extends keyof TStreams, TRecipient> = string extends keyof TStreams
  ? AnyMessage
  : { [TEach in TName]: Fields<TEach, TStreams[TEach]> & TRecipient }[TName]

/** A message of one of the catalogue's public streams. */
export type PublicMessage<TStreams extends StreamCatalogue = TradingStreams> = MessagesOf<
  TStreams,
  NamesOf<TStreams, 'public'>,
  NoRecipient
>

/** A message that `publish`, `createStreamMessage` and `serializeStreamMessage` take. If its stream is private, it has a `userId`. */
export type PublishableMessage<TStreams extends StreamCatalogue = TradingStreams> =
  | PublicMessage<TStreams>
  | MessagesOf<TStreams, NamesOf<TStreams, 'private'>, Recipient>

/**
 * A message that `sendToUser` and `sendToConnection` take. A private message needs no `userId`, because the first argument of `sendToUser` or
 * `sendToConnection` determines the user.
 */
export type AddressedMessage<TStreams extends StreamCatalogue = TradingStreams> =
  | PublicMessage<TStreams>
  | MessagesOf<TStreams, NamesOf<TStreams, 'private'>, PossibleRecipient>

/** A message that is published or sent with the option `text`. Its `data` may be absent, because `text` is sent instead. */
export type WithoutData<TMessage> = TMessage extends unknown ? Omit<TMessage, 'data'> & { readonly data?: unknown } : never

/**
 * A complete, valid message, from `createStreamMessage` or `parseStreamMessage`. The `publish` of a manager with the same catalogue takes such a
 * message unchanged.
 */
export type ValidMessage<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends keyof TStreams & string = keyof TStreams & string,
  TRaw = never,
> = string extends keyof TStreams
  ? StreamMessage<unknown, string> & { readonly timestamp: Date }
  : {
      [TEach in TName]: {
        readonly streamType: TEach
        readonly symbol: { required: string; optional: string | undefined; none: undefined }[SymbolRuleOf<TStreams[TEach]>]
        readonly data: PayloadOf<TStreams[TEach]> | TRaw
        readonly timestamp: Date
        readonly userId: TStreams[TEach] extends { readonly audience: 'private' } ? string : undefined
      }
    }[TName]

/** The options of `createStreamMessage`, `serializeStreamMessage`, `parseStreamMessage` and `parseServerMessage`. */
export interface MessageOptions<TStreams extends StreamCatalogue> {
  /**
   * A catalogue from `defineStreams`.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
}

/**
 * Returns a complete message: validated, with its timestamp filled in, and frozen. `data` is not copied.
 *
 * @throws `ERR_INVALID_MESSAGE`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`,
 * `ERR_RECIPIENT_REQUIRED`, `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_INVALID_ID`, and `ERR_INVALID_ARGUMENT` for bad options
 *
 * @example
 * createStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } })
 */
export function createStreamMessage<const TInit extends PublishableMessage>(
  init: TInit,
): ValidMessage<TradingStreams, TInit['streamType'], RawJson>
export function createStreamMessage<const TInit extends PublishableMessage<TStreams>, TStreams extends StreamCatalogue>(
  init: TInit,
  options: MessageOptions<TStreams> | undefined,
): ValidMessage<TStreams, TInit['streamType'] & keyof TStreams & string, RawJson>
export function createStreamMessage(init: AnyMessage, options?: MessageOptions<StreamCatalogue>): ValidMessage<StreamCatalogue> {
  const { streamType, symbol, data, timestampMs, userId } = withRecipient(readMessage(init, catalogueIn(options), Date))
  return Object.freeze({ streamType, symbol, data, timestamp: new Date(timestampMs), userId })
}
