export type { IoRedisClient, IoRedisConnection } from './ioredis.ts'
export type { NodeRedisClient, NodeRedisConnection } from './node-redis.ts'
export { redisBackplane } from './redis-backplane.ts'
