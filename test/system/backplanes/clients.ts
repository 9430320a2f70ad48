import { connect } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { natsBackplane } from '../../../src/backplanes/nats.ts'
import { redisBackplane } from '../../../src/backplanes/redis/index.ts'
import type { BackplaneClient } from '../../../src/testing/index.ts'
import { natsServer, redisServer, type BrokerCommand } from './broker-process.ts'

/** A client library, the broker that it is for, and a client of an application. */
export interface ClientLibrary {
  readonly name: string
  readonly broker: BrokerCommand
  readonly connect: (port: number) => Promise<BackplaneClient>
}

const RECONNECT_MS = 50
/** If a link breaks while NATS connects, NATS notices it after this time. */
const CONNECT_MS = 2_000

export const clientLibraries: readonly ClientLibrary[] = [
  {
    name: 'node-redis',
    broker: redisServer,
    async connect(port) {
      const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: RECONNECT_MS } })
      client.on('error', () => {})
      await client.connect()
      return { backplane: redisBackplane(client), use: () => client.ping(), stop: () => client.destroy() }
    },
  },
  {
    name: 'ioredis',
    broker: redisServer,
    async connect(port) {
      const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => RECONNECT_MS })
      client.on('error', () => {})
      await client.ping()
      return { backplane: redisBackplane(client), use: () => client.ping(), stop: () => client.disconnect() }
    },
  },
  {
    name: 'NATS',
    broker: natsServer,
    async connect(port) {
      const connection = await connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_MS, timeout: CONNECT_MS })
      return { backplane: natsBackplane(connection), use: () => connection.flush(), stop: () => connection.close() }
    },
  },
]
