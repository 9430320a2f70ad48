import { tradingStreams } from '../../model/catalogue.ts'
import { streamKey } from '../../model/keys.ts'
import type { PublishableMessage } from '../../model/stream-message.ts'
import type { StreamReference } from '../../model/subscription.ts'
import { serializeStreamMessage } from '../../model/wire-form.ts'

export function price(symbol: string, data: unknown): PublishableMessage {
  return { streamType: 'PRICE', symbol, data }
}

export function book(symbol: string, data: unknown): PublishableMessage {
  return { streamType: 'ORDERBOOK', symbol, data }
}

export function trade(symbol: string, data: unknown): PublishableMessage {
  return { streamType: 'TRADES', symbol, data }
}

export function order(userId: string, data: unknown, symbol?: string): PublishableMessage {
  return { streamType: 'ORDER_UPDATES', symbol, userId, data }
}

export const prices = (symbol: string): StreamReference => ({ streamType: 'PRICE', symbol })
export const books = (symbol: string): StreamReference => ({ streamType: 'ORDERBOOK', symbol })
export const trades = (symbol: string): StreamReference => ({ streamType: 'TRADES', symbol })
export const orders = (symbol?: string): StreamReference => ({ streamType: 'ORDER_UPDATES', symbol })

export function isSameStream(one: StreamReference, other: StreamReference): boolean {
  return one.streamType === other.streamType && one.symbol === other.symbol
}

/** True if one of these subscriptions covers the message: a subscription to the message's symbol, or to the whole type. */
export function isCovered({ streamType, symbol }: PublishableMessage, streams: readonly StreamReference[]): boolean {
  return streams.some((stream) => stream.streamType === streamType && (stream.symbol === symbol || stream.symbol === undefined))
}

export function isPrivate({ streamType }: PublishableMessage): boolean {
  return tradingStreams[streamType].audience === 'private'
}

/** True if this text is the wire form of this message. The timestamp may be any valid time. */
export function isWireFormOf(message: PublishableMessage, text: string): boolean {
  try {
    const { timestamp } = JSON.parse(text) as { readonly timestamp: string }
    return serializeStreamMessage({ ...message, timestamp: new Date(timestamp) }) === text
  } catch {
    return false
  }
}

/** Returns the key of the stream that a text belongs to, or the text itself if it cannot be parsed. */
export function streamOf(text: string): string {
  try {
    const { stream_type: streamType, symbol } = JSON.parse(text) as { readonly stream_type: string; readonly symbol: string | null }
    return streamKey(streamType, symbol)
  } catch {
    return text
  }
}
