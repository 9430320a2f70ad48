// A node of a cluster, in a process of its own. Its clients come by real ws.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer, type WebSocket } from 'ws'
import { memoryBackplane } from '../../../../src/backplanes/memory/index.ts'
import { joinCluster, type Backplane, type Cluster } from '../../../../src/cluster/index.ts'
import { serveWebSockets, type WebSocketHost } from '../../../../src/hosts/ws.ts'
import { ConnectionManager, type PublishableMessage } from '../../../../src/index.ts'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { createRecovery } from '../../../../src/recovery/index.ts'
import { clientLibraries } from '../../backplanes/clients.ts'
import type { Entry } from '../messages.ts'
import { streams } from '../streams.ts'
import type { FromNode, NodeBeginning, NodeReport, ToNode } from './messages.ts'
import { PlainRelay } from './plain-relay.ts'
import { SwitchedBackplane } from './switched-backplane.ts'
import { Watcher } from './watcher.ts'

type Streams = typeof streams

const HEARTBEAT_MS = 1_000
/** So long, clients may take to move when the node leaves. */
const LEAVE_WITHIN_MS = 500
/** Answers take a moment, so that messages come before them. */
const MOST_THOUGHT_MS = 5
const LIBRARIES = { redis: 'node-redis', ioredis: 'ioredis', nats: 'NATS' } as const

class Node {
  readonly #forbidden: Set<string>
  readonly #sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16_384 })
  readonly #recovery = createRecovery<Streams>({ history: { count: 2_000, units: 4_194_304, byType: { CHART: { count: 3 } } }, replay: { count: 5_000 } })
  readonly #manager = new ConnectionManager<WebSocket, Streams>({ streams, recorder: this.#recovery })
  readonly #watcher = new Watcher(this.#manager)
  #bus: SwitchedBackplane | undefined
  #cluster: Cluster<Streams> | undefined
  #relay: PlainRelay | undefined
  #host: WebSocketHost | undefined

  constructor({ forbidden }: NodeBeginning) {
    this.#forbidden = new Set(forbidden)
    // A half-open link does not close in time.
    this.#manager.on('error', () => {})
  }

  /** Returns the port that clients come to. */
  async begin({ broker, port, isPlain, isFeed }: NodeBeginning): Promise<number> {
    const backplane = broker === 'memory' ? (this.#bus = new SwitchedBackplane(memoryBackplane(process))) : await this.#connect(LIBRARIES[broker], port as number)
    if (isPlain) await this.#relayOver(backplane)
    else await this.#join(backplane, isFeed)
    this.#serve()
    if (this.#sockets.address() === null) await once(this.#sockets, 'listening')
    return (this.#sockets.address() as AddressInfo).port
  }

  publish({ padding, ...entry }: Entry): void {
    const message = (padding === undefined ? entry : { ...entry, data: { ...entry.data, padding: 'x'.repeat(padding) } }) as PublishableMessage<Streams>
    this.#watcher.watch(entry, () => void (this.#relay ?? this.#manager).publish(message))
  }

  setRights(userId: string, mayRead: boolean): void {
    if (mayRead) this.#forbidden.delete(userId)
    else this.#forbidden.add(userId)
  }

  revoke(userId: string): void {
    ;(this.#cluster ?? this.#manager).revoke({ userId, streamType: 'CLUB' })
  }

  remove(userId: string): void {
    void (this.#cluster ?? this.#manager).removeUser(userId)
  }

  set flow(flow: SwitchedBackplane['flow']) {
    if (this.#bus) this.#bus.flow = flow
  }

  async report(userIds: readonly string[]): Promise<NodeReport> {
    const { received, repaired, gaps, downs } = this.#relay?.counts ?? (this.#cluster as Cluster<Streams>).stats()
    const online = await Promise.all(userIds.map((userId) => this.#isOnline(userId)))
    const trespassers = [...this.#forbidden].filter((userId) => this.#manager.getUserSubscriptions(userId).some(({ streamType }) => streamType === 'CLUB'))
    return { online, trespassers, local: this.#watcher.local, counts: { received, repaired, gaps, downs } }
  }

  /** As a deploy ends it. */
  async leave(): Promise<void> {
    await this.#host?.close({ withinMs: LEAVE_WITHIN_MS })
    await this.#cluster?.close()
    await this.#manager.cleanup()
  }

  async #connect(library: string, port: number): Promise<Backplane> {
    const { backplane } = await (clientLibraries.find(({ name }) => name === library) as (typeof clientLibraries)[number]).connect(port)
    return backplane
  }

  async #relayOver(backplane: Backplane): Promise<void> {
    this.#relay = new PlainRelay(this.#manager, backplane)
    await this.#relay.open()
    tell({ type: 'status', isUp: true, atMs: Date.now() })
  }

  async #join(backplane: Backplane, isFeed: boolean): Promise<void> {
    const cluster = await joinCluster<Streams>(this.#manager, this.#recovery, { backplane, prefix: 'chaos' })
    this.#cluster = cluster
    const tellStatus = (status: 'up' | 'down'): void => tell({ type: 'status', isUp: status === 'up', atMs: Date.now() })
    cluster.on('status', tellStatus)
    cluster.on('error', (error) => tell({ type: 'failed', error: String((error as Error)?.message ?? error) }))
    tellStatus(cluster.status)
    if (!isFeed) return
    for (const event of ['streamActive', 'streamIdle'] as const) {
      cluster.on(event, ({ streamType, symbol = '' }) => streamType === 'PRICE' && tell({ type: 'demand', symbol, isActive: event === 'streamActive' }))
    }
  }

  #serve(): void {
    const commands = createCommandServer(this.#manager, {
      recovery: this.#recovery,
      authorize: async ({ userId, streamType }) => {
        await sleep(Math.random() * MOST_THOUGHT_MS)
        return streamType !== 'CLUB' || !this.#forbidden.has(userId)
      },
      commands: { echo: ({ data }) => data },
    })
    this.#host = serveWebSockets(this.#sockets, {
      manager: this.#manager,
      commands,
      heartbeatMs: HEARTBEAT_MS,
      authenticate: ({ url }: IncomingMessage) => ({ userId: new URL(url ?? '', 'ws://localhost').searchParams.get('user') ?? '' }),
    })
  }

  async #isOnline(userId: string): Promise<boolean | string> {
    if (this.#cluster === undefined) return this.#manager.userConnections.has(userId)
    return this.#cluster.isOnline(userId).catch((error: Error) => error.message)
  }
}

let node: Node | undefined

async function obey(message: ToNode): Promise<void> {
  switch (message.type) {
    case 'begin':
      node = new Node(message)
      return tell({ type: 'listening', port: await node.begin(message) })
    case 'publish':
      return message.entries.forEach((entry) => node?.publish(entry))
    case 'rights':
      node?.setRights(message.userId, message.mayRead)
      return tell({ type: 'noted' })
    case 'revoke':
    case 'remove':
      return node?.[message.type](message.userId)
    case 'flow':
      if (node) node.flow = message.flow
      return
    case 'report':
      if (node) tell({ type: 'report', ...(await node.report(message.userIds)) })
      return
    case 'leave':
      await node?.leave()
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
