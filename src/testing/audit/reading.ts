import type { MessageIdentity } from './publications.ts'

/** A message, as a client reads it. */
export interface AuditedMessage {
  /** The stream type. */
  readonly streamType: string
  /** The symbol, if the message has one. */
  readonly symbol?: string | null | undefined
  /** The user of a private message. */
  readonly userId?: string | null | undefined
  /** The published data. By default, the data contains the identity of the message: see the option `identify`. */
  readonly data?: unknown
}

/** A notice to a client about a stream. */
export type AuditNotice =
  /** How many messages are missing between the messages before and after the notice. `undefined` if the server does not know the number. */
  | { readonly missed: number | undefined }
  /**
   * The answer to a request to subscribe. `true`: the client misses no message. `false`: messages may be missing. `null`: the client did not ask for
   * missed messages, so they may be missing.
   */
  | { readonly recovered: boolean | null }
  /** The subscription is over. */
  | { readonly ended: true }

/** A text from the server, as `read` returns it. */
export type AuditedText =
  | (AuditedMessage & {
    readonly kind: 'message'
    /**
     * True for a message with the current state, which a server sends to a new subscriber. A snapshot may repeat the client's last message. A
     * snapshot needs no identity: see the option `identify`. A snapshot of a message that the audit does not know is ignored.
     */
    readonly isSnapshot?: boolean | undefined
  })
  | { readonly kind: 'notice'; readonly streamType: string; readonly symbol?: string | null | undefined; readonly notice: AuditNotice }
  /** Any other text, such as the answer to a ping. The audit ignores such a text. */
  | { readonly kind: 'other' }

/**
 * Reads the library's wire form. An object with a `stream_type` is a message if it has `data`, or has no `type`. Otherwise it is a notice if its
 * `type` is `gap`, `subscribed` or `unsubscribed`. Any other object that has a `stream_type`, or whose `type` is a string, is of the kind `other`.
 *
 * Returns `undefined` for a text that is not a JSON object, and for an object without a `stream_type` whose `type` is absent or is not a string. Also
 * returns `undefined` if the object has a `stream_type`, and its symbol or user is present but is not a string.
 */
export function readWireForm(text: string): AuditedText | undefined {
  const wire = objectIn(text)
  if (wire === undefined) return undefined
  const { type, stream_type: streamType, symbol: givenSymbol, user_id: givenUserId, data, snapshot } = wire
  if (typeof streamType !== 'string') return typeof type === 'string' ? { kind: 'other' } : undefined
  const [symbol, userId] = [givenSymbol ?? undefined, givenUserId ?? undefined]
  if (!isOptionalText(symbol) || !isOptionalText(userId)) return undefined
  const notice = data === undefined ? noticeIn(wire) : undefined
  if (notice !== undefined) return { kind: 'notice', streamType, symbol, notice }
  if (type !== undefined && data === undefined) return { kind: 'other' }
  return { kind: 'message', streamType, symbol, userId, data, isSnapshot: snapshot === true }
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function noticeIn({ type, dropped, recovered }: Record<string, unknown>): AuditNotice | undefined {
  if (type === 'gap') return { missed: typeof dropped === 'number' ? dropped : undefined }
  if (type === 'subscribed') return { recovered: typeof recovered === 'boolean' ? recovered : null }
  return type === 'unsubscribed' ? { ended: true } : undefined
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The default of the option `identify`. Returns the field `id` of `data`, or `data` itself if it is a string or a number. */
export function identityInData({ data }: AuditedMessage): MessageIdentity | undefined {
  const identity = typeof data === 'object' && data !== null ? (data as { readonly id?: unknown }).id : data
  return isIdentity(identity) ? identity : undefined
}

export function isIdentity(value: unknown): value is MessageIdentity {
  return typeof value === 'string' || typeof value === 'number'
}
