import { createServer, type ServerHttp2Session } from 'node:http2'
import { ConnectionManager } from 'stream-connection-manager'
import { sseHeaders, sseSocket, sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
import { commentAll } from './heartbeat.ts'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate, obeyUrl } from './protocol.ts'

export async function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>({ transport: sseTransport() })
  const sessions = new Set<ServerHttp2Session>()

  // Without TLS, as behind a proxy: browsers want `createSecureServer`.
  const server = createServer((request, response) => {
    const userId = authenticate(request.url)
    if (userId === undefined) return void response.writeHead(401).end() // an EventSource that got events would come back
    response.writeHead(200, sseHeaders)
    const socket = sseSocket(response)
    const connection = admit(manager, socket, userId)
    obeyUrl(connection, request.url)
    void socket.closed.then(() => connection?.remove({ close: false }))
  })

  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })

  commentAll(manager)
  const host = await listening(server, manager, port)
  return {
    ...host,
    async stop() {
      await host.stop()
      for (const session of sessions) session.close() // a session outlives its streams
    },
  }
}
