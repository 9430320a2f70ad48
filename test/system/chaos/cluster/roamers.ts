import { SYMBOLS, type Persona, type Want } from '../streams.ts'

const USERS = 20

/** The symbol of the messages that are large enough to fill a broker. */
export const BULK = 'bulk'

/** Returns the clients of a cluster, which come to another node each time. What one is depends on its number only. */
export function roamers(count: number): Persona[] {
  return Array.from({ length: count }, (_, number) => ({ number, userId: roamerName(number), wants: wantsOf(number) }))
}

/** Two clients may be of one user. */
export function roamerName(number: number): string {
  return `user ${number % USERS}`
}

/** The stream that a user may lose the right to. */
export function clubOf(userId: string): string {
  return `CLUB:${userId}`
}

function wantsOf(client: number): Want[] {
  const ear = `client ${client}`
  const [one, other] = [0, 1].map((offset) => SYMBOLS[(client + offset) % SYMBOLS.length] as string)
  return [
    { ear, streamType: 'TRADES', symbol: one },
    { ear, streamType: 'TRADES', symbol: other },
    { ear, streamType: 'PRICE', symbol: one },
    { ear, streamType: 'ORDER_UPDATES' },
    { ear, streamType: 'CLUB', symbol: roamerName(client) },
    // Nobody else wants it, so that nobody does while this client is on its way.
    ...(client % 10 === 3 ? [{ ear, streamType: 'PRICE', symbol: String(client) } as const] : []),
    ...(client % 4 === 0 ? [{ ear, streamType: 'NEWS', symbol: other } as const, { ear: `${ear}, all news`, streamType: 'NEWS' } as const] : []),
    ...(client === 1 ? [{ ear, streamType: 'CHART', symbol: BULK } as const] : []),
  ]
}
