// A node of the cluster, in a process of its own: a manager with a recovery, served by `serveWebSockets`, which publishes and measures itself.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer, type WebSocket } from 'ws'
import { joinCluster, type Cluster } from '../../../../src/cluster/index.ts'
import { serveWebSockets } from '../../../../src/hosts/ws.ts'
import { ConnectionManager } from '../../../../src/index.ts'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { createRecovery } from '../../../../src/recovery/index.ts'
import { Dice } from '../../../support/dice.ts'
import { obeyParent, tellParent } from '../../../support/parent.ts'
import { clientLibraries, type ClientLibrary } from '../../backplanes/clients.ts'
import { sampleMemory } from '../memory.ts'
import { faultyTransport } from './faulty-transport.ts'
import { Feed } from './feed.ts'
import type { Delay, FeedPlan, FromNode, NodeSample, ToNode } from './messages.ts'
import { Opening } from './opening.ts'
import { Pressure } from './pressure.ts'
import { Publisher } from './publisher.ts'
import { slowStreamOf, streams, symbolsFor, type Streams } from './streams.ts'

type Beginning = Extract<ToNode, { type: 'begin' }>

/** What a client is for its connection. */
interface Metadata {
  readonly client: number
}

const STEP_MS = 20
/** The smallest delay that is measured: the interval of the measuring timer, which is subtracted. */
const RESOLUTION_MS = 10
const MISCHIEF_EVERY_MS = 500
const LIBRARIES = { redis: 'node-redis', nats: 'NATS' } as const
/** A busy machine may delay a node or the broker for a moment. That is not to decide whether a client is resumed. */
const PATIENCE = { probeMs: 2_500, repairTimeoutMs: 5_000 } as const
/** One stream of a slow client becomes busy with up to 10 MiB. At the broker, that would hold up what nodes tell each other. */
const LOCAL_TYPES = ['CHART', 'BOOK'] as const
/** What waits for a slow client is a quarter of the default, so that the client is behind soon. */
const HARD_LIMIT_BYTES = 262_144
/** Streams of slow clients are busy. Nobody is to get what was missed of them. */
const SHORT_HISTORY = { count: 4 }

class Node {
  readonly #beginning: Beginning
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16_384, perMessageDeflate: false, backlog: 4_096 })
  readonly #recovery = createRecovery<Streams>({ history: { byType: { CHART: SHORT_HISTORY, BOOK: SHORT_HISTORY } } })
  readonly #manager: ConnectionManager<WebSocket, Streams, Metadata>
  readonly #publisher: Publisher
  readonly #pressure: Pressure
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #cluster: Cluster<Streams> | undefined
  #timers: NodeJS.Timeout[] = []
  #isPublishing = false
  #slowConsumers = 0
  #cpu = process.cpuUsage()
  #sampledMs = performance.now()

  constructor(beginning: Beginning) {
    this.#beginning = beginning
    const { injection, node } = beginning
    this.#manager = new ConnectionManager<WebSocket, Streams, Metadata>({ streams, recorder: this.#recovery, delivery: { hardLimitBytes: HARD_LIMIT_BYTES } })
    this.#manager.on('error', ({ error }) => tell({ type: 'failed', error: String(error) }))
    this.#manager.on('connectionRemoved', ({ connection, reason }) => {
      if (reason === 'slow-consumer') this.#slowConsumers++
      this.#pressure.end(connection.metadata.client)
    })
    this.#publisher = new Publisher(this.#manager, node)
    this.#pressure = new Pressure(this.#publisher, () => this.#manager.stats().dropped)
    serveWebSockets(this.#server, {
      manager: this.#manager,
      commands: createCommandServer(this.#manager, { recovery: this.#recovery }),
      authenticate: identityIn,
      ...(injection === 'lose' || injection === 'twice' ? { transport: faultyTransport(injection, () => this.#isPublishing) } : {}),
    })
  }

  /** Returns the port that clients come to. */
  async begin(): Promise<number> {
    const { broker, port } = this.#beginning
    const library = clientLibraries.find(({ name }) => name === LIBRARIES[broker]) as ClientLibrary
    const { backplane } = await library.connect(port)
    const cluster = await joinCluster<Streams>(this.#manager, this.#recovery, { ...PATIENCE, localTypes: LOCAL_TYPES, backplane, prefix: 'soak' })
    this.#cluster = cluster
    cluster.on('status', (status) => tell({ type: 'status', isUp: status === 'up' }))
    cluster.on('error', (error) => tell({ type: 'failed', error: String(error) }))
    tell({ type: 'status', isUp: cluster.status === 'up' })
    if (this.#server.address() === null) await once(this.#server, 'listening')
    this.#delays.enable()
    return (this.#server.address() as AddressInfo).port
  }

  /** Resolves when each channel has a message. */
  async open(plan: FeedPlan): Promise<void> {
    const opening = new Opening(this.#publisher, plan, performance.now())
    while (!opening.isOver) {
      opening.step(performance.now())
      await sleep(STEP_MS)
    }
  }

  publish(plan: FeedPlan): void {
    const feed = new Feed(this.#publisher, plan, performance.now())
    const dice = new Dice(plan.seed + 1)
    this.#isPublishing = true
    this.#timers = [
      setInterval(() => {
        feed.step(performance.now())
        this.#pressure.step()
      }, STEP_MS),
      setInterval(() => this.#misbehave(dice, symbolsFor(plan.clients)), MISCHIEF_EVERY_MS),
    ]
  }

  press({ client, streamType }: Extract<ToNode, { type: 'press' }>): void {
    this.#pressure.begin(client, streamType)
  }

  rest(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#pressure.clear()
    this.#isPublishing = false
    tell({ type: 'rested', published: this.#publisher.published })
  }

  /** Measures first, and collects garbage afterwards: that would be a delay of the measurement itself. */
  async sample(collects: boolean): Promise<NodeSample> {
    const cpuShare = this.#takeCpuShare()
    const delay = this.#takeDelay()
    const memory = collects ? sampleMemory() : undefined
    if (collects) await this.#forgetDelay()
    return { memory, delay, cpuShare, rssBytes: process.memoryUsage.rss(), connections: this.#manager.connectionCount, counts: this.#counts }
  }

  get #counts(): NodeSample['counts'] {
    const { sent, conflated, dropped } = this.#manager.stats()
    const { received, repaired, downs } = (this.#cluster as Cluster<Streams>).stats()
    return { sent, conflated, dropped, slowConsumers: this.#slowConsumers, received, repaired, downs }
  }

  #takeCpuShare(): number {
    const { user, system } = process.cpuUsage(this.#cpu)
    const nowMs = performance.now()
    const share = (user + system) / 1_000 / (nowMs - this.#sampledMs)
    this.#cpu = process.cpuUsage()
    this.#sampledMs = nowMs
    return share
  }

  #takeDelay(): Delay {
    const inMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1_000_000 - RESOLUTION_MS)
    const delay = { p50: inMs(this.#delays.percentile(50)), p99: inMs(this.#delays.percentile(99)), max: inMs(this.#delays.max) }
    this.#delays.reset()
    return delay
  }

  async #forgetDelay(): Promise<void> {
    await sleep(3 * RESOLUTION_MS)
    this.#delays.reset()
  }

  /** Does what a sound node never does. */
  #misbehave(dice: Dice, symbols: readonly string[]): void {
    const { injection } = this.#beginning
    if (injection === 'gap') this.#manager.notifyGap({ streamType: 'TRADES', symbol: dice.pick(symbols) }, 1)
    if (injection !== 'end') return
    const steady = [...this.#manager.connections()].find(({ metadata }) => slowStreamOf(metadata.client) === undefined)
    void steady?.remove()
  }
}

function identityIn({ url }: IncomingMessage): { readonly userId: string; readonly metadata: Metadata } {
  const query = new URL(url ?? '', 'ws://localhost').searchParams
  return { userId: query.get('user') ?? '', metadata: { client: Number(query.get('client')) } }
}

function tell(message: FromNode): void {
  tellParent(message)
}

let running: Node | undefined

async function obey(message: ToNode): Promise<void> {
  if (message.type === 'begin') {
    running = new Node(message)
    return tell({ type: 'listening', port: await running.begin() })
  }
  const node = running as Node
  switch (message.type) {
    case 'open': return node.open(message).then(() => tell({ type: 'opened' }))
    case 'publish': return node.publish(message)
    case 'press': return node.press(message)
    case 'rest': return node.rest()
    case 'sample': return tell({ type: 'sample', ...(await node.sample(message.collects)) })
  }
}

obeyParent(obey)
