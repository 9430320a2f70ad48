import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { ConnectionManager } from 'stream-connection-manager'
import { drain, type DrainedCommands, type DrainReport, type ManagerDrainOptions } from 'stream-connection-manager/operations'

/** A running server of a recipe, and the manager with which it registers connections. */
export interface Listening {
  readonly manager: Omit<ConnectionManager, 'addConnection'> // each recipe has its own kind of socket
  readonly port: number
  /** For SIGTERM: refuses newcomers, sends all clients away at a steady rate, and ends the server. */
  stop(options?: ManagerDrainOptions): Promise<DrainReport>
}

/** What a server is made of. */
interface Parts {
  readonly manager: Listening['manager']
  readonly commands: DrainedCommands
  /** `serveWebSockets` also has sockets that no manager knows: those that are not authenticated yet. */
  readonly host?: { close(): Promise<unknown> }
}

/** Starts a server on the loopback interface. Port 0 means any free port. */
export async function listening(server: Server, { manager, commands, host }: Parts, port = 0): Promise<Listening> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    manager,
    port: (server.address() as AddressInfo).port,
    async stop(options) {
      const report = await drain(manager, { commands, ...options })
      await host?.close()
      server.close()
      return report
    },
  }
}
