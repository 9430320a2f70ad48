import { ConnectionManager } from 'stream-connection-manager'
import type { Listening } from './listening.ts'
import { admit, authenticate, obey } from './protocol.ts'

export async function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>() // a socket's own `bufferedAmount` tells who is behind
  const ending = new AbortController()
  const server = Deno.serve({ hostname: '127.0.0.1', port, signal: ending.signal, onListen: () => {} }, (request) => {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response('WebSockets only', { status: 426 })
    const { socket, response } = Deno.upgradeWebSocket(request) // pings, and ends who does not answer for 30 s
    socket.onopen = () => {
      const connection = admit(manager, socket, authenticate(request.url))
      socket.onmessage = ({ data }) => obey(connection, String(data))
      socket.onclose = () => void connection?.remove({ close: false })
    }
    return response
  })
  return {
    manager,
    port: server.addr.port,
    async stop() {
      await manager.cleanup()
      ending.abort() // `shutdown()` would wait for who left before the upgrade, for ever
      await server.finished
    },
  }
}
