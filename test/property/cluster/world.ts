import { createAudit, type Audit } from '../../../src/testing/index.ts'
import { Dice } from '../../support/dice.ts'
import { STREAMS, streams, USERS, type Stream, type Streams } from '../../support/cluster/catalogue.ts'
import type { Action } from './schedule.ts'
import { SimulatedBroker } from '../../support/cluster/simulated-broker.ts'
import { SimulatedClient } from './simulated-client.ts'
import { SimulatedClock } from '../../support/cluster/simulated-clock.ts'
import { SimulatedNode } from '../../support/cluster/simulated-node.ts'

/** How a run is set up. */
export interface Settings {
  readonly nodes: number
  readonly clients: number
  readonly historyCount: number
  readonly loss: number
  readonly repeat: number
  readonly late: number
}

export function settingsFrom(dice: Dice): Settings {
  const isRough = dice.chance(0.5)
  return {
    nodes: 2 + dice.below(dice.chance(0.2) ? 9 : 3),
    clients: 2 + dice.below(6),
    historyCount: dice.pick([0, 3, 20, 256]),
    loss: isRough ? dice.pick([0.01, 0.05]) : 0,
    repeat: isRough ? 0.02 : 0,
    late: isRough ? 0.05 : 0,
  }
}

/** Nodes, clients and a broker, and the audit that judges them. */
export class World {
  readonly clock: SimulatedClock = new SimulatedClock()
  readonly audit: Audit<Streams> = createAudit({ streams, onTheWay: 'allowed' })
  readonly trace: string[] = []
  readonly tally: Record<string, number> = {}
  readonly #dice: Dice
  readonly #settings: Settings
  readonly #broker: SimulatedBroker
  readonly #nodes: SimulatedNode[] = []
  readonly #clients: SimulatedClient[] = []
  #ids = 0
  #nodeNames = 0

  constructor(settings: Settings, seed: number) {
    this.#settings = settings
    this.#dice = new Dice(seed ^ 0x1234)
    this.#broker = new SimulatedBroker(this.clock, new Dice(seed ^ 0x4321), settings)
  }

  async start(): Promise<void> {
    const { nodes, clients } = this.#settings
    for (let n = 0; n < nodes; n++) this.#nodes[n] = this.#newNode()
    for (let c = 0; c < clients; c++) this.#clients.push(new SimulatedClient(`c${c}`, USERS[c % USERS.length] as string, this.audit))
    await this.clock.advance(100)
  }

  async perform(action: Action): Promise<void> {
    this.tally[action.kind] = (this.tally[action.kind] ?? 0) + 1
    this.trace.push(`${this.clock.monotonic().toFixed(0)} ${JSON.stringify(action)}`)
    const node = this.#nodes[('node' in action ? action.node : 0) % this.#nodes.length] as SimulatedNode
    const client = this.#clients[('client' in action ? action.client : 0) % this.#clients.length] as SimulatedClient
    const stream = STREAMS[('stream' in action ? action.stream : 0) % STREAMS.length] as Stream
    switch (action.kind) {
      case 'publish':
        for (let n = 0; n < action.count; n++) this.#publish(stream.streamType === 'PRICE' ? (this.#nodes[0] as SimulatedNode) : node, stream)
        break
      case 'connect':
        client.connect(node)
        break
      case 'leave':
        client.leave()
        break
      case 'want':
        client.want(stream)
        break
      case 'unwant':
        client.unwant(stream)
        break
      case 'cut':
        this.#broker.cut(node.name, action.forMs)
        break
      case 'restartBroker':
        this.#broker.restart(action.forMs)
        break
      case 'stick':
        this.#broker.stick(action.forMs)
        break
      case 'kill':
        this.#kill(node)
        break
      case 'stop':
        await this.#stop(node)
        break
    }
    await this.clock.advance(action.thenMs)
  }

  /** Lets everything settle. */
  async finish(): Promise<void> {
    await this.clock.advance(30_000)
    for (const [name, number] of Object.entries(this.#totals())) this.tally[name] = (this.tally[name] ?? 0) + number
  }

  #totals(): Record<string, number> {
    const totals: Record<string, number> = {}
    for (const { cluster } of this.#nodes) {
      for (const [name, count] of Object.entries(cluster?.stats() ?? {})) totals[`~${name}`] = (totals[`~${name}`] ?? 0) + (count as number)
    }
    return totals
  }

  #newNode(): SimulatedNode {
    const { historyCount } = this.#settings
    const node = new SimulatedNode(`n${++this.#nodeNames}`, this.clock, () => `e${++this.#ids}`, historyCount)
    void node.join(this.#broker)
    return node
  }

  #publish(node: SimulatedNode, { streamType, symbol }: Stream): void {
    const userId = streamType === 'ORDERS' ? this.#dice.pick(USERS) : undefined
    const message = { streamType, symbol: symbol ?? (streamType === 'NEWS' || streamType === 'ORDERS' ? this.#dice.pick(['A', 'B']) : undefined), userId, data: ++this.#ids }
    this.audit.published(message as never, { publisher: node.name })
    node.manager.publish(message as never)
  }

  #kill(node: SimulatedNode): void {
    const at = this.#nodes.indexOf(node)
    for (const client of this.#clients) if (client.node === node) client.leave()
    this.#broker.cut(node.name, 1e9)
    void node.cluster?.close()
    this.audit.died(node.name)
    this.#nodes[at] = this.#newNode()
  }

  /** A deploy: the node tells the others how far it is, and leaves. */
  async #stop(node: SimulatedNode): Promise<void> {
    await this.clock.advance(1_000)
    this.#kill(node)
  }
}
