import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { ConnectionManager } from 'stream-connection-manager'

/** A server of a recipe that takes connections, and the manager that it registers them with. */
export interface Listening {
  readonly manager: Omit<ConnectionManager, 'addConnection'> // of whatever sockets: they are the recipe's own
  readonly port: number
  /** Takes no more connections, and ends those there are: for SIGTERM. */
  stop(): Promise<void>
}

/** Has a server listen on the loopback interface, at a free port if it is 0. */
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
