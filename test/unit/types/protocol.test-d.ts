import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import { describe, expectTypeOf, it } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { serveEvents } from '../../../src/hosts/sse.ts'
import { serveWebSockets } from '../../../src/hosts/ws.ts'
import { ConnectionManager, defineStreams, type Connection, type Socket } from '../../../src/index.ts'
import { createCommandServer, type CommandServer, type Session } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { sseTransport, type SseSocket } from '../../../src/transports/sse.ts'
import { wsTransport } from '../../../src/transports/ws.ts'

const streams = defineStreams({ TICKER: { audience: 'public', payload: {} as { price: number } } })
type Streams = typeof streams
interface Device {
  readonly device: string
}

const recovery = createRecovery<Streams>()
const manager = new ConnectionManager<WebSocket, Streams, Device>({ streams, recorder: recovery })

describe('createCommandServer', () => {
  it('has the sockets, the catalogue and the metadata of its manager', () => {
    const server = createCommandServer(manager, {
      recovery,
      authorize: ({ connection, streamType }) => {
        expectTypeOf(connection).toEqualTypeOf<Connection<WebSocket, Streams, Device>>()
        expectTypeOf(streamType).toEqualTypeOf<string>()
        return connection.metadata.device === 'phone'
      },
      commands: {
        echo: ({ connection, data, session }) => {
          expectTypeOf(connection.metadata).toEqualTypeOf<Device>()
          expectTypeOf(data).toEqualTypeOf<unknown>()
          expectTypeOf(session).toEqualTypeOf<Session<WebSocket, Streams, Device>>()
        },
      },
    })

    expectTypeOf(server).toEqualTypeOf<CommandServer<WebSocket, Streams, Device>>()
    expectTypeOf(createCommandServer(new ConnectionManager())).toEqualTypeOf<CommandServer>()
  })

  it('refuses what is no option, and a connection of another kind', () => {
    // @ts-expect-error a misspelt option
    createCommandServer(manager, { authorise: () => true })
    // @ts-expect-error a misspelt limit
    createCommandServer(manager, { limits: { perMinute: 1 } })
    // @ts-expect-error a text is no answer
    createCommandServer(manager, { authorize: () => 'yes' })
    // @ts-expect-error a connection of a manager with other sockets
    createCommandServer(manager).open({} as Connection<Socket, Streams, Device>)
  })
})

describe('the hosts', () => {
  it('take what ws and node:http have, as it is', () => {
    const commands = createCommandServer(manager)
    serveWebSockets(new WebSocketServer({ noServer: true }), {
      manager,
      commands,
      transport: wsTransport<WebSocket>(),
      authenticate: ({ headers }: IncomingMessage) => ({ userId: String(headers.host), metadata: { device: 'phone' } }),
    })

    const events = new ConnectionManager<SseSocket>()
    const transport = sseTransport({ event: ({ streamType }) => streamType })
    const authenticate = async ({ url }: IncomingMessage) => (url === undefined ? undefined : { userId: url })
    createServer((request, response) => void serveEvents(request, response, { manager: events, commands: createCommandServer(events), authenticate, transport }))
  })

  it('take what node:http2 has, as it is', () => {
    const events = new ConnectionManager<SseSocket>()
    const commands = createCommandServer(events)
    const authenticate = ({ headers }: Http2ServerRequest) => ({ userId: String(headers[':authority']) })
    createHttp2Server((request, response) => void serveEvents(request, response, { manager: events, commands, authenticate }))
  })

  it('serve one manager side by side', () => {
    const both = new ConnectionManager<WebSocket | SseSocket>()
    const commands = createCommandServer(both)
    const authenticate = () => ({ userId: 'alice' })
    serveWebSockets(new WebSocketServer({ noServer: true }), { manager: both, commands, authenticate })
    createServer((request, response) => void serveEvents(request, response, { manager: both, commands, authenticate }))
  })

  it('refuse options that are missing, and metadata of another kind', () => {
    const server = new WebSocketServer({ noServer: true })
    const commands = createCommandServer(manager)
    // @ts-expect-error without authenticate
    serveWebSockets(server, { manager, commands })
    // @ts-expect-error metadata of another type
    serveWebSockets(server, { manager, commands, authenticate: () => ({ userId: 'alice', metadata: 'phone' }) })
  })
})
