import type { Server } from 'node:http'
import { createAdaptorServer, upgradeWebSocket } from '@hono/node-server'
import { Hono } from 'hono'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveWebSockets } from 'stream-connection-manager/hosts/ws'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { WebSocketServer, type WebSocket } from 'ws'
import { listening, type Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

/** The clock is for tests. */
export function listen(port?: number, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>()
  const commands = createCommandServer(manager)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 })
  const host = serveWebSockets(sockets, { manager, commands, authenticate, clock })

  const app = new Hono().get('/', upgradeWebSocket(() => ({}))) // on Node, Hono gives each socket to the WebSocketServer first
  const server = createAdaptorServer({ fetch: app.fetch, websocket: { server: sockets } }) as Server
  return listening(server, { manager, commands, host }, port)
}
