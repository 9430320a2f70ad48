import type { AddressInfo } from 'node:net'
import websocket, { type WebSocket } from '@fastify/websocket'
import fastify from 'fastify'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveWebSockets } from 'stream-connection-manager/hosts/ws'
import { createCommandServer } from 'stream-connection-manager/protocol'
import type { Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

/** The clock is for tests. */
export async function listen(port = 0, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>()
  const commands = createCommandServer(manager)
  const app = fastify()
  // Replaces the plugin's own `preClose`, which would close the sockets without a reason.
  await app.register(websocket, { options: { maxPayload: 16 * 1024 }, preClose: (done) => done() })

  const host = serveWebSockets(app.websocketServer, { manager, commands, authenticate, clock })
  app.get('/', { websocket: true }, () => {}) // the plugin gives each socket to the WebSocketServer first

  await app.listen({ host: '127.0.0.1', port })
  return {
    manager,
    port: (app.server.address() as AddressInfo).port,
    async stop(options) {
      await host.close(options)
      await manager.cleanup()
      await app.close()
    },
  }
}
