import { defineStreams } from '../../../src/index.ts'

/** A catalogue with each kind of stream: whole, conflated, with snapshots, with an optional symbol, droppable, private, and one that users lose their right to. */
export const streams = defineStreams({
  TRADES: { audience: 'public' },
  PRICE: { audience: 'public', delivery: 'latest' },
  BOOK: { audience: 'public' },
  NEWS: { audience: 'public', symbol: 'optional' },
  CHART: { audience: 'public', overflow: 'drop' },
  ORDER_UPDATES: { audience: 'private', symbol: 'none' },
  CLUB: { audience: 'public' },
})

export type StreamName = keyof typeof streams

export const SYMBOLS = ['A', 'B', 'C', 'D'] as const

const USERS = 50

/** A stream that a client wants. */
export interface Want {
  /** The name of the client in the audit. A client that hears a message by two subscriptions has two names. */
  readonly ear: string
  readonly streamType: StreamName
  readonly symbol?: string | undefined
}

export function userOf(client: number): string {
  return `user ${client % USERS}`
}

/** True if a client reads bulky messages, which are published while it is slow. */
export function isReader(client: number): boolean {
  return client % 5 === 1
}

/** A client: who it is, and all that it wants. */
export interface Persona {
  readonly number: number
  readonly userId: string
  readonly wants: readonly Want[]
}

/** Returns the clients of a single server. What one is depends on its number only. */
export function personas(count: number): Persona[] {
  return Array.from({ length: count }, (_, number) => ({ number, userId: userOf(number), wants: wantsOf(number) }))
}

function wantsOf(client: number): Want[] {
  const ear = `client ${client}`
  const [one, other] = [symbolOf(client), symbolOf(client + 1)]
  return [
    { ear, streamType: 'TRADES', symbol: one },
    { ear, streamType: 'TRADES', symbol: other },
    { ear, streamType: 'PRICE', symbol: one },
    { ear, streamType: 'ORDER_UPDATES' },
    ...(client % 3 === 0 ? [{ ear, streamType: 'BOOK', symbol: one } as const] : []),
    ...(client % 4 === 0 ? [{ ear, streamType: 'NEWS', symbol: other } as const, { ear: `${ear}, all news`, streamType: 'NEWS' } as const] : []),
    ...(isReader(client) ? [{ ear, streamType: 'CHART', symbol: chartOf(client) } as const] : []),
  ]
}

/** The chart that only one client looks at. */
export function chartOf(client: number): string {
  return String(client)
}

export function keyOf({ streamType, symbol }: { readonly streamType: string; readonly symbol?: string | null | undefined }): string {
  return symbol === undefined || symbol === null ? streamType : `${streamType}:${symbol}`
}

function symbolOf(number: number): string {
  return SYMBOLS[number % SYMBOLS.length] as string
}
