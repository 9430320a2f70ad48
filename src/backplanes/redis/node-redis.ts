import { disown } from '../../guards/user-code.ts'
import type { Receive, RedisLink } from './redis-link.ts'

/** A client of node-redis, the package `redis`: what `createClient` returns. It need not be connected. */
export interface NodeRedisClient {
  duplicate(overrides: { readonly disableOfflineQueue: true }): NodeRedisConnection
}

/** All that the driver needs of a client that it has duplicated. */
export interface NodeRedisConnection {
  readonly isOpen: boolean
  readonly isReady: boolean
  connect(): Promise<unknown>
  on(event: string, listener: () => void): unknown
  publish(channel: string, message: string): Promise<unknown>
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channels: string[]): Promise<unknown>
  pubSubNumSub(channels: string[]): Promise<unknown>
  /** Version 4 has `disconnect` instead. */
  destroy?(): unknown
  disconnect?(): unknown
}

/** Each of them may change `isReady`. Without a listener of `error`, an error would end the process. */
const EVENTS = ['ready', 'error', 'reconnecting', 'end'] as const

/**
 * A connection by node-redis.
 *
 * Without its offline queue, node-redis rejects commands while there is no link, and those that Redis has not answered when it is lost. It subscribes
 * again before it is ready.
 */
export class NodeRedisLink implements RedisLink {
  readonly #connection: NodeRedisConnection
  readonly #listener: (text: string, channel: string) => void

  constructor(client: NodeRedisClient, receive: Receive) {
    this.#connection = client.duplicate({ disableOfflineQueue: true })
    this.#listener = (text, channel) => receive(channel, text)
  }

  get isReady(): boolean {
    return this.#connection.isReady
  }

  watch(changed: () => void): void {
    for (const event of EVENTS) this.#connection.on(event, changed)
  }

  async connect(): Promise<void> {
    await this.#connection.connect()
  }

  publish(channel: string, text: string): Promise<unknown> {
    return this.#connection.publish(channel, text)
  }

  subscribe(channels: readonly string[]): Promise<unknown> {
    return this.#connection.subscribe([...channels], this.#listener)
  }

  unsubscribe(channels: readonly string[]): Promise<unknown> {
    return this.#connection.unsubscribe([...channels])
  }

  async count(channel: string): Promise<number> {
    const counts = (await this.#connection.pubSubNumSub([channel])) as Readonly<Record<string, unknown>>
    return Number(counts[channel])
  }

  end(): void {
    if (!this.#connection.isOpen) return
    if (this.#connection.destroy !== undefined) this.#connection.destroy()
    else disown(this.#connection.disconnect?.())
  }
}
