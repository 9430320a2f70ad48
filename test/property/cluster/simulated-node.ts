import { joinCluster, type Cluster } from '../../../src/cluster/index.ts'
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

  constructor(name: string, clock: SimulatedClock, randomEpoch: () => string, count: number) {
    this.name = name
    this.recovery = createRecovery<Streams>({ history: { count }, randomEpoch })
    this.manager = new ConnectionManager<Socket, Streams>({ streams, clock, recorder: this.recovery, idleDelayMs: 300 })
    this.manager.on('error', ({ error }) => this.errors.push(error))
  }

  async join(broker: SimulatedBroker): Promise<void> {
    this.cluster = await joinCluster<Streams>(this.manager as never, this.recovery, { backplane: broker.backplane(this.name), prefix: 'sim', idleDelayMs: 300 })
    this.cluster.on('error', () => {})
  }
}
