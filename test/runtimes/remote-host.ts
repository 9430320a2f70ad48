import type { HostClient, HostHarness, HostedManager } from 'stream-connection-manager/testing'
import { connectWs } from '../hosts/clients/ws-client.ts'

/** A recipe's server in a process of its own. */
export interface RemoteHost {
  readonly manager: HostedManager
  readonly port: number
  /** Stops the server and ends the process. */
  end(): Promise<void>
}

/** How the host suite runs on a server in another process, with WebSocket clients in this one. */
export function harnessOf(start: () => Promise<RemoteHost>): HostHarness {
  return {
    async start() {
      const { manager, port, end } = await start()
      const clients: HostClient[] = []
      return {
        manager,
        async connect(userId, streams = []) {
          const client = await connectWs(port, userId, streams)
          clients.push(client)
          return client
        },
        async stop() {
          for (const client of clients) await client.destroy()
          await end()
        },
      }
    },
  }
}
