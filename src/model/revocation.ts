import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'
import { definitionOf, symbolFor, type ResolvedDefinition, type StreamCatalogue, type TradingStreams } from './catalogue.ts'
import { asIdentifier } from './identifier.ts'

/**
 * What `manager.revoke` takes away: what each field that is given names. A field that is absent, `undefined` or `null` stands
 * for any. An unknown field is refused; a `Subscription` is accepted as it is.
 */
export interface Revocation<TStreams extends StreamCatalogue = TradingStreams> {
  /** Whose; absent: everybody's. */
  readonly userId?: string | null | undefined
  /** Of which type; absent: of all. */
  readonly streamType?: (keyof TStreams & string) | null | undefined
  /** Of which symbol; the whole types that cover it are taken away with it. Absent: of every symbol, and the whole types. */
  readonly symbol?: string | null | undefined
}

/** A revocation as it was read: `undefined` stands for any. */
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
 * Reads a revocation, each field once.
 *
 * It is a command, not a query: what it names has to be possible, since a misspelt one would revoke nothing in silence.
 *
 * @throws `ERR_INVALID_ARGUMENT` where no field says what to revoke, `ERR_INVALID_ID`, `ERR_UNKNOWN_STREAM`,
 * `ERR_SYMBOL_NOT_ALLOWED`
 */
export function readRevocation(revocation: unknown, streams: StreamCatalogue): Revoked {
  const { userId, streamType, symbol } = fieldsOf(revocation)
  if (userId === undefined && streamType === undefined && symbol === undefined) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'A revocation needs a userId, a streamType or a symbol')
  }
  return {
    userId: userId === undefined ? undefined : asIdentifier(userId, 'userId'),
    ...(streamType === undefined ? { streamType, symbol: anySymbol(symbol) } : asStream(streamType, symbol, streams)),
  }
}

/** Whether a message is of the streams that were revoked. */
export function isOfRevoked({ streamType, symbol }: Stream, revoked: Revoked): boolean {
  return isAmong(revoked.streamType, streamType) && isAmong(revoked.symbol, symbol)
}

/** Whether a subscription to a stream would bring what was revoked: it is one of those streams, or their whole type. */
export function coversRevoked({ streamType, symbol }: Stream, definition: ResolvedDefinition, revoked: Revoked): boolean {
  const isWholeType = symbol === undefined && definition.symbol === 'optional'
  return isAmong(revoked.streamType, streamType) && (isWholeType || isAmong(revoked.symbol, symbol))
}

function isAmong(revoked: string | undefined, value: string | undefined): boolean {
  return revoked === undefined || revoked === value
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `What is to be revoked ${what}` : `Field ${describe(field)} of a revocation ${what}`
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
