import { ConnectionManagerError, describe } from '../errors.ts'
import { disown } from '../guards/user-code.ts'
import { catalogueIn, definitionOf, symbolFor, type StreamCatalogue, type TradingStreams } from './catalogue.ts'
import { noticeText, type GapNotice, type Notice, type SkipNotice, type StatusNotice, type SubscribedNotice } from './notices.ts'
import { readMessage, withRecipient, type MessageFields } from './message-fields.ts'
import { rawJsonText } from './raw-json.ts'
import { isWireData, type WireData } from './wire-data.ts'
import { contentIn, isNotice, noticeFactsIn, placeIn, streamIn, wireObject, type MessagePlace, type WireObject } from './wire-reading.ts'
import type { RecorderMethods } from '../ports/recorder.ts'
import {
  createStreamMessage,
  type AnyMessage,
  type MessageOptions,
  type PublishableMessage,
  type StreamMessage,
  type ValidMessage,
} from './stream-message.ts'

/**
 * Returns the wire form of a message: JSON with the keys `stream_type`, `symbol`, `data`, `timestamp` and `user_id`, in this order. An absent
 * field is `null`.
 *
 * @throws what `createStreamMessage` throws, and `ERR_UNSERIALIZABLE` if `data` has no JSON form: `undefined`, a function, a cycle, a BigInt,
 * or a `toJSON` that throws (its error is the `cause`)
 */
export function serializeStreamMessage(message: PublishableMessage): string
export function serializeStreamMessage<TStreams extends StreamCatalogue>(
  message: PublishableMessage<TStreams>,
  options: MessageOptions<TStreams> | undefined,
): string
export function serializeStreamMessage(message: AnyMessage, options?: MessageOptions<StreamCatalogue>): string {
  return wireText(withRecipient(readMessage(message, catalogueIn(options), Date)))
}

/**
 * Returns the message of a text in the wire form. Clients can use it too, because it runs in any JavaScript engine.
 *
 * Extra keys are ignored, so that the wire form can grow. The type of `data` comes from the catalogue, and its value is not checked against it.
 *
 * @throws `ERR_UNKNOWN_STREAM` for a stream type that the catalogue does not have, `ERR_INVALID_MESSAGE` for any other text that is not in the
 * wire form
 */
export function parseStreamMessage(text: string): ValidMessage
export function parseStreamMessage<TStreams extends StreamCatalogue>(
  text: string,
  options: MessageOptions<TStreams> | undefined,
): ValidMessage<TStreams>
export function parseStreamMessage(text: string, options?: MessageOptions<StreamCatalogue>): ValidMessage<StreamCatalogue> {
  return messageIn(wireObject(text), text, catalogueIn(options))
}

/** A frame of a type that this version does not know. Ignore it, so that the server can be newer than the client. */
export interface UnknownNotice {
  /** Distinguishes it from a message, which has no `type`. */
  readonly type: 'unknown'
}

/** What a server with this library sends: a message, or a notice. A notice has a `type`, and a message has none. */
export type ServerMessage<TStreams extends StreamCatalogue = TradingStreams> =
  | (ValidMessage<TStreams> & MessagePlace & { readonly type?: undefined })
  | StreamNotice
  | UnknownNotice

type StreamNotice = GapNotice | StatusNotice | SubscribedNotice | SkipNotice

/**
 * Returns the message, or the notice, that a text from the server contains. Clients can use it too.
 *
 * A gap notice stands in the place of missing messages. A client that builds a state from them has to fetch that state again. A status notice has the
 * status of the stream's source. A JSON object with any other text as its `type`, and without `data`, is `{ type: 'unknown' }`.
 *
 * If the server has a recovery, a message has an `epoch` and a `seq`. A place that cannot be read is left out, and the message is read without it.
 * The notices `subscribed` and `skip` come from a recovery too. Without a `position` or an `epoch`, they are a host's own, and unknown.
 *
 * @throws what `parseStreamMessage` throws
 *
 * @example
 * const message = parseServerMessage('{"type":"gap","stream_type":"TRADES","symbol":"BTCUSDT","dropped":7}')
 * if (message.type === 'gap') console.log(message.streamType, message.symbol, message.dropped) // TRADES BTCUSDT 7
 */
export function parseServerMessage(text: string): ServerMessage
export function parseServerMessage<TStreams extends StreamCatalogue>(
  text: string,
  options: MessageOptions<TStreams> | undefined,
): ServerMessage<TStreams>
export function parseServerMessage(text: string, options?: MessageOptions<StreamCatalogue>): ServerMessage<StreamCatalogue> {
  const streams = catalogueIn(options)
  const wire = wireObject(text)
  return isNotice(wire) ? noticeIn(wire, text, streams) : withPlace(messageIn(wire, text, streams), placeIn(wire))
}

const UNKNOWN: UnknownNotice = /* @__PURE__ */ Object.freeze({ type: 'unknown' })

function messageIn(wire: WireObject, text: string, streams: StreamCatalogue): ValidMessage<StreamCatalogue> {
  const init = { ...streamIn(wire), ...contentIn(wire) }
  const { streamType } = init
  definitionOf(streams, streamType)
  try {
    return createStreamMessage(init, { streams })
  } catch (cause) {
    throw notWireForm(text, streamType, cause)
  }
}

/** Returns a message with its place, if it has one. */
function withPlace(message: ValidMessage<StreamCatalogue>, place: MessagePlace): ValidMessage<StreamCatalogue> & MessagePlace {
  return place.epoch === undefined ? message : Object.freeze({ ...message, ...place })
}

function noticeIn(wire: WireObject, text: string, streams: StreamCatalogue): StreamNotice | UnknownNotice {
  const facts = noticeFactsIn(wire)
  if (facts === undefined) return UNKNOWN
  const { streamType, symbol } = streamIn(wire)
  const definition = definitionOf(streams, streamType)
  try {
    // Without a symbol, a gap notice may be about all streams of a type that requires one.
    const isOfAll = facts.type === 'gap' && symbol === null
    return Object.freeze({ ...facts, streamType, symbol: isOfAll ? undefined : symbolFor(streamType, definition, symbol) })
  } catch (cause) {
    throw notWireForm(text, streamType, cause)
  }
}

/**
 * Returns the wire form of a message's fields.
 *
 * The text is assembled around the data. `JSON.stringify` of the whole message would silently leave out `data` without a JSON form, and could
 * not carry raw JSON.
 *
 * @throws `ERR_UNSERIALIZABLE`
 */
export function wireText(fields: MessageFields): string {
  const { streamType, symbol, timestampMs, userId } = fields
  const symbolText = symbol === undefined ? 'null' : JSON.stringify(symbol)
  const userText = userId === undefined ? 'null' : JSON.stringify(userId)
  const head = `{"stream_type":${JSON.stringify(streamType)},"symbol":${symbolText},"data":`
  return `${head}${dataText(fields)},"timestamp":"${isoText(timestampMs)}","user_id":${userText}}`
}

/**
 * Serializes a message by the host's own `serialize`. Returns a text, or bytes.
 *
 * @throws `ERR_UNSERIALIZABLE` if it throws, or returns anything else
 */
export function customData(serialize: (message: StreamMessage<unknown, string>) => unknown, fields: MessageFields): WireData {
  let cause: unknown
  try {
    const data = serialize(asStreamMessage(fields))
    if (isWireData(data)) return data
    disown(data)
  } catch (error) {
    cause = error
  }
  throw unserializable(fields, cause)
}

/**
 * Serializes a notice by the host's own `serializeNotice`, or as JSON if there is none.
 *
 * @throws `ERR_UNSERIALIZABLE` if it throws, or returns neither a text nor bytes
 */
export function noticeData(serializeNotice: ((notice: Notice) => unknown) | undefined, notice: Notice): WireData {
  if (serializeNotice === undefined) return noticeText(notice)
  let cause: unknown
  try {
    const data = serializeNotice(Object.freeze(notice))
    if (isWireData(data)) return data
    disown(data)
  } catch (error) {
    cause = error
  }
  const { type, streamType } = notice
  throw new ConnectionManagerError('ERR_UNSERIALIZABLE', `A notice of type ${describe(type)} cannot be serialized`, { streamType }, cause)
}

/**
 * Returns the text that a recorder makes of a message.
 *
 * @throws `ERR_UNSERIALIZABLE` if it throws, or does not return a string
 */
export function recordedText(recorder: RecorderMethods | undefined, fields: MessageFields, text: WireData): string {
  if (typeof text !== 'string') throw needsTexts(fields)
  return textBy((message) => recorder?.record(message, text), fields)
}

/**
 * Returns the text that a recorder makes for the connections that `except` leaves out.
 *
 * @throws `ERR_UNSERIALIZABLE` if it throws, or does not return a string
 */
export function skipText(recorder: RecorderMethods, fields: MessageFields, text: string): string {
  return textBy((message) => recorder.skip?.(message, text), fields)
}

/** @throws `ERR_UNSERIALIZABLE` if the function throws, or returns anything but a text */
function textBy(write: (message: StreamMessage<unknown, string>) => unknown, fields: MessageFields): string {
  const data = customData(write, fields)
  if (typeof data === 'string') return data
  throw needsTexts(fields)
}

function needsTexts(fields: MessageFields): ConnectionManagerError {
  return unserializable(fields, new Error('A recorder takes texts only, got bytes'))
}

function asStreamMessage({ streamType, symbol, data, timestampMs, userId }: MessageFields): StreamMessage<unknown, string> {
  return { streamType, symbol, data, timestamp: new Date(timestampMs), userId }
}

function dataText(fields: MessageFields): string {
  const { data } = fields
  let cause: unknown
  try {
    const text: unknown = rawJsonText(data) ?? JSON.stringify(data)
    if (typeof text === 'string') return text
  } catch (error) {
    cause = error
  }
  throw unserializable(fields, cause)
}

function unserializable({ streamType, symbol, data }: MessageFields, cause: unknown): ConnectionManagerError {
  const facts = { streamType, ...(symbol !== undefined && { symbol }) }
  return new ConnectionManagerError('ERR_UNSERIALIZABLE', `The data of a message of stream type ${describe(streamType)} cannot be serialized, got ${describe(data)}`, facts, cause)
}

let lastIsoMs = NaN
let lastIso = ''

/** Returns the ISO text of a time. The last one is kept, because many messages share a millisecond and formatting it costs as much as a message. */
function isoText(ms: number): string {
  if (ms !== lastIsoMs) {
    lastIso = new Date(ms).toISOString()
    lastIsoMs = ms
  }
  return lastIso
}

function notWireForm(text: string, streamType: string, cause: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_MESSAGE', `Not in the wire form: ${describe(text)}`, { streamType }, cause)
}
