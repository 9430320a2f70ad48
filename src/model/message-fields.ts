import { ConnectionManagerError, describe } from '../errors.ts'
import { definitionOf, symbolFor, type ResolvedDefinition, type StreamCatalogue } from './catalogue.ts'
import { asIdentifier } from './identifier.ts'
import type { WireData } from './wire-data.ts'

/**
 * How a message comes to its recipients. `published`: it is published to a stream. `again`: a recorder, such as a recovery, sends one connection an
 * earlier message or a snapshot. `direct`: it comes from `sendToUser`, `sendToConnection`, `broadcast` or `connection.send`, or it is a notice that
 * is sent like a text of `connection.send`. A recorder cannot send a `direct` message again.
 */
export type MessageOrigin = 'published' | 'again' | 'direct'

/** The fields of a message, read once from the caller's object and validated. */
export interface MessageFields {
  readonly streamType: string
  readonly definition: ResolvedDefinition
  readonly symbol: string | undefined
  readonly data: unknown
  readonly timestampMs: number
  readonly userId: string | undefined
  readonly origin: MessageOrigin
  /** The time of the call that published or sent the message, in milliseconds since the Unix epoch. */
  readonly readAtMs: number
  /** The wire form of the message, if the caller has made it already. The field is always there, so that all messages have the same shape. */
  readonly text: WireData | undefined
}

/**
 * The stream definition for texts from `connection.send`, and for notices that are sent like such texts: the notices of `notifyGap`, of
 * `setStreamStatus` and of a recorder. Such a text is delivered like a private message, and belongs to no stream.
 */
export const HOST_TEXT: ResolvedDefinition = /* @__PURE__ */ Object.freeze({
  audience: 'private',
  symbol: 'none',
  delivery: 'every',
  overflow: 'disconnect',
})

/**
 * Returns the message for a text or bytes from `connection.send`, or for a notice. The stream type of this message is empty, so no unsubscribe and no
 * revocation matches the message. If another user gets the connection, a queued message with a `userId` is purged, and one without a `userId` stays.
 */
export function hostText(text: WireData, userId: string | undefined, nowMs: number): MessageFields {
  return { streamType: '', definition: HOST_TEXT, symbol: undefined, data: undefined, timestampMs: nowMs, userId, origin: 'direct', readAtMs: nowMs, text }
}

/**
 * Reads a caller's message. Each field is read once, because a getter could return something else the second time.
 *
 * @throws `ERR_INVALID_MESSAGE`, `ERR_UNKNOWN_STREAM`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_RECIPIENT_NOT_ALLOWED`,
 * `ERR_INVALID_ID`. A missing recipient is not an error here
 */
export function readMessage(message: unknown, streams: StreamCatalogue, clock: { now(): number }, origin: MessageOrigin = 'published'): MessageFields {
  if (typeof message !== 'object' || message === null) {
    throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `Invalid message: expected an object, got ${describe(message)}`)
  }
  let streamType, symbol, data, timestamp, userId: unknown
  try {
    ({ streamType, symbol, data, timestamp, userId } = message as Partial<Record<string, unknown>>)
  } catch (cause) {
    throw new ConnectionManagerError('ERR_INVALID_MESSAGE', 'Invalid message: reading it threw', {}, cause)
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
    origin,
    readAtMs,
    text: undefined,
  }
}

/**
 * Returns the message.
 *
 * @throws `ERR_RECIPIENT_REQUIRED` if the message is private and has no `userId`
 */
export function withRecipient(fields: MessageFields): MessageFields {
  if (fields.userId === undefined && fields.definition.audience === 'private') throw recipientMissing(fields)
  return fields
}

/** Returns the error for a private message without a `userId`. */
export function recipientMissing({ streamType }: MessageFields): ConnectionManagerError {
  const message = `Stream type ${describe(streamType)} is private, so its messages require a \`userId\``
  return new ConnectionManagerError('ERR_RECIPIENT_REQUIRED', message, { streamType })
}

/**
 * Returns the message. If the message is private and has no `userId`, `recipient` becomes its `userId`.
 *
 * @throws `ERR_RECIPIENT_MISMATCH` if the message is private and belongs to another user
 */
export function addressedTo(recipient: string, fields: MessageFields): MessageFields {
  const { definition, streamType, userId } = fields
  if (definition.audience === 'public' || userId === recipient) return fields
  if (userId === undefined) return { ...fields, userId: recipient }
  const message = `A private message of user ${describe(userId)} cannot be sent to user ${describe(recipient)}`
  throw new ConnectionManagerError('ERR_RECIPIENT_MISMATCH', message, { streamType, userId })
}

/**
 * Returns the message if it is public, so that it may be broadcast.
 *
 * @throws for a private message: `ERR_RECIPIENT_REQUIRED` without a `userId`, `ERR_RECIPIENT_NOT_ALLOWED` with one
 */
export function forEverybody(fields: MessageFields): MessageFields {
  const { definition, streamType, userId } = withRecipient(fields)
  if (definition.audience === 'public') return fields
  const message = `Stream type ${describe(streamType)} is private, so its messages cannot be broadcast`
  throw new ConnectionManagerError('ERR_RECIPIENT_NOT_ALLOWED', message, { streamType, ...(userId !== undefined && { userId }) })
}

function recipientFor(streamType: string, { audience }: ResolvedDefinition, userId: unknown): string {
  if (audience === 'private') return asIdentifier(userId, 'userId')
  const message = `Stream type ${describe(streamType)} is public, so its messages take no \`userId\`, got ${describe(userId)}`
  throw new ConnectionManagerError('ERR_RECIPIENT_NOT_ALLOWED', message, { streamType })
}

function epochMs(timestamp: unknown): number {
  let ms = NaN
  try {
    // This call works for a `Date` of any realm, and ignores a `getTime` that a subclass overrides. For anything else, the call throws.
    ms = Date.prototype.getTime.call(timestamp)
  } catch {}
  if (!Number.isNaN(ms)) return ms
  throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `Invalid field \`timestamp\`: expected a valid Date, got ${describe(timestamp)}`)
}
