import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { ConnectionManager } from 'stream-connection-manager'

/** A running server of a recipe, and the manager with which it registers connections. */
export interface Listening {
  readonly manager: Omit<ConnectionManager, 'addConnection'> // each recipe has its own kind of socket
  readonly port: number
  /** Accepts no more connections, and closes all: for SIGTERM. */
  stop(): Promise<void>
}

/** Starts a server on the loopback interface. Port 0 means any free port. */
export async function listening(server: Server, manager: Listening['manager'], port = 0): Promise<Listening> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    manager,
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close()
      await manager.cleanup()
    },
  }
}
