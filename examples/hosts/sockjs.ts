import { createServer } from 'node:http'
import type { Socket as TcpSocket } from 'node:net'
import sockjs, { type Connection as Client } from 'sockjs'
import { ConnectionManager, type Socket } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

interface Peer extends Socket {
  readonly client: Client
}

/** The private parts of sockjs that show pressure. If they are missing, the reading throws, and the pressure is unknown. */
interface Internals {
  readonly _session: {
    readonly send_buffer: readonly string[]
    /** The current receiver of the client. Between two polls there is none. */
    readonly recv: { readonly connection?: TcpSocket; readonly response?: { readonly socket: TcpSocket } } | null
  }
}

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<Peer>({ transport: { bufferedBytes, terminate } })
  const commands = createCommandServer(manager)
  const server = createServer((_request, response) => void response.writeHead(404).end())
  server.on('upgrade', (_request, tcp) => tcp.destroy()) // upgrades that are not for sockjs come here

  const service = sockjs.createServer({ prefix: '/sockjs', log: () => {} })
  service.on('connection', (client) => {
    const close = (code?: number, reason?: string): void => void client.close(code as unknown as string, reason) // the types of sockjs are wrong
    const peer = { client, send: (text: string) => send(client, text), close }
    const session = admit({ manager, commands }, peer, authenticate(client))
    client.on('data', (text: unknown) => session?.receive(text)) // a client may send something other than text
    client.on('close', () => void session?.connection.remove({ close: false }))
  })

  service.installHandlers(server)
  return listening(server, { manager, commands }, port)
}

function send(client: Client, text: string): void {
  if (!client.write(text)) throw new Error('The connection is closed')
}

function bufferedBytes({ client }: Peer): number {
  const { send_buffer: waiting } = (client as unknown as Internals)._session
  return waiting.reduce((bytes, text) => bytes + text.length, tcpOf(client)?.writableLength ?? 0)
}

function terminate({ client }: Peer): void {
  tcpOf(client)?.destroy()
}

function tcpOf(client: Client): TcpSocket | undefined {
  const { recv } = (client as unknown as Internals)._session
  return recv?.connection ?? recv?.response?.socket
}
