import { ConnectionManagerError, describe } from '../../errors.ts'
import type { Backplane } from '../../ports/backplane.ts'
import { IoRedisLink, type IoRedisClient } from './ioredis.ts'
import { NodeRedisLink, type NodeRedisClient } from './node-redis.ts'
import { RedisDriver } from './redis-driver.ts'

/**
 * Returns the driver of one node for Redis or Valkey, for `joinCluster`. The driver works with node-redis 4 to 6 and ioredis 5 and 6.
 *
 * The driver uses the commands `PUBLISH`, `SUBSCRIBE`, `UNSUBSCRIBE` and `PUBSUB NUMSUB`, and no sharded channels. The driver opens two connections
 * of its own, which are duplicates of your client. So you may use your client for anything, and your client stays open when the cluster is closed.
 * The reconnect strategy of your client decides how long the driver tries to reconnect. Choose a strategy that never stops trying.
 *
 * The client of a Redis Cluster cannot be used. Pass a client of one server, or of Sentinel.
 *
 * @throws `ERR_INVALID_BACKPLANE` if `client` is not a client of node-redis or ioredis, or is a client of a Redis Cluster
 *
 * @example
 * import { createClient } from 'redis'
 * import { redisBackplane } from 'stream-connection-manager/backplanes/redis'
 *
 * const client = createClient({ url: 'redis://127.0.0.1:6379' })
 * const backplane = redisBackplane(client) // for joinCluster(manager, recovery, { backplane, prefix: 'desk' })
 */
export function redisBackplane(client: NodeRedisClient | IoRedisClient): Backplane {
  if (isIoRedis(client)) return new RedisDriver((receive) => new IoRedisLink(client, receive))
  if (isNodeRedis(client)) return new RedisDriver((receive) => new NodeRedisLink(client, receive))
  throw new ConnectionManagerError('ERR_INVALID_BACKPLANE', `Expected a client of node-redis or ioredis for one Redis server, got ${describe(client)}`)
}

function isIoRedis(client: unknown): client is IoRedisClient {
  const { duplicate, status, isCluster } = Object(client) as { readonly duplicate?: unknown; readonly status?: unknown; readonly isCluster?: unknown }
  return typeof duplicate === 'function' && typeof status === 'string' && isCluster !== true
}

function isNodeRedis(client: unknown): client is NodeRedisClient {
  const { duplicate, isReady, masters } = Object(client) as { readonly duplicate?: unknown; readonly isReady?: unknown; readonly masters?: unknown }
  // Only the client of a Redis Cluster has masters.
  return typeof duplicate === 'function' && typeof isReady === 'boolean' && masters === undefined
}
