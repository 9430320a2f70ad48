// The clients that the drivers take, as their packages declare them. Nothing runs this file: it only has to compile.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { MessageChannel, parentPort, Worker } from 'node:worker_threads'
import { connect, wsconnect } from '@nats-io/transport-node'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster } from 'redis'
import { createMemoryBus, memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import { natsBackplane } from '../../../src/backplanes/nats.ts'
import { redisBackplane } from '../../../src/backplanes/redis/index.ts'
import type { Backplane } from '../../../src/cluster/index.ts'

export async function accepted(): Promise<Backplane[]> {
  const bus = createMemoryBus()
  for (const port of [fork('worker.js'), cluster.fork(), new Worker('worker.js'), new MessageChannel().port1]) bus.attach(port)
  return [
    redisBackplane(createClient()),
    redisBackplane(createClient({ RESP: 2 })),
    redisBackplane(createClient({ RESP: 3 })),
    redisBackplane(await createClient().on('error', () => {}).connect()),
    redisBackplane(new Redis()),
    redisBackplane(new Redis({ protocol: 2, sentinels: [{ host: '127.0.0.1', port: 26_379 }], name: 'primary' })),
    natsBackplane(await connect()),
    natsBackplane(await wsconnect()),
    memoryBackplane(bus),
    memoryBackplane(process),
    ...(parentPort === null ? [] : [memoryBackplane(parentPort)]),
  ]
}

export function refused(): void {
  // @ts-expect-error The subscribers of a channel are spread over the servers of a cluster.
  redisBackplane(createCluster({ rootNodes: [] }))
  // @ts-expect-error The same.
  redisBackplane(new Cluster([]))
  // @ts-expect-error A pool has no connection of its own.
  redisBackplane(createClientPool())
  // @ts-expect-error A broker is not a connection to it.
  natsBackplane(createMemoryBus())
  // @ts-expect-error A client of Redis is no port.
  memoryBackplane({ redis: createClient() })
}
