import { defineStreams } from '../../../src/index.ts'

/** One stream type for each way to be routed and to wait. */
export const streams = defineStreams({
  PRICE: { audience: 'public', delivery: 'latest' },
  TRADES: { audience: 'public' },
  TAPE: { audience: 'public', overflow: 'drop' },
  QUOTES: { audience: 'public', delivery: 'latest', overflow: 'drop' },
  TOPICS: { audience: 'public', symbol: 'optional' },
  NEWS: { audience: 'public', symbol: 'none' },
  FILLS: { audience: 'private' },
  ALERTS: { audience: 'private', symbol: 'required' },
  BALANCE: { audience: 'private', symbol: 'none' },
})

export type Streams = typeof streams

/** The rules of each stream type, and of the texts of a host's own, which are of no stream. */
const RULES = { ...streams, '': { audience: 'private', symbol: 'none', delivery: 'every', overflow: 'disconnect' } } as const
export type Rules = (typeof RULES)[StreamName]
export type StreamName = keyof Streams & string

/** A stream by name; `undefined` for one without a symbol, and for a whole type. */
export interface Stream {
  readonly streamType: StreamName
  readonly symbol: string | undefined
}

/** What texts of a host's own count as: a line of their own, which nobody subscribes to. */
export const OWN_TEXTS: Stream = { streamType: '' as StreamName, symbol: undefined }

export function rulesOf({ streamType }: Stream): Rules {
  return RULES[streamType]
}

// Ids that a careless separator would confuse: joined by colons, `PRICE` + `FILLS` + `FILLS:x` and `PRICE:FILLS` + `FILLS` + `x`
// are one text, and so are the public `PRICE` of `FILLS:x` and the `FILLS` of `x` of the user `PRICE`.
export const USERS: readonly string[] = ['PRICE', 'PRICE:FILLS', 'PRICE%3AFILLS', '__proto__']
export const SYMBOLS: readonly string[] = ['x', 'FILLS:x', '__proto__']
export const CONNECTION_IDS: readonly string[] = ['c1', 'c2', 'c3', '__proto__', 'c5', 'constructor']

const STREAM_NAMES = Object.keys(streams) as readonly StreamName[]

/** Every stream that there may be. */
export const STREAMS: readonly Stream[] = STREAM_NAMES.flatMap((streamType) => {
  const rule = streams[streamType].symbol
  const whole = { streamType, symbol: undefined }
  const exact = SYMBOLS.map((symbol) => ({ streamType, symbol }))
  return rule === 'none' ? [whole] : rule === 'required' ? exact : [whole, ...exact]
})

/** Streams that something can only be seen of when several of them are held by few users. */
export const FAMILIES: readonly (readonly Stream[])[] = [
  [of('PRICE', 'x'), of('TRADES', 'x')],
  [of('TOPICS'), of('TOPICS', 'x'), of('TOPICS', 'FILLS:x')],
  [of('TOPICS'), of('TOPICS', 'x')],
  [of('FILLS'), of('FILLS', 'x')],
  [of('FILLS'), of('FILLS', 'x'), of('FILLS', 'FILLS:x')],
  [of('PRICE', 'FILLS:x'), of('FILLS', 'x'), of('FILLS', 'FILLS:x')],
  [of('TAPE', 'x'), of('TRADES', 'x'), of('FILLS', 'x')],
  [of('QUOTES', 'x'), of('TAPE', 'x'), of('PRICE', 'x')],
  [of('NEWS'), of('BALANCE'), of('ALERTS', 'x')],
  [of('PRICE', '__proto__'), of('TOPICS', '__proto__'), of('TOPICS')],
]

function of(streamType: StreamName, symbol?: string): Stream {
  return { streamType, symbol }
}

/** A text of its own for each stream, for maps and sets. */
export function keyOf({ streamType, symbol }: Stream): string {
  return symbol === undefined ? streamType : `${streamType} ${symbol}`
}

/** The streams whose subscribers a message of this stream reaches. */
export function bringing(stream: Stream): readonly Stream[] {
  const isAlsoOfWhole = rulesOf(stream).symbol === 'optional' && stream.symbol !== undefined
  return isAlsoOfWhole ? [stream, { streamType: stream.streamType, symbol: undefined }] : [stream]
}

export function isPrivate(stream: Stream): boolean {
  return rulesOf(stream).audience === 'private'
}
