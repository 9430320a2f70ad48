import { joinCluster, type Cluster } from '../../../src/cluster/index.ts'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { createRecovery, type Recovery } from '../../../src/recovery/index.ts'
import type { Audit } from '../../../src/testing/index.ts'
import type { Backplane } from '../../../src/cluster/index.ts'

export const streams = defineStreams({ TRADES: { audience: 'public', symbol: 'required' } })
export type Streams = typeof streams

export const TRADES = { streamType: 'TRADES', symbol: 'BTCUSDT' } as const

/** Short times, so that a test takes seconds. */
const TIMES = { probeMs: 100, repairTimeoutMs: 500, quietAfterMs: 50, idleDelayMs: 200 }

export interface NodeOptions {
  readonly historyCount?: number
  readonly maxUnconfirmedBytes?: number
  readonly probeMs?: number
}

/** One node of a cluster: a real manager, with a real recovery. */
export class ClusterNode {
  readonly name: string
  readonly manager: ConnectionManager<{ send(text: string): void; close(): void }, Streams>
  readonly recovery: Recovery<Streams>
  readonly cluster: Cluster<Streams>
  readonly errors: unknown[]

  private constructor(name: string, parts: Pick<ClusterNode, 'manager' | 'recovery' | 'cluster' | 'errors'>) {
    this.name = name
    this.manager = parts.manager
    this.recovery = parts.recovery
    this.cluster = parts.cluster
    this.errors = parts.errors
  }

  static async join(name: string, backplane: Backplane, { historyCount = 256, ...options }: NodeOptions = {}): Promise<ClusterNode> {
    const recovery = createRecovery<Streams>({ history: { count: historyCount } })
    const manager: ClusterNode['manager'] = new ConnectionManager({ streams, recorder: recovery, idleDelayMs: 200 })
    const cluster = await joinCluster(manager, recovery, { backplane, prefix: 'desk', ...TIMES, ...options })
    const errors: unknown[] = []
    cluster.on('error', (error) => errors.push(error))
    await until(`${name} is up`, () => cluster.status === 'up')
    return new ClusterNode(name, { manager, recovery, cluster, errors })
  }

  /** Connects a client that is subscribed to the trades, and tells the audit what it receives. */
  async connect(client: string, audit: Audit<Streams>): Promise<void> {
    audit.connected(client, client)
    const socket = { send: (text: string) => audit.received(client, text), close: () => {} }
    const connection = this.manager.addConnection(client, socket, client)
    await this.cluster.ready(TRADES)
    this.recovery.subscribe(connection, TRADES)
    audit.subscribed(client, TRADES)
  }

  publish(data: unknown): void {
    this.manager.publish({ ...TRADES, data } as never)
  }

  async stop(): Promise<void> {
    await this.cluster.close()
    await this.manager.cleanup()
  }
}

const DEADLINE_MS = 20_000

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`It does not happen that ${what}`)
    await pause(5)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
