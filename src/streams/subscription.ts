import { ConnectionManagerError, shown } from '../errors.ts'
import {
  definitionOf,
  symbolFor,
  type StreamCatalogue,
  type SymbolField,
  type SymbolRuleOf,
  type TradingStreams,
} from './catalogue.ts'
import { asIdentifier } from './identifier.ts'

/**
 * The states of a subscription; each value equals its name.
 *
 * `PENDING`: the user has no connection yet. `CONNECTED`: the user has one. `DISCONNECTED`: the subscription has
 * ended, for good. `RECONNECTING` and `ERROR` are for a later version; nothing has them yet.
 */
export const SubscriptionStatus: { readonly [TName in SubscriptionStatus]: TName } = /* @__PURE__ */ Object.freeze({
  PENDING: 'PENDING',
  CONNECTED: 'CONNECTED',
  DISCONNECTED: 'DISCONNECTED',
  ERROR: 'ERROR',
  RECONNECTING: 'RECONNECTING',
})

export type SubscriptionStatus = 'PENDING' | 'CONNECTED' | 'DISCONNECTED' | 'ERROR' | 'RECONNECTING'

/** What a subscriber asked for beyond the stream. Opaque to the library: nothing is filtered by it. */
export type SubscriptionFilters = Readonly<Record<string, unknown>>

/**
 * One user's interest in one stream: a live, read-only view.
 *
 * The same subscription is the same object for as long as it lasts. Held beyond its end, it says `DISCONNECTED`
 * and keeps what it said last. Pass it on whole: its fields are getters, which a spread does not copy.
 */
export interface Subscription {
  /** Whose interest it is, whoever of the user's connections holds it. */
  readonly userId: string
  /** A type of the catalogue. */
  readonly streamType: string
  /** `undefined` for a stream without a symbol, and for one that covers its whole type. */
  readonly symbol: string | undefined
  /** A frozen copy, one level deep, of what the last request gave; `undefined` when that gave none. */
  readonly filters: SubscriptionFilters | undefined
  /** Where it stands at this moment. */
  readonly status: SubscriptionStatus
  /** A fresh `Date` at each reading. */
  readonly createdAt: Date
  /**
   * When a message was last published to recipients of this stream, since the subscription began; `undefined` before.
   *
   * A public stream has one such moment for all of its subscribers, a private one has one for each user.
   */
  readonly lastUpdate: Date | undefined
  /** `subscriptionKey` of this subscription. */
  readonly key: string
}

/** A stream by name. */
export interface StreamReference {
  /** The stream's type. */
  readonly streamType: string
  /** None stands for a stream without a symbol, or for the whole type: as the type's rule has it. */
  readonly symbol?: string | null | undefined
}

/** A subscription by identity. */
export interface SubscriptionReference extends StreamReference {
  /** The user who is subscribed. */
  readonly userId: string
}

/**
 * What `connection.subscribe` takes: a stream, with a symbol as its type's rule wants it, or a `Subscription` as it is.
 *
 * Where the stream type is known only at run time, so is the rule: then the symbol may be left out.
 */
export type ConnectionSubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends keyof TStreams & string = keyof TStreams & string,
> = (StreamField<TStreams, TName> & { readonly filters?: SubscriptionFilters | null | undefined }) | Subscription

/** What `manager.addSubscription` takes: the same, and whose it is. */
export type SubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends keyof TStreams & string = keyof TStreams & string,
> = ConnectionSubscribeRequest<TStreams, TName> & { readonly userId: string }

type StreamField<TStreams extends StreamCatalogue, TName extends keyof TStreams & string> = string extends keyof TStreams
  ? StreamReference
  : { readonly streamType: TName } & SymbolField<SymbolRuleOf<TStreams[TName]>>

/** What a subscriber asked for, as it was read from a request. */
export interface StreamRequest {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly filters: SubscriptionFilters | undefined
}

/** What a user asked for, as it was read from a request. */
export interface UserStreamRequest extends StreamRequest {
  readonly userId: string
}

/**
 * Reads a request for a subscription of a user's, each field once.
 *
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`,
 * `ERR_SYMBOL_NOT_ALLOWED`
 */
export function readUserRequest(request: unknown, streams: StreamCatalogue): UserStreamRequest {
  const { userId, ...fields } = fieldsOf(request)
  return { userId: asIdentifier(userId, 'userId'), ...asStreamRequest(fields, streams) }
}

/** Reads a request for a subscription of a connection's, as `readUserRequest` does. */
export function readRequest(request: unknown, streams: StreamCatalogue): StreamRequest {
  return asStreamRequest(fieldsOf(request), streams)
}

/** Reads what names a subscription, or a stream, that there may be; nothing where it cannot be read. Never throws. */
export function readReference(reference: unknown): { readonly userId?: unknown; readonly streamType?: unknown; readonly symbol?: unknown } {
  try {
    const { userId, streamType, symbol } = reference as Record<string, unknown>
    return { userId, streamType, symbol }
  } catch {
    return {}
  }
}

type RequestFields = Record<'userId' | 'streamType' | 'symbol' | 'filters', unknown>

function fieldsOf(request: unknown): RequestFields {
  let cause: unknown
  try {
    if (typeof request === 'object' && request !== null) {
      const { userId, streamType, symbol, filters } = request as RequestFields
      return { userId, streamType, symbol, filters }
    }
  } catch (error) {
    cause = error
  }
  const message = `Expected a readable object that names a stream, got ${shown(request)}`
  throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, {}, cause)
}

function asStreamRequest(fields: Omit<RequestFields, 'userId'>, streams: StreamCatalogue): StreamRequest {
  const { streamType, symbol, filters } = fields
  const definition = definitionOf(streams, streamType)
  return {
    streamType: streamType as string,
    symbol: symbolFor(streamType as string, definition, symbol),
    filters: frozenFilters(filters),
  }
}

/** A frozen copy, so that the caller's object stays the caller's. */
function frozenFilters(filters: unknown): SubscriptionFilters | undefined {
  if (filters === undefined || filters === null) return undefined
  let cause: unknown
  try {
    if (typeof filters === 'object' && !Array.isArray(filters)) return Object.freeze({ ...filters })
  } catch (error) {
    cause = error
  }
  throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `filters must be a readable object, got ${shown(filters)}`, {}, cause)
}
