/** What a close code tells a client: come back, stay away, or come back once with new credentials. */
export type Advice = 'retry' | 'stop' | 'renew'

/** The server does not accept the client's credentials, or does not accept them any more. */
const UNAUTHORIZED = /^(1008|4401)$/

/** Another attempt would end in the same way: the server is done with the client, or one side does not accept what it gets. 4408 and 4429 are a request that took too long, and too many requests. */
const FINAL = /^(10(0[02379]|10)|44(?!08|29)\d\d)$/

/** Returns what a close code means, if no goodbye came before it. Without a code, the connection broke. */
export function adviceOf(code: number | undefined): Advice {
  const text = `${code}`
  if (UNAUTHORIZED.test(text)) return 'renew'
  return FINAL.test(text) ? 'stop' : 'retry'
}
