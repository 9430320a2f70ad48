import { createServer } from 'node:http'
import { ConnectionManager } from 'stream-connection-manager'
import { sseHeaders, sseSocket, sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
import { commentAll } from './heartbeat.ts'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate, obeyUrl } from './protocol.ts'

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>({ transport: sseTransport() })

  const server = createServer((request, response) => {
    const userId = authenticate(request.url)
    if (userId === undefined) return void response.writeHead(401).end() // an EventSource that got events would reconnect
    response.writeHead(200, sseHeaders).flushHeaders()
    const socket = sseSocket(response)
    const connection = admit(manager, socket, userId)
    obeyUrl(connection, request.url)
    void socket.closed.then(() => connection?.remove({ close: false }))
  })

  commentAll(manager)
  return listening(server, manager, port)
}
