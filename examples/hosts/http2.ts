import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { Socket as TcpSocket } from 'node:net'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveEvents } from 'stream-connection-manager/hosts/sse'
import { createCommandServer } from 'stream-connection-manager/protocol'
import type { SseSocket } from 'stream-connection-manager/transports/sse'
import { listening, type Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

/** The clock is for tests. */
export async function listen(port?: number, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>()
  const commands = createCommandServer(manager, { heartbeatMs: 15_000 })
  const sessions = new Set<ServerHttp2Session>()
  const tcpSockets = new Set<TcpSocket>()

  // This has no TLS, as behind a proxy. Browsers need `createSecureServer`.
  const server = createServer((request, response) => {
    void serveEvents(request, response, { manager, commands, authenticate, clock })
  })

  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('connection', (tcp: TcpSocket) => {
    tcpSockets.add(tcp)
    tcp.on('close', () => tcpSockets.delete(tcp))
  })

  const host = await listening(server, { manager, commands }, port)
  return {
    ...host,
    async stop(options) {
      const closed = once(server, 'close')
      const report = await host.stop(options)
      for (const session of sessions) session.close() // a session outlives its streams
      // The session of a peer that reads nothing outlives even `destroy()`, which waits until its last frame has left.
      const deadline = setTimeout(() => tcpSockets.forEach((tcp) => tcp.destroy()), 1_000)
      await closed
      clearTimeout(deadline)
      return report
    },
  }
}
