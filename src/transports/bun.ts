import type { CloseDetails, CloseReason } from '../ports/connection.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Transport } from '../ports/transport.ts'
import { closeFrame } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** All that this transport needs of a socket. Bun's `ServerWebSocket` fits as it is. */
export interface BunSocket {
  /** `1` while it is open. */
  readonly readyState: number
  /** Sends a message: of text, or of bytes. Returns `0` if it was dropped. */
  send(message: string | Uint8Array): number
  /** Collects what the callback sends into one write. */
  cork(callback: () => void): unknown
  /** Returns the bytes that it has accepted and not sent yet. */
  getBufferedAmount(): number
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void
  /** Closes the socket at once and discards its buffer. */
  terminate(): void
}

const OPEN = 1
const writer = /* @__PURE__ */ new CorkedWriter<BunSocket>((socket, text) => socket.send(text), isDropped)

/**
 * Returns the transport for Bun's WebSocket server. The messages of one turn are one write. A message that Bun would drop waits.
 *
 * Bun reports a drain only to a handler of the server, so call `drained()` there, as below. Otherwise the manager checks every
 * `drainIntervalMs`.
 *
 * Set `backpressureLimit: 0`, and leave `closeOnBackpressureLimit` off, so that the manager's limits decide. Past `backpressureLimit`, 16 MiB
 * by default, Bun refuses messages. These wait and count against `hardLimitBytes`, even if the client would read them in time.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed, or what `remove({ code, reason })` says. A slow consumer gets 1013 if its socket
 * has room again. Otherwise it is terminated, and its client sees 1006.
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

/** Bun's `send` returns the bytes it wrote, -1 if it queued them, and 0 for a drop. But it also returns 0 for an empty text that it wrote. */
function isDropped(socket: BunSocket, status: number, text: WireData): boolean {
  return status === 0 && (text.length > 0 || socket.readyState !== OPEN || socket.getBufferedAmount() > 0)
}

/** Bun's `send` does not throw on a closed socket. It drops every message. */
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
