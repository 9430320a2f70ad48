import { once } from 'node:events'
import { ChildProgram } from '../child-program.ts'
import type { Entry } from '../messages.ts'
import type { Backbone } from './backbone.ts'
import type { BrokerName, FromNode, NodeCounts, NodeReport, ToNode } from './messages.ts'

/** What a fleet tells the run. */
export interface FleetEvents {
  /** A message is about to be published. */
  published(entry: Entry, publisher: string): void
  /** A node has ended. */
  died(publisher: string): void
}

export interface FleetOptions {
  readonly program: string
  readonly broker: BrokerName
  readonly isPlain: boolean
  readonly nodes: number
}

/** One run of a node. */
interface RunningNode {
  /** No other run has this name. */
  readonly name: string
  readonly program: ChildProgram<ToNode, FromNode>
  port: number | undefined
  isUp: boolean
  lastChangeMs: number
  report: NodeReport | undefined
}

/** The node that has the feed of prices, and follows the demand for them. */
const FEED = 0

/** Three nodes, each in a process of its own, which are killed and started again. */
export class Fleet {
  readonly unhandled: string[] = []
  /** Errors that nodes reported, and how often. */
  readonly failures = new Map<string, number>()
  /** The prices that the cluster wants, as the node with the feed was told. */
  readonly wantedPrices = new Set<string>()
  readonly #options: FleetOptions
  readonly #backbone: Backbone
  readonly #events: FleetEvents
  readonly #forbidden = new Set<string>()
  readonly #nodes: (RunningNode | undefined)[]
  readonly #retired: NodeReport[] = []
  #runs = 0

  constructor(options: FleetOptions, backbone: Backbone, events: FleetEvents) {
    this.#options = options
    this.#backbone = backbone
    this.#events = events
    this.#nodes = Array.from({ length: options.nodes }, () => undefined)
  }

  get size(): number {
    return this.#nodes.length
  }

  async start(at: number): Promise<void> {
    const { program, broker, isPlain } = this.#options
    const child = new ChildProgram<ToNode, FromNode>(program, 'A node', (message) => this.#hear(at, message))
    const node: RunningNode = { name: `node ${at}, run ${++this.#runs}`, program: child, port: undefined, isUp: false, lastChangeMs: 0, report: undefined }
    if (at === FEED) this.wantedPrices.clear()
    this.#nodes[at] = node
    this.#backbone.attach(at, child.process, (flow) => child.tell({ type: 'flow', flow }))
    const beginning = { broker, port: this.#backbone.portFor(at), isPlain, isFeed: at === FEED, forbidden: [...this.#forbidden] }
    const { port } = await child.ask({ type: 'begin', ...beginning }, 'listening')
    node.port = port
  }

  /** The ports that clients may come to. */
  get ports(): number[] {
    return this.#running.flatMap(({ port }) => port ?? [])
  }

  get isUp(): boolean {
    return this.#running.length === this.size && this.#running.every(({ isUp }) => isUp)
  }

  /** When a node last came up or went down: milliseconds of the time of day. */
  get lastChangeMs(): number {
    return Math.max(...this.#running.map(({ lastChangeMs }) => lastChangeMs))
  }

  /** Has a node publish, if it is there. */
  publish(at: number, entries: readonly Entry[]): void {
    const node = this.#nodes[at]
    if (node?.port === undefined) return
    for (const entry of entries) this.#events.published(entry, node.name)
    node.program.tell({ type: 'publish', entries })
  }

  publishByFeed(entries: readonly Entry[]): void {
    this.publish(FEED, entries)
  }

  /** Sets what every node reads of a user's rights. Settles when each has noted it. */
  async setRights(userId: string, mayRead: boolean): Promise<void> {
    if (mayRead) this.#forbidden.delete(userId)
    else this.#forbidden.add(userId)
    await Promise.all(this.#running.map(({ program }) => program.ask({ type: 'rights', userId, mayRead }, 'noted')))
  }

  /** Gives a command to the whole cluster, by one node. */
  command(at: number, command: 'revoke' | 'remove', userId: string): void {
    this.#nodes[at]?.program.tell({ type: command, userId })
  }

  /** Ends a node without a word. */
  kill(at: number): Promise<void> {
    return this.#end(at, (program) => program.kill())
  }

  /** Has a node end by itself. */
  stop(at: number): Promise<void> {
    return this.#end(at, async (program) => {
      program.mayEnd()
      program.tell({ type: 'leave' })
      await once(program.process, 'exit')
    })
  }

  freeze(at: number): void {
    this.#nodes[at]?.program.suspend()
  }

  thaw(at: number): void {
    this.#nodes[at]?.program.resume()
  }

  /** Asks all nodes how they are. */
  async reports(userIds: readonly string[]): Promise<NodeReport[]> {
    return Promise.all(this.#running.map(async (node) => (node.report = await node.program.ask({ type: 'report', userIds }, 'report'))))
  }

  /** What all runs of all nodes counted, as far as they have said. */
  get totals(): NodeCounts & NodeReport['local'] {
    const totals = { received: 0, repaired: 0, gaps: 0, downs: 0, due: 0, heard: 0 }
    const reports = [...this.#retired, ...this.#running.flatMap(({ report }) => report ?? [])]
    for (const { counts, local } of reports) for (const [name, count] of Object.entries({ ...counts, ...local })) totals[name as keyof typeof totals] += count
    return totals
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.map((node) => node.program.kill()))
    for (const node of this.#running) this.#retire(node)
  }

  /** What a node published may be lost with it. */
  async #end(at: number, end: (program: RunningNode['program']) => Promise<void>): Promise<void> {
    const node = this.#nodes[at] as RunningNode
    this.#nodes[at] = undefined
    await end(node.program)
    this.#retire(node)
    this.#events.died(node.name)
  }

  get #running(): RunningNode[] {
    return this.#nodes.filter((node) => node !== undefined)
  }

  #retire({ program, report }: RunningNode): void {
    this.unhandled.push(...program.unhandled)
    if (report) this.#retired.push(report)
  }

  #hear(at: number, message: FromNode): void {
    const node = this.#nodes[at]
    if (message.type === 'status' && node) {
      node.isUp = message.isUp
      node.lastChangeMs = message.atMs
    } else if (message.type === 'demand') {
      this.wantedPrices[message.isActive ? 'add' : 'delete'](message.symbol)
    } else if (message.type === 'failed') {
      this.failures.set(message.error, (this.failures.get(message.error) ?? 0) + 1)
    }
  }
}
