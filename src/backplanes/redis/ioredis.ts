import { InFlight, linkLost } from '../in-flight.ts'
import type { Receive, RedisLink } from './redis-link.ts'

/** A client of ioredis, made by `new Redis()`. The client need not be connected. */
export interface IoRedisClient {
  /** Returns a new connection with the options of this client. The given options replace the client's options of the same name. */
  duplicate(override: typeof OVERRIDES): IoRedisConnection
}

/** The members of a duplicated client that the driver uses. */
export interface IoRedisConnection {
  /** `'ready'` while commands can be sent. */
  readonly status: string
  /** Begins to connect. Rejects at the first failure, although the client may try again. */
  connect(): Promise<unknown>
  /** Adds a listener. A listener of the event `message` gets the channel and the text. */
  on(event: string, listener: (...facts: string[]) => void): unknown
  /** Publishes a message in a channel. Resolves when Redis has answered. */
  publish(channel: string, message: string): Promise<unknown>
  /** Subscribes to channels. Resolves when Redis has answered. */
  subscribe(...channels: string[]): Promise<unknown>
  /** Ends the subscriptions to channels. Resolves when Redis has answered. */
  unsubscribe(...channels: string[]): Promise<unknown>
  /** Counts subscribers. Resolves to a list in which each channel is followed by the number of its subscribers. */
  pubsub(subcommand: 'NUMSUB', ...channels: string[]): Promise<unknown[]>
  /** Closes the connection at once. The client does not connect again. */
  disconnect(): void
}

/**
 * Options for the driver's own connections. They replace the client's options of the same names. These are the reasons for two of them:
 *
 * - `autoResendUnfulfilledCommands`: commands that Redis has not answered are not sent again, because otherwise a message could come twice.
 * - `autoResubscribe`: after a reconnect, the driver subscribes again. If ioredis itself subscribed again, a failure would be an unhandled rejection,
 *   which would end the process.
 */
const OVERRIDES = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  keyPrefix: '',
}

/** The events at which `status` may change. Without a listener for `error`, ioredis would print the error. */
const EVENTS = ['ready', 'error', 'close', 'reconnecting', 'end'] as const

/** A connection that ioredis makes. */
export class IoRedisLink implements RedisLink {
  readonly #connection: IoRedisConnection
  readonly #channels = new Set<string>()
  readonly #inFlight = new InFlight()

  constructor(client: IoRedisClient, receive: Receive) {
    this.#connection = client.duplicate(OVERRIDES)
    this.#connection.on('message', receive)
    this.#connection.on('ready', () => this.#restore())
    this.#connection.on('close', () => this.#inFlight.lose())
  }

  get isReady(): boolean {
    return this.#connection.status === 'ready'
  }

  watch(changed: () => void): void {
    for (const event of EVENTS) this.#connection.on(event, changed)
  }

  /** Waits for the event `ready`, because the promise of ioredis rejects at the first failure, although ioredis tries again. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.on('ready', () => resolve())
      this.#connection.on('end', () => reject(linkLost()))
      this.#connection.connect().catch(() => {})
    })
  }

  publish(channel: string, text: string): Promise<unknown> {
    return this.#inFlight.answered(this.#connection.publish(channel, text))
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#inFlight.answered(this.#connection.subscribe(...channels))
    for (const channel of channels) this.#channels.add(channel)
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#inFlight.answered(this.#connection.unsubscribe(...channels))
    for (const channel of channels) this.#channels.delete(channel)
  }

  async count(channel: string): Promise<number> {
    const [, count] = await this.#inFlight.answered(this.#connection.pubsub('NUMSUB', channel))
    return Number(count)
  }

  end(): void {
    this.#connection.disconnect()
    this.#inFlight.lose()
  }

  #restore(): void {
    if (this.#channels.size === 0) return
    // Pass the channels as one list. There may be more channels than a call can have arguments.
    const { subscribe } = this.#connection as unknown as { subscribe(channels: string[]): Promise<unknown> }
    // If the command fails, the link is lost. The next `ready` then subscribes again.
    subscribe.call(this.#connection, [...this.#channels]).catch(() => {})
  }
}
