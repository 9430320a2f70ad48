// A server of the clients' protocol, with a recovery: over WebSockets, and over server-sent events with commands by URL or by POST.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { serveEvents } from '../../../dist/hosts/sse.js'
import { serveWebSockets } from '../../../dist/hosts/ws.js'
import { ConnectionManager } from '../../../dist/index.js'
import { createCommandServer } from '../../../dist/protocol.js'
import { createRecovery } from '../../../dist/recovery.js'

const recovery = createRecovery()
const manager = new ConnectionManager({ recorder: recovery })
export const commands = createCommandServer(manager, {
  recovery,
  authorize: () => true,
  commands: { echo: ({ data }) => data },
  heartbeatMs: 1_000,
})
const authenticate = () => ({ userId: 'alice' })

export function publish(/** @type {number} */ data) {
  manager.publish({ streamType: 'TRADES', symbol: 'A', data })
}

async function takeCommands(/** @type {import('node:http').IncomingMessage} */ request, /** @type {import('node:http').ServerResponse} */ response) {
  let text = ''
  for await (const chunk of request) text += chunk
  const session = commands.find((request.url ?? '').slice(1), 'alice')
  response.writeHead(session ? 204 : 404).end()
  session?.receive(text)
}

/** Starts a server on a port of this machine, or on any. */
export async function serve(port = 0) {
  const http = createServer((request, response) => {
    if (request.method === 'POST') void takeCommands(request, response)
    else void serveEvents(request, response, { manager, commands, authenticate })
  })
  const sockets = new WebSocketServer({ server: http })
  serveWebSockets(sockets, { manager, commands, authenticate })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: /** @type {import('node:net').AddressInfo} */ (http.address()).port,
    /** Cuts all connections, and stays. */
    cut() {
      http.closeAllConnections()
      for (const socket of sockets.clients) socket.terminate()
    },
    async stop() {
      this.cut()
      sockets.close()
      await new Promise((closed) => http.close(closed))
    },
  }
}
