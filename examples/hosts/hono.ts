import type { Server } from 'node:http'
import { createAdaptorServer, upgradeWebSocket } from '@hono/node-server'
import { Hono } from 'hono'
import { ConnectionManager, type Connection } from 'stream-connection-manager'
import { wsTransport } from 'stream-connection-manager/transports/ws'
import { WebSocketServer, type WebSocket } from 'ws'
import { pingAll } from './heartbeat.ts'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>({ transport: wsTransport() })
  const app = new Hono()

  app.get('/', upgradeWebSocket((context) => {
    let connection: Connection<WebSocket> | undefined
    return {
      onOpen(_event, { raw }) {
        connection = admit(manager, raw as WebSocket, authenticate(context.req.url)) // on Node, `raw` is the ws
      },
      onMessage: ({ data }) => obey(connection, String(data)),
      onClose: () => void connection?.remove({ close: false }),
    }
  }))

  pingAll(manager)
  const websocket = { server: new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 }) }
  return listening(createAdaptorServer({ fetch: app.fetch, websocket }) as Server, manager, port)
}
