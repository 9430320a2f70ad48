import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** The socket methods that this transport calls. Bun's `ServerWebSocket` has them all. */
export interface BunSocket {
  /** `1` while the socket is open. */
  readonly readyState: number
  /** Sends a text or bytes as one message. Returns `0` if the message was dropped, and also if an empty message was sent. */
  send(message: string | Uint8Array): number
  /** Calls the callback. All messages that the callback sends go out in one write. */
  cork(callback: () => void): unknown
  /** Returns the bytes that the socket has accepted but not sent yet. */
  getBufferedAmount(): number
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Closes the socket at once and discards its buffer. */
  terminate(): void
}

const OPEN = 1
const writer = /* @__PURE__ */ new CorkedWriter<BunSocket>((socket, text) => socket.send(text), isDropped)

/**
 * Returns the transport for Bun's WebSocket server. The transport sends the messages of one turn of the event loop in one write, unless they exceed
 * `softLimitBytes`. A message that Bun drops waits in the send queue, and is offered to Bun again, unless the socket has closed.
 *
 * Bun reports a drain only to the server's `drain` handler. Call `drained()` in that handler, as in the example. Without this call, messages wait
 * longer: until the next message for the connection, or until the manager's next check of the socket (every `drainIntervalMs`). Bun reports a close
 * only to the server's `close` handler. Call `remove({ close: false })` in that handler.
 *
 * Set `backpressureLimit: 0`, and leave `closeOnBackpressureLimit` off. With these settings, only the manager's limits apply. With a
 * `backpressureLimit`, which is 16 MiB by default, Bun drops messages beyond the limit. These messages wait in the send queue and count against
 * `hardLimitBytes`, even if the client is not slow.
 *
 * Close codes: 1000 (removed), 1001 (cleanup), 1011 (send failed), or the code of `remove({ code, reason })`. A slow consumer gets 1013 if its socket
 * has room again when the connection is removed. Otherwise the socket is terminated, and the client sees 1006.
 *
 * @example
 * import { bunTransport } from 'stream-connection-manager/transports/bun'
 *
 * const manager = new ConnectionManager<Bun.ServerWebSocket<Session>>({ transport: bunTransport() })
 *
 * Bun.serve<Session>({
 *   fetch: (request, server) => authenticatedUpgrade(request, server),
 *   websocket: {
 *     backpressureLimit: 0,
 *     open(ws) {
 *       ws.data.connection = manager.addConnection(ws.data.id, ws, ws.data.userId)
 *     },
 *     message: (ws, text) => obey(ws, text),
 *     drain: (ws) => ws.data.connection?.drained(),
 *     close: (ws) => void ws.data.connection?.remove({ close: false }),
 *   },
 * })
 */
export function bunTransport(): Transport<BunSocket> {
  return { write, bufferedBytes, close, terminate }
}

function write(socket: BunSocket, texts: readonly WireData[]): number {
  const accepted = writer.write(socket, texts)
  if (accepted < texts.length) assertOpen(socket)
  return accepted
}

/**
 * True if Bun dropped the message. Bun's `send` returns 0 for a drop, and also for an empty message that it wrote. So an empty message counts as
 * dropped only if the socket is not open, or has unsent bytes. A result of -1 is not a drop: Bun has queued the bytes.
 */
function isDropped(socket: BunSocket, status: number, text: WireData): boolean {
  return status === 0 && (text.length > 0 || socket.readyState !== OPEN || socket.getBufferedAmount() > 0)
}

/** Throws unless the socket is open. Bun's `send` does not throw on a closed socket, but drops every message. */
function assertOpen({ readyState }: BunSocket): void {
  if (readyState !== OPEN) throw new Error(`The socket is closed: its readyState is ${readyState}`)
}

function bufferedBytes(socket: BunSocket): number {
  return socket.getBufferedAmount()
}

function close(socket: BunSocket, reason: CloseReason, details?: CloseDetails): void {
  const { code, reason: text } = closeFrame(reason, details)
  socket.close(code, text)
}

function terminate(socket: BunSocket): void {
  socket.terminate()
}
