import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { assertNamed, type Refusal } from '../guards/named-fields.ts'
import {
  definitionOf,
  symbolFor,
  type StreamCatalogue,
  type SymbolField,
  type SymbolRuleOf,
  type TradingStreams,
} from './catalogue.ts'
import { frozenFilters, type SubscriptionFilters } from './filters.ts'
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

/**
 * One user's interest in one stream: a live, read-only view.
 *
 * The same subscription is the same object for as long as it lasts. Held beyond its end, it says `DISCONNECTED`
 * and keeps what it said last. `userId`, `streamType` and `symbol` are own, enumerable properties: an equality check compares
 * these, and `{ ...subscription }` refers to it. The other fields are getters; a copy does not have them.
 */
export interface Subscription<TStreamType extends string = string> {
  /** Whose interest it is, whoever of the user's connections holds it. */
  readonly userId: string
  /** A type of the catalogue. */
  readonly streamType: TStreamType
  /** `undefined` for a stream without a symbol, and for one that covers its whole type. */
  readonly symbol: string | undefined
  /**
   * The user's filters: a frozen copy, one level deep, from the last `addSubscription`. `undefined` if that had none, and while only
   * connections hold the subscription. Those of a connection are in `connection.subscriptions()`.
   */
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

/** A subscription that a connection holds for itself, and what it asked for. Frozen. */
export interface OwnSubscription {
  /** The live view, which all holders of the subscription share. */
  readonly subscription: Subscription
  /** A frozen copy, one level deep, of the filters of this connection's last request; `undefined` if that had none. */
  readonly filters: SubscriptionFilters | undefined
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
 * A `userId` may be there if it is the connection's own. Fields that neither a request nor a `Subscription` has are refused.
 *
 * If the stream type is any `string`, known only at run time, its symbol rule is unknown as well. Then the symbol may be left out, so the
 * result of `parseStreamKey` is a request.
 */
export type ConnectionSubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends string = keyof TStreams & string,
> =
  | (StreamField<TStreams, TName> & {
      /** The user of the connection. It may be left out. */
      readonly userId?: string | null | undefined
      /** What this holder asks for beyond the stream. */
      readonly filters?: SubscriptionFilters | null | undefined
    })
  | Subscription<keyof TStreams & string>

/** What `manager.addSubscription` takes: the same, and whose it is. */
export type SubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends string = keyof TStreams & string,
> = ConnectionSubscribeRequest<TStreams, TName> & { readonly userId: string }

/** The name of a stream type: one of the catalogue's, or a `string` that is known only at run time. */
export type StreamTypeName<TStreams extends StreamCatalogue> = (keyof TStreams & string) | (string & {})

/** The compiler refuses a name that the catalogue does not have. */
type StreamField<TStreams extends StreamCatalogue, TName extends string> = string extends TName
  ? { readonly streamType: TName } & SymbolField<'optional'>
  : [TName] extends [keyof TStreams]
    ? { readonly streamType: TName } & SymbolField<string extends keyof TStreams ? 'optional' : SymbolRuleOf<TStreams[TName & keyof TStreams]>>
    : { readonly streamType: keyof TStreams & string } & SymbolField<'optional'>

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
  const fields = fieldsOf(request)
  return { userId: asIdentifier(fields.userId, 'userId'), ...asStreamRequest(fields, streams) }
}

/** Reads a request for a subscription of a connection's, as `readUserRequest` does. A `userId` must be that of the connection. */
export function readRequest(request: unknown, ownUserId: string, streams: StreamCatalogue): StreamRequest {
  const fields = fieldsOf(request)
  const { userId } = fields
  if (userId !== undefined && userId !== null && userId !== ownUserId) {
    throw refusedRequest(`must be the connection's own, ${describe(ownUserId)}, got ${describe(userId)}`, 'userId')
  }
  return asStreamRequest(fields, streams)
}

/** The fields that name a subscription: its stream, and its user. */
export interface ReadReference {
  readonly userId: unknown
  readonly streamType: unknown
  readonly symbol: unknown
}

/**
 * Reads the fields that name a subscription. They may hold anything: a bad value finds no subscription.
 *
 * @throws `ERR_INVALID_ARGUMENT` when it cannot be read, and when one of the `required` fields is not there
 */
export function readReference(reference: unknown, ...required: readonly ('userId' | 'streamType')[]): ReadReference {
  const fields = fieldsOf(reference)
  const isThere = (name: string): boolean =>
    readUserCode(() => name in (reference as object), (cause) => refusedRequest('must be readable', name, cause))
  for (const name of required) if (fields[name] === undefined && !isThere(name)) throw refusedRequest('is missing', name)
  return fields
}

type RequestFields = Record<'userId' | 'streamType' | 'symbol' | 'filters', unknown>

/** The fields of a request and of a view, so that any copy of a subscription is a valid request. */
const REQUEST_FIELDS: readonly string[] = [
  'userId',
  'streamType',
  'symbol',
  'filters',
  'key',
  'status',
  'createdAt',
  'lastUpdate',
] satisfies (keyof Subscription)[]

const refusedRequest: Refusal = (what, field, cause) => {
  const message = field === undefined ? `What names a stream ${what}` : `Field ${describe(field)} of a request ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}

function fieldsOf(request: unknown): RequestFields {
  assertNamed(request, REQUEST_FIELDS, refusedRequest)
  try {
    const { userId, streamType, symbol, filters } = request as RequestFields
    return { userId, streamType, symbol, filters }
  } catch (cause) {
    throw refusedRequest('must be readable', undefined, cause)
  }
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
