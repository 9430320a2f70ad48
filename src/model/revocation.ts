import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'
import { definitionOf, symbolFor, type ResolvedDefinition, type StreamCatalogue, type TradingStreams } from './catalogue.ts'
import { asIdentifier } from './identifier.ts'

/**
 * Selects the subscriptions that `manager.revoke` ends. Give at least one field. A subscription must match every given field. A field that is absent,
 * `undefined` or `null` matches any value. An unknown field is refused. You can pass a `Subscription` as it is. If this `Subscription` has no symbol,
 * the user's subscriptions to single symbols of the type end too.
 */
export interface Revocation<TStreams extends StreamCatalogue = TradingStreams> {
  /** The user. If no user is given, every user matches. */
  readonly userId?: string | null | undefined
  /** The stream type. If no stream type is given, every stream type matches. */
  readonly streamType?: (keyof TStreams & string) | null | undefined
  /**
   * The symbol. Subscriptions to a whole type end too, because they include the symbol. If no symbol is given, every subscription matches, with or
   * without a symbol.
   */
  readonly symbol?: string | null | undefined
}

/** A revocation, read and validated. A field that is `undefined` matches any value. */
export interface Revoked {
  readonly userId: string | undefined
  readonly streamType: string | undefined
  readonly symbol: string | undefined
}

interface Stream {
  readonly streamType: string
  readonly symbol: string | undefined
}

/**
 * Reads a revocation. Each field is read once.
 *
 * A value that no subscription can have is refused. Otherwise a misspelt revocation would silently revoke nothing.
 *
 * @throws `ERR_INVALID_ARGUMENT` if no field is given, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_NOT_ALLOWED`
 */
export function readRevocation(revocation: unknown, streams: StreamCatalogue): Revoked {
  const { userId, streamType, symbol } = fieldsOf(revocation)
  if (userId === undefined && streamType === undefined && symbol === undefined) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'Invalid revocation: expected a `userId`, a `streamType` or a `symbol`')
  }
  return {
    userId: userId === undefined ? undefined : asIdentifier(userId, 'userId'),
    ...(streamType === undefined ? { streamType, symbol: anySymbol(symbol) } : asStream(streamType, symbol, streams)),
  }
}

/** True if a message belongs to a revoked stream. */
export function isOfRevoked({ streamType, symbol }: Stream, revoked: Revoked): boolean {
  return isAmong(revoked.streamType, streamType) && isAmong(revoked.symbol, symbol)
}

/** True if a subscription covers a revoked stream, because it is a subscription to this stream or to the whole type. */
export function coversRevoked({ streamType, symbol }: Stream, definition: ResolvedDefinition, revoked: Revoked): boolean {
  const isWholeType = symbol === undefined && definition.symbol === 'optional'
  return isAmong(revoked.streamType, streamType) && (isWholeType || isAmong(revoked.symbol, symbol))
}

function isAmong(revoked: string | undefined, value: string | undefined): boolean {
  return revoked === undefined || revoked === value
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `Invalid revocation: ${what}` : `Invalid revocation, field ${describe(field)}: ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}

function fieldsOf(revocation: unknown): Record<keyof Revoked, unknown> {
  const { userId, streamType, symbol } = readNamed(revocation, ['userId', 'streamType', 'symbol'], refused)
  return { userId: userId ?? undefined, streamType: streamType ?? undefined, symbol: symbol ?? undefined }
}

function anySymbol(symbol: unknown): string | undefined {
  return symbol === undefined ? undefined : asIdentifier(symbol, 'symbol')
}

function asStream(streamType: unknown, symbol: unknown, streams: StreamCatalogue): Omit<Revoked, 'userId'> {
  const definition = definitionOf(streams, streamType)
  return {
    streamType: streamType as string,
    symbol: symbol === undefined ? undefined : symbolFor(streamType as string, definition, symbol),
  }
}
