import { fileURLToPath } from 'node:url'
import { ChildProgram } from '../../chaos/child-program.ts'
import type { MemorySample } from '../memory.ts'
import type { BrokerName, FeedPlan, FromNode, Injection, NodeSample, Published, ToNode } from './messages.ts'
import type { SlowStreamType } from './streams.ts'

const PROGRAM = fileURLToPath(new URL('./node.ts', import.meta.url))

/** What all nodes together publish. */
export interface Load {
  readonly clients: number
  /** Messages that all clients together receive in a second. */
  readonly rate: number
  readonly seed: number
}

/** A node, and what is known of it. */
interface RunningNode {
  readonly program: ChildProgram<ToNode, FromNode>
  readonly samples: NodeSample[]
  isUp: boolean
}

/** The nodes of the cluster, each in a process of its own. */
export class Nodes {
  /** What nodes reported as an error. */
  readonly failures: string[] = []
  readonly #nodes: readonly RunningNode[]

  constructor(count: number) {
    this.#nodes = Array.from({ length: count }, (_, at) => ({
      program: new ChildProgram<ToNode, FromNode>(PROGRAM, 'A node', (message) => this.#hear(at, message), process.execArgv),
      samples: [],
      isUp: false,
    }))
  }

  /** Returns where each node serves clients. */
  begin(broker: BrokerName, brokerPort: number, injection: Injection | undefined): Promise<string[]> {
    return Promise.all(this.#nodes.map(async ({ program }, node) => {
      const isSpoiled = node === 0
      const { port } = await program.ask({ type: 'begin', node, broker, port: brokerPort, injection: isSpoiled ? injection : undefined }, 'listening')
      return `ws://127.0.0.1:${port}`
    }))
  }

  get isUp(): boolean {
    return this.#nodes.every(({ isUp }) => isUp)
  }

  get unhandled(): string[] {
    return this.#nodes.flatMap(({ program }) => program.unhandled)
  }

  /** Node → its samples. */
  get samples(): readonly (readonly NodeSample[])[] {
    return this.#nodes.map(({ samples }) => samples)
  }

  /** All nodes publish one message of each channel. Resolves when they have. */
  async open(load: Load): Promise<void> {
    await Promise.all(this.#nodes.map(({ program }, node) => program.ask({ type: 'open', ...this.#planOf(node, load) }, 'opened')))
  }

  /** All nodes begin to publish. */
  publish(load: Load): void {
    for (const [node, { program }] of this.#nodes.entries()) program.tell({ type: 'publish', ...this.#planOf(node, load) })
  }

  press(node: number, client: number, streamType: SlowStreamType): void {
    this.#nodes[node]?.program.tell({ type: 'press', client, streamType })
  }

  /** All nodes stop publishing. Returns what each has published. */
  rest(): Promise<Published[]> {
    return Promise.all(this.#nodes.map(async ({ program }) => (await program.ask({ type: 'rest' }, 'rested')).published))
  }

  /** Has each node measure itself. */
  sample(collects: boolean): Promise<NodeSample[]> {
    return Promise.all(this.#nodes.map(async ({ program, samples }) => {
      const sample = await program.ask({ type: 'sample', collects }, 'sample')
      samples.push(sample)
      return sample
    }))
  }

  /** Forgets what was measured while clients arrived. */
  forgetSamples(): void {
    for (const { samples } of this.#nodes) samples.length = 0
  }

  async end(): Promise<void> {
    await Promise.all(this.#nodes.map(({ program }) => program.kill()))
  }

  #planOf(node: number, { clients, rate, seed }: Load): FeedPlan {
    return { node, nodes: this.#nodes.length, clients, deliveriesPerSecond: rate / this.#nodes.length, seed: seed + node }
  }

  #hear(at: number, message: FromNode): void {
    const node = this.#nodes[at]
    if (message.type === 'failed') this.failures.push(`node ${at}: ${message.error}`)
    if (message.type === 'status' && node) node.isUp = message.isUp
  }
}

/** Returns the samples that have the memory without garbage. */
export function memoryIn(samples: readonly NodeSample[]): MemorySample[] {
  return samples.flatMap(({ memory }) => memory ?? [])
}
