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
 * The states of a subscription. Each value equals its name.
 *
 * `PENDING`: the user has no connection yet. `CONNECTED`: the user has a connection. `DISCONNECTED`: the subscription has ended for good. A new
 * subscription to the stream is a new object. `RECONNECTING` and `ERROR`: the user has a connection, and the stream's source has failed: see
 * `setStreamStatus`.
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
 * One user's interest in one stream, as a live, read-only view. A subscription has one or more holders: the user, after `manager.addSubscription`,
 * and each connection of the user, after `connection.subscribe`.
 *
 * The manager returns the same object as long as the subscription lasts. After the end of the subscription, the object's status is `DISCONNECTED`,
 * and the other fields keep their last values. `userId`, `streamType` and `symbol` are own, enumerable properties. So a deep equality check compares
 * these three, and `{ ...subscription }` is a valid `SubscriptionReference`. The other fields are getters, so such a copy does not have them.
 */
export interface Subscription<TStreamType extends string = string> {
  /** The user who is subscribed. If only connections hold the subscription, this is the user of these connections. */
  readonly userId: string
  /** A stream type of the catalogue. */
  readonly streamType: TStreamType
  /** The symbol. `undefined` for a stream without a symbol, and for a subscription to the whole type. */
  readonly symbol: string | undefined
  /**
   * The user's filters: a frozen copy, one level deep, from the last `addSubscription`. `undefined` if the last `addSubscription` had no filters, or
   * while only connections hold the subscription. A connection's own filters are in `connection.subscriptions()`.
   */
  readonly filters: SubscriptionFilters | undefined
  /** The current state. */
  readonly status: SubscriptionStatus
  /** When the subscription began. Each reading returns a new `Date`. */
  readonly createdAt: Date
  /**
   * When a published message of this stream was last delivered to a recipient, by the manager's clock. The `timestamp` of the message does not
   * matter. `undefined` if there was no such message since the subscription began.
   *
   * On a public stream, the recipient may be any subscriber. On a private stream, each user has a separate time.
   */
  readonly lastUpdate: Date | undefined
  /** The subscription's key, as `subscriptionKey` returns it. */
  readonly key: string
}

/** A subscription of which the connection itself is a holder, and the connection's filters. Frozen. */
export interface OwnSubscription {
  /** The live view. All holders of the subscription share this view. */
  readonly subscription: Subscription
  /** A frozen copy, one level deep, of the filters of this connection's last request. `undefined` if the last request had no filters. */
  readonly filters: SubscriptionFilters | undefined
}

/** Names a stream. */
export interface StreamReference {
  /** The stream's type. */
  readonly streamType: string
  /**
   * The symbol, if the stream type takes one. If the symbol of the type is optional, a reference without a symbol names the whole type.
   */
  readonly symbol?: string | null | undefined
}

/** Names a subscription. */
export interface SubscriptionReference extends StreamReference {
  /** The user who is subscribed. */
  readonly userId: string
}

/**
 * The argument of `connection.subscribe`: a `Subscription`, or a stream whose symbol follows the rule of the stream type.
 *
 * A `userId` in the request must be the user of the connection. A request may have only the fields of a `Subscription`. Any other field is refused.
 *
 * If the stream type is a `string` that is known only at run time, the compiler does not know its symbol rule. Then the symbol may be left out,
 * so you can pass the result of `parseStreamKey`.
 */
export type ConnectionSubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends string = keyof TStreams & string,
> =
  | (StreamField<TStreams, TName> & {
      /** The user of the connection. The field may be left out. */
      readonly userId?: string | null | undefined
      /** This holder's filters, for the host's own use. */
      readonly filters?: SubscriptionFilters | null | undefined
    })
  | Subscription<keyof TStreams & string>

/** The argument of `manager.addSubscription`: the argument of `connection.subscribe`, plus the `userId`. */
export type SubscribeRequest<
  TStreams extends StreamCatalogue = TradingStreams,
  TName extends string = keyof TStreams & string,
> = ConnectionSubscribeRequest<TStreams, TName> & { readonly userId: string }

/** The name of a stream type: a name from the catalogue, or a `string` that is known only at run time. */
export type StreamTypeName<TStreams extends StreamCatalogue> = (keyof TStreams & string) | (string & {})

/** The fields of a request that name its stream. For a stream type that the catalogue does not have, the compiler reports an error. */
type StreamField<TStreams extends StreamCatalogue, TName extends string> = string extends TName
  ? { readonly streamType: TName } & SymbolField<'optional'>
  : [TName] extends [keyof TStreams]
    ? { readonly streamType: TName } & SymbolField<string extends keyof TStreams ? 'optional' : SymbolRuleOf<TStreams[TName & keyof TStreams]>>
    : { readonly streamType: keyof TStreams & string } & SymbolField<'optional'>

/** A connection's request, read and validated. */
export interface StreamRequest {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly filters: SubscriptionFilters | undefined
}

/** A user's request, read and validated. */
export interface UserStreamRequest extends StreamRequest {
  readonly userId: string
}

/**
 * Reads a request for a user's subscription. Each field is read once.
 *
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`,
 * `ERR_SYMBOL_NOT_ALLOWED`
 */
export function readUserRequest(request: unknown, streams: StreamCatalogue): UserStreamRequest {
  const fields = fieldsOf(request)
  return { userId: asIdentifier(fields.userId, 'userId'), ...asStreamRequest(fields, streams) }
}

/** Reads a request for a connection's own subscription, as `readUserRequest` does. A `userId` in the request must be the user of the connection. */
export function readRequest(request: unknown, ownUserId: string, streams: StreamCatalogue): StreamRequest {
  const fields = fieldsOf(request)
  const { userId } = fields
  if (userId !== undefined && userId !== null && userId !== ownUserId) {
    throw refusedRequest(`expected the connection's own user, ${describe(ownUserId)}, got ${describe(userId)}`, 'userId')
  }
  return asStreamRequest(fields, streams)
}

/**
 * Why a subscription ended.
 *
 * | reason | the subscription ended |
 * | --- | --- |
 * | `unsubscribed` | by `removeSubscription`, by `connection.unsubscribe` of the last holder, or because `recovery.subscribe` began it and failed |
 * | `disconnected` | because a connection was removed: the user's last one, or the last holder. Or by `removeUser`, if the user had no connection |
 * | `expired` | because it was pending, and no connection came within `pendingTtlMs` |
 * | `revoked` | by `revoke` |
 * | `reassigned` | because a connection was given to another user: the user's last one, or the last holder |
 * | `cleanup` | by `cleanup()` |
 */
export type SubscriptionEndReason = 'unsubscribed' | 'disconnected' | 'expired' | 'revoked' | 'reassigned' | 'cleanup'

/**
 * What changed in a subscription that has not ended: a holder was added or removed, a holder replaced its `filters`, or the `status` changed. Each
 * further request of a holder replaces its filters, and a request without `filters` removes them. A request with `filters` counts as a change, even
 * if the new filters are equal to the old ones. If a new holder has filters, there is only one change: `holder-added`.
 */
export type SubscriptionChange = 'holder-added' | 'holder-removed' | 'filters' | 'status'

/** The fields that name a subscription: its user and its stream. */
export interface ReadReference {
  readonly userId: unknown
  readonly streamType: unknown
  readonly symbol: unknown
}

/**
 * Reads the fields that name a subscription. The values are not validated, because a bad value finds no subscription.
 *
 * @throws `ERR_INVALID_ARGUMENT` if reading the fields throws, if there is an unknown field, or if one of the `required` fields is missing
 */
export function readReference(reference: unknown, ...required: readonly ('userId' | 'streamType')[]): ReadReference {
  const fields = fieldsOf(reference)
  const isThere = (name: string): boolean =>
    readUserCode(() => name in (reference as object), (cause) => refusedRequest('reading it threw', name, cause))
  for (const name of required) if (fields[name] === undefined && !isThere(name)) throw refusedRequest('it is missing', name)
  return fields
}

type RequestFields = Record<'userId' | 'streamType' | 'symbol' | 'filters', unknown>

/** The fields that a request may have. They include all fields of a `Subscription`, so that any copy of a `Subscription` is a valid request. */
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
  const message = field === undefined ? `Invalid request: ${what}` : `Invalid request, field ${describe(field)}: ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}

function fieldsOf(request: unknown): RequestFields {
  assertNamed(request, REQUEST_FIELDS, refusedRequest)
  try {
    const { userId, streamType, symbol, filters } = request as RequestFields
    return { userId, streamType, symbol, filters }
  } catch (cause) {
    throw refusedRequest('reading it threw', undefined, cause)
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
