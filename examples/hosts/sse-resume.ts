import { createServer } from 'node:http'
import { ConnectionManager, ConnectionManagerError, parseStreamKey, type Clock } from 'stream-connection-manager'
import { drainOf, startHeartbeat } from 'stream-connection-manager/operations'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { createRecovery, positionIds } from 'stream-connection-manager/recovery'
import { sseHeaders, sseSocket, sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

/** A browser's `EventSource` resumes these event streams by itself. Each has one stream: `/?user=alice&stream=TRADES:BTCUSDT`. The clock is for tests. */
export function listen(port?: number, clock?: Clock): Promise<Listening> {
  const recovery = createRecovery()
  const manager = new ConnectionManager<SseSocket>({ recorder: recovery, transport: sseTransport({ idsOf: positionIds }) })
  const commands = createCommandServer(manager, { recovery })

  const server = createServer((request, response) => {
    const user = authenticate(request)
    if (user === undefined) return void response.writeHead(401).end() // an EventSource that got events would reconnect
    const refusal = drainOf(manager)?.refusal()
    response.writeHead(200, sseHeaders).flushHeaders()
    const socket = sseSocket(response)
    socket.retry(refusal?.afterMs ?? 1_000)
    if (refusal !== undefined) return void socket.close() // after a 503, an EventSource would never come back
    const connection = admit({ manager, commands }, socket, user)?.connection
    try {
      const stream = parseStreamKey(new URL(request.url ?? '', 'http://localhost').searchParams.get('stream') ?? '')
      const position = request.headers['last-event-id']?.toString() // the browser sends it when it reconnects
      if (connection !== undefined) recovery.subscribe(connection, { ...stream, position })
    } catch (error) {
      const reason = error instanceof ConnectionManagerError ? error.code : 'ERR_BAD_URL'
      void connection?.remove({ code: 4400, reason }) // its last event, `close`: the client must close its EventSource
    }
    void socket.closed.then(() => connection?.remove({ close: false }))
  })

  startHeartbeat(manager, { intervalMs: 15_000, clock }) // so no proxy closes a stream as idle, and a stream that nobody reads ends
  return listening(server, { manager, commands }, port)
}
