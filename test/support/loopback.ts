import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** Functions that close what a test has opened. `closeAll` calls them. */
export const closers: (() => void)[] = []

export function closeAll(): void {
  for (const close of closers.splice(0)) close()
}

/** Makes a server listen on 127.0.0.1, and returns its port. `closeAll` closes the server. */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  closers.push(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
