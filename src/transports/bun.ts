import type { CloseReason } from '../ports/connection.ts'
import type { Transport } from '../ports/transport.ts'
import { CLOSE_FRAMES } from './close-frame.ts'
import { CorkedWriter } from './corked-writer.ts'

/** What this transport needs of a socket: Bun's `ServerWebSocket` fits as it is. */
export interface BunSocket {
  /** `1` while it is open. */
  readonly readyState: number
  /** Sends a message; `0` says that it was dropped. */
  send(text: string): number
  /** Gathers what the callback sends into one write. */
  cork(callback: () => void): unknown
  /** What it has accepted and not sent yet. */
  getBufferedAmount(): number
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void
  /** Cuts the socket off, and discards what it has buffered. */
  terminate(): void
}

const OPEN = 1
const writer = /* @__PURE__ */ new CorkedWriter(isDropped)

/**
 * Returns the transport for Bun's WebSocket server: what one turn brings is one write, and what Bun would drop waits.
 *
 * Bun tells of a drain in a handler of the server's alone, so pass it on, as below; without that the manager looks again
 * every `drainIntervalMs`.
 *
 * Set `backpressureLimit: 0`, and leave `closeOnBackpressureLimit` off, so that the manager's limits decide. Past `backpressureLimit`, 16 MiB
 * by default, Bun refuses messages. These wait and count against `hardLimitBytes`, even if the client would read them in time.
 *
 * Close codes: 1000 removed, 1001 cleanup, 1011 send failed. A slow consumer is cut off without one, which its client sees as
 * 1006; it is told 1013 where that fails.
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

function write(socket: BunSocket, texts: readonly string[]): number {
  const accepted = writer.write(socket, texts)
  if (accepted < texts.length) assertOpen(socket)
  return accepted
}

/** Bun answers with the bytes it wrote, -1 when it queued them, and 0 for a drop; but 0, too, for no bytes that it wrote. */
function isDropped(socket: BunSocket, status: number, text: string): boolean {
  return status === 0 && (text !== '' || socket.readyState !== OPEN || socket.getBufferedAmount() > 0)
}

/** Bun's `send` does not throw on a closed socket: it drops, forever. */
function assertOpen({ readyState }: BunSocket): void {
  if (readyState !== OPEN) throw new Error(`The socket is closed: its readyState is ${readyState}`)
}

function bufferedBytes(socket: BunSocket): number {
  return socket.getBufferedAmount()
}

function close(socket: BunSocket, reason: CloseReason): void {
  const { code, text } = CLOSE_FRAMES[reason]
  socket.close(code, text)
}

function terminate(socket: BunSocket): void {
  socket.terminate()
}
