import { ConnectionManagerError, describe } from '../errors.ts'
import type { DeliveryClass } from './catalogue.ts'
import { isStreamStatus, type GapNotice, type SkipNotice, type StatusNotice, type SubscribedNotice } from './notices.ts'
import { isEpoch } from './position.ts'

// These functions read a server's text. They need no catalogue.

/** A JSON object, parsed from a text. */
export type WireObject = Readonly<Record<string, unknown>>

/** The place of a message in its channel: see `ChannelName`. Only a server that uses a `Recovery` sends a place. */
export interface MessagePlace {
  /**
   * The name of the numbering that `seq` belongs to. The server begins a new numbering when it restarts, and when it has forgotten the channel.
   * Absent if the message has no place.
   */
  readonly epoch?: string
  /**
   * The number of the message in its epoch: 1 for the first. For a snapshot, the number of the last message that the snapshot contains, or 0 if it
   * contains none.
   */
  readonly seq?: number
  /** `true` if the message is a snapshot: the present state, sent to one client. Otherwise absent. */
  readonly snapshot?: true
}

type WithoutStream<TNotice> = TNotice extends unknown ? Omit<TNotice, 'streamType' | 'symbol'> : never
type NoticeFacts = WithoutStream<GapNotice | StatusNotice | SubscribedNotice | SkipNotice>

/** @throws `ERR_INVALID_MESSAGE` if the text is not a JSON object */
export function wireObject(text: unknown): WireObject {
  let wire: unknown
  try {
    wire = typeof text === 'string' ? JSON.parse(text) : undefined
  } catch (cause) {
    throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `Not JSON: ${describe(text)}`, {}, cause)
  }
  if (typeof wire === 'object' && wire !== null && !Array.isArray(wire)) return wire as WireObject
  throw new ConnectionManagerError('ERR_INVALID_MESSAGE', `Not a JSON object: ${describe(text)}`)
}

/**
 * True for a notice, even if its type is unknown. A notice has a `type` and no `data`. A `type` alone is not enough, because a later version may add
 * the key `type` to messages.
 */
export function isNotice({ type, data }: WireObject): boolean {
  return typeof type === 'string' && data === undefined
}

/** Returns the stream that a message or a notice names. @throws `ERR_INVALID_MESSAGE` */
export function streamIn({ stream_type: streamType, symbol }: WireObject): { readonly streamType: string; readonly symbol: string | null } {
  if (typeof streamType !== 'string') throw notWire('stream_type', streamType)
  if (symbol !== null && typeof symbol !== 'string') throw notWire('symbol', symbol)
  return { streamType, symbol }
}

/** Returns the data, the time and the user id of a message. @throws `ERR_INVALID_MESSAGE` */
export function contentIn({ data, timestamp, user_id: userId }: WireObject): { readonly data: unknown; readonly timestamp: Date; readonly userId: string | null } {
  if (data === undefined) throw notWire('data', data)
  if (userId !== null && typeof userId !== 'string') throw notWire('user_id', userId)
  return { data, timestamp: wireDate(timestamp), userId }
}

/** Returns the place of a message. If the place cannot be read, the message counts as having no place. The rest of the message is still readable. */
export function placeIn({ epoch, seq, snapshot }: WireObject): MessagePlace {
  if (!isEpoch(epoch) || !isCount(seq)) return {}
  return snapshot === true ? { epoch, seq, snapshot } : { epoch, seq }
}

/**
 * Returns the fields of a notice that do not name its stream. Returns `undefined` if the type is unknown, or if the notice is not from a recovery: a
 * `subscribed` without a `position`, or a `skip` without an `epoch`.
 *
 * @throws `ERR_INVALID_MESSAGE`
 */
export function noticeFactsIn(wire: WireObject): NoticeFacts | undefined {
  switch (wire['type']) {
    case 'gap':
      return gapIn(wire)
    case 'status':
      return statusIn(wire)
    case 'subscribed':
      return wire['position'] === undefined ? undefined : subscribedIn(wire)
    case 'skip':
      return wire['epoch'] === undefined ? undefined : skipIn(wire)
  }
  return undefined
}

function gapIn({ dropped }: WireObject): WithoutStream<GapNotice> {
  if (dropped === null) return { type: 'gap', dropped: undefined }
  if (isCount(dropped) && dropped > 0) return { type: 'gap', dropped }
  throw notWire('dropped', dropped)
}

function statusIn({ status }: WireObject): WithoutStream<StatusNotice> {
  if (!isStreamStatus(status)) throw notWire('status', status)
  return { type: 'status', status }
}

function subscribedIn({ id, position, recovered, contiguous, delivery, snapshot }: WireObject): WithoutStream<SubscribedNotice> {
  if (id !== undefined && !isCount(id)) throw notWire('id', id)
  if (typeof position !== 'string') throw notWire('position', position)
  if (recovered !== null && typeof recovered !== 'boolean') throw notWire('recovered', recovered)
  if (typeof contiguous !== 'boolean') throw notWire('contiguous', contiguous)
  if (!isDeliveryClass(delivery)) throw notWire('delivery', delivery)
  const facts = { position, recovered, contiguous, delivery }
  return { type: 'subscribed', ...(id !== undefined && { id }), ...facts, ...(snapshot === true && { snapshot }) }
}

function skipIn({ epoch, seq }: WireObject): WithoutStream<SkipNotice> {
  if (!isEpoch(epoch)) throw notWire('epoch', epoch)
  if (!isCount(seq) || seq === 0) throw notWire('seq', seq)
  return { type: 'skip', epoch, seq }
}

function isDeliveryClass(value: unknown): value is DeliveryClass {
  return value === 'every' || value === 'latest'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function wireDate(timestamp: unknown): Date {
  const date = new Date(typeof timestamp === 'string' ? timestamp : NaN)
  // Only the form that `toISOString` writes is valid. `Date` alone would accept "2026" and "1 Jan" too.
  if (!Number.isNaN(date.getTime()) && date.toISOString() === timestamp) return date
  throw notWire('timestamp', timestamp)
}

function notWire(key: string, received: unknown): ConnectionManagerError {
  const message = received === undefined ? `"${key}" is missing` : `"${key}" cannot be ${describe(received)}`
  return new ConnectionManagerError('ERR_INVALID_MESSAGE', `Not in the wire form: ${message}`)
}
