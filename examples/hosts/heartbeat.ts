import type { ConnectionManager, Socket, StreamCatalogue } from 'stream-connection-manager'
import type { SseSocket } from 'stream-connection-manager/transports/sse'
import type { WebSocket } from 'ws'

// A peer that vanished without a word stays registered until somebody notices. These timers do not keep the process alive.

const CLOSED = 3

/** Pings every WebSocket, and terminates those that did not answer the ping before. Their `close` removes them. */
export function pingAll<TStreams extends StreamCatalogue, TMetadata>(
  manager: ConnectionManager<WebSocket, TStreams, TMetadata>,
  intervalMs = 30_000,
): void {
  const answering = new WeakSet<WebSocket>() // a socket may be added again, for instance at a login
  const unanswered = new WeakSet<WebSocket>()
  manager.on('connectionAdded', ({ connection: { socket } }) => {
    if (answering.has(socket)) return
    answering.add(socket)
    socket.on('pong', () => unanswered.delete(socket))
  })
  every(intervalMs, manager, (socket) => {
    if (unanswered.has(socket)) return socket.terminate()
    unanswered.add(socket)
    socket.ping()
  })
}

/**
 * Sends every event stream a comment. So no proxy closes it as idle, and a peer that has gone is noticed. A stream that nobody reads
 * ends.
 */
export function commentAll<TStreams extends StreamCatalogue, TMetadata>(
  manager: ConnectionManager<SseSocket, TStreams, TMetadata>,
  intervalMs = 15_000,
): void {
  every(intervalMs, manager, (socket) => socket.comment())
}

/** Calls `work` once for each socket, even if it serves several connections. Removes those whose `close` came before anybody listened. */
function every<TSocket extends Socket & { readonly readyState: number }, TStreams extends StreamCatalogue, TMetadata>(
  intervalMs: number,
  manager: ConnectionManager<TSocket, TStreams, TMetadata>,
  work: (socket: TSocket) => void,
): void {
  const timer = setInterval(() => {
    if (manager.closed) return clearInterval(timer)
    const done = new Set<TSocket>()
    for (const connection of manager.connections()) {
      const { socket } = connection
      if (socket.readyState === CLOSED) void connection.remove({ close: false })
      else if (!done.has(socket)) work(socket)
      done.add(socket)
    }
  }, intervalMs).unref()
}
