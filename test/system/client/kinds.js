// Each kind of connection, for pages too: the options of a client that uses it. `host` is a name and a port.

/** A client over a WebSocket of this implementation. */
export function overWebSocket(WebSocket) {
  return (host) => ({ connect: () => new WebSocket(`ws://${host}/`) })
}

/** A client over an EventSource, whose commands stand in the URL. */
export function withCommandsInUrl(EventSource) {
  return (host) => ({
    connect: ({ commands }) => new EventSource(`http://${host}/events?commands=${encodeURIComponent(commands)}`),
  })
}

/** A client over an EventSource, whose commands are posted. */
export function withCommandsByPost(EventSource) {
  return (host) => ({
    connect: () => new EventSource(`http://${host}/events`),
    async send(body, connectionId) {
      const { status } = await fetch(`http://${host}/${connectionId}`, { method: 'POST', body })
      if (status !== 204) throw new Error(`The server answered ${status}`)
    },
  })
}
