import { createServer } from 'node:http'
import { Server, type Socket as Client } from 'socket.io'
import { ConnectionManager, type Socket } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

interface Peer extends Socket {
  readonly client: Client
}

/** The private parts of engine.io that show pressure. If they are missing, the reading throws, and the pressure is unknown. */
interface Internals {
  readonly writeBuffer: readonly { readonly data?: string }[]
  readonly transport: { readonly name: string; readonly socket: { readonly bufferedAmount: number; terminate(): void } }
}

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<Peer>({ transport: { bufferedBytes, terminate } })
  const commands = createCommandServer(manager)
  const server = createServer((_request, response) => void response.writeHead(404).end())

  new Server(server, { maxHttpBufferSize: 16 * 1024 }).on('connection', (client) => {
    const close = (code?: number, reason?: string): void => {
      if (code !== undefined) client.emit('closing', { code, reason }) // socket.io has no close codes
      client.disconnect(true)
    }
    const peer = { client, send: (text: string) => void client.send(text), close }
    const session = admit({ manager, commands }, peer, authenticate(client.handshake))
    client.on('message', (text: unknown) => session?.receive(text)) // a client may send something other than text
    client.on('disconnect', () => void session?.connection.remove({ close: false }))
  })

  return listening(server, { manager, commands }, port)
}

function bufferedBytes({ client }: Peer): number {
  const { writeBuffer, transport } = client.conn as unknown as Internals
  const underWay = transport.name === 'websocket' ? transport.socket.bufferedAmount : 0
  return writeBuffer.reduce((bytes, { data = '' }) => bytes + data.length, underWay)
}

function terminate({ client }: Peer): void {
  const { transport } = client.conn as unknown as Internals
  if (transport.name === 'websocket') transport.socket.terminate()
  else client.conn.close(true)
}
