import { hosted, type HostClient, type HostHarness } from 'stream-connection-manager/testing'
import type { StreamReference } from 'stream-connection-manager'
import type { Listening } from '../../examples/hosts/listening.ts'

/** Connects a client to a recipe's server at a port, and resolves once its subscriptions are in force. */
export type Connect = (port: number, userId: string, streams: readonly StreamReference[]) => Promise<HostClient>

/** How the host suite runs on a recipe in this process. */
export function harnessOf(listen: () => Promise<Listening>, connect: Connect): HostHarness {
  return {
    async start() {
      const { manager, port, stop } = await listen()
      const clients: HostClient[] = []
      return {
        manager: hosted(manager),
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
