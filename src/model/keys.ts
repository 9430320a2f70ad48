import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { asIdentifier, isIdentifier } from './identifier.ts'

/** What a stream key names. */
export interface StreamKeyParts {
  /** What stands before the first `:`. No catalogue was asked whether it has it. */
  readonly streamType: string
  /** All that stands behind it, as it is; `undefined` for a key without one. */
  readonly symbol: string | undefined
}

/** What a subscription key names. */
export interface SubscriptionKeyParts extends StreamKeyParts {
  /** Decoded: as it was given to `subscriptionKey`. */
  readonly userId: string
}

/** True for a non-empty string without `:`. */
export function isStreamTypeName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && !value.includes(':')
}

/**
 * Returns the key of a stream: `"PRICE:BTCUSDT"`, or `"USER_DATA"` without a symbol.
 *
 * Two streams never share a key. Checks syntax only, so it serves any catalogue.
 *
 * @throws `ERR_INVALID_KEY` when the stream type cannot be in a key, `ERR_INVALID_ID` for a bad symbol
 */
export function streamKey(streamType: string, symbol?: string | null): string {
  if (!isStreamTypeName(streamType)) {
    const message = `A stream type must be a non-empty string without ":", got ${describe(streamType)}`
    throw new ConnectionManagerError('ERR_INVALID_KEY', message)
  }
  return symbol === undefined || symbol === null ? streamType : `${streamType}:${asIdentifier(symbol, 'symbol')}`
}

/**
 * Returns the key of a subscription: `"user1:PRICE:BTCUSDT"`, or `"user1:USER_DATA"` without a symbol.
 *
 * Two subscriptions never share a key: `%` and `:` in the user id are percent-encoded. A `Subscription` is
 * accepted as it is.
 *
 * @throws `ERR_INVALID_ID` for a bad user id or symbol, `ERR_INVALID_KEY` for a stream type that cannot be in a
 * key, `ERR_INVALID_ARGUMENT` when given no object, or one that cannot be read
 */
export function subscriptionKey(subscription: {
  readonly userId: string
  readonly streamType: string
  readonly symbol?: string | null | undefined
}): string {
  if (typeof subscription !== 'object' || subscription === null) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Expected a subscription, got ${describe(subscription)}`)
  }
  const { userId, streamType, symbol } = readUserCode(
    () => ({ userId: subscription.userId, streamType: subscription.streamType, symbol: subscription.symbol }),
    (cause) => new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'A subscription must be readable', {}, cause),
  )
  return `${encodedUserId(asIdentifier(userId, 'userId'))}:${streamKey(streamType, symbol)}`
}

/**
 * Returns what a stream key names: the exact inverse of `streamKey`.
 *
 * @throws `ERR_INVALID_KEY` for any text that `streamKey` does not make
 */
export function parseStreamKey(key: string): StreamKeyParts {
  return splitStreamKey(key) ?? refuse('stream', key)
}

/**
 * Returns what a subscription key names: the exact inverse of `subscriptionKey`.
 *
 * @throws `ERR_INVALID_KEY` for any text that `subscriptionKey` does not make
 */
export function parseSubscriptionKey(key: string): SubscriptionKeyParts {
  return splitSubscriptionKey(key) ?? refuse('subscription', key)
}

/** What a stream key names, or `undefined` when the value is none. */
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
  // Encoding it again refuses every other spelling ("%3a", "%41", a lone "%"), so that no two keys mean one thing.
  return isIdentifier(userId) && encodedUserId(userId) === encoded ? userId : undefined
}

function refuse(kind: 'stream' | 'subscription', key: unknown): never {
  throw new ConnectionManagerError('ERR_INVALID_KEY', `Not a ${kind} key: ${describe(key)}`)
}
