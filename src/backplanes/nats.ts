import { ConnectionManagerError, describe } from '../errors.ts'
import type { Backplane } from '../ports/backplane.ts'
import { InFlight, linkLost } from './in-flight.ts'

// Every runtime has them.
declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare class TextDecoder {
  constructor(encoding: string, options: { readonly ignoreBOM: boolean })
  decode(bytes: Uint8Array): string
}
declare function setTimeout(fn: () => void, ms: number): unknown

/** The members of a NATS connection that the driver uses. A `NatsConnection` of nats-core 3 has all of them. */
export interface NatsConnection {
  /**
   * Facts about the server. `max_payload` is the length of the longest message that the server accepts, in bytes. `info` may be absent while there is
   * no link.
   */
  readonly info?: { readonly max_payload: number } | undefined
  /** True if the connection was closed. A closed connection never comes back. */
  isClosed(): boolean
  /** Yields each change of the connection, such as `disconnect` and `reconnect`. */
  status(): AsyncIterable<{ readonly type: string }>
  /** Sends a message to the server. Throws if the connection was closed, or if the message is longer than `max_payload`. */
  publish(subject: string, payload: Uint8Array): void
  /** Subscribes to a subject. The callback gets each message, or an error. */
  subscribe(subject: string, options: { callback(error: Error | null, message: NatsMessage): void }): NatsSubscription
  /** Sends a request. Resolves to the first answer. Rejects after `timeout` milliseconds, or at once if nobody is subscribed. */
  request(subject: string, payload: string, options: { timeout: number }): Promise<unknown>
  /** Resolves when the server has received everything that was sent. */
  flush(): Promise<void>
}

/** A message that the connection has received. */
export interface NatsMessage {
  /** The payload, in bytes. */
  readonly data: Uint8Array
  /** The subject to answer on, if the message is a request. */
  readonly reply?: string | undefined
  /** Sends an empty answer. Returns false if the message was not a request. */
  respond(): boolean
}

/** A subscription. */
export interface NatsSubscription {
  /** Ends the subscription. Resolves when the server has ended the subscription. Until then, messages may still come. */
  drain(): Promise<void>
}

/** How long `subscribers` waits until a subscribed node answers the request. */
const REQUEST_TIMEOUT_MS = 2_000

/**
 * Returns the driver of one node for NATS, for `joinCluster`. Pass a connection of `@nats-io/transport-node` 3, or of another transport of
 * nats-core 3.
 *
 * The driver uses your connection, and leaves it open when the cluster is closed. Connect with these options:
 *
 * - `maxReconnectAttempts: -1`. By default, the NATS client stops after ten attempts to reconnect.
 * - A short `timeout`. If the link breaks while the NATS client connects, the client notices this only after `timeout`, which is 20 seconds by
 *   default.
 * - No `noEcho`. A node must receive its own messages.
 *
 * A message longer than the server's `max_payload`, by default 1 MiB, is not sent. The other nodes notice that the message is missing.
 *
 * @throws `ERR_INVALID_BACKPLANE` if `connection` is not a connection of nats-core
 *
 * @example
 * import { connect } from '@nats-io/transport-node'
 * import { natsBackplane } from 'stream-connection-manager/backplanes/nats'
 *
 * const connection = await connect({ servers: '127.0.0.1:4222', maxReconnectAttempts: -1, timeout: 2_000 })
 * const backplane = natsBackplane(connection) // for joinCluster(manager, recovery, { backplane, prefix: 'desk' })
 */
export function natsBackplane(connection: NatsConnection): Backplane {
  if (isConnection(connection)) return new NatsDriver(connection)
  throw new ConnectionManagerError('ERR_INVALID_BACKPLANE', `Expected a connection of nats-core, got ${describe(connection)}`)
}

function isConnection(connection: unknown): boolean {
  const { subscribe, status, flush } = Object(connection) as Readonly<Record<string, unknown>>
  return [subscribe, status, flush].every((method) => typeof method === 'function')
}

/** The driver of one node. */
class NatsDriver implements Backplane {
  readonly #connection: NatsConnection
  readonly #subscriptions = new Map<string, NatsSubscription>()
  readonly #inFlight = new InFlight()
  readonly #encoder = new TextEncoder()
  /** The driver has its own decoder, because the decoder of nats-core would remove a byte order mark. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #receive: ((subject: string, text: string) => void) | undefined
  #statuses: AsyncIterable<{ readonly type: string }> | undefined
  #isUp = false

  constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  async open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
    if (this.#connection.isClosed()) throw linkLost()
    this.#receive = receive
    this.#statuses = this.#connection.status()
    void this.#follow(this.#statuses, status)
    // `flush` rejects if there is no link now. In that case, the status `reconnect` comes once there is a link.
    await this.#connection.flush().then(() => this.#note(true, status), () => {})
  }

  publish(subject: string, text: string): void {
    this.#assertUp()
    const bytes = this.#encoder.encode(text)
    // If the text is too long, the connection would throw, and the cluster would take this for a lost link. So the text is not sent.
    if (bytes.length <= (this.#connection.info?.max_payload ?? Infinity)) this.#connection.publish(subject, bytes)
  }

  async subscribe(subjects: readonly string[]): Promise<void> {
    this.#assertUp()
    const added = subjects.filter((subject) => !this.#subscriptions.has(subject))
    try {
      for (const subject of added) this.#subscriptions.set(subject, this.#subscribe(subject))
      await this.#inFlight.answered(this.#connection.flush())
    } catch (error) {
      void this.#drop(added)
      throw error
    }
  }

  /**
   * Waits for the server only while there is a link. Without a link, the server has forgotten the subscriptions, and the connection does not renew
   * them.
   */
  async unsubscribe(subjects: readonly string[]): Promise<void> {
    const dropped = this.#drop(subjects)
    if (this.#isUp) await this.#inFlight.answered(dropped).catch(() => {})
  }

  /**
   * Sends a request to the subscribers. Returns 1 if one of them answers, and 0 if the server says that there are none. Otherwise rejects, at the
   * latest after `REQUEST_TIMEOUT_MS`.
   */
  async subscribers(subject: string): Promise<number> {
    this.#assertUp()
    try {
      await this.#inFlight.answered(this.#connection.request(subject, '', { timeout: REQUEST_TIMEOUT_MS }))
      return 1
    } catch (error) {
      if (hasNoResponders(error)) return 0
      throw error
    }
  }

  async close(): Promise<void> {
    this.#receive = undefined
    void this.#drop([...this.#subscriptions.keys()])
    this.#isUp = false
    this.#inFlight.lose()
    // The iterator's own `return` would wait for the next status.
    ;(this.#statuses as { stop?(): void } | undefined)?.stop?.()
    // The connection writes at the end of the turn. If the application closed it before, a failure of that write would have no listener.
    await turn()
  }

  #subscribe(subject: string): NatsSubscription {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return
        if (message.reply) message.respond()
        else if (this.#subscriptions.get(subject) === subscription) this.#receive?.(subject, this.#decoder.decode(message.data))
      },
    })
    return subscription
  }

  /**
   * Ends subscriptions. Never rejects. Each subscription answers requests until the server has ended it, because the server passes requests on to the
   * node until then. Without an answer, these requests would time out.
   */
  async #drop(subjects: readonly string[]): Promise<void> {
    const draining = subjects.map((subject) => this.#subscriptions.get(subject)?.drain().catch(() => {}))
    for (const subject of subjects) this.#subscriptions.delete(subject)
    await Promise.all(draining)
  }

  async #follow(statuses: AsyncIterable<{ readonly type: string }>, status: (isUp: boolean) => void): Promise<void> {
    for await (const { type } of statuses) {
      if (type === 'reconnect') this.#note(true, status)
      else if (type === 'disconnect' || type === 'staleConnection' || type === 'close') this.#note(false, status)
    }
    this.#note(false, status)
  }

  #note(isUp: boolean, status: (isUp: boolean) => void): void {
    if (!isUp) this.#inFlight.lose()
    if (this.#receive === undefined || this.#isUp === isUp) return
    this.#isUp = isUp
    status(isUp)
  }

  #assertUp(): void {
    if (!this.#isUp) throw linkLost()
  }
}

function hasNoResponders(error: unknown): boolean {
  const { isNoResponders } = Object(error) as { readonly isNoResponders?: () => boolean }
  return isNoResponders?.call(error) === true
}

/** Resolves in a later turn of the event loop, when everything that was due in this turn is done. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0))
}
