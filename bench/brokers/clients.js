// The client libraries of the brokers, as an application uses them.
import { libraryModule } from '../library.js'

/**
 * @typedef {object} BrokerClient
 * @property {(subject: string, text: string) => unknown} publish
 * @property {() => Promise<unknown>} settled resolves when the broker has everything that was published
 * @property {(subject: string, receive: () => void) => Promise<unknown>} subscribe uses up a client of Redis
 * @property {() => Promise<import('stream-connection-manager/cluster').Backplane>} backplane
 * @property {() => Promise<SocketIoAdapter>} [socketIoAdapter] with a second connection, to subscribe
 * @property {() => unknown} close
 *
 * What joins a node of socket.io to the others.
 *
 * @typedef {object} SocketIoAdapter
 * @property {import('socket.io').ServerOptions['adapter']} adapter
 * @property {() => Promise<void>} settled resolves when the broker has everything that was published, and what it sent back has arrived
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
    async socketIoAdapter() {
      const subscriber = await client.duplicate().connect()
      return socketIoAdapter(client, subscriber, () => subscriber.destroy())
    },
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
    async socketIoAdapter() {
      const subscriber = client.duplicate()
      return socketIoAdapter(client, subscriber, () => subscriber.disconnect())
    },
    close: () => client.disconnect(),
  }
}

/** @returns {Promise<SocketIoAdapter>} */
async function socketIoAdapter(/** @type {any} */ publisher, /** @type {any} */ subscriber, /** @type {() => unknown} */ close) {
  const { createAdapter } = await import('@socket.io/redis-adapter')
  return {
    adapter: createAdapter(publisher, subscriber),
    async settled() {
      await publisher.ping()
      await subscriber.ping()
    },
    close,
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
