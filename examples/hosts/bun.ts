import { ConnectionManager, type Connection } from 'stream-connection-manager'
import { bunTransport } from 'stream-connection-manager/transports/bun'
import type { Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

interface Session {
  readonly userId: string | undefined
  connection?: Connection<Bun.ServerWebSocket<Session>> | undefined
}

export async function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<Bun.ServerWebSocket<Session>>({ transport: bunTransport() })
  const server = Bun.serve<Session>({
    hostname: '127.0.0.1',
    port,
    fetch(request, server) {
      const isUpgraded = server.upgrade(request, { data: { userId: authenticate(request.url) } })
      return isUpgraded ? undefined : new Response('WebSockets only', { status: 426 })
    },
    websocket: {
      maxPayloadLength: 16 * 1024,
      backpressureLimit: 0, // switches off Bun's own limit, at which `send` drops messages: the manager's limits decide
      idleTimeout: 60, // Bun sends pings, and closes a socket that does not answer
      open: (ws) => void (ws.data.connection = admit(manager, ws, ws.data.userId)),
      message: (ws, text) => obey(ws.data.connection, String(text)),
      drain: (ws) => ws.data.connection?.drained(),
      close: (ws) => void ws.data.connection?.remove({ close: false }),
    },
  })
  return {
    manager,
    port: Number(server.port),
    async stop() {
      await manager.cleanup()
      await server.stop(true)
    },
  }
}
