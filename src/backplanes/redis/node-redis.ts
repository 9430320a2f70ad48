import { disown } from '../../guards/user-code.ts'
import type { Receive, RedisLink } from './redis-link.ts'

/** A client of node-redis (the package `redis`), made by `createClient`. The client need not be connected. */
export interface NodeRedisClient {
  /** Returns a new connection with the options of this client. The given options replace the client's options of the same name. */
  duplicate(overrides: { readonly disableOfflineQueue: true }): NodeRedisConnection
}

/** The members of a duplicated client that the driver uses. */
export interface NodeRedisConnection {
  /** True from `connect` until the connection is ended, also while there is no link. */
  readonly isOpen: boolean
  /** True while commands can be sent. */
  readonly isReady: boolean
  /** Connects. Resolves when there is a link for the first time. Rejects when the client gives up. */
  connect(): Promise<unknown>
  /** Adds a listener. */
  on(event: string, listener: () => void): unknown
  /** Publishes a message in a channel. Resolves when Redis has answered. */
  publish(channel: string, message: string): Promise<unknown>
  /** Subscribes to channels. The listener gets each message of these channels. Resolves when Redis has answered. */
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<unknown>
  /** Ends the subscriptions to channels. Resolves when Redis has answered. */
  unsubscribe(channels: string[]): Promise<unknown>
  /** Counts subscribers. Resolves to an object that has the number of subscribers for each channel. */
  pubSubNumSub(channels: string[]): Promise<unknown>
  /** Closes the connection at once. The client does not connect again. Version 4 of node-redis has `disconnect` instead. */
  destroy?(): unknown
  /** Closes the connection at once, in version 4. The driver does not call `disconnect` if the client has a `destroy`. */
  disconnect?(): unknown
}

/** The events at which `isReady` may change. Without a listener for `error`, an error would end the process. */
const EVENTS = ['ready', 'error', 'reconnecting', 'end'] as const

/**
 * A connection that node-redis makes.
 *
 * The driver turns the offline queue of node-redis off. Without the offline queue, node-redis rejects commands while there is no link. When the link
 * is lost, node-redis also rejects the commands that Redis has not answered. After a reconnect, node-redis subscribes again before `isReady` becomes
 * true.
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
