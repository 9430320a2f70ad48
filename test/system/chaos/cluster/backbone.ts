import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createMemoryBus } from '../../../../src/backplanes/memory/index.ts'
import { BrokerProcess, natsServer, redisServer, type BrokerCommand } from '../../backplanes/broker-process.ts'
import { Proxy } from '../proxy.ts'
import type { BrokerName, Flow } from './messages.ts'

/** The way of one node to the broker. */
export interface Wire {
  /** Breaks it. The node may connect again at once. */
  cut(): void
  /** Nothing passes, and both ends stay. */
  stall(): void
  /** Each end sends on, and nothing arrives. Only a cut ends it. */
  lose(): void
  /** Lets what was stalled pass again. */
  heal(): void
}

/** The broker, and the ways of the nodes to it. */
export interface Backbone {
  readonly wires: readonly Wire[]
  /** True if the broker cuts a node that does not take what it is sent. */
  readonly cutsSlowNodes: boolean
  start(): Promise<void>
  /** Where a node finds its broker. */
  portFor(node: number): number | undefined
  /** A node has begun. */
  attach(node: number, process: ChildProcess, tell: (flow: Flow) => void): void
  kill(): Promise<void>
  /** Has it end by itself. */
  terminate(): Promise<void>
  restart(): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  stop(): Promise<void>
}

/** Returns the backbone of a broker. `folder` is for files of its own. */
export function backboneOf(broker: BrokerName, nodes: number, folder: string): Backbone {
  if (broker === 'memory') return new MemoryBackbone(nodes)
  return new BrokerBackbone(nodes, broker === 'nats' ? () => impatientNats(folder) : async () => impatientRedis)
}

/** More than 1 MiB may not wait for a node. */
const impatientRedis: BrokerCommand = {
  ...redisServer,
  argumentsFor: (port) => [...redisServer.argumentsFor(port), '--client-output-buffer-limit', 'pubsub', '1mb', '512kb', '1'],
}

/** The same. There is no flag for it. */
async function impatientNats(folder: string): Promise<BrokerCommand> {
  const file = join(folder, 'nats.conf')
  await writeFile(file, 'max_pending: 1MB\nwrite_deadline: "1s"\n')
  return { ...natsServer, argumentsFor: (port) => [...natsServer.argumentsFor(port), '--config', file] }
}

/** A real broker. Each node has a proxy of its own in front of it. */
class BrokerBackbone implements Backbone {
  readonly cutsSlowNodes = true
  readonly wires: readonly Wire[]
  readonly #proxies: readonly Proxy[]
  readonly #ports: number[] = []
  readonly #command: () => Promise<BrokerCommand>
  #broker: BrokerProcess | undefined

  constructor(nodes: number, command: () => Promise<BrokerCommand>) {
    this.#command = command
    this.#proxies = Array.from({ length: nodes }, (_, node) => new Proxy(() => node))
    this.wires = this.#proxies.map(wireThrough)
  }

  async start(): Promise<void> {
    const broker = await BrokerProcess.start(await this.#command())
    this.#broker = broker
    for (const proxy of this.#proxies) {
      proxy.target = () => broker.port
      this.#ports.push(await proxy.listen())
    }
  }

  portFor(node: number): number | undefined {
    return this.#ports[node]
  }

  attach(): void {
    // The node comes by itself.
  }

  kill(): Promise<void> {
    return this.#running.kill()
  }

  terminate(): Promise<void> {
    return this.#running.terminate()
  }

  restart(): Promise<void> {
    return this.#running.restart()
  }

  freeze(): Promise<void> {
    return this.#running.freeze()
  }

  thaw(): Promise<void> {
    return this.#running.thaw()
  }

  async stop(): Promise<void> {
    for (const proxy of this.#proxies) proxy.close()
    await this.#broker?.kill()
  }

  get #running(): BrokerProcess {
    return this.#broker as BrokerProcess
  }
}

function wireThrough(proxy: Proxy): Wire {
  return {
    cut: () => proxy.allLinks.forEach((link) => link.cut()),
    stall: () => proxy.allLinks.forEach((link) => link.stall()),
    lose: () => proxy.allLinks.forEach((link) => link.lose()),
    heal: () => proxy.allLinks.forEach((link) => link.heal()),
  }
}

/** How long a node needs to connect again. */
const RECONNECT_MS = 50

/** A bus in this process. It cannot fail, so each node has a switch before it. */
class MemoryBackbone implements Backbone {
  readonly cutsSlowNodes = false
  readonly wires: readonly Wire[]
  readonly #bus = createMemoryBus()
  readonly #tell: ((flow: Flow) => void)[]
  #isDown = false

  constructor(nodes: number) {
    this.#tell = Array.from({ length: nodes }, () => () => {})
    this.wires = this.#tell.map((_, node) => ({
      cut: () => this.#cut(node),
      stall: () => this.#tell[node]?.('stalled'),
      lose: () => this.#tell[node]?.('lost'),
      heal: () => this.#tell[node]?.('passing'),
    }))
  }

  async start(): Promise<void> {}

  portFor(): undefined {
    return undefined
  }

  attach(node: number, process: ChildProcess, tell: (flow: Flow) => void): void {
    this.#bus.attach(process)
    this.#tell[node] = tell
  }

  async kill(): Promise<void> {
    this.#isDown = true
    this.#all('down')
  }

  terminate(): Promise<void> {
    return this.kill()
  }

  async restart(): Promise<void> {
    this.#isDown = false
    this.#all('passing')
  }

  async freeze(): Promise<void> {
    this.#all('stalled')
  }

  async thaw(): Promise<void> {
    this.#all('passing')
  }

  async stop(): Promise<void> {}

  #cut(node: number): void {
    this.#tell[node]?.('down')
    setTimeout(() => this.#isDown || this.#tell[node]?.('passing'), RECONNECT_MS)
  }

  #all(flow: Flow): void {
    for (const tell of this.#tell) tell(flow)
  }
}
