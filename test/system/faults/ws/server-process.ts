import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { ConnectionManager } from '../../../../src/index.ts'
import { wsTransport } from '../../../../src/transports/ws.ts'
import { streams, type Streams } from '../../../support/pressured-socket.ts'

/** What the process is to do, and where it is to die. */
export interface ServerSettings {
  /** Without a transport each message is one `ws.send`, at once. */
  readonly isPlain?: boolean
  readonly ticks: number
  readonly perTick: number
  readonly padding?: number
  /** Which number of its writes, or messages without a transport, kills the process when it is the client's turn. */
  readonly dies: { readonly when: 'written to' | 'closed' | 'subscribed'; readonly client: string; readonly count: number } | { readonly when: 'behind' }
}

/** What the process tells. */
export type Notice = { readonly port: number } | { readonly joined: string }

const settings = JSON.parse(process.argv[2] ?? '{}') as ServerSettings
const names = new Map<WebSocket, string>()
let count = 0

function dieIfItsTurn(when: string, socket: WebSocket): void {
  const { dies } = settings
  if (dies.when === 'behind' || dies.when !== when || names.get(socket) !== dies.client) return
  if (++count === dies.count) process.kill(process.pid, 'SIGKILL')
}

const inner = wsTransport<WebSocket>()
const dying: typeof inner = {
  ...inner,
  write: (socket, frames) => {
    dieIfItsTurn('written to', socket)
    return inner.write?.(socket, frames) as number
  },
  close: (socket, reason) => {
    dieIfItsTurn('closed', socket)
    return inner.close?.(socket, reason)
  },
}

const manager = new ConnectionManager<WebSocket, Streams>({ streams, ...(settings.isPlain !== true && { transport: dying }) })
manager.on('subscriptionAdded', ({ connection }) => void (connection && dieIfItsTurn('subscribed', connection.socket)))

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
server.on('connection', (socket, { url = '' }) => {
  const name = new URL(url, 'ws://host').searchParams.get('name') as string
  names.set(socket, name)
  if (settings.isPlain === true) {
    const send = socket.send.bind(socket) as (text: string) => void
    socket.send = ((text: string) => (dieIfItsTurn('written to', socket), send(text))) as WebSocket['send']
  }
  const connection = manager.addConnection(name, socket, name)
  connection.subscribe({ streamType: 'BOOK', symbol: 'A' })
  process.send?.({ joined: name } satisfies Notice)
})
await once(server, 'listening')
process.send?.({ port: (server.address() as AddressInfo).port } satisfies Notice)

/** Publishes what the settings say, a tick at a time. */
async function publish(): Promise<void> {
  let n = 0
  for (let tick = 0; tick < settings.ticks; tick++) {
    for (let i = 0; i < settings.perTick; i++) {
      const data = { n: ++n, padding: 'x'.repeat(settings.padding ?? 0) }
      manager.publish({ streamType: 'BOOK', symbol: 'A', data })
    }
    if (settings.dies.when === 'behind' && manager.stats().connectionsBehind > 0) process.kill(process.pid, 'SIGKILL')
    await new Promise((resolve) => void setImmediate(resolve))
  }
  if (settings.dies.when === 'closed') void manager.cleanup()
}

process.on('message', () => void publish())
