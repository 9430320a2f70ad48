import { createServer } from 'node:http'
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
  const server = createServer((_request, response) => void response.writeHead(426).end())

  const sockets = new WebSocketServer({ server, maxPayload: 16 * 1024 })
  const host = serveWebSockets(sockets, { manager, commands, authenticate, clock })

  return listening(server, { manager, commands, host }, port)
}
