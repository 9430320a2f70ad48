// A server behind the proxy, in a process of its own: WebSockets and event streams on one port.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer, type WebSocket } from 'ws'
import { memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import { joinCluster, type Cluster } from '../../../src/cluster/index.ts'
import { serveEvents } from '../../../src/hosts/sse.ts'
import { serveWebSockets } from '../../../src/hosts/ws.ts'
import { ConnectionManager, type PublishableMessage } from '../../../src/index.ts'
import { drain } from '../../../src/operations/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import type { SseSocket } from '../../../src/transports/sse.ts'
import type { Deploy, Entry, FromNode, NodeBeginning, ToNode } from './messages.ts'

/** On a busy machine, other nodes need longer than the default of a second. */
const REPAIR_TIMEOUT_MS = 5_000

class Node {
  readonly #recovery = createRecovery()
  readonly #manager = new ConnectionManager<WebSocket | SseSocket>({ recorder: this.#recovery })
  readonly #commands = createCommandServer(this.#manager, { recovery: this.#recovery })
  readonly #http = createServer((request, response) => this.#answer(request, response))
  readonly #beginning: NodeBeginning
  #cluster: Cluster | undefined

  constructor(beginning: NodeBeginning) {
    this.#beginning = beginning
  }

  /** Returns the port that the proxy connects to. */
  async begin(): Promise<number> {
    const { heartbeatMs, prefix } = this.#beginning
    if (prefix !== undefined) this.#cluster = await joinCluster(this.#manager, this.#recovery, { backplane: memoryBackplane(process), prefix, repairTimeoutMs: REPAIR_TIMEOUT_MS })
    const sockets = new WebSocketServer({ server: this.#http, maxPayload: 16_384 })
    serveWebSockets(sockets, { manager: this.#manager, commands: this.#commands, authenticate, heartbeatMs })
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    return (this.#http.address() as AddressInfo).port
  }

  publish(entry: Entry): void {
    this.#manager.publish(entry as PublishableMessage)
  }

  /** Ends as at SIGTERM. Stays in the cluster for a while: clients on their way elsewhere may need what only this node has. */
  async deploy({ overMs, perSecond, stayMs }: Deploy): Promise<void> {
    const drained = drain(this.#manager, { commands: this.#commands, overMs, perSecond })
    void drained.then((report) => tell({ type: 'drained', report }))
    await Promise.all([drained, sleep(stayMs)])
    await this.#cluster?.close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { heartbeatMs } = this.#beginning
    void serveEvents(request, response, { manager: this.#manager, commands: this.#commands, authenticate, heartbeatMs })
  }
}

function authenticate({ url = '' }: IncomingMessage): { readonly userId: string } {
  return { userId: new URL(url, 'http://localhost').searchParams.get('user') ?? 'nobody' }
}

let node: Node | undefined

async function obey(message: ToNode): Promise<void> {
  switch (message.type) {
    case 'begin':
      node = new Node(message)
      return tell({ type: 'listening', port: await node.begin() })
    case 'publish':
      return node?.publish(message.entry)
    case 'deploy':
      await node?.deploy(message)
      process.exit(0)
  }
}

function tell(message: FromNode | { readonly type: 'unhandled'; readonly error: string }): void {
  process.send?.(message)
}

for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error: unknown) => tell({ type: 'unhandled', error: String((error as Error)?.stack ?? error) }))
}
process.on('message', (message: ToNode) => void obey(message))
// Without a conductor, nobody else ends this process.
process.on('disconnect', () => process.exit(1))
