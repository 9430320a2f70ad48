import process from 'node:process'
// In a project of your own: 'stream-connection-manager/backplanes/memory' and so on
import { memoryBackplane } from '../../../dist/backplanes/memory.js'
import { natsBackplane } from '../../../dist/backplanes/nats.js'
import { redisBackplane } from '../../../dist/backplanes/redis.js'

/** @import { MemoryBus } from '../../../dist/backplanes/memory.js' */
/** @import { Backplane } from '../../../dist/cluster.js' */

/**
 * Where the broker of several nodes is. Without one, the nodes use the channel between a process and its children.
 *
 * @typedef {{ kind: 'redis' | 'nats', url: string }} Broker
 */

/** @typedef {{ backplane: Backplane, disconnect: () => Promise<void> }} Connected */

/** A broker that cannot be reached when the desk starts. */
export class BrokerError extends Error {}

/** How long a client may wait for the broker at its start, and for an answer. */
const TIMEOUT_MS = 2_000

/**
 * Connects this process to the other nodes. Only the clients of the broker that is used are imported.
 *
 * @param {Broker | undefined} broker
 * @param {MemoryBus | NodeJS.Process} [local] what carries the messages if there is no broker
 * @returns {Promise<Connected>}
 */
export async function connectNodes(broker, local = process) {
  if (broker === undefined) return { backplane: memoryBackplane(local), disconnect: async () => {} }
  try {
    return await (broker.kind === 'redis' ? connectRedis(broker.url) : connectNats(broker.url))
  } catch (error) {
    throw new BrokerError(`Cannot reach ${broker.url}: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * @param {string} url
 * @returns {Promise<Connected>}
 */
async function connectRedis(url) {
  const { createClient } = await import('redis')
  let hasConnected = false
  // At the start, somebody waits to hear that there is no broker. Later, the client tries again until it is back.
  const reconnectStrategy = (/** @type {number} */ _retries, /** @type {Error} */ cause) => (hasConnected ? 100 : cause)
  const client = createClient({ url, socket: { connectTimeout: TIMEOUT_MS, reconnectStrategy } })
  client.on('error', () => {})
  await client.connect()
  hasConnected = true
  return { backplane: redisBackplane(client), disconnect: async () => client.destroy() }
}

/**
 * @param {string} url
 * @returns {Promise<Connected>}
 */
async function connectNats(url) {
  const { connect } = await import('@nats-io/transport-node')
  const connection = await connect({ servers: url, maxReconnectAttempts: -1, timeout: TIMEOUT_MS })
  return { backplane: natsBackplane(connection), disconnect: () => connection.close() }
}
