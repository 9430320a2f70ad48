/** What a close code tells a client: come back, stay away, or come back once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** Who the client is was not accepted, or is not accepted any more. */
const UNAUTHORIZED = /^(1008|4401)$/

/** A request that took too long, and too many requests. */
const TEMPORARY = /^(4408|4429)$/

/** The same would happen again: the peer is done, or does not accept what it gets. */
const FINAL = /^(1000|1002|1003|1007|1009|1010|44\d\d)$/

/** Returns what a close code means, if no goodbye came before it. Without a code, the connection broke. */
export function adviceOf(code: number | undefined): Advice {
  const text = `${code}`
  if (UNAUTHORIZED.test(text)) return 'renew'
  return FINAL.test(text) && !TEMPORARY.test(text) ? 'stop' : 'retry'
}
