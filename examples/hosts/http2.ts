import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { Socket as TcpSocket } from 'node:net'
import { ConnectionManager } from 'stream-connection-manager'
import { sseHeaders, sseSocket, sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
import { commentAll } from './heartbeat.ts'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate, obeyUrl } from './protocol.ts'

export async function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>({ transport: sseTransport() })
  const sessions = new Set<ServerHttp2Session>()
  const tcpSockets = new Set<TcpSocket>()

  // This has no TLS, as behind a proxy. Browsers need `createSecureServer`.
  const server = createServer((request, response) => {
    const userId = authenticate(request.url)
    if (userId === undefined) return void response.writeHead(401).end() // an EventSource that got events would reconnect
    response.writeHead(200, sseHeaders)
    obeyUrl(admit(manager, sseSocket(response), userId), request.url)
  })

  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('connection', (tcp: TcpSocket) => {
    tcpSockets.add(tcp)
    tcp.on('close', () => tcpSockets.delete(tcp))
  })

  commentAll(manager)
  const host = await listening(server, manager, port)
  return {
    ...host,
    async stop() {
      const closed = once(server, 'close')
      await host.stop()
      for (const session of sessions) session.close() // a session outlives its streams
      // The session of a peer that reads nothing outlives even `destroy()`, which waits until its last frame has left.
      const deadline = setTimeout(() => tcpSockets.forEach((tcp) => tcp.destroy()), 1_000)
      await closed
      clearTimeout(deadline)
    },
  }
}
