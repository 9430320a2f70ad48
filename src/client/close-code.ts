/** What a close code tells a client: come back, stay away, or come back once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** The same would happen again: the peer is done, or did not understand what it got. */
const FINAL = [1000, 1002, 1003, 1007, 1009, 1010]

/** Who the client is was not accepted, or is not accepted any more. */
const UNAUTHORIZED = [1008, 4401]

/** A request that took too long, and too many requests. */
const TEMPORARY = [4408, 4429]

/** Returns what a close code means, if no goodbye came before it. `undefined`: the connection ended without a code. */
export function adviceOf(code: number = 1006): Advice {
  if (UNAUTHORIZED.includes(code)) return 'renew'
  const isRefused = code >= 4400 && code < 4500 && !TEMPORARY.includes(code)
  return isRefused || FINAL.includes(code) ? 'stop' : 'retry'
}
