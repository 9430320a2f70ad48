import type { AddressInfo } from 'node:net'
import websocket, { type WebSocket } from '@fastify/websocket'
import fastify, { type FastifyInstance } from 'fastify'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveWebSockets } from 'stream-connection-manager/hosts/ws'
import { drain } from 'stream-connection-manager/operations'
import { createCommandServer } from 'stream-connection-manager/protocol'
import type { Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

/** The clock is for tests. */
export async function listen(port = 0, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>()
  const commands = createCommandServer(manager)
  const app = fastify()
  await app.register(websocket, { options: { maxPayload: 16 * 1024 }, preClose: acceptNoMore })

  const host = serveWebSockets(app.websocketServer, { manager, commands, authenticate, clock })
  app.get('/', { websocket: true }, () => {}) // the plugin gives each socket to the WebSocketServer first

  await app.listen({ host: '127.0.0.1', port })
  return {
    manager,
    port: (app.server.address() as AddressInfo).port,
    async stop(options) {
      const report = await drain(manager, { commands, ...options })
      await host.close()
      await app.close()
      return report
    },
  }
}

/**
 * Replaces the `preClose` of the plugin, which would close the sockets without a reason. From now on, an upgrade is a request like any other. The plugin
 * would answer it, and leave its socket open for ever.
 */
function acceptNoMore(this: FastifyInstance, done: () => void): void {
  this.server.removeAllListeners('upgrade')
  done()
}
