import type { HostRequest } from 'stream-connection-manager/testing'

/** A request as the recipes' clients write it. */
export function commandOf({ action, stream: { streamType, symbol }, claims }: HostRequest): string {
  return JSON.stringify({ command: action, stream_type: streamType, symbol: symbol ?? undefined, ...claims })
}
