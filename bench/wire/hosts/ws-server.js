import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** Returns a ws server on loopback. With `perMessageDeflate`, its clients ask for compression. */
export async function listenOnWs(
  onConnection = (/** @type {import('ws').WebSocket} */ _socket) => {},
  /** @type {import('ws').ServerOptions['perMessageDeflate']} */ perMessageDeflate = false,
) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 2_048, perMessageDeflate })
  server.on('connection', onConnection)
  await once(server, 'listening')
  return { server, clients: server.clients, facts: { port: server.address().port, path: '/', protocol: 'ws', ...(perMessageDeflate && { extensions: 'permessage-deflate' }) } }
}
