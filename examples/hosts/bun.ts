import { ConnectionManager } from 'stream-connection-manager'
import { drain } from 'stream-connection-manager/operations'
import { createCommandServer, type Session } from 'stream-connection-manager/protocol'
import { bunTransport } from 'stream-connection-manager/transports/bun'
import type { Listening } from './listening.ts'
import { admit, authenticate, type Identity } from './protocol.ts'

interface Client {
  readonly user: Identity | undefined
  session?: Session<Bun.ServerWebSocket<Client>> | undefined
}

export async function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<Bun.ServerWebSocket<Client>>({ transport: bunTransport() })
  const commands = createCommandServer(manager)
  const server = Bun.serve<Client>({
    hostname: '127.0.0.1',
    port,
    fetch(request, server) {
      const isUpgraded = server.upgrade(request, { data: { user: authenticate(request) } })
      return isUpgraded ? undefined : new Response('WebSockets only', { status: 426 })
    },
    websocket: {
      maxPayloadLength: 16 * 1024,
      backpressureLimit: 0, // switches off Bun's own limit, at which `send` drops messages: the manager's limits decide
      idleTimeout: 60, // Bun sends pings, and closes a socket that does not answer
      open: (ws) => void (ws.data.session = admit({ manager, commands }, ws, ws.data.user)),
      message: (ws, text) => ws.data.session?.receive(text),
      drain: (ws) => ws.data.session?.connection.drained(),
      close: (ws) => void ws.data.session?.connection.remove({ close: false }),
    },
  })
  return {
    manager,
    port: Number(server.port),
    async stop(options) {
      const report = await drain(manager, { commands, ...options })
      await server.stop(true)
      return report
    },
  }
}
