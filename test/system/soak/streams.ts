import { defineStreams, tradingStreams } from '../../../src/index.ts'

/** What is published: one stream type at least for each way to wait, and for each way to be addressed. */
export const streams = defineStreams({
  ...tradingStreams,
  TRADES: { audience: 'public', overflow: 'drop' },
  NEWS: { audience: 'public', symbol: 'none' },
})

export type Streams = typeof streams
export type StreamTypeName = keyof Streams & string
export type MarketStreamType = 'PRICE' | 'ORDERBOOK' | 'TRADES'

export const MARKET_STREAM_TYPES: readonly MarketStreamType[] = ['PRICE', 'ORDERBOOK', 'TRADES']

/** A stream, or a whole type of them, as one subscribes to it. */
export type StreamName =
  | { readonly streamType: MarketStreamType; readonly symbol: string }
  | { readonly streamType: 'ORDER_UPDATES'; readonly symbol: string | undefined }

/** The symbols of orders; `undefined`, since an order need not have one. */
export const ORDER_SYMBOLS: readonly (string | undefined)[] = [undefined, 'BTCUSDT', '__proto__', 'BTC/USDT:USDT']
