import { DurableObject } from 'cloudflare:workers'
import { ConnectionManager, type PublishableMessage, type PublishResult } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { admit, authenticate } from './protocol.ts'

interface Env {
  readonly MARKET: DurableObjectNamespace<Market>
}

/**
 * One object has one manager and all of its connections, because only the object that accepted a socket can use it. Feeds call its `publish`.
 *
 * The sockets are not given to `ctx.acceptWebSocket`, because an object that hibernates keeps its sockets and loses its manager. So the object
 * stays in memory while anybody is connected. When it moves or is deployed again, its clients are cut off and reconnect. The manager reads each
 * socket's `bufferedAmount`. A peer that vanished also causes a `close` (code 1006). It is answered as of the compatibility date 2026-04-07.
 */
export class Market extends DurableObject<Env> {
  readonly manager = new ConnectionManager<WebSocket>()
  readonly commands = createCommandServer(this.manager)

  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return new Response('WebSockets only', { status: 426 })
    const { 0: client, 1: server } = new WebSocketPair()
    server.accept()
    const session = admit(this, server, authenticate(request))
    server.addEventListener('message', ({ data }) => session?.receive(data))
    for (const end of ['close', 'error'] as const) server.addEventListener(end, () => void session?.connection.remove({ close: false }))
    return new Response(null, { status: 101, webSocket: client })
  }

  publish(message: PublishableMessage): PublishResult {
    return this.manager.publish(message)
  }
}

export default {
  fetch: (request, env) => env.MARKET.getByName('market').fetch(request),
} satisfies ExportedHandler<Env>
