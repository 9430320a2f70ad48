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

/** Whether a message is for who has these subscriptions: a symbol's, or the whole type's where the message is private. */
export function isCovered({ streamType, symbol }: PublishableMessage, streams: readonly StreamReference[]): boolean {
  return streams.some((stream) => stream.streamType === streamType && (stream.symbol === symbol || stream.symbol === undefined))
}

export function isPrivate({ streamType }: PublishableMessage): boolean {
  return tradingStreams[streamType].audience === 'private'
}

/** Whether this text is exactly what the wire form of this message is, at the moment that the text names. */
export function isWireFormOf(message: PublishableMessage, text: string): boolean {
  try {
    const { timestamp } = JSON.parse(text) as { readonly timestamp: string }
    return serializeStreamMessage({ ...message, timestamp: new Date(timestamp) }) === text
  } catch {
    return false
  }
}

/** The key of the stream that a text on the wire belongs to; the text itself where that cannot be read. */
export function streamOf(text: string): string {
  try {
    const { stream_type: streamType, symbol } = JSON.parse(text) as { readonly stream_type: string; readonly symbol: string | null }
    return streamKey(streamType, symbol)
  } catch {
    return text
  }
}
