import type { Socket } from 'node:net'

/** Ends a connection as a crash does, by a reset. */
export function vanish(tcp: Socket): void {
  // Node leaves the handle of one that was reset after its end open for good.
  if (tcp.writable) tcp.resetAndDestroy()
  else tcp.destroy()
}
