import { defineStreams, type DefinedStreams } from '../../../src/index.ts'

/** Each kind of channel there is: with a symbol, without, or either; every message or the latest; dropped or not; public and private. */
export const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  DEPTH: { audience: 'public', symbol: 'required', overflow: 'drop' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional', overflow: 'drop' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  ALERTS: { audience: 'public', symbol: 'none' },
  STATE: { audience: 'public', symbol: 'none', delivery: 'latest', overflow: 'drop' },
  ORDERS: { audience: 'private', symbol: 'optional' },
  FILLS: { audience: 'private', symbol: 'required' },
})

export type Streams = typeof streams
export type TypeName = keyof Streams & string

export const SYMBOLS = ['A', 'B', 'C']

/** A stream as a client asks for it. */
export interface Stream {
  readonly streamType: TypeName
  readonly symbol: string | undefined
}

/** All streams that can be subscribed to. */
export const ALL_STREAMS: readonly Stream[] = (Object.keys(streams) as TypeName[]).flatMap((streamType) => {
  const { symbol: rule } = streams[streamType]
  const symbols = rule === 'none' ? [undefined] : rule === 'required' ? SYMBOLS : [undefined, ...SYMBOLS]
  return symbols.map((symbol) => ({ streamType, symbol }))
})

export function isPrivate({ streamType }: Stream): boolean {
  return streams[streamType].audience === 'private'
}

export function isLatest({ streamType }: Stream): boolean {
  return streams[streamType].delivery === 'latest'
}

/** True if one client may not hold another stream of the type beside this one: then it would not know which of the two a message belongs to. */
export function excludeEachOther(one: Stream, other: Stream): boolean {
  const isOptional = (streams[one.streamType] as DefinedStreams<Streams>[TypeName]).symbol === 'optional'
  return one.streamType === other.streamType && isOptional && (one.symbol === undefined) !== (other.symbol === undefined)
}

export function streamName({ streamType, symbol }: Stream): string {
  return symbol === undefined ? streamType : `${streamType} ${symbol}`
}

/** What is numbered together. It is written as a list, so that nothing of the library's keys is repeated here. */
export function channelName({ streamType, symbol }: Stream, userId: string): string {
  const isWide = streams[streamType].symbol !== 'required'
  return JSON.stringify([streamType, isWide ? null : symbol, streams[streamType].audience === 'private' ? userId : null])
}
