import type { StreamReference } from 'stream-connection-manager'
import type { HostHarness, HostedManager } from 'stream-connection-manager/testing'
import type { ConnectAndLeave } from './clients/leaving.ts'
import type { RecipeClient } from './clients/recipe-client.ts'

/** A recipe's server that listens, in this process or in another. */
export interface Served {
  readonly manager: HostedManager
  readonly port: number
  /** Has the server's heart beat once, if it is driven. */
  readonly beat?: () => void
  stop(): Promise<void>
}

/** Connects a client to a recipe's server at a port, and resolves once its subscriptions are in force. */
export type Connect = (port: number, userId: string, streams: readonly StreamReference[]) => Promise<RecipeClient>

/** How the host suite runs on a recipe. */
export function harnessOf(serve: () => Promise<Served>, connect: Connect, connectAndLeave: ConnectAndLeave): HostHarness {
  return {
    async start() {
      const { manager, port, beat, stop } = await serve()
      const clients: RecipeClient[] = []
      const answering = new Set<RecipeClient>()
      return {
        manager,
        async connect(userId, streams = []) {
          const client = await connect(port, userId, streams)
          clients.push(client)
          answering.add(client)
          const fallSilent = (): boolean => answering.delete(client)
          void client.closed.then(fallSilent)
          return {
            ...client,
            async freeze() {
              fallSilent()
              await client.freeze?.()
            },
          }
        },
        connectAndLeave: (userId, streams) => connectAndLeave(port, userId, streams),
        ...(beat !== undefined && {
          async beat() {
            const felt = [...answering].map((client) => Promise.race([client.feelsBeat?.(), client.closed]))
            beat()
            await Promise.all(felt)
          },
        }),
        async stop() {
          // One that does not read would hold the server up until the manager's deadline.
          for (const client of clients) await client.destroy()
          await stop()
        },
      }
    },
  }
}
