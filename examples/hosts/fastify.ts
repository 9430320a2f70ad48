import type { AddressInfo } from 'node:net'
import websocket, { type WebSocket } from '@fastify/websocket'
import fastify from 'fastify'
import { ConnectionManager } from 'stream-connection-manager'
import { wsTransport } from 'stream-connection-manager/transports/ws'
import { pingAll } from './heartbeat.ts'
import type { Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

export async function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>({ transport: wsTransport() })
  const app = fastify()
  // Replaces the plugin's own `preClose`, which would close the sockets without a reason.
  await app.register(websocket, { options: { maxPayload: 16 * 1024 }, preClose: () => manager.cleanup().then(() => {}) })

  app.get('/', { websocket: true }, (ws, request) => {
    ws.on('error', () => ws.terminate()) // without this listener, a bad frame ends the process
    const connection = admit(manager, ws, authenticate(request.url))
    ws.on('message', (text: unknown) => obey(connection, String(text)))
    ws.on('close', () => void connection?.remove({ close: false }))
  })

  pingAll(manager)
  await app.listen({ host: '127.0.0.1', port })
  return { manager, port: (app.server.address() as AddressInfo).port, stop: () => app.close() }
}
