// What the docs use of the clients of brokers. The tests of test/system/backplanes compile against the packages themselves.
declare module 'redis' {
  import type { NodeRedisClient } from 'stream-connection-manager/backplanes/redis'
  export function createClient(options: { readonly url: string }): NodeRedisClient
}

declare module 'ioredis' {
  import type { IoRedisClient } from 'stream-connection-manager/backplanes/redis'
  export const Redis: new (url: string, options: { readonly lazyConnect: true }) => IoRedisClient
}

declare module '@nats-io/transport-node' {
  import type { NatsConnection } from 'stream-connection-manager/backplanes/nats'
  export function connect(options: { readonly servers: string; readonly maxReconnectAttempts: number; readonly timeout: number }): Promise<NatsConnection & { close(): Promise<void> }>
}
