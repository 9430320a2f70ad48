import { ConnectionManager } from 'stream-connection-manager'
import { drain } from 'stream-connection-manager/operations'
import { createCommandServer } from 'stream-connection-manager/protocol'
import type { Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

export async function listen(port = 0): Promise<Listening> {
  const manager = new ConnectionManager<WebSocket>() // the manager reads each socket's `bufferedAmount`
  const commands = createCommandServer(manager)
  const ending = new AbortController()
  const server = Deno.serve({ hostname: '127.0.0.1', port, signal: ending.signal, onListen: () => {} }, (request) => {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response('WebSockets only', { status: 426 })
    const { socket, response } = Deno.upgradeWebSocket(request) // sends pings, and ends a peer that does not answer for 30 s
    socket.onopen = () => {
      const session = admit({ manager, commands }, socket, authenticate(request))
      socket.onmessage = ({ data }) => session?.receive(data)
      socket.onclose = () => void session?.connection.remove({ close: false })
    }
    return response
  })
  return {
    manager,
    port: server.addr.port,
    async stop(options) {
      const report = await drain(manager, { commands, ...options })
      ending.abort() // `shutdown()` would wait forever for a client that left before the upgrade
      await server.finished
      return report
    },
  }
}
