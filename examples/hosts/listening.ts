import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { ConnectionManager } from 'stream-connection-manager'
import type { DrainOptions } from 'stream-connection-manager/protocol'

/** A running server of a recipe, and the manager with which it registers connections. */
export interface Listening {
  readonly manager: Omit<ConnectionManager, 'addConnection'> // each recipe has its own kind of socket
  readonly port: number
  /** Accepts no more connections, asks all clients to leave, and closes those that stay: for SIGTERM. */
  stop(options?: DrainOptions): Promise<void>
}

/** What asks all clients to leave: a host, or a command server. */
type Drain = (options?: DrainOptions) => Promise<unknown>

/** Starts a server on the loopback interface. Port 0 means any free port. */
export async function listening(server: Server, manager: Listening['manager'], drain: Drain, port = 0): Promise<Listening> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    manager,
    port: (server.address() as AddressInfo).port,
    async stop(options) {
      server.close()
      await drain(options)
      await manager.cleanup()
    },
  }
}
