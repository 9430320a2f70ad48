/**
 * One of the driver's own connections to Redis, made by node-redis or ioredis.
 *
 * While the TCP link to Redis is down, the connection sends nothing: `publish`, `subscribe`, `unsubscribe` and `count` reject at once. They also
 * reject if the link is lost before Redis has answered.
 */
export interface RedisLink {
  readonly isReady: boolean
  /** Calls `changed` whenever `isReady` may have changed. */
  watch(changed: () => void): void
  /** Resolves when there is a link for the first time. Rejects when the client gives up. */
  connect(): Promise<void>
  publish(channel: string, text: string): Promise<unknown>
  subscribe(channels: readonly string[]): Promise<unknown>
  unsubscribe(channels: readonly string[]): Promise<unknown>
  /** Returns how many connections are subscribed to a channel. */
  count(channel: string): Promise<number>
  /** Ends the connection. Afterwards, the connection receives nothing. */
  end(): void
}

/** Called for each message of a channel that a link is subscribed to. */
export type Receive = (channel: string, text: string) => void
