import { createAudit, type Audit } from '../../../src/testing/index.ts'
import { Dice } from '../../support/dice.ts'
import { STREAMS, streams, USERS, type Stream, type Streams } from '../../support/cluster/catalogue.ts'
import type { Action } from './schedule.ts'
import { Judge } from './judge.ts'
import { SimulatedBroker } from '../../support/cluster/simulated-broker.ts'
import { SimulatedClient } from './simulated-client.ts'
import { SimulatedClock } from '../../support/cluster/simulated-clock.ts'
import { SimulatedNode } from '../../support/cluster/simulated-node.ts'

/** The node that publishes prices, and listens to the demand for them. */
const FEED = 0

/** How a run is set up. */
export interface Settings {
  readonly nodes: number
  readonly clients: number
  readonly historyCount: number
  readonly loss: number
  readonly repeat: number
  readonly late: number
  /** How many characters each message has beside its identity. With many, answers come in several parts, and histories are limited by their size. */
  readonly padding: number
}

/** Whom an action is about. */
interface Cast {
  readonly node: SimulatedNode
  readonly client: SimulatedClient
  readonly stream: Stream
}

type Acts = { readonly [TKind in Action['kind']]: (action: Action & { readonly kind: TKind }, cast: Cast) => void | Promise<void> }

export function settingsFrom(dice: Dice): Settings {
  const isRough = dice.chance(0.5)
  return {
    nodes: 2 + dice.below(dice.chance(0.2) ? 9 : 3),
    clients: 2 + dice.below(6),
    historyCount: dice.pick([0, 3, 20, 256]),
    loss: isRough ? dice.pick([0.01, 0.05]) : 0,
    repeat: isRough ? 0.02 : 0,
    late: isRough ? 0.05 : 0,
    padding: dice.chance(0.06) ? 90_000 : 0,
  }
}

/** Nodes, clients and a broker, and the audit that judges them. */
export class World {
  readonly clock: SimulatedClock = new SimulatedClock()
  readonly audit: Audit<Streams> = createAudit({ streams, onTheWay: 'allowed' })
  readonly judge: Judge = new Judge(this.clock)
  readonly trace: string[] = []
  /** What is wrong beside the messages. Known at the end. */
  readonly objections: string[] = []
  readonly tally: Record<string, number> = {}
  readonly #dice: Dice
  readonly #settings: Settings
  readonly #padding: string
  readonly #broker: SimulatedBroker
  readonly #nodes: SimulatedNode[] = []
  readonly #clients: SimulatedClient[] = []
  readonly #acts: Acts = {
    publish: ({ count }, { node, stream }) => this.#publishSome(count, node, stream),
    connect: (_, { client, node }) => client.connect(node),
    leave: (_, { client }) => client.leave(),
    want: (_, { client, stream }) => void (this.judge.isRevoked(client.userId, stream) || client.want(stream)),
    unwant: (_, { client, stream }) => client.unwant(stream),
    cut: ({ forMs }, { node }) => this.#broker.cut(node.name, forMs),
    restartBroker: ({ forMs }) => this.#broker.restart(forMs),
    stick: ({ forMs }) => this.#broker.stick(forMs),
    kill: (_, { node }) => this.#kill(node),
    stop: (_, { node }) => this.#stop(node),
    revoke: (_, { node, client, stream }) => this.#revoke(node, client, stream),
    remove: (_, { node, client }) => this.#remove(node, client),
    slow: ({ forMs }, { client }) => this.#slowDown(client, forMs),
  }
  #ids = 0
  #nodeNames = 0

  constructor(settings: Settings, seed: number) {
    this.#settings = settings
    this.#padding = 'x'.repeat(settings.padding)
    this.#dice = new Dice(seed ^ 0x1234)
    this.#broker = new SimulatedBroker(this.clock, new Dice(seed ^ 0x4321), settings)
  }

  async start(): Promise<void> {
    const { nodes, clients } = this.#settings
    for (let n = 0; n < nodes; n++) this.#startNode(n)
    for (let c = 0; c < clients; c++) this.#clients.push(new SimulatedClient(`c${c}`, USERS[c % USERS.length] as string, this.audit))
    await this.clock.advance(100)
  }

  async perform(action: Action): Promise<void> {
    this.tally[action.kind] = (this.tally[action.kind] ?? 0) + 1
    this.trace.push(`${this.clock.monotonic().toFixed(0)} ${JSON.stringify(action)}`)
    const act = this.#acts[action.kind] as (action: Action, cast: Cast) => void | Promise<void>
    await act(action, {
      node: this.#nodes[('node' in action ? action.node : 0) % this.#nodes.length] as SimulatedNode,
      client: this.#clients[('client' in action ? action.client : 0) % this.#clients.length] as SimulatedClient,
      stream: STREAMS[('stream' in action ? action.stream : 0) % STREAMS.length] as Stream,
    })
    await this.clock.advance(action.thenMs)
  }

  /** Lets everything settle, and judges what is left then. */
  async finish(): Promise<void> {
    this.#broker.calm()
    await this.clock.advance(30_000)
    this.objections.push(...(await this.judge.objections(this.#nodes)))
    for (const [name, number] of Object.entries(this.#totals())) this.tally[name] = (this.tally[name] ?? 0) + number
  }

  #totals(): Record<string, number> {
    const totals: Record<string, number> = {}
    for (const { cluster } of this.#nodes) {
      for (const [name, count] of Object.entries(cluster?.stats() ?? {})) totals[`~${name}`] = (totals[`~${name}`] ?? 0) + (count as number)
    }
    return totals
  }

  #startNode(at: number): void {
    const { historyCount } = this.#settings
    const node = new SimulatedNode(`n${++this.#nodeNames}`, this.clock, () => `e${++this.#ids}`, historyCount)
    this.#nodes[at] = node
    // Its first question, and then the repeats, may be lost.
    for (const ms of [0, 10, 100, 1_000, 2_000, 3_000]) this.clock.setTimeout(() => this.judge.joined(node, this.#broker.cutOff()), ms)
    void node.join(this.#broker).then(() => {
      if (at === FEED) this.judge.follow(node)
    })
  }

  #publishSome(count: number, node: SimulatedNode, stream: Stream): void {
    for (let n = 0; n < count; n++) this.#publish(streams[stream.streamType].delivery === 'latest' ? (this.#nodes[FEED] as SimulatedNode) : node, stream)
  }

  #publish(node: SimulatedNode, { streamType, symbol }: Stream): void {
    const userId = streamType === 'ORDERS' ? this.#dice.pick(USERS) : undefined
    const message = { streamType, symbol: symbol ?? (streams[streamType].symbol === 'optional' ? this.#dice.pick(['A', 'B']) : undefined), userId, data: { id: ++this.#ids, padding: this.#padding } }
    this.audit.published(message as never, { publisher: node.name })
    node.manager.publish(message as never)
  }

  #kill(node: SimulatedNode): void {
    const at = this.#nodes.indexOf(node)
    for (const client of this.#clients) if (client.node === node) client.leave()
    this.#broker.cut(node.name, 1e9)
    void node.cluster?.close()
    this.audit.died(node.name)
    this.#startNode(at)
  }

  #slowDown(client: SimulatedClient, forMs: number): void {
    client.setSlow(true)
    this.clock.setTimeout(() => client.setSlow(false), forMs)
  }

  #remove(node: SimulatedNode, { userId }: SimulatedClient): void {
    this.judge.removed(node, this.#nodes, userId)
    void node.cluster?.removeUser(userId)
  }

  #revoke(node: SimulatedNode, { userId }: SimulatedClient, stream: Stream): void {
    const { streamType, symbol } = stream
    this.judge.revoked(node, userId, stream)
    for (const each of this.#clients) if (each.userId === userId) each.lose(stream)
    node.cluster?.revoke({ userId, streamType, symbol })
  }

  /** A deploy: the node tells the others how far it is, and leaves. */
  async #stop(node: SimulatedNode): Promise<void> {
    await this.clock.advance(1_000)
    this.#kill(node)
  }
}
