import type { HostClient, HostHarness, HostedManager } from 'stream-connection-manager/testing'
import type { StreamReference } from 'stream-connection-manager'

/** A recipe's server that listens, in this process or in another. */
export interface Served {
  readonly manager: HostedManager
  readonly port: number
  stop(): Promise<void>
}

/** Connects a client to a recipe's server at a port, and resolves once its subscriptions are in force. */
export type Connect = (port: number, userId: string, streams: readonly StreamReference[]) => Promise<HostClient>

/** How the host suite runs on a recipe. */
export function harnessOf(serve: () => Promise<Served>, connect: Connect): HostHarness {
  return {
    async start() {
      const { manager, port, stop } = await serve()
      const clients: HostClient[] = []
      return {
        manager,
        async connect(userId, streams = []) {
          const client = await connect(port, userId, streams)
          clients.push(client)
          return client
        },
        async stop() {
          // One that does not read would hold the server up until the manager's deadline.
          for (const client of clients) await client.destroy()
          await stop()
        },
      }
    },
  }
}
