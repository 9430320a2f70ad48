import { ConnectionManager, type Connection } from 'stream-connection-manager'
import { bunTransport } from 'stream-connection-manager/transports/bun'
import { admit, authenticate, obey } from '../../../../examples/hosts/protocol.ts'
import { hostProcess } from './host-process.ts'

interface Session {
  readonly userId: string | undefined
  connection?: Connection<Bun.ServerWebSocket<Session>> | undefined
}

/** So little that Bun drops what a client does not read, while the manager has no limit of its own and does not look again by itself. */
const BACKPRESSURE_BYTES = 100_000

const manager = new ConnectionManager<Bun.ServerWebSocket<Session>>({
  transport: bunTransport(),
  delivery: { softLimitBytes: Infinity, hardLimitBytes: Infinity, drainIntervalMs: Infinity },
})

const server = Bun.serve<Session>({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    return server.upgrade(request, { data: { userId: authenticate(request.url) } }) ? undefined : new Response(null, { status: 426 })
  },
  websocket: {
    backpressureLimit: BACKPRESSURE_BYTES,
    open: (ws) => void (ws.data.connection = admit(manager, ws, ws.data.userId)),
    message: (ws, text) => obey(ws.data.connection, String(text)),
    drain: (ws) => ws.data.connection?.drained(),
    close: (ws) => void ws.data.connection?.remove({ close: false }),
  },
})

const stop = async (): Promise<void> => {
  await manager.cleanup()
  await server.stop(true)
}

await hostProcess({ manager, port: Number(server.port), stop }, Bun.stdin.stream())
