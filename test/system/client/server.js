// A small server of the clients' protocol, with a recovery: over WebSockets, and over server-sent events with commands by URL or by POST.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { ConnectionManager } from '../../../dist/index.js'
import { createRecovery } from '../../../dist/recovery.js'

const recovery = createRecovery()
const manager = new ConnectionManager({ recorder: recovery })
let count = 0

export function publish(/** @type {number} */ data) {
  manager.publish({ streamType: 'TRADES', symbol: 'A', data })
}

function welcome(/** @type {any} */ socket) {
  const connection = manager.addConnection(`c${++count}`, socket, 'alice')
  connection.send(JSON.stringify({ type: 'welcome', version: 1, connection_id: connection.id, idle_ms: 0, heartbeat_ms: 0 }))
  return connection
}

function obey(/** @type {any} */ connection, /** @type {string} */ text) {
  for (const { command, id, stream_type: streamType, symbol, position, data } of [JSON.parse(text)].flat()) {
    if (command === 'subscribe') recovery.subscribe(connection, { streamType, symbol, position, id })
    else if (command === 'ping') connection.send(JSON.stringify({ type: 'pong', id }))
    else connection.send(JSON.stringify({ type: 'result', id, data }))
  }
}

/** A socket that sends events. */
class EventSink {
  constructor(/** @type {import('node:http').ServerResponse} */ response) {
    this.response = response
  }

  send(/** @type {string} */ text) {
    this.response.write(`data: ${text}\n\n`)
  }

  close() {
    this.response.destroy()
  }
}

function openEvents(/** @type {import('node:http').IncomingMessage} */ request, /** @type {import('node:http').ServerResponse} */ response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const connection = welcome(new EventSink(response))
  response.on('close', () => void connection.remove())
  const commands = new URL(request.url ?? '', 'http://localhost').searchParams.get('commands')
  if (commands) obey(connection, commands)
}

async function takeCommands(/** @type {import('node:http').IncomingMessage} */ request, /** @type {import('node:http').ServerResponse} */ response) {
  let text = ''
  for await (const chunk of request) text += chunk
  const connection = manager.getConnection((request.url ?? '').slice(1))
  response.writeHead(connection ? 204 : 404).end()
  if (connection) obey(connection, text)
}

/** Starts a server on a port of this machine, or on any. */
export async function serve(port = 0) {
  const http = createServer((request, response) => {
    if (request.method === 'POST') void takeCommands(request, response)
    else openEvents(request, response)
  })
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket) => {
    const connection = welcome(socket)
    socket.on('message', (data) => obey(connection, String(data)))
    socket.on('close', () => void connection.remove())
    socket.on('error', () => {})
  })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: /** @type {import('node:net').AddressInfo} */ (http.address()).port,
    /** Cuts all connections, and stays. */
    cut() {
      http.closeAllConnections()
      for (const socket of sockets.clients) socket.terminate()
    },
    async stop() {
      this.cut()
      sockets.close()
      await new Promise((closed) => http.close(closed))
    },
  }
}
