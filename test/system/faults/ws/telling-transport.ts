import type { WebSocket } from 'ws'
import type { Transport } from '../../../../src/index.ts'
import { wsTransport, type WsFrame } from '../../../../src/transports/ws.ts'

/** The transport for ws, that tells of each write. */
export function tellingTransport({
  beforeWrite = () => {},
  afterWrite = () => {},
}: {
  beforeWrite?: (socket: WebSocket) => void
  afterWrite?: (socket: WebSocket) => void
}): Transport<WebSocket, unknown> {
  const inner = wsTransport<WebSocket>()
  const transport: Transport<WebSocket, WsFrame> = {
    ...inner,
    write(socket, frames) {
      beforeWrite(socket)
      const answer = inner.write?.(socket, frames)
      afterWrite(socket)
      return answer as number
    },
  }
  return transport as Transport<WebSocket, unknown>
}
