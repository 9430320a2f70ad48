/** What a close code tells a client: come back, stay away, or come back once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** Who the client is was not accepted, or is not accepted any more. */
const UNAUTHORIZED = [1008, 4401]

/** The same would happen again: the peer is done, or did not understand what it got. */
const FINAL = [1000, 1002, 1003, 1007, 1009, 1010]

/** A request that took too long, and too many requests. */
const TEMPORARY = [4408, 4429]

/** Returns what a close code means, if no goodbye came before it. Without a code, the connection broke. */
export function adviceOf(code = 1006): Advice {
  if (UNAUTHORIZED.includes(code)) return 'renew'
  if (TEMPORARY.includes(code)) return 'retry'
  return FINAL.includes(code) || (code >= 4400 && code < 4500) ? 'stop' : 'retry'
}
