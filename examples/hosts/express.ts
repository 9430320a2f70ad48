import { createServer } from 'node:http'
import express from 'express'
import { ConnectionManager } from 'stream-connection-manager'
import { wsTransport } from 'stream-connection-manager/transports/ws'
import { WebSocketServer, type WebSocket } from 'ws'
import { pingAll } from './heartbeat.ts'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>({ transport: wsTransport() })
  const app = express().get('/stats', (_request, response) => void response.json(manager.stats()))
  const server = createServer(app)

  new WebSocketServer({ server, maxPayload: 16 * 1024 }).on('connection', (ws, request) => {
    ws.on('error', () => ws.terminate()) // without this listener, a bad frame ends the process
    const connection = admit(manager, ws, authenticate(request.url))
    ws.on('message', (text) => obey(connection, String(text)))
    ws.on('close', () => void connection?.remove({ close: false }))
  })

  pingAll(manager)
  return listening(server, manager, port)
}
