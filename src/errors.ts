/**
 * What went wrong, as a stable string. Match on the code, never on the message.
 *
 * | code | thrown when |
 * | --- | --- |
 * | `ERR_INVALID_ID` | an id or symbol is not a non-empty, well-formed string of at most 255 UTF-16 units |
 * | `ERR_INVALID_SOCKET` | a socket lacks a callable `send` or a callable `close`, or a heartbeat gets a socket that cannot send a ping or a comment |
 * | `ERR_SOCKET_CLOSED` | a socket that is about to be registered is closing, or closed |
 * | `ERR_INVALID_ARGUMENT` | an argument has the wrong shape and no other code fits |
 * | `ERR_INVALID_OPTION` | an option is unknown, out of range, or of the wrong type |
 * | `ERR_INVALID_KEY` | a text is not a stream key or a subscription key, or a stream type cannot be part of a key |
 * | `ERR_INVALID_MESSAGE` | a message has the wrong shape, or a text is not in the wire form |
 * | `ERR_UNKNOWN_STREAM` | a stream type is not in the catalogue |
 * | `ERR_UNKNOWN_USER` | a user without a connection is subscribed while `pendingTtlMs` is `0` |
 * | `ERR_UNKNOWN_CONNECTION` | the connection that a call needs was removed, or belongs to another manager |
 * | `ERR_DUPLICATE_CONNECTION` | a connection id is in use by another socket or user |
 * | `ERR_SYMBOL_REQUIRED` | a stream type needs a symbol and none was given |
 * | `ERR_SYMBOL_NOT_ALLOWED` | a stream type takes no symbol and one was given |
 * | `ERR_RECIPIENT_REQUIRED` | a private message that is published or broadcast, or the source of a private stream, has no `userId` |
 * | `ERR_RECIPIENT_NOT_ALLOWED` | a public message, the source of a public stream, or a broadcast has a `userId` |
 * | `ERR_RECIPIENT_MISMATCH` | a private message is sent to a user other than its `userId` |
 * | `ERR_UNSERIALIZABLE` | a message's data has no JSON form, or `serialize`, `serializeNotice` or the recorder's `record` fails |
 * | `ERR_PUBLISH_DEPTH` | more than `maxDeferred` messages would be deferred within one outermost call |
 * | `ERR_QUOTA_EXCEEDED` | the call would exceed one of the `quotas` |
 * | `ERR_FORBIDDEN` | `authorize` did not return `true`, or the connection got another user during the call |
 * | `ERR_INVALID_BACKPLANE` | the backplane of a cluster lacks a method, or a driver cannot use the client that it was given |
 * | `ERR_CLUSTER_DOWN` | a node cannot open its client of the broker, or the broker does not answer when it is asked whether a user is online |
 * | `ERR_CLOSED` | a call that adds state or sends messages is made after `cleanup()` has begun |
 */
export type ErrorCode =
  | 'ERR_INVALID_ID'
  | 'ERR_INVALID_SOCKET'
  | 'ERR_SOCKET_CLOSED'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_KEY'
  | 'ERR_INVALID_MESSAGE'
  | 'ERR_UNKNOWN_STREAM'
  | 'ERR_UNKNOWN_USER'
  | 'ERR_UNKNOWN_CONNECTION'
  | 'ERR_DUPLICATE_CONNECTION'
  | 'ERR_SYMBOL_REQUIRED'
  | 'ERR_SYMBOL_NOT_ALLOWED'
  | 'ERR_RECIPIENT_REQUIRED'
  | 'ERR_RECIPIENT_NOT_ALLOWED'
  | 'ERR_RECIPIENT_MISMATCH'
  | 'ERR_UNSERIALIZABLE'
  | 'ERR_PUBLISH_DEPTH'
  | 'ERR_QUOTA_EXCEEDED'
  | 'ERR_FORBIDDEN'
  | 'ERR_INVALID_BACKPLANE'
  | 'ERR_CLUSTER_DOWN'
  | 'ERR_CLOSED'

/** The name of a quota: see `QuotaOptions`. No error names the quota `idleStreams`, because `idleStreams` refuses nothing. */
export type QuotaName =
  | 'connections'
  | 'connectionsPerUser'
  | 'subscriptionsPerUser'
  | 'subscriptionsPerConnection'
  | 'messageUnits'
  | 'pendingUsers'
  | 'filterUnits'
  | 'idleStreams'

/**
 * A quota that can refuse a call. The quota `idleStreams` refuses no call. If it is exceeded, the stream that has been without a connected subscriber
 * for the longest time becomes idle.
 */
export type RefusingQuota = Exclude<QuotaName, 'idleStreams'>

/** Facts about a failure, for the code that handles the error. A field is present if its fact is known. */
export interface ErrorFacts {
  /** The connection that was refused, or that the call was about. */
  readonly connectionId?: string
  /** The user who was refused, or the user that a message named. */
  readonly userId?: string
  /** The stream type that was asked for. */
  readonly streamType?: string
  /** The symbol that was asked for. */
  readonly symbol?: string
  /** The dotted name of the option that was refused. */
  readonly option?: string
  /** The field that was refused: it is unknown, missing, or has a bad value. */
  readonly field?: string
  /** The quota that the call would exceed. */
  readonly quota?: QuotaName
  /** The limit that the call would exceed. */
  readonly limit?: number
}

/**
 * An error of this library. The sub-path `client` has its own error class, `ClientError`.
 *
 * Recognise an error of this library by its `code`. An application that loads both the ESM and the CommonJS build has two classes of this name, and
 * each `instanceof` recognises the errors of only one of them. If user code threw, its error is the `cause`.
 *
 * @example
 * try {
 *   connection.subscribe(command)
 * } catch (error) {
 *   if (error instanceof Error && 'code' in error) connection.send(JSON.stringify({ refused: error.code }))
 *   else throw error
 * }
 */
export class ConnectionManagerError extends Error implements ErrorFacts {
  /** What went wrong. Match on the code, never on the message. */
  readonly code: ErrorCode
  declare readonly connectionId?: string
  declare readonly userId?: string
  declare readonly streamType?: string
  declare readonly symbol?: string
  declare readonly option?: string
  declare readonly field?: string
  declare readonly quota?: QuotaName
  declare readonly limit?: number

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ConnectionManagerError'
    this.code = code
    Object.assign(this, facts)
  }
}

const LONGEST_DESCRIPTION = 80

/**
 * Describes a received value for an error message without running any of its code.
 *
 * Strings are quoted, and long values are cut. An object is described only as "an object", and a function only as "a function", because a getter, a
 * proxy or a `toString` could throw.
 */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value))
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  return cut(typeof value === 'bigint' ? `${value}n` : String(value))
}

function cut(text: string): string {
  return text.length > LONGEST_DESCRIPTION ? `${text.slice(0, LONGEST_DESCRIPTION)}…` : text
}
