import { createServer } from 'node:http'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveEvents } from 'stream-connection-manager/hosts/sse'
import { createCommandServer } from 'stream-connection-manager/protocol'
import type { SseSocket } from 'stream-connection-manager/transports/sse'
import { listening, type Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

/** A client asks for its streams in the URL: `/?user=alice&commands=[…]`. The clock is for tests. */
export function listen(port?: number, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>()
  const commands = createCommandServer(manager, { heartbeatMs: 15_000 })

  const server = createServer((request, response) => {
    void serveEvents(request, response, { manager, commands, authenticate, clock })
  })

  return listening(server, { manager, commands }, port)
}
