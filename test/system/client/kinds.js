// Each kind of connection, for pages too: the options of a client that uses it.

/** @typedef {import('../../../dist/client.js').ClientOptions} ClientOptions */
/** @typedef {import('../../../dist/client.js').ClientSocket} ClientSocket */
/** @typedef {(host: string) => ClientOptions} Kind `host` is a name and a port */
/** @typedef {new (url: string) => ClientSocket} Implementation */

/** A client over a WebSocket of this implementation. */
export function overWebSocket(/** @type {Implementation} */ WebSocket) {
  return /** @type {Kind} */ ((host) => ({ connect: () => new WebSocket(`ws://${host}/`) }))
}

/** A client over an EventSource, whose commands stand in the URL. */
export function withCommandsInUrl(/** @type {Implementation} */ EventSource) {
  return /** @type {Kind} */ ((host) => ({
    connect: ({ commands }) => new EventSource(`http://${host}/events?commands=${encodeURIComponent(commands)}`),
  }))
}

/** A client over an EventSource, whose commands are posted. A POST may take so long. */
export function withCommandsByPost(/** @type {Implementation} */ EventSource, timeoutMs = 10_000) {
  return /** @type {Kind} */ ((host) => ({
    connect: () => new EventSource(`http://${host}/events`),
    async send(body, connectionId) {
      const { status } = await fetch(`http://${host}/${connectionId}`, { method: 'POST', body, signal: AbortSignal.timeout(timeoutMs) })
      if (status !== 204) throw new Error(`The server answered ${status}`)
    },
  }))
}
