import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** All that this transport needs of a socket. The `WebSocket` of uWebSockets.js fits as it is. */
export interface UwsSocket {
  /** Sends a message, of text unless `isBinary`. Returns `2` if it was dropped. */
  send(message: string | Uint8Array, isBinary?: boolean): number
  /** Collects what the callback sends into one write. */
  cork(callback: () => void): unknown
  /** Returns the bytes that it has accepted and not sent yet. */
  getBufferedAmount(): number
  /** Starts the closing handshake. */
  end(code?: number, shortMessage?: string): void
  /** Closes the socket at once and discards its buffer. */
  close(): void
}

/** What `send` returns if `maxBackpressure` is exceeded. Any other value means accepted, even `0`, which reports backpressure. */
const DROPPED = 2

const writer = /* @__PURE__ */ new CorkedWriter<UwsSocket>(sendOne, (_socket, status) => status === DROPPED)

/**
 * Returns the transport for uWebSockets.js. The messages of one turn are one write. A message that uWS would drop waits.
 *
 * uWS reports a drain only to a handler of the app, so call `drained()` there, as below. Otherwise the manager checks every `drainIntervalMs`.
 * Report a close in the same way. If a socket closed before it is added, `addConnection` throws `ERR_SOCKET_CLOSED`.
 *
 * Set `maxBackpressure: 0`, and leave `closeOnBackpressureLimit` off, so that the manager's limits decide. Past `maxBackpressure`, 64 KiB by
 * default, uWS refuses messages. These wait and count against `hardLimitBytes`, even if the client would read them in time.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed, or what `remove({ code, reason })` says. A slow consumer gets 1013 if its socket
 * has room again. Otherwise it is terminated, and its client sees 1006.
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

/** If the socket is closed already, this throws, because every method of a closed uWS socket throws. So the manager removes the connection. */
function write(socket: UwsSocket, texts: readonly WireData[]): number {
  return writer.write(socket, texts)
}

function sendOne(socket: UwsSocket, text: WireData): number {
  return typeof text === 'string' ? socket.send(text) : socket.send(text, true)
}

function bufferedBytes(socket: UwsSocket): number {
  return socket.getBufferedAmount()
}

/** uWS reports a close only to a handler of the app. But a socket that is closed already throws at every call. */
function onClose(socket: UwsSocket, listener: () => void): () => void {
  try {
    socket.getBufferedAmount()
  } catch {
    listener()
  }
  return () => {}
}

function close(socket: UwsSocket, reason: CloseReason, details?: CloseDetails): void {
  const { code, reason: text } = closeFrame(reason, details)
  socket.end(code, text)
}

/** In uWS, `close` closes the socket at once, and `end` closes it with a handshake. */
function terminate(socket: UwsSocket): void {
  socket.close()
}
