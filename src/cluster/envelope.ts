import type { ChannelName } from '../model/channel.ts'
import { isEpoch } from '../model/position.ts'
import type { LoggedMessage } from '../ports/channel-log.ts'
import type { Frame, Progress } from './frame.ts'

// An envelope is one line of JSON, and behind it the texts of messages as they are: nothing is escaped twice. The line is an array. It begins with the
// version, the kind and the sender.

const VERSION = 1

/**
 * The maximum length of an envelope's first line, in UTF-16 units. With names of an ordinary length, the lines that this library sends are shorter.
 */
const LONGEST_LINE = 1_048_576

type WireChannel = readonly [streamType: string, symbol: string | null, userId: string | null]

/** Returns the text of a frame, for the broker. */
export function encodeFrame(frame: Frame): string {
  const line = (...rest: readonly unknown[]): string => JSON.stringify([VERSION, frame.kind, frame.node, ...rest])
  switch (frame.kind) {
    case 'message':
      return encodeMessage(messageHead(frame.node, frame.channel, frame.epoch), frame.ageMs, frame.message)
    case 'answer':
      return `${line(onWire(frame.channel), frame.epoch, frame.first, frame.last, frame.isLast, frame.messages.map(outline))}\n${frame.messages.map(({ text }) => text).join('')}`
    case 'tail':
      return line(progressOnWire(frame))
    case 'probe':
      return line(frame.number, frame.units)
    case 'progress':
      return line(frame.progress.map(progressOnWire))
    case 'ask':
      return line(onWire(frame.channel), frame.epoch, frame.first, frame.last)
    case 'survey':
      return line()
    case 'back':
      return line(frame.awayMs)
    case 'departed':
      return line(frame.userId)
    default:
      return line(frame.channels.map(onWire))
  }
}

/** Returns the text with which the envelope of each message of a node begins. No other envelope begins with it. */
export function startOfMessages(node: string): string {
  return unclosed([VERSION, 'message', node])
}

/**
 * Returns the beginning of the envelope of each message that a node publishes in an epoch. Making this beginning takes most of the time that an
 * envelope takes.
 */
export function messageHead(node: string, channel: ChannelName, epoch: string): string {
  return unclosed([VERSION, 'message', node, onWire(channel), epoch])
}

/** Returns the envelope of a message, for the broker. The head must be that of the message's epoch. */
export function encodeMessage(head: string, ageMs: number, { seq, symbol, text }: LoggedMessage): string {
  return `${head}${ageMs},${seq},${symbol === undefined ? 'null' : JSON.stringify(symbol)}]\n${text}`
}

/** Returns the JSON of a list without its closing bracket, so that more items can be added. */
function unclosed(items: readonly unknown[]): string {
  return `${JSON.stringify(items).slice(0, -1)},`
}

function onWire({ streamType, symbol, userId }: ChannelName): WireChannel {
  return [streamType, symbol ?? null, userId ?? null]
}

function progressOnWire({ channel, epoch, seq, ageMs, lastAgeMs }: Progress): readonly unknown[] {
  return [onWire(channel), epoch, seq, ageMs, lastAgeMs]
}

function outline({ seq, symbol, text }: LoggedMessage): readonly unknown[] {
  return [seq, symbol ?? null, text.length]
}

/**
 * Reads a value that came from the broker. The value may be anything. Returns `'foreign'` if it is not an envelope, and `'version'` if it is an
 * envelope of another version. Never throws.
 */
export function decodeFrame(envelope: unknown): Frame | 'foreign' | 'version' {
  if (typeof envelope !== 'string') return 'foreign'
  const end = envelope.indexOf('\n')
  const length = end < 0 ? envelope.length : end
  if (length > LONGEST_LINE || envelope[0] !== '[') return 'foreign'
  try {
    const line: unknown = JSON.parse(envelope.slice(0, length))
    if (!Array.isArray(line) || typeof line[0] !== 'number') return 'foreign'
    return line[0] === VERSION ? frameOf(line, envelope.slice(length + 1)) : 'version'
  } catch {
    return 'foreign'
  }
}

/** @throws if the line is not a frame */
function frameOf([, kind, sender, ...rest]: readonly unknown[], body: string): Frame {
  const read = typeof kind === 'string' && Object.hasOwn(READERS, kind) ? READERS[kind as Frame['kind']] : undefined
  if (read === undefined) throw invalid()
  return { kind, node: asName(sender), ...read(rest, body) } as Frame
}

type Reader = (rest: readonly unknown[], body: string) => object

const channelsIn: Reader = ([channels]) => ({ channels: asList(channels).map(asChannel) })

const READERS: Readonly<Record<Frame['kind'], Reader>> = {
  message: ([channel, epoch, ageMs, seq, symbol], text) => ({
    channel: asChannel(channel),
    epoch: asName(epoch),
    ageMs: asAge(ageMs),
    message: { seq: asNumber(seq), symbol: asText(symbol), text },
  }),
  answer: ([channel, epoch, first, last, isLast, outlines], body) => ({
    ...rangeOf(channel, epoch, first, last),
    isLast: isLast === true,
    messages: messagesOf(asList(outlines), body),
  }),
  ask: ([channel, epoch, first, last]) => rangeOf(channel, epoch, first, last),
  tail: ([progress]) => asProgress(progress),
  progress: ([progress]) => ({ progress: asList(progress).map(asProgress) }),
  probe: ([number, units]) => ({ number: asCount(number), units: asCount(units) }),
  survey: () => ({}),
  back: ([awayMs]) => ({ awayMs: asAge(awayMs) }),
  departed: ([userId]) => ({ userId: asString(userId) }),
  sync: channelsIn,
  left: channelsIn,
  wanted: channelsIn,
}

function rangeOf(channel: unknown, epoch: unknown, first: unknown, last: unknown): object {
  return { channel: asChannel(channel), epoch: asName(epoch), first: asCount(first), last: asCount(last) }
}

function messagesOf(outlines: readonly unknown[], body: string): LoggedMessage[] {
  let at = 0
  return outlines.map((each) => {
    const [seq, symbol, units] = asList(each)
    const from = at
    at += asCount(units)
    return { seq: asNumber(seq), symbol: asText(symbol), text: body.slice(from, at) }
  })
}

function asProgress(value: unknown): Progress {
  const [channel, epoch, seq, ageMs, lastAgeMs] = asList(value)
  return { channel: asChannel(channel), epoch: asName(epoch), seq: asCount(seq), ageMs: asAge(ageMs), lastAgeMs: asAge(lastAgeMs) }
}

function asChannel(value: unknown): ChannelName {
  const [streamType, symbol, userId] = asList(value)
  return { streamType: asString(streamType), symbol: asText(symbol), userId: asText(userId) }
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[]
  throw invalid()
}

/** Returns the value if it can be the name of a node or of an epoch. */
function asName(value: unknown): string {
  if (isEpoch(value)) return value
  throw invalid()
}

function asText(value: unknown): string | undefined {
  return value === null ? undefined : asString(value)
}

function asString(value: unknown): string {
  if (typeof value === 'string') return value
  throw invalid()
}

function asCount(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw invalid()
}

/** Returns the value if it can be the number of a message. The first message of an epoch has number 1. */
function asNumber(value: unknown): number {
  if (value !== 0) return asCount(value)
  throw invalid()
}

function asAge(value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value
  throw invalid()
}

function invalid(): Error {
  return new Error('not a frame')
}
