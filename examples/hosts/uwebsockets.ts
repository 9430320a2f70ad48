import { ConnectionManager } from 'stream-connection-manager'
import { drain } from 'stream-connection-manager/operations'
import { createCommandServer, type Session } from 'stream-connection-manager/protocol'
import { uwsTransport } from 'stream-connection-manager/transports/uws'
import uWS, { type WebSocket } from 'uWebSockets.js'
import type { Listening } from './listening.ts'
import { admit, authenticate, type Identity } from './protocol.ts'

interface Client {
  readonly user: Identity | undefined
  session?: Session<WebSocket<Client>> | undefined
}

export function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket<Client>>({ transport: uwsTransport() })
  const commands = createCommandServer(manager)

  const app = uWS.App().ws<Client>('/*', {
    maxPayloadLength: 16 * 1024,
    maxBackpressure: 0, // switches off uWS's own limit, at which `send` drops messages: the manager's limits decide
    idleTimeout: 60, // uWS sends pings, and closes a socket that does not answer
    upgrade(response, request, context) {
      response.upgrade<Client>(
        { user: authenticate({ url: `?${request.getQuery()}` }) },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      )
    },
    open(ws) {
      const client = ws.getUserData()
      client.session = admit({ manager, commands }, ws, client.user, { close: (code, reason) => ws.end(code, reason) })
    },
    message: (ws, text) => ws.getUserData().session?.receive(text),
    drain: (ws) => ws.getUserData().session?.connection.drained(),
    close: (ws) => void ws.getUserData().session?.connection.remove({ close: false }),
  })

  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (listener) => {
      if (listener === false) return reject(new Error(`Cannot listen on port ${port}`))
      const stop: Listening['stop'] = async (options) => {
        const report = await drain(manager, { commands, ...options })
        uWS.us_listen_socket_close(listener)
        return report
      }
      resolve({ manager, port: uWS.us_socket_local_port(listener), stop })
    })
  })
}
