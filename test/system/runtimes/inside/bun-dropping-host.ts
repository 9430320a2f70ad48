import { ConnectionManager } from 'stream-connection-manager'
import { createCommandServer, type Session } from 'stream-connection-manager/protocol'
import { bunTransport } from 'stream-connection-manager/transports/bun'
import { admit, authenticate, type Identity } from '../../../../examples/hosts/protocol.ts'
import { hostProcess } from './host-process.ts'

interface Client {
  readonly user: Identity | undefined
  session?: Session<Bun.ServerWebSocket<Client>> | undefined
}

/** So little that Bun drops what a client does not read, while the manager has no limit of its own and does not look again by itself. */
const BACKPRESSURE_BYTES = 100_000

const manager = new ConnectionManager<Bun.ServerWebSocket<Client>>({
  transport: bunTransport(),
  delivery: { softLimitBytes: Infinity, hardLimitBytes: Infinity, drainIntervalMs: Infinity },
})

const commands = createCommandServer(manager)

const server = Bun.serve<Client>({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    return server.upgrade(request, { data: { user: authenticate(request) } }) ? undefined : new Response(null, { status: 426 })
  },
  websocket: {
    backpressureLimit: BACKPRESSURE_BYTES,
    open: (ws) => void (ws.data.session = admit({ manager, commands }, ws, ws.data.user)),
    message: (ws, text) => ws.data.session?.receive(text),
    drain: (ws) => ws.data.session?.connection.drained(),
    close: (ws) => void ws.data.session?.connection.remove({ close: false }),
  },
})

const stop = async (): Promise<void> => {
  await manager.cleanup()
  await server.stop(true)
}

await hostProcess({ manager, port: Number(server.port), stop }, Bun.stdin.stream())
