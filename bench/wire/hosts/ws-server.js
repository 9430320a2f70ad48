import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** Returns a ws server on loopback. */
export async function listenOnWs(onConnection = (/** @type {import('ws').WebSocket} */ _socket) => {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 2_048 })
  server.on('connection', onConnection)
  await once(server, 'listening')
  return { clients: server.clients, facts: { port: server.address().port, path: '/', protocol: 'ws' } }
}
