import type { CloseReason } from '../ports/connection.ts'
import type { Transport } from '../ports/transport.ts'
import { CLOSE_FRAMES } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** What this transport needs of a socket: the `WebSocket` of uWebSockets.js fits as it is. */
export interface UwsSocket {
  /** Sends a message; `2` says that it was dropped. */
  send(text: string): number
  /** Gathers what the callback sends into one write. */
  cork(callback: () => void): unknown
  /** What it has accepted and not sent yet. */
  getBufferedAmount(): number
  /** Begins the closing handshake. */
  end(code?: number, shortMessage?: string): void
  /** Cuts the socket off, and discards what it has buffered. */
  close(): void
}

/** What `send` answers where `maxBackpressure` is exceeded. All else was accepted, `0` for back-pressure included. */
const DROPPED = 2

const writer = /* @__PURE__ */ new CorkedWriter<UwsSocket>((_socket, status) => status === DROPPED)

/**
 * Returns the transport for uWebSockets.js: what one turn brings is one write, and what uWS would drop waits.
 *
 * uWS tells of a drain in a handler of the app's alone, so pass it on, as below; without that the manager looks again
 * every `drainIntervalMs`. Report a close in the same way. A socket that closed before it is added is refused
 * with `ERR_SOCKET_CLOSED`.
 *
 * Set `maxBackpressure: 0`, and leave `closeOnBackpressureLimit` off, so that the manager's limits decide. Past `maxBackpressure`, 64 KiB by
 * default, uWS refuses messages. These wait and count against `hardLimitBytes`, even if the client would read them in time.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed. A slow consumer is cut off without one, which its client sees as
 * 1006; it is told 1013 where that fails.
 *
 * @example
 * import { App, type WebSocket } from 'uWebSockets.js'
 * import { uwsTransport } from 'stream-connection-manager/transports/uws'
 *
 * const manager = new ConnectionManager<WebSocket<Session>>({ transport: uwsTransport() })
 *
 * App().ws<Session>('/prices', {
 *   maxBackpressure: 0,
 *   open(ws) {
 *     const session = ws.getUserData()
 *     session.connection = manager.addConnection(session.id, ws, session.userId)
 *   },
 *   drain: (ws) => ws.getUserData().connection?.drained(),
 *   close: (ws) => void ws.getUserData().connection?.remove({ close: false }),
 * })
 */
export function uwsTransport(): Transport<UwsSocket> {
  return { write, bufferedBytes, onClose, close, terminate }
}

/** A socket that is closed already throws, as all that uWS offers does: so the connection ends. */
function write(socket: UwsSocket, texts: readonly string[]): number {
  return writer.write(socket, texts)
}

function bufferedBytes(socket: UwsSocket): number {
  return socket.getBufferedAmount()
}

/** uWS reports a close only to a handler of the app. But a socket that is closed already throws at any use. */
function onClose(socket: UwsSocket, listener: () => void): () => void {
  try {
    socket.getBufferedAmount()
  } catch {
    listener()
  }
  return () => {}
}

function close(socket: UwsSocket, reason: CloseReason): void {
  const { code, text } = CLOSE_FRAMES[reason]
  socket.end(code, text)
}

/** The `close` of uWS is what others call terminate. */
function terminate(socket: UwsSocket): void {
  socket.close()
}
