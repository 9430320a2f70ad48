import type { WebSocket } from 'ws'
import type { Transport } from '../../../../src/index.ts'
import { wsTransport, type WsFrame } from '../../../../src/transports/ws.ts'

/** A fault is due after so many messages of the market. */
const EVERY = 500

/** `wsTransport`, which loses a message now and then, or sends one twice, while `isActive` returns true. */
export function faultyTransport(fault: 'lose' | 'twice', isActive: () => boolean): Transport<WebSocket, WsFrame> {
  const transport = wsTransport<WebSocket>() as Required<Transport<WebSocket, WsFrame>>
  const trades = new WeakSet<WsFrame>()
  let count = 0
  const write = (socket: WebSocket, frames: readonly WsFrame[]): number => transport.write(socket, frames) as number
  return {
    ...transport,
    frame(text, message) {
      const frame = transport.frame(text, message)
      if (message?.streamType === 'TRADES') trades.add(frame)
      return frame
    },
    write(socket, frames) {
      const last = frames.at(-1) as WsFrame
      if (!isActive() || !trades.has(last) || ++count % EVERY !== 0) return write(socket, frames)
      const spoiled = fault === 'lose' ? frames.slice(0, -1) : [...frames, last]
      return spoiled.length === 0 || write(socket, spoiled) === spoiled.length ? frames.length : 0
    },
  }
}
