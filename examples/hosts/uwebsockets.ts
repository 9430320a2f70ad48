import { ConnectionManager, type Connection } from 'stream-connection-manager'
import { uwsTransport } from 'stream-connection-manager/transports/uws'
import uWS, { type WebSocket } from 'uWebSockets.js'
import type { Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

interface Session {
  readonly userId: string | undefined
  connection?: Connection<WebSocket<Session>> | undefined
}

export function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket<Session>>({ transport: uwsTransport() })
  const decoder = new TextDecoder()

  const app = uWS.App().ws<Session>('/*', {
    maxPayloadLength: 16 * 1024,
    maxBackpressure: 0, // switches off uWS's own limit, at which `send` drops messages: the manager's limits decide
    idleTimeout: 60, // uWS sends pings, and closes a socket that does not answer
    upgrade(response, request, context) {
      response.upgrade<Session>(
        { userId: authenticate(`?${request.getQuery()}`) },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      )
    },
    open(ws) {
      const session = ws.getUserData()
      session.connection = admit(manager, ws, session.userId, { close: () => ws.end(1008) })
    },
    message: (ws, text) => obey(ws.getUserData().connection, decoder.decode(text)),
    drain: (ws) => ws.getUserData().connection?.drained(),
    close: (ws) => void ws.getUserData().connection?.remove({ close: false }),
  })

  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (listener) => {
      if (listener === false) return reject(new Error(`Cannot listen on port ${port}`))
      const stop = async (): Promise<void> => {
        uWS.us_listen_socket_close(listener)
        await manager.cleanup()
      }
      resolve({ manager, port: uWS.us_socket_local_port(listener), stop })
    })
  })
}
