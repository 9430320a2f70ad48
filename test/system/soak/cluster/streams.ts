import { defineStreams } from '../../../../src/index.ts'

/** Every kind of stream: whole, conflated, private, droppable, and one whose readers are disconnected when they are too slow. */
export const streams = defineStreams({
  TRADES: { audience: 'public' },
  PRICE: { audience: 'public', delivery: 'latest' },
  ORDER_UPDATES: { audience: 'private', symbol: 'none' },
  CHART: { audience: 'public', overflow: 'drop' },
  BOOK: { audience: 'public' },
})

export type Streams = typeof streams
export type StreamTypeName = keyof Streams

/** A stream, as a client names it. */
export interface StreamName {
  readonly streamType: StreamTypeName
  readonly symbol?: string | undefined
}

/** A stream whose messages are numbered together. On a private stream, those of one user. */
export interface ChannelName extends StreamName {
  readonly userId?: string | undefined
}

/** The stream with which a slow client is put under pressure. */
export type SlowStreamType = 'CHART' | 'BOOK'

const CLIENTS_PER_USER = 2
const CLIENTS_PER_SYMBOL = 150
const FEWEST_SYMBOLS = 4
/** One client in so many is slow. */
const ONE_SLOW_IN = 100
const FIRST_SLOW = 7

export function keyOf({ streamType, symbol, userId }: { readonly [TName in keyof ChannelName]?: string | null | undefined }): string {
  return `${streamType}:${symbol ?? userId ?? ''}`
}

export function userOf(client: number): string {
  return `user ${Math.floor(client / CLIENTS_PER_USER)}`
}

/** Returns the users of so many clients. */
export function usersOf(clients: number): string[] {
  return Array.from({ length: Math.ceil(clients / CLIENTS_PER_USER) }, (_, user) => userOf(user * CLIENTS_PER_USER))
}

/** Returns the symbols of the market. With more clients there are more symbols, so that a message has as many readers. */
export function symbolsFor(clients: number): string[] {
  return Array.from({ length: Math.max(FEWEST_SYMBOLS, Math.round(clients / CLIENTS_PER_SYMBOL)) }, (_, number) => `S${number}`)
}

/** Returns the symbols whose prices one node publishes. Of a `latest` stream, only one node publishes a symbol. */
export function pricedBy(node: number, nodes: number, symbols: readonly string[]): string[] {
  return symbols.filter((_, symbol) => symbol % nodes === node)
}

/** The stream of a slow client that nobody else reads. `undefined` if the client is not slow. */
export function slowStreamOf(client: number): SlowStreamType | undefined {
  if (client % ONE_SLOW_IN !== FIRST_SLOW) return undefined
  return Math.floor(client / ONE_SLOW_IN) % 2 === 0 ? 'CHART' : 'BOOK'
}

/** Returns all that a client subscribes to. It depends on its number only. */
export function wantsOf(client: number, symbols: readonly string[]): StreamName[] {
  const [one, other] = [symbols[client % symbols.length], symbols[(client + 1) % symbols.length]]
  const slow = slowStreamOf(client)
  return [
    { streamType: 'TRADES', symbol: one },
    { streamType: 'TRADES', symbol: other },
    { streamType: 'PRICE', symbol: one },
    { streamType: 'ORDER_UPDATES' },
    ...(slow === undefined ? [] : [{ streamType: slow, symbol: String(client) }]),
  ]
}
