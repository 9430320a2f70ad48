import { Server } from 'socket.io'
import { listeningHttp } from './http-server.js'

/** No heartbeat in the middle of a round. */
const PING_INTERVAL_MS = 1_000_000_000

/** Returns a server of socket.io on loopback, for WebSockets alone. */
export async function listenOnSocketIo(/** @type {Partial<import('socket.io').ServerOptions>} */ options = {}) {
  const http = await listeningHttp()
  const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: PING_INTERVAL_MS, ...options })
  return { io, facts: { port: http.address().port, path: '/socket.io/?EIO=4&transport=websocket', protocol: 'socket.io' } }
}
