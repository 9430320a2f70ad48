import { createAudit, type Audit, type BackplaneClient } from '../../../src/testing/index.ts'
import { BrokerProcess } from './broker-process.ts'
import type { ClientLibrary } from './clients.ts'
import { ClusterNode, pause, streams, until, type NodeOptions, type Streams } from './cluster-node.ts'

const BURST = 10

/** Two nodes at one broker, and a client of each. */
export class Desk {
  readonly audit: Audit<Streams> = createAudit({ streams })
  readonly broker: BrokerProcess
  readonly nodes: ClusterNode[] = []
  readonly #clients: BackplaneClient[] = []
  #published = 0

  private constructor(broker: BrokerProcess) {
    this.broker = broker
  }

  static async open({ broker, connect }: ClientLibrary, options?: NodeOptions): Promise<Desk> {
    const desk = new Desk(await BrokerProcess.start(broker))
    for (const name of ['A', 'B']) {
      const client = await connect(desk.broker.port)
      desk.#clients.push(client)
      const node = await ClusterNode.join(name, client.backplane, options)
      desk.nodes.push(node)
      await node.connect(`client of ${name}`, desk.audit)
    }
    return desk
  }

  get first(): ClusterNode {
    return this.nodes[0] as ClusterNode
  }

  get second(): ClusterNode {
    return this.nodes[1] as ClusterNode
  }

  /** Each node publishes every other message, ten in a burst. */
  async publishUpTo(count: number): Promise<void> {
    while (this.#published < count) {
      for (let i = 0; i < BURST; i++) this.#publish()
      await pause(2)
    }
  }

  async is(status: 'up' | 'down'): Promise<void> {
    await until(`both nodes are ${status}`, () => this.nodes.every(({ cluster }) => cluster.status === status))
  }

  /** Waits until nothing is on its way any more. */
  async settles(): Promise<void> {
    await until('every message has come, or was told as missing', () => this.audit.waiting === 0)
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.stop()
    for (const client of this.#clients) await client.stop()
    await this.broker.kill()
  }

  #publish(): void {
    const number = ++this.#published
    const node = number % 2 === 0 ? this.first : this.second
    const message = { streamType: 'TRADES', symbol: 'BTCUSDT', data: number }
    this.audit.published(message, { publisher: node.name })
    node.publish(number)
  }
}

/** Runs a test on a desk, and closes it. */
export async function onDesk(library: ClientLibrary, options: NodeOptions, run: (desk: Desk) => Promise<void>): Promise<void> {
  const desk = await Desk.open(library, options)
  try {
    await run(desk)
  } finally {
    await desk.close()
  }
}
