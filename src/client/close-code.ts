/** What a close code tells a client: come back, stay away, or come back once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** The server does not accept the client's credentials, or does not accept them any more. */
const UNAUTHORIZED = /^(1008|4401)$/

/**
 * Another attempt would end in the same way: the server is done with the client, or one side does not accept what it gets. Two codes of the 44xx are for
 * now: the client was silent for too long (4408), or it sent too much or has too many connections (4429).
 */
const FINAL = /^(10(0[02379]|10)|44(?!08|29)\d\d)$/

/** Returns what a close code means, if no goodbye came before it. Without a code, the connection broke. */
export function adviceOf(code: number | undefined): Advice {
  const text = `${code}`
  if (UNAUTHORIZED.test(text)) return 'renew'
  return FINAL.test(text) ? 'stop' : 'retry'
}
