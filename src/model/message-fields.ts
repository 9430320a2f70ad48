import { ConnectionManagerError, describe } from '../errors.ts'
import { definitionOf, symbolFor, type ResolvedDefinition, type StreamCatalogue } from './catalogue.ts'
import { asIdentifier } from './identifier.ts'

/** A message as it was read, once and for all, from a caller's object. */
export interface MessageFields {
  readonly streamType: string
  readonly definition: ResolvedDefinition
  readonly symbol: string | undefined
  readonly data: unknown
  readonly timestampMs: number
  readonly userId: string | undefined
  /** When it was read, which is when it was published. */
  readonly readAtMs: number
  /** Its wire form, if it was made before. */
  readonly text?: string
}

/** A text of the host's own is delivered like a private message, and belongs to no stream. */
export const HOST_TEXT: ResolvedDefinition = /* @__PURE__ */ Object.freeze({
  audience: 'private',
  symbol: 'none',
  delivery: 'every',
  overflow: 'disconnect',
})

/** Returns a text of the host's own as a message. Its stream type is empty, as no real one is, so an unsubscribe or a revocation never matches it. */
export function hostText(text: string, userId: string, nowMs: number): MessageFields {
  return { streamType: '', definition: HOST_TEXT, symbol: undefined, data: undefined, timestampMs: nowMs, userId, readAtMs: nowMs, text }
}

/**
 * Reads a caller's message, each field once, since a getter could answer differently the second time.
 *
 * @throws what is wrong with it, short of a missing recipient
 */
export function readMessage(message: unknown, streams: StreamCatalogue, clock: { now(): number }): MessageFields {
  if (typeof message !== 'object' || message === null) {
    throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `A message must be an object, got ${describe(message)}`)
  }
  let streamType, symbol, data, timestamp, userId: unknown
  try {
    ({ streamType, symbol, data, timestamp, userId } = message as Partial<Record<string, unknown>>)
  } catch (cause) {
    throw new ConnectionManagerError('ERR_INVALID_MESSAGE', 'A message must be readable', {}, cause)
  }
  const definition = definitionOf(streams, streamType)
  const readAtMs = clock.now()
  return {
    streamType: streamType as string,
    definition,
    symbol: symbolFor(streamType as string, definition, symbol),
    data,
    timestampMs: timestamp === undefined || timestamp === null ? readAtMs : epochMs(timestamp),
    userId: userId === undefined || userId === null ? undefined : recipientFor(streamType as string, definition, userId),
    readAtMs,
  }
}

/**
 * Returns the message if it says whose it is, where its stream is private.
 *
 * @throws `ERR_RECIPIENT_REQUIRED`
 */
export function withRecipient(fields: MessageFields): MessageFields {
  if (fields.userId === undefined && fields.definition.audience === 'private') throw recipientMissing(fields)
  return fields
}

/** What a private message is refused with that does not say whose it is. */
export function recipientMissing({ streamType }: MessageFields): ConnectionManagerError {
  const message = `Stream type ${describe(streamType)} is private: its messages need a userId`
  return new ConnectionManagerError('ERR_RECIPIENT_REQUIRED', message, { streamType })
}

/**
 * Returns the message as one to this user.
 *
 * @throws `ERR_RECIPIENT_MISMATCH` when it is somebody else's
 */
export function addressedTo(recipient: string, fields: MessageFields): MessageFields {
  const { definition, streamType, userId } = fields
  if (definition.audience === 'public' || userId === recipient) return fields
  if (userId === undefined) return { ...fields, userId: recipient }
  const message = `A message of user ${describe(userId)} cannot be sent to user ${describe(recipient)}`
  throw new ConnectionManagerError('ERR_RECIPIENT_MISMATCH', message, { streamType, userId })
}

/**
 * Returns the message if it may go to everybody.
 *
 * @throws `ERR_RECIPIENT_REQUIRED` for a private one, `ERR_RECIPIENT_NOT_ALLOWED` for a private one that names its user
 */
export function forEverybody(fields: MessageFields): MessageFields {
  const { definition, streamType, userId } = withRecipient(fields)
  if (definition.audience === 'public') return fields
  const message = `Stream type ${describe(streamType)} is private: its messages cannot be broadcast`
  throw new ConnectionManagerError('ERR_RECIPIENT_NOT_ALLOWED', message, { streamType, ...(userId !== undefined && { userId }) })
}

function recipientFor(streamType: string, { audience }: ResolvedDefinition, userId: unknown): string {
  if (audience === 'private') return asIdentifier(userId, 'userId')
  const message = `Stream type ${describe(streamType)} is public: its messages take no userId, got ${describe(userId)}`
  throw new ConnectionManagerError('ERR_RECIPIENT_NOT_ALLOWED', message, { streamType })
}

function epochMs(timestamp: unknown): number {
  let ms = NaN
  try {
    // Reads the date itself, of any realm, past whatever a subclass overrides; throws where there is none.
    ms = Date.prototype.getTime.call(timestamp)
  } catch {}
  if (!Number.isNaN(ms)) return ms
  throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `timestamp must be a valid Date, got ${describe(timestamp)}`)
}
