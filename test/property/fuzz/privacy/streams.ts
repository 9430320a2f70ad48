import { defineStreams, type StreamCatalogue } from '../../../../src/index.ts'

type Definition = StreamCatalogue[string]

/** Several private types, named so that careless keys meet, and a public one for each way to wait. */
const DEFINITIONS: readonly (readonly [name: string, definition: Definition])[] = [
  ['PRICE', { audience: 'public', delivery: 'latest' }],
  ['TRADES', { audience: 'public' }],
  ['TICKS', { audience: 'public', overflow: 'drop' }],
  ['SIGNALS', { audience: 'public', symbol: 'optional' }],
  ['NEWS', { audience: 'public', symbol: 'none' }],
  ['ORDERS', { audience: 'private' }],
  ['FILLS', { audience: 'private', symbol: 'required' }],
  ['BALANCE', { audience: 'private', symbol: 'none' }],
  ['__proto__', { audience: 'private' }],
  ['a%3Ab', { audience: 'private' }],
]

const HOSTILE_SYMBOLS: readonly string[] = ['b', 'a', ':', 'b:ORDERS', 'ORDERS', '%3A', '__proto__', 'constructor', 'BTC/USDT:USDT', '","data":7,"', '😀', 'b:FILLS:a']
const SYMBOLS: readonly string[] = [...HOSTILE_SYMBOLS, ...Array.from({ length: 20 }, (_, i) => `SYMBOL${i}`)]

/** The catalogue of the managers that are tried. */
export const catalogue: StreamCatalogue = defineStreams(Object.fromEntries(DEFINITIONS))

/** One stream type of the model. */
export interface StreamType {
  readonly name: string
  readonly isPrivate: boolean
  readonly streams: Stream[]
  /** The stream without a symbol, where there may be one. */
  whole: Stream | undefined
}

/** One stream of the model: known by its number, never by a key. */
export interface Stream {
  readonly number: number
  readonly type: StreamType
  readonly symbol: string | undefined
  /** Whether a newer message takes the place of an older one that waits. */
  readonly isLatest: boolean
  /** What comes before the data in the text of a message, and before the count in that of a notice. */
  readonly head: string
  readonly noticeHead: string
}

/** Every stream that there may be, by its number. */
export const STREAMS: readonly Stream[] = DEFINITIONS.flatMap(streamsOf).map((stream, number) => Object.assign(stream, { number }))

/** Texts of a host's own: a line of their own at each connection, which no subscription and no revocation is about. */
export const OWN_TEXTS: Stream = {
  number: STREAMS.length,
  type: { name: '', isPrivate: true, streams: [], whole: undefined },
  symbol: undefined,
  isLatest: false,
  head: '{"text":',
  noticeHead: '',
}

/** Every stream type that there may be. */
export const STREAM_TYPES: readonly StreamType[] = [...new Set(STREAMS.map(({ type }) => type))]

/** The stream that a notice is about, by what comes before the count in its text. */
export const STREAM_OF_NOTICE: ReadonlyMap<string, Stream> = new Map(STREAMS.map((stream) => [stream.noticeHead, stream]))

function streamsOf([name, { audience, symbol, delivery }]: (typeof DEFINITIONS)[number]): Stream[] {
  const rule = symbol ?? (audience === 'private' ? 'optional' : 'required')
  const type: StreamType = { name, isPrivate: audience === 'private', streams: [], whole: undefined }
  const symbols = [...(rule === 'required' ? [] : [undefined]), ...(rule === 'none' ? [] : SYMBOLS)]
  for (const each of symbols) type.streams.push(streamOf(type, each, delivery === 'latest'))
  type.whole = type.streams.find((stream) => stream.symbol === undefined)
  return type.streams
}

function streamOf(type: StreamType, symbol: string | undefined, isLatest: boolean): Stream {
  const named = `"stream_type":${JSON.stringify(type.name)},"symbol":${JSON.stringify(symbol ?? null)}`
  return { number: NaN, type, symbol, isLatest, head: `{${named},"data":`, noticeHead: `{"type":"gap",${named},"dropped":` }
}
