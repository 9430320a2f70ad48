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
 * symbol or user id is `null`. An absent timestamp becomes the present time.
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
 * Parses a text in the wire form, and returns the message. Clients can use this function too, because it runs in any JavaScript engine.
 *
 * Extra keys are ignored, so that the wire form can grow. The TypeScript type of `data` comes from the catalogue. The value of `data` is not checked
 * against this type.
 *
 * @throws `ERR_UNKNOWN_STREAM` for a stream type that the catalogue does not have, `ERR_INVALID_MESSAGE` for any other text that is not in the
 * wire form, `ERR_INVALID_ARGUMENT` for bad options
 */
export function parseStreamMessage(text: string): ValidMessage
export function parseStreamMessage<TStreams extends StreamCatalogue>(
  text: string,
  options: MessageOptions<TStreams> | undefined,
): ValidMessage<TStreams>
export function parseStreamMessage(text: string, options?: MessageOptions<StreamCatalogue>): ValidMessage<StreamCatalogue> {
  return messageIn(wireObject(text), text, catalogueIn(options))
}

/**
 * A frame that `parseServerMessage` does not read. A command server sends such frames, for example `welcome` and `refused`. A server that is newer
 * than the client may send others. A `subscribed` or a `skip` that is not from a recovery is such a frame too. A client that does not need these
 * frames can ignore them.
 */
export interface UnknownNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'unknown'
}

/** A message or a notice from a server that uses this library. A notice has a `type`, and a message has none. */
export type ServerMessage<TStreams extends StreamCatalogue = TradingStreams> =
  | (ValidMessage<TStreams> & MessagePlace & { readonly type?: undefined })
  | StreamNotice
  | UnknownNotice

type StreamNotice = GapNotice | StatusNotice | SubscribedNotice | SkipNotice

/**
 * Parses a text from the server, and returns the message or the notice in it. The function is intended for clients.
 *
 * A gap notice stands in the place of missing messages. After a gap notice, a client that builds a state from the messages, such as an order book,
 * has to fetch the state again. A status notice has the status of the stream's source. For a JSON object with an unknown `type` and without `data`,
 * the result is `{ type: 'unknown' }`.
 *
 * A message that a recovery has numbered has an `epoch` and a `seq`. If the `epoch` or the `seq` cannot be read, the result is the message without
 * these two fields. A recovery also sends the notices `subscribed` and `skip`. A `subscribed` without a `position`, or a `skip` without an `epoch`,
 * is not from a recovery. For these two frames, the result is `{ type: 'unknown' }`.
 *
 * @throws what `parseStreamMessage` throws. The frame `result` of a command server causes `ERR_INVALID_MESSAGE`, because it has `data` and no stream
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

/** Returns the message with its place in its channel. If there is no place, returns the message unchanged. */
function withPlace(message: ValidMessage<StreamCatalogue>, place: MessagePlace): ValidMessage<StreamCatalogue> & MessagePlace {
  return place.epoch === undefined ? message : Object.freeze({ ...message, ...place })
}

function noticeIn(wire: WireObject, text: string, streams: StreamCatalogue): StreamNotice | UnknownNotice {
  const facts = noticeFactsIn(wire)
  if (facts === undefined) return UNKNOWN
  const { streamType, symbol } = streamIn(wire)
  const definition = definitionOf(streams, streamType)
  try {
    // A gap notice without a symbol may be about all streams of a type that requires a symbol.
    const isOfAll = facts.type === 'gap' && symbol === null
    return Object.freeze({ ...facts, streamType, symbol: isOfAll ? undefined : symbolFor(streamType, definition, symbol) })
  } catch (cause) {
    throw notWireForm(text, streamType, cause)
  }
}

/**
 * Returns the wire form of a message's fields.
 *
 * The text is joined from the JSON of `data` and the JSON of the other fields. `JSON.stringify` of the whole message would silently leave out `data`
 * that has no JSON form, and could not include raw JSON text.
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
 * Serializes a message with the host's own `serialize`. Returns a text, or bytes.
 *
 * @throws `ERR_UNSERIALIZABLE` if `serialize` throws, or returns neither a text nor bytes
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
 * Serializes a notice with the host's own `serializeNotice`, or as JSON if the host has none.
 *
 * @throws `ERR_UNSERIALIZABLE` if `serializeNotice` throws, or returns neither a text nor bytes
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
 * @throws `ERR_UNSERIALIZABLE` if `text` is bytes, if the recorder throws, or if the recorder does not return a string
 */
export function recordedText(recorder: RecorderMethods | undefined, fields: MessageFields, text: WireData): string {
  if (typeof text !== 'string') throw needsTexts(fields)
  return textBy((message) => recorder?.record(message, text), fields)
}

/**
 * Returns the text that a recorder makes for the connections in `except`. They get this text instead of the message.
 *
 * @throws `ERR_UNSERIALIZABLE` if the recorder throws, or does not return a string
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

/**
 * Returns the ISO text of a time. The last text is kept, because many messages share a millisecond, and formatting a time is expensive.
 */
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
