/** What a close code tells a client: reconnect, stop, or reconnect once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** Close codes of a server that does not accept the client's credentials, or no longer accepts them. */
const UNAUTHORIZED = /^(1008|4401)$/

/**
 * Close codes after which another attempt would end in the same way: the server has ended the session for good, one side does not accept the other
 * side's data, or the server refuses the client (44xx). Two of the codes 44xx are temporary: the client was silent for too long (4408), or it sent
 * too much or has too many connections (4429).
 */
const FINAL = /^(10(0[02379]|10)|44(?!08|29)..)$/

/** Returns what the client should do after a close code, if no goodbye came before. Without a code, the connection broke, and the client retries. */
export function adviceOf(code: number | undefined): Advice {
  if (UNAUTHORIZED.test(`${code}`)) return 'renew'
  return FINAL.test(`${code}`) ? 'stop' : 'retry'
}
