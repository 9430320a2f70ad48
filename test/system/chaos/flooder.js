// flooder.js URL COMMAND: a client that sends a command again and again, and reads nothing.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { WebSocket } from 'ws'

const [url = '', command = ''] = process.argv.slice(2)
const MOST_WAITING_BYTES = 1_048_576
const AT_ONCE = 50

process.on('disconnect', () => process.exit())

const socket = new WebSocket(url, { perMessageDeflate: false })
socket.on('error', () => {})
await once(socket, 'open')
socket.pause()
while (socket.readyState === WebSocket.OPEN) {
  if (socket.bufferedAmount < MOST_WAITING_BYTES) for (let i = 0; i < AT_ONCE; i++) socket.send(command)
  await nextTurn()
}
