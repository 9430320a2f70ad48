import type { ConnectionManager, Socket } from 'stream-connection-manager'
import type { SseSocket } from 'stream-connection-manager/transports/sse'
import type { WebSocket } from 'ws'

// A peer that vanished without a word stays registered until somebody notices. The timers keep no process alive.

/** Pings every WebSocket, and ends those that did not answer the ping before: their `close` removes them. */
export function pingAll(manager: ConnectionManager<WebSocket>, intervalMs = 30_000): void {
  const unanswered = new WeakSet<WebSocket>()
  manager.on('connectionAdded', ({ connection: { socket } }) => {
    socket.on('pong', () => unanswered.delete(socket))
  })
  every(intervalMs, manager, (socket) => {
    if (unanswered.has(socket)) return socket.terminate()
    unanswered.add(socket)
    socket.ping()
  })
}

/** Sends every event stream a comment, so that no proxy closes it as idle, and a peer that has gone is noticed. */
export function commentAll(manager: ConnectionManager<SseSocket>, intervalMs = 15_000): void {
  every(intervalMs, manager, (socket) => socket.comment())
}

function every<TSocket extends Socket>(intervalMs: number, manager: ConnectionManager<TSocket>, work: (socket: TSocket) => void): void {
  const timer = setInterval(() => {
    if (manager.closed) return clearInterval(timer)
    for (const { socket } of manager.connections()) work(socket)
  }, intervalMs).unref()
}
