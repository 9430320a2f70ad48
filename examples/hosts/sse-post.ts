import { createServer, type IncomingMessage } from 'node:http'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveEvents } from 'stream-connection-manager/hosts/sse'
import { createCommandServer, type CommandServer } from 'stream-connection-manager/protocol'
import type { SseSocket } from 'stream-connection-manager/transports/sse'
import { listening, type Listening } from './listening.ts'
import { authenticate } from './protocol.ts'

const LONGEST_BODY = 16 * 1024

/** A client reads events, and POSTs its commands beside them: `POST /?user=alice&connection=…`. The clock is for tests. */
export function listen(port?: number, clock?: Clock): Promise<Listening> {
  const manager = new ConnectionManager<SseSocket>()
  const commands = createCommandServer(manager, { heartbeatMs: 15_000 })

  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void serveEvents(request, response, { manager, commands, authenticate, clock })
    const status = await statusOf(request, commands)
    const isLast = status === 413 || manager.closed // no connection may hold up the end of the server
    response.writeHead(status, isLast ? { connection: 'close' } : {}).end()
  })

  return listening(server, { manager, commands }, port)
}

/** Carries out the commands in a POST: for its own user's connection alone. The answers come as events. */
async function statusOf(request: IncomingMessage, commands: CommandServer<SseSocket>): Promise<401 | 404 | 413 | 204> {
  const user = authenticate(request)
  if (user === undefined) return 401
  const connectionId = new URLSearchParams(request.url?.split('?')[1]).get('connection') // the `connection_id` of the welcome
  const text = await textOf(request)
  if (text === undefined) return 413
  const session = commands.find(connectionId ?? '', user.userId)
  session?.receive(text)
  return session === undefined ? 404 : 204
}

/** Returns the body. Returns `undefined` if it is too long, or if the client has left. */
function textOf(request: IncomingMessage): Promise<string | undefined> {
  let body = ''
  return new Promise((resolve) => {
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
      if (body.length > LONGEST_BODY) resolve(void request.pause())
    })
    request.on('end', () => resolve(body))
    request.on('error', () => resolve(undefined)) // without this listener, a client that leaves ends the process
  })
}
