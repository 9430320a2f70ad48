import { Server } from 'socket.io'
import { HEARTBEAT_MS } from './heartbeat.js'
import { listeningHttp } from './http-server.js'

/** Returns a server of socket.io on loopback, for WebSockets alone. */
export async function listenOnSocketIo(/** @type {Partial<import('socket.io').ServerOptions>} */ options = {}) {
  const http = await listeningHttp()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: HEARTBEAT_MS, ...options })
  return { io, facts: { port: http.address().port, path: '/socket.io/?EIO=4&transport=websocket', protocol: 'socket.io' } }
}
