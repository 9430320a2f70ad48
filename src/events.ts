import type { CloseReason, Connection, Socket } from './connection.ts'
import { ConnectionManagerError, shown } from './errors.ts'
import { Fifo } from './fifo.ts'
import { adopted, isThenable } from './foreign.ts'
import type { StreamCatalogue, TradingStreams } from './streams/catalogue.ts'
import type { Subscription } from './streams/subscription.ts'

/**
 * Which foreign code failed: a socket's `send` or its transport's `write`; either's `close`, or `terminate`; an event
 * listener; a transport's `frame`, `onDrain` or `onClose`; or `authorize`.
 *
 * Where the `clock` of the options failed, it is `close` for the deadline of a close, and `listener` for anything else, each without a
 * `connection`.
 */
export type ErrorStage = 'send' | 'close' | 'listener' | 'transport' | 'authorize'

/** A stream that somebody listens to; a private one is each user's own. */
export interface ActiveStream {
  /** A type of the catalogue. */
  readonly streamType: string
  /** `undefined` for a stream without a symbol, and for one that covers its whole type. */
  readonly symbol: string | undefined
  /** Whose stream it is, on a private one. */
  readonly userId?: string
}

/** The payload of a subscription event: `connection` is the holder when it is one, not the user as such. */
export interface SubscriptionEvent<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  /** The live view, as `addSubscription` returns it: of one that ended it says so. */
  readonly subscription: Subscription
  /** The holder that asked, came or went; absent when that is the user as such. */
  readonly connection?: Connection<TSocket, TStreams>
}

/** What a manager tells its listeners: event name → payload. */
export interface ManagerEvents<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  /** A connection was registered. Its user's subscriptions cover it already. */
  connectionAdded: { readonly connection: Connection<TSocket, TStreams> }
  /** A connection is gone from every index, for this reason; its socket may still be closing. */
  connectionRemoved: { readonly connection: Connection<TSocket, TStreams>; readonly reason: CloseReason }
  /** A user's first connection came. */
  userOnline: { readonly userId: string }
  /** A user's last connection went, for the `reason` of that connection. */
  userOffline: { readonly userId: string; readonly reason: CloseReason }
  /** A subscription began; `connection` when it was that connection that asked. */
  subscriptionAdded: SubscriptionEvent<TSocket, TStreams>
  /** A subscription ended; `connection` when it was that connection that let go last. */
  subscriptionRemoved: SubscriptionEvent<TSocket, TStreams>
  /** A subscription's status, filters or holders changed; `connection` when it is the holder that came or went. */
  subscriptionChanged: SubscriptionEvent<TSocket, TStreams>
  /**
   * A stream gained its first connected subscriber: a server opens its upstream feed. Each is followed by one
   * `streamIdle`, whatever happens.
   */
  streamActive: ActiveStream
  /**
   * A stream has had no connected subscriber for `idleDelayMs`, or was the oldest of more such streams than `quotas.idleStreams`, or the
   * manager shuts down.
   */
  streamIdle: ActiveStream
  /** A gap notice was handed to a connection's socket: `dropped` messages of this stream are missing in its place. */
  gap: {
    readonly connection: Connection<TSocket, TStreams>
    readonly streamType: string
    readonly symbol: string | undefined
    readonly dropped: number
  }
  /**
   * Foreign code failed; a `close` that outlives its deadline counts as that. Nothing was thrown at anybody; without a
   * listener nothing is printed either.
   */
  error: { readonly error: unknown; readonly stage: ErrorStage; readonly connection?: Connection<TSocket, TStreams> }
}

const EVENT_NAMES: Readonly<Record<keyof ManagerEvents, true>> = {
  connectionAdded: true,
  connectionRemoved: true,
  userOnline: true,
  userOffline: true,
  subscriptionAdded: true,
  subscriptionRemoved: true,
  subscriptionChanged: true,
  streamActive: true,
  streamIdle: true,
  gap: true,
  error: true,
}

interface Registration {
  readonly listener: (payload: never) => unknown
  active: boolean
}

interface Call {
  readonly registration: Registration
  readonly payload: unknown
  readonly isError: boolean
}

/**
 * Listeners, and the events on their way to them.
 *
 * Events are posted while a state change is made and flushed when it is complete. One queue serves all of them:
 * when a listener calls back into the manager, what was posted before is delivered first. So each listener sees
 * events in the order of the changes, and each change's events before the call that made it returns.
 */
export class Events<TSocket extends Socket, TStreams extends StreamCatalogue> {
  readonly #registrations = new Map<keyof ManagerEvents, Set<Registration>>()
  readonly #calls = new Fifo<Call>()

  on<TName extends keyof ManagerEvents>(
    name: TName,
    listener: (payload: ManagerEvents<TSocket, TStreams>[TName]) => void,
  ): () => void {
    if (typeof name !== 'string' || EVENT_NAMES[name] !== true) {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `There is no event ${shown(name)}`)
    }
    if (typeof listener !== 'function') {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A listener must be a function, got ${shown(listener)}`)
    }
    const registration: Registration = { listener, active: true }
    const registered = this.#registrations.get(name) ?? new Set()
    this.#registrations.set(name, registered.add(registration))
    return () => {
      registration.active = false
      registered.delete(registration)
    }
  }

  /** Whether anybody listens to events of this name: for whom it would take something to say what happened. */
  areHeard(name: keyof ManagerEvents): boolean {
    return this.#registrations.has(name)
  }

  /** Queues an event for those who listen now; `flush` delivers it. */
  post<TName extends keyof ManagerEvents>(name: TName, payload: ManagerEvents<TSocket, TStreams>[TName]): void {
    const registered = this.#registrations.get(name)
    if (registered === undefined) return
    // One object for all of them: what one listener does to it, the next one must not see.
    Object.freeze(payload)
    for (const registration of registered) this.#calls.push({ registration, payload, isError: name === 'error' })
  }

  /** Delivers all that is queued, and what is posted meanwhile. */
  flush(): void {
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) this.#deliver(call)
  }

  #deliver({ registration, payload, isError }: Call): void {
    if (!registration.active) return
    const report = (error: unknown): void => {
      if (!isError) this.post('error', { error, stage: 'listener' })
    }
    try {
      const answer: unknown = registration.listener(payload as never)
      if (isThenable(answer)) {
        adopted(answer).catch((error: unknown) => {
          report(error)
          this.flush()
        })
      }
    } catch (error) {
      report(error)
    }
  }
}
