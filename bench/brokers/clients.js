// The client libraries of the brokers, as an application uses them.
import { libraryModule } from '../library.js'

/**
 * @typedef {object} BrokerClient
 * @property {(subject: string, text: string) => unknown} publish
 * @property {() => Promise<unknown>} settled resolves when the broker has everything that was published
 * @property {(subject: string, receive: () => void) => Promise<unknown>} subscribe uses up a client of Redis
 * @property {() => Promise<import('stream-connection-manager/cluster').Backplane>} backplane
 * @property {() => unknown} close
 */

/** @type {Readonly<Record<string, { broker: 'redis' | 'nats', open: (port: number) => Promise<BrokerClient> }>>} */
export const CLIENTS = {
  'node-redis': { broker: 'redis', open: nodeRedis },
  ioredis: { broker: 'redis', open: ioRedis },
  NATS: { broker: 'nats', open: nats },
}

async function nodeRedis(/** @type {number} */ port) {
  const { createClient } = await import('redis')
  const client = createClient({ socket: { host: '127.0.0.1', port } })
  await client.connect()
  return {
    publish: (subject, text) => client.publish(subject, text),
    settled: () => client.ping(),
    subscribe: (subject, receive) => client.subscribe(subject, receive),
    backplane: async () => (await libraryModule('backplanes/redis')).redisBackplane(client),
    close: () => client.destroy(),
  }
}

async function ioRedis(/** @type {number} */ port) {
  const { Redis } = await import('ioredis')
  const client = new Redis({ host: '127.0.0.1', port })
  await client.ping()
  return {
    publish: (subject, text) => client.publish(subject, text),
    settled: () => client.ping(),
    subscribe: (subject, receive) => client.on('message', receive).subscribe(subject),
    backplane: async () => (await libraryModule('backplanes/redis')).redisBackplane(client),
    close: () => client.disconnect(),
  }
}

async function nats(/** @type {number} */ port) {
  const { connect } = await import('@nats-io/transport-node')
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  return {
    publish: (subject, text) => connection.publish(subject, text),
    settled: () => connection.flush(),
    async subscribe(subject, receive) {
      connection.subscribe(subject, { callback: receive })
      await connection.flush()
    },
    backplane: async () => (await libraryModule('backplanes/nats')).natsBackplane(connection),
    close: () => connection.close(),
  }
}
