import { ConnectionManagerError, describe } from '../errors.ts'
import { definitionOf, symbolFor, type StreamCatalogue, type TradingStreams } from './catalogue.ts'
import { asIdentifier } from './identifier.ts'
import { readReference } from './subscription.ts'

/** Names the stream that an upstream source feeds. If the stream type is private, each user has a separate stream. */
export interface StreamSource<TStreams extends StreamCatalogue = TradingStreams> {
  /** A type of the catalogue. */
  readonly streamType: keyof TStreams & string
  /** The symbol. Absent for a stream without a symbol, and for the whole type. For `notifyGap`, an absent symbol means all streams of the type. */
  readonly symbol?: string | null | undefined
  /** The user whose stream it is. Required for private stream types, and not allowed for public ones. */
  readonly userId?: string | null | undefined
}

/** A `StreamSource`, read and validated. */
export interface Source {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
}

/**
 * Reads a `StreamSource`. If `symbols` is `any symbol`, an absent symbol means all streams of the type, even if the type requires a symbol.
 *
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_RECIPIENT_REQUIRED`,
 * `ERR_RECIPIENT_NOT_ALLOWED`, `ERR_INVALID_ID`
 */
export function readSource(source: unknown, streams: StreamCatalogue, symbols?: 'any symbol'): Source {
  const { streamType, symbol, userId } = readReference(source, 'streamType')
  const definition = definitionOf(streams, streamType)
  const name = streamType as string
  const isAny = symbols === 'any symbol' && (symbol === undefined || symbol === null)
  return { streamType: name, symbol: isAny ? undefined : symbolFor(name, definition, symbol), userId: ownerFor(name, definition.audience, userId) }
}

function ownerFor(streamType: string, audience: string, userId: unknown): string | undefined {
  const isAbsent = userId === undefined || userId === null
  if (audience === 'private' && !isAbsent) return asIdentifier(userId, 'userId')
  if (audience === 'public' && isAbsent) return undefined
  if (audience === 'private') throw new ConnectionManagerError('ERR_RECIPIENT_REQUIRED', `Stream type ${describe(streamType)} is private, so its streams require a \`userId\``, { streamType })
  throw new ConnectionManagerError('ERR_RECIPIENT_NOT_ALLOWED', `Stream type ${describe(streamType)} is public, so its streams take no \`userId\`, got ${describe(userId)}`, { streamType })
}
