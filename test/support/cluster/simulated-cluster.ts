import type { ClusterOptions } from '../../../src/cluster/index.ts'
import { FakeSocket } from '../fake-socket.ts'
import { Dice } from '../dice.ts'
import { USERS, type Stream, type Streams } from './catalogue.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { SimulatedNode } from './simulated-node.ts'

export type NodeOptions = Partial<ClusterOptions<Streams>>

/** Nodes over a broker that does what the test says, and nothing else: it loses nothing by itself. */
export class SimulatedCluster {
  readonly clock: SimulatedClock = new SimulatedClock()
  readonly broker: SimulatedBroker = new SimulatedBroker(this.clock, new Dice(1), { loss: 0, repeat: 0, late: 0 })
  #names = 0
  #connections = 0

  /** Starts nodes, and waits until they are up. */
  async nodes(count: number, options: NodeOptions = {}, historyCount = 256): Promise<SimulatedNode[]> {
    const nodes = Array.from({ length: count }, () => new SimulatedNode(`n${++this.#names}`, this.clock, () => `e${++this.#names}`, historyCount))
    for (const node of nodes) void node.join(this.broker, options)
    await this.clock.advance(100)
    return nodes
  }

  /** Connects a client, and subscribes it when the node is ready. */
  async client(node: SimulatedNode, stream: Stream, position?: string, userId: string = USERS[0] as string): Promise<FakeSocket> {
    const socket = new FakeSocket()
    const connection = node.manager.addConnection(`s${++this.#connections}`, socket, userId)
    let isReady = false
    void node.cluster?.ready({ ...stream, userId: stream.streamType === 'ORDERS' ? userId : undefined, position }).then(() => (isReady = true))
    while (!isReady) await this.clock.advance(5)
    node.recovery.subscribe(connection as never, { ...stream, position } as never)
    return socket
  }
}

/** What a client got: data, `gap 3`, `subscribed true`. */
export function received({ sent }: FakeSocket): unknown[] {
  return sent.map((text) => {
    const { type, data, dropped, recovered, status } = JSON.parse(text) as Record<string, unknown>
    if (type === 'gap') return `gap ${String(dropped)}`
    if (type === 'subscribed') return `subscribed ${String(recovered)}`
    return type === 'status' ? `status ${String(status)}` : data
  })
}

/** The position that a client has after all that it got. */
export function positionOf({ sent }: FakeSocket): string {
  const at = new Map<string, number>()
  for (const text of sent) {
    const { position, epoch, seq } = JSON.parse(text) as { position?: string; epoch?: string; seq?: number }
    for (const part of position?.split(',') ?? []) at.set(part.split(':')[0] as string, Number(part.split(':')[1]))
    if (epoch !== undefined) at.set(epoch, seq as number)
  }
  return [...at].map(([epoch, seq]) => `${epoch}:${seq}`).join()
}
