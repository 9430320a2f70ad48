import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { asIdentifier, isIdentifier } from './identifier.ts'

/** The parts of a stream key. */
export interface StreamKeyParts {
  /** The text before the first `:` of the stream key, or the whole stream key if it has no `:`. Your catalogue might not have this stream type. */
  readonly streamType: string
  /** The text after the first `:` of the stream key, unchanged. `undefined` if the stream key has no `:`. */
  readonly symbol: string | undefined
}

/** The parts of a subscription key. */
export interface SubscriptionKeyParts extends StreamKeyParts {
  /** The user id, decoded: as it was given to `subscriptionKey`. */
  readonly userId: string
}

/** True for a non-empty string without `:`. */
export function isStreamTypeName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && !value.includes(':')
}

/**
 * Returns the key of a stream: `"PRICE:BTCUSDT"`, or `"USER_DATA"` without a symbol.
 *
 * The key does not contain the user, so the same private stream of two users has one key. Any other two streams have different keys. The function
 * checks only the syntax, so it works with any catalogue.
 *
 * @throws `ERR_INVALID_KEY` if the stream type cannot be in a key, `ERR_INVALID_ID` for a bad symbol
 */
export function streamKey(streamType: string, symbol?: string | null): string {
  if (!isStreamTypeName(streamType)) {
    const message = `Invalid stream type: expected a non-empty string without ":", got ${describe(streamType)}`
    throw new ConnectionManagerError('ERR_INVALID_KEY', message)
  }
  return symbol === undefined || symbol === null ? streamType : `${streamType}:${asIdentifier(symbol, 'symbol')}`
}

/**
 * Returns the key of a subscription: `"user1:PRICE:BTCUSDT"`, or `"user1:USER_DATA"` without a symbol.
 *
 * Two subscriptions never share a key, because `%` and `:` in the user id are percent-encoded. You can pass a `Subscription` as it is.
 *
 * @throws `ERR_INVALID_ID` for a bad user id or symbol, `ERR_INVALID_KEY` if the stream type cannot be in a key,
 * `ERR_INVALID_ARGUMENT` if the argument is not an object, or reading it throws
 */
export function subscriptionKey(subscription: {
  readonly userId: string
  readonly streamType: string
  readonly symbol?: string | null | undefined
}): string {
  if (typeof subscription !== 'object' || subscription === null) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid subscription: expected an object, got ${describe(subscription)}`)
  }
  const { userId, streamType, symbol } = readUserCode(
    () => ({ userId: subscription.userId, streamType: subscription.streamType, symbol: subscription.symbol }),
    (cause) => new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'Invalid subscription: reading it threw', {}, cause),
  )
  return `${encodedUserId(asIdentifier(userId, 'userId'))}:${streamKey(streamType, symbol)}`
}

/**
 * Returns the parts of a stream key: the exact inverse of `streamKey`.
 *
 * @throws `ERR_INVALID_KEY` for any text that `streamKey` cannot return
 */
export function parseStreamKey(key: string): StreamKeyParts {
  return splitStreamKey(key) ?? refuse('stream', key)
}

/**
 * Returns the parts of a subscription key: the exact inverse of `subscriptionKey`.
 *
 * @throws `ERR_INVALID_KEY` for any text that `subscriptionKey` cannot return
 */
export function parseSubscriptionKey(key: string): SubscriptionKeyParts {
  return splitSubscriptionKey(key) ?? refuse('subscription', key)
}

/** Returns the parts of a stream key, or `undefined` if the value is not a stream key. */
export function splitStreamKey(key: unknown): StreamKeyParts | undefined {
  if (typeof key !== 'string') return undefined
  const colon = key.indexOf(':')
  if (colon === -1) return isStreamTypeName(key) ? { streamType: key, symbol: undefined } : undefined
  const symbol = key.slice(colon + 1)
  return colon > 0 && isIdentifier(symbol) ? { streamType: key.slice(0, colon), symbol } : undefined
}

function splitSubscriptionKey(key: unknown): SubscriptionKeyParts | undefined {
  if (typeof key !== 'string') return undefined
  const colon = key.indexOf(':')
  const userId = decodedUserId(key.slice(0, Math.max(colon, 0)))
  const stream = splitStreamKey(key.slice(colon + 1))
  return userId === undefined || stream === undefined ? undefined : { userId, ...stream }
}

function encodedUserId(userId: string): string {
  return userId.replaceAll('%', '%25').replaceAll(':', '%3A')
}

function decodedUserId(encoded: string): string | undefined {
  const userId = encoded.replaceAll('%3A', ':').replaceAll('%25', '%')
  // The user id must encode to the same text again. This check rejects every other spelling ("%3a", "%41", a lone "%"), so that no two keys name the
  // same subscription.
  return isIdentifier(userId) && encodedUserId(userId) === encoded ? userId : undefined
}

function refuse(kind: 'stream' | 'subscription', key: unknown): never {
  throw new ConnectionManagerError('ERR_INVALID_KEY', `Not a ${kind} key: ${describe(key)}`)
}
