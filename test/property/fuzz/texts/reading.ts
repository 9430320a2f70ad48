import {
  ConnectionManagerError,
  parseServerMessage,
  parseStreamKey,
  parseStreamMessage,
  parseSubscriptionKey,
  serializeStreamMessage,
  streamKey,
  subscriptionKey,
  tradingStreams,
  type GapNotice,
  type MessagePlace,
  type ServerMessage,
  type SkipNotice,
  type StatusNotice,
  type SubscribedNotice,
  type ValidMessage,
} from '../../../../src/index.ts'

/** What a parser made of a text. */
export interface Reading<TValue> {
  readonly value?: TValue
  readonly thrown?: unknown
}

/** What must not be. */
export type Objection = (holds: boolean, objection: string) => void

function read<TValue>(parse: () => TValue): Reading<TValue> {
  try {
    return { value: parse() }
  } catch (thrown) {
    return { thrown }
  }
}

/** One of the parsers: how to call it, and what must hold for what it answers. */
export interface Parser {
  readonly name: string
  read(text: string): Reading<unknown>
  check(value: unknown, text: string, expect: Objection): void
}

const SYMBOL_REQUIRED = ['PRICE', 'ORDERBOOK', 'TRADES']

function checkStream({ streamType, symbol }: { readonly streamType: string; readonly symbol?: string | undefined }, expect: Objection): void {
  expect(Object.hasOwn(tradingStreams, streamType), 'the stream type is none of the catalogue')
  expect(symbol !== undefined || !SYMBOL_REQUIRED.includes(streamType), 'a symbol is missing')
  expect(symbol === undefined || (symbol.length > 0 && symbol.length <= 255 && isWellFormed(symbol)), 'the symbol is none')
}

function checkMessage(message: ValidMessage, text: string, expect: Objection, otherFields = ''): void {
  checkStream(message, expect)
  const { streamType, timestamp, userId } = message
  expect(Object.isFrozen(message) && Object.getPrototypeOf(message) === Object.prototype, 'a message is no plain, frozen object')
  expect(Object.keys(message).join() === `streamType,symbol,data,timestamp,userId${otherFields}`, 'a message has other fields')
  expect(!Number.isNaN(timestamp.getTime()), 'the timestamp is none')
  expect((userId === undefined) === SYMBOL_REQUIRED.includes(streamType), 'a private message is nobody\'s, or a public one somebody\'s')
  checkAgainst(JSON.parse(text) as Record<string, unknown>, message, expect)
  checkRoundTrip(message, text, expect)
}

/** A message says what its text says, to the letter. */
function checkAgainst(wire: Record<string, unknown>, { streamType, symbol, data, timestamp, userId }: ValidMessage, expect: Objection): void {
  expect(wire['stream_type'] === streamType && wire['symbol'] === (symbol ?? null) && wire['user_id'] === (userId ?? null), 'a field is not what the text says')
  expect(wire['timestamp'] === timestamp.toISOString(), 'the timestamp is not what the text says')
  expect(JSON.stringify(wire['data']) === JSON.stringify(data), 'the data is not what the text says')
}

/** Once it has been written, a message reads, and writes, as itself. */
function checkRoundTrip(message: ValidMessage, text: string, expect: Objection): void {
  const written = read(() => serializeStreamMessage(message))
  // JSON.parse knows no depth, and JSON.stringify does.
  if (written.value === undefined) return expect(isTooDeep(text), 'what was read cannot be written')
  const again = parseStreamMessage(written.value)
  expect(serializeStreamMessage(again) === written.value, 'what was read and written reads as something else')
  expect(JSON.stringify(again.data) === JSON.stringify(message.data), 'the data is another')
  expect(
    again.streamType === message.streamType && again.symbol === message.symbol && again.userId === message.userId &&
      again.timestamp.getTime() === message.timestamp.getTime(),
    'a field is another',
  )
}

function checkServerMessage(message: ServerMessage, text: string, expect: Objection): void {
  if (message.type === undefined) return checkPlacedMessage(message, text, expect)
  const wire = JSON.parse(text) as Record<string, unknown>
  expect(Object.isFrozen(message), 'a notice can be changed')
  expect(read(() => parseStreamMessage(text)).value === undefined, 'a notice passes for a message')
  if (message.type === 'unknown') {
    expect(Object.keys(message).join() === 'type', 'a frame of an unknown type has other fields')
    return expect(!isKnown(wire), 'a notice is not known')
  }
  const { streamType, symbol } = message
  // A gap notice without a symbol may be about all streams of a type.
  if (message.type !== 'gap' || symbol !== undefined) checkStream(message, expect)
  expect(wire['type'] === message.type && wire['stream_type'] === streamType && wire['symbol'] === (symbol ?? null), 'a notice says something else than its text')
  if (message.type === 'gap') checkGap(message, wire, expect)
  else if (message.type === 'status') checkStatus(message, wire, expect)
  else if (message.type === 'skip') checkSkip(message, wire, expect)
  else checkSubscribed(message, wire, expect)
}

/** A message has the place that its text has, or none if that is malformed. */
function checkPlacedMessage(message: ValidMessage & MessagePlace, text: string, expect: Objection): void {
  const { epoch, seq, snapshot } = JSON.parse(text) as Record<string, unknown>
  const hasPlace = isEpoch(epoch) && Number.isSafeInteger(seq) && Number(seq) >= 0
  const isSnapshot = hasPlace && snapshot === true
  checkMessage(message, text, expect, `${hasPlace ? ',epoch,seq' : ''}${isSnapshot ? ',snapshot' : ''}`)
  expect(!hasPlace || (message.epoch === epoch && message.seq === seq), 'the place is not what the text says')
  expect(message.snapshot === (isSnapshot ? true : undefined), 'the mark of a snapshot is not what the text says')
}

function isKnown({ type, position, epoch }: Record<string, unknown>): boolean {
  return type === 'gap' || type === 'status' || (type === 'subscribed' && position !== undefined) || (type === 'skip' && epoch !== undefined)
}

function isEpoch(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
}

function checkSubscribed(notice: SubscribedNotice, wire: Record<string, unknown>, expect: Objection): void {
  const { id, position, recovered, contiguous, delivery, snapshot } = notice
  expect(typeof position === 'string' && [true, false, null].includes(recovered), 'an answer has no position, or does not say if it recovers')
  expect(typeof contiguous === 'boolean' && ['latest', 'every'].includes(delivery), 'an answer does not say what follows')
  expect(id === undefined || (Number.isSafeInteger(id) && id >= 0), 'an answer has an id that is none')
  expect(snapshot === (wire['snapshot'] === true ? true : undefined), 'an answer announces another snapshot than its text')
  const isSame = wire['position'] === position && wire['recovered'] === recovered && wire['contiguous'] === contiguous && wire['delivery'] === delivery && wire['id'] === id
  expect(isSame, 'an answer says something else than its text')
  const optional = [...(id === undefined ? [] : ['id']), ...(snapshot === undefined ? [] : ['snapshot'])]
  const fields = ['contiguous', 'delivery', 'position', 'recovered', 'streamType', 'symbol', 'type', ...optional].sort()
  expect(Object.keys(notice).sort().join() === fields.join(), 'an answer has other fields')
}

function checkSkip(notice: SkipNotice, wire: Record<string, unknown>, expect: Objection): void {
  const { epoch, seq } = notice
  expect(wire['epoch'] === epoch && wire['seq'] === seq, 'a skip says something else than its text')
  expect(isEpoch(epoch) && Number.isSafeInteger(seq) && seq > 0, 'a skip of no message')
  expect(Object.keys(notice).sort().join() === 'epoch,seq,streamType,symbol,type', 'a skip has other fields')
}

function checkGap(notice: GapNotice, wire: Record<string, unknown>, expect: Objection): void {
  const { dropped } = notice
  expect(wire['dropped'] === (dropped ?? null), 'a gap notice counts something else than its text')
  expect(dropped === undefined || (Number.isSafeInteger(dropped) && dropped > 0), 'a gap notice of nothing')
  expect(Object.keys(notice).sort().join() === 'dropped,streamType,symbol,type', 'a gap notice has other fields')
}

function checkStatus(notice: StatusNotice, wire: Record<string, unknown>, expect: Objection): void {
  const { status } = notice
  expect(wire['status'] === status && ['CONNECTED', 'RECONNECTING', 'ERROR'].includes(status), 'a status notice says something else than its text')
  expect(Object.keys(notice).sort().join() === 'status,streamType,symbol,type', 'a status notice has other fields')
}

/** The parsers that take texts from outside. */
export const PARSERS: readonly Parser[] = [
  {
    name: 'parseStreamMessage',
    read: (text) => read(() => parseStreamMessage(text)),
    check(value, text, expect) {
      checkMessage(value as ValidMessage, text, expect)
      // Whatever reads a message reads the same one, unless the text is a notice as well.
      expect(read(() => parseServerMessage(text)).value !== undefined, 'parseServerMessage does not know it')
    },
  },
  {
    name: 'parseServerMessage',
    read: (text) => read(() => parseServerMessage(text)),
    check: (value, text, expect) => checkServerMessage(value as ServerMessage, text, expect),
  },
  {
    name: 'parseStreamKey',
    read: (text) => read(() => parseStreamKey(text)),
    check(value, text, expect) {
      const { streamType, symbol } = value as ReturnType<typeof parseStreamKey>
      expect(streamKey(streamType, symbol) === text, 'the stream has another key')
      expect(!streamType.includes(':'), 'the stream type has a colon')
    },
  },
  {
    name: 'parseSubscriptionKey',
    read: (text) => read(() => parseSubscriptionKey(text)),
    check: (value, text, expect) => expect(subscriptionKey(value as ReturnType<typeof parseSubscriptionKey>) === text, 'the subscription has another key'),
  },
]

/** The codes that a text may be refused with. */
const CODES_OF_TEXTS = ['ERR_INVALID_MESSAGE', 'ERR_UNKNOWN_STREAM', 'ERR_INVALID_KEY']

/** The code that a text was refused with, if the refusal is as it must be. */
export function codeOfRefusal(thrown: unknown): string | undefined {
  const code = thrown instanceof ConnectionManagerError ? thrown.code : undefined
  return code !== undefined && CODES_OF_TEXTS.includes(code) ? code : undefined
}

const DEEP = /(?:\[|\{"a":){1000}/

function isTooDeep(text: string): boolean {
  return DEEP.test(text)
}

function isWellFormed(text: string): boolean {
  try {
    return encodeURIComponent(text) !== ''
  } catch {
    return false
  }
}
