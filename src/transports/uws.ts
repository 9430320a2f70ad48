import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** The socket methods that this transport calls. The `WebSocket` of uWebSockets.js has them all. */
export interface UwsSocket {
  /** Sends a message. The message is a text message, unless `isBinary` is true. Returns `2` if the message was dropped. */
  send(message: string | Uint8Array, isBinary?: boolean): number
  /** Calls the callback. All messages that the callback sends go out in one write. */
  cork(callback: () => void): unknown
  /** Returns the bytes that the socket has accepted but not sent yet. */
  getBufferedAmount(): number
  /** Starts the closing handshake. */
  end(code?: number, shortMessage?: string): void
  /** Closes the socket at once and discards its buffer. */
  close(): void
}

/** The result of `send` if `maxBackpressure` is exceeded. With any other result, uWS has accepted the message. */
const DROPPED = 2

const writer = /* @__PURE__ */ new CorkedWriter<UwsSocket>(sendOne, (_socket, status) => status === DROPPED)

/**
 * Returns the transport for uWebSockets.js. The transport sends the messages of one turn of the event loop in one write, unless they exceed
 * `softLimitBytes`. A message that uWS drops waits in the send queue, and is offered to uWS again.
 *
 * uWS reports a drain only to the app's `drain` handler. Call `drained()` in that handler, as in the example. Without this call, messages wait
 * longer: until the next message for the connection, or until the manager's next check of the socket (every `drainIntervalMs`). uWS reports a close
 * only to the app's `close` handler. Call `remove({ close: false })` in that handler. If a socket has closed before it is added, `addConnection`
 * throws `ERR_SOCKET_CLOSED`.
 *
 * Set `maxBackpressure: 0`, and leave `closeOnBackpressureLimit` off. With these settings, only the manager's limits apply. With a `maxBackpressure`,
 * which is 64 KiB by default, uWS drops messages beyond the limit. These messages wait in the send queue and count against `hardLimitBytes`, even if
 * the client is not slow.
 *
 * Close codes: 1000 (removed), 1001 (cleanup), 1011 (send failed), or the code of `remove({ code, reason })`. A slow consumer gets 1013 if its socket
 * has room again when the connection is removed. Otherwise the socket is terminated, and the client sees 1006.
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

/** Writes the texts. On a closed uWS socket, every method throws. So `write` throws too, and the manager removes the connection. */
function write(socket: UwsSocket, texts: readonly WireData[]): number {
  return writer.write(socket, texts)
}

function sendOne(socket: UwsSocket, text: WireData): number {
  return typeof text === 'string' ? socket.send(text) : socket.send(text, true)
}

function bufferedBytes(socket: UwsSocket): number {
  return socket.getBufferedAmount()
}

/** Reports a socket that is closed already: every method of such a socket throws. uWS reports a later close only to the app's `close` handler. */
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

/** Closes the socket at once. In uWS, `close` closes a socket at once, and `end` closes a socket with a handshake. */
function terminate(socket: UwsSocket): void {
  socket.close()
}
