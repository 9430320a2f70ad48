import { joinCluster, type Cluster, type ClusterOptions } from '../../../src/cluster/index.ts'
import { ConnectionManager, type Socket } from '../../../src/index.ts'
import { createRecovery, type Recovery } from '../../../src/recovery/index.ts'
import { streams, type Streams } from './catalogue.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import type { SimulatedClock } from './simulated-clock.ts'

/** One run of a server. */
export class SimulatedNode {
  readonly name: string
  readonly manager: ConnectionManager<Socket, Streams>
  readonly recovery: Recovery<Streams>
  cluster: Cluster<Streams> | undefined
  readonly errors: unknown[] = []
  readonly events: [string, unknown][] = []

  constructor(name: string, clock: SimulatedClock, randomEpoch: () => string, count: number) {
    this.name = name
    this.recovery = createRecovery<Streams>({ history: { count }, randomEpoch })
    this.manager = new ConnectionManager<Socket, Streams>({ streams, clock, recorder: this.recovery, idleDelayMs: 300 })
    this.manager.on('error', ({ error }) => this.errors.push(error))
  }

  async join(broker: SimulatedBroker, options: Partial<ClusterOptions<Streams>> = {}): Promise<void> {
    this.cluster = await joinCluster(this.manager, this.recovery, { backplane: broker.backplane(this.name), prefix: 'sim', idleDelayMs: 300, ...options })
    this.cluster.on('error', (error) => this.errors.push(error))
    for (const event of ['status', 'gap'] as const) this.cluster.on(event, (payload) => this.events.push([event, payload]))
  }
}

/** Makes a node that has not joined yet. */
export function newNode({ clock }: { readonly clock: SimulatedClock }): SimulatedNode {
  let names = 0
  return new SimulatedNode('x', clock, () => `x${++names}`, 256)
}
