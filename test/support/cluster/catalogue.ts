import { defineStreams } from '../../../src/index.ts'

/** Each kind of channel there is. */
export const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  QUOTES: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ALERTS: { audience: 'public', symbol: 'none' },
  ORDERS: { audience: 'private', symbol: 'optional' },
})

export type Streams = typeof streams
export type TypeName = keyof Streams & string

/** A stream as a client asks for it. */
export interface Stream {
  readonly streamType: TypeName
  readonly symbol: string | undefined
}

export const STREAMS: readonly Stream[] = [
  { streamType: 'TRADES', symbol: 'A' },
  { streamType: 'TRADES', symbol: 'B' },
  { streamType: 'PRICE', symbol: 'A' },
  { streamType: 'QUOTES', symbol: undefined },
  { streamType: 'NEWS', symbol: undefined },
  { streamType: 'ALERTS', symbol: undefined },
  { streamType: 'ORDERS', symbol: undefined },
]

export const USERS: readonly string[] = ['ann', 'bob', 'cid']
