import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { ConnectionManager } from '../../../src/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { wsTransport } from '../../../src/transports/ws.ts'
import type { Ending, FeedEntry, ServerMessage } from './messages.ts'

// server.ts HISTORY ENDING: a server that publishes what its supervisor sends it. At SIGTERM it leaves its history in a file, for its successor.

interface Legacy {
  /** How far the server was in its feed. It belongs to the history: an entry is in both or in neither. */
  readonly publishedCount: number
  readonly history: string
}

const [historyFile = '', ending] = process.argv.slice(2) as [string, Ending]
const legacy = takeLegacy()
let { publishedCount } = legacy ?? { publishedCount: 0 }

// What a client misses must be kept for it, however slow this machine is.
const recovery = createRecovery({ history: { count: 100_000, units: Infinity }, replay: { count: 100_000, units: Infinity }, restore: legacy?.history })
const manager = new ConnectionManager<WebSocket>({ transport: wsTransport(), recorder: recovery })
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })

server.on('connection', (socket, request) => {
  const userId = new URL(request.url ?? '', 'ws://localhost').searchParams.get('user') ?? ''
  const connection = manager.addConnection(randomUUID(), socket, userId)
  socket.on('error', () => socket.terminate())
  socket.on('message', (text) => recovery.subscribe(connection, JSON.parse(String(text))))
})

process.on('message', publish)
process.once('SIGTERM', () => void end())
// A supervisor that has gone needs no server.
process.once('disconnect', () => process.exit(1))

await once(server, 'listening')
tell({ type: 'ready', port: (server.address() as AddressInfo).port, nextEntry: publishedCount })

function publish(entry: FeedEntry): void {
  manager.publish(entry)
  tell({ type: 'published', count: ++publishedCount })
}

async function end(): Promise<void> {
  process.off('message', publish)
  writeFileSync(historyFile, JSON.stringify({ publishedCount, history: recovery.export() } satisfies Legacy), { mode: 0o600 })
  if (ending === 'clean') await manager.cleanup()
  process.exit(0)
}

function takeLegacy(): Legacy | undefined {
  if (!existsSync(historyFile)) return undefined
  const legacy = JSON.parse(readFileSync(historyFile, 'utf8')) as Legacy
  rmSync(historyFile)
  return legacy
}

function tell(message: ServerMessage): void {
  process.send?.(message)
}
