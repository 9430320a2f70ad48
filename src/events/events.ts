import type { ChangeNumbers } from './change-numbers.ts'
import type { CloseReason, Connection, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { Queue } from '../collections/queue.ts'
import { UnheardErrors } from '../guards/unheard-errors.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Subscription, SubscriptionChange, SubscriptionEndReason } from '../model/subscription.ts'

/**
 * Which user code failed:
 *
 * - `send`: a socket's `send`, a transport's `write`, or `serializeNotice` for a notice that the manager sends by itself
 * - `close`: a `close` or `terminate` of the socket or its transport
 * - `listener`: an event listener, but not a listener of `error`
 * - `transport`: a transport's `frame`, `onDrain` or `onClose`, or a function that `onDrain` or `onClose` returned
 * - `authorize`: the option `authorize`
 * - `recorder`: the recorder's `skip` or `revoked`, its `record` for a deferred message, or a function that it passed to `inTurn`
 *
 * If the option `clock` failed, the stage is `close` for the deadline of a close, and `listener` otherwise. An `error` event for the clock has no
 * `connection`.
 */
export type ErrorStage = 'send' | 'close' | 'listener' | 'transport' | 'authorize' | 'recorder'

/** A stream that is or was active. If the stream type is private, each user has a separate stream. */
export interface ActiveStream<TStreamType extends string = string> {
  /** A type of the catalogue. */
  readonly streamType: TStreamType
  /** The symbol. `undefined` for a stream without a symbol, and for a whole stream type. */
  readonly symbol: string | undefined
  /** The user of a private stream. Absent for a public stream. */
  readonly userId?: string
}

/** The payload of a subscription event. */
export interface SubscriptionEvent<
  TSocket extends Socket = Socket,
  TStreams extends StreamCatalogue = TradingStreams,
  TMetadata = unknown,
> {
  /** The subscription: the same object that `addSubscription` returns. */
  readonly subscription: Subscription<keyof TStreams & string>
  /**
   * The connection that caused the event, because it subscribed, unsubscribed, was removed or was given to another user. Absent if no connection
   * caused it.
   */
  readonly connection?: Connection<TSocket, TStreams, TMetadata>
}

/** The events of a manager: the name of each event, and the type of its payload. */
export interface ManagerEvents<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** A connection was added. It already receives the streams of its user's subscriptions. */
  connectionAdded: { readonly connection: Connection<TSocket, TStreams, TMetadata> }
  /** A connection was removed. `reason` says why. The socket of the connection may still be closing. */
  connectionRemoved: { readonly connection: Connection<TSocket, TStreams, TMetadata>; readonly reason: CloseReason }
  /** A connection fell behind: its socket has no room, so messages wait. The event is emitted again only after the connection has caught up. */
  connectionBehind: { readonly connection: Connection<TSocket, TStreams, TMetadata> }
  /**
   * A connection caught up: it was behind for `behindForMs`, and now no message waits for it. Each message that waited was sent, replaced,
   * dropped or purged. If a connection is removed while it is behind, this event is not emitted.
   */
  connectionCaughtUp: { readonly connection: Connection<TSocket, TStreams, TMetadata>; readonly behindForMs: number }
  /** A connection was given to another user. `connection.userId` is the new user, and `from` is the old user. */
  connectionReassigned: { readonly connection: Connection<TSocket, TStreams, TMetadata>; readonly from: string }
  /** A user who had no connection got one. */
  userOnline: { readonly userId: string }
  /**
   * A user lost their last connection. `reason` says why the connection was removed. If the connection was given to another user, `reason` is
   * `reassigned`.
   */
  userOffline: { readonly userId: string; readonly reason: CloseReason | 'reassigned' }
  /** A subscription began. */
  subscriptionAdded: SubscriptionEvent<TSocket, TStreams, TMetadata>
  /** A subscription ended. `reason` says why. */
  subscriptionRemoved: SubscriptionEvent<TSocket, TStreams, TMetadata> & { readonly reason: SubscriptionEndReason }
  /** The holders, the filters or the status of a subscription changed. */
  subscriptionChanged: SubscriptionEvent<TSocket, TStreams, TMetadata> & { readonly change: SubscriptionChange }
  /**
   * `revoke` was called, whether or not it ended a subscription. A field that is `undefined` matches any value. The events of the ended subscriptions
   * follow.
   */
  revoked: { readonly userId: string | undefined; readonly streamType: (keyof TStreams & string) | undefined; readonly symbol: string | undefined }
  /**
   * A stream that was not active got a connected subscriber. Open the upstream feed of the stream now. Exactly one `streamIdle` follows each
   * `streamActive`.
   */
  streamActive: ActiveStream<keyof TStreams & string>
  /**
   * A stream has had no connected subscriber for `idleDelayMs`. If more than `quotas.idleStreams` streams are active without a connected subscriber,
   * the one that has been without one for the longest time becomes idle earlier. When the manager shuts down, every active stream becomes idle.
   */
  streamIdle: ActiveStream<keyof TStreams & string>
  /**
   * A gap notice was handed to a connection's socket: `dropped` messages of this stream did not reach the connection. The gap notices of `notifyGap`
   * and of a recovery do not emit this event.
   */
  gap: {
    readonly connection: Connection<TSocket, TStreams, TMetadata>
    readonly streamType: keyof TStreams & string
    readonly symbol: string | undefined
    readonly dropped: number
  }
  /**
   * User code failed, or a `close` missed its deadline. No call of the manager throws this error. But if `authorize` failed, the call that subscribes
   * throws `ERR_FORBIDDEN`. Without a listener, `console.warn` prints the first error of each stage.
   */
  error: { readonly error: unknown; readonly stage: ErrorStage; readonly connection?: Connection<TSocket, TStreams, TMetadata> }
}

/** The events for any sockets, any catalogue and any metadata. */
export type AnyEvents = ManagerEvents<Socket, StreamCatalogue>

const EVENT_NAMES: Readonly<Record<keyof ManagerEvents, true>> = {
  connectionAdded: true,
  connectionRemoved: true,
  connectionBehind: true,
  connectionCaughtUp: true,
  connectionReassigned: true,
  userOnline: true,
  userOffline: true,
  subscriptionAdded: true,
  subscriptionRemoved: true,
  subscriptionChanged: true,
  revoked: true,
  streamActive: true,
  streamIdle: true,
  gap: true,
  error: true,
}

interface Registration {
  readonly listener: (payload: never) => unknown
  /** The number of the change in which the listener was registered. The listener receives only events of later changes. */
  readonly since: number
  active: boolean
}

interface Call {
  readonly registration: Registration
  readonly payload: unknown
  readonly isError: boolean
  wasMade: boolean
}

/**
 * The registered listeners, and a queue of the events that they have not received yet.
 *
 * Events are posted while a change is made, and flushed when the change is complete. There is one queue for all events. If a listener calls the
 * manager, the events that are queued already are delivered before the events of this call. So each listener sees the events in the order of the
 * changes. A call that made a change returns only after the listeners have seen the events of the change, unless the call is part of a batch.
 *
 * A change is made by one call of the manager, by one timer, or by the delivery of one deferred message. Changes are numbered, and may be nested: a
 * listener that calls the manager makes a later change. A listener receives only events of changes that are later than its registration.
 */
export class Events {
  readonly #registrations = new Map<keyof ManagerEvents, Set<Registration>>()
  readonly #calls = new Queue<Call>()
  readonly #unheard = new UnheardErrors()
  readonly #numbers: ChangeNumbers

  constructor(numbers: ChangeNumbers) {
    this.#numbers = numbers
  }

  on(name: keyof ManagerEvents, listener: (payload: never) => void): () => void {
    if (typeof name !== 'string' || EVENT_NAMES[name] !== true) {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `There is no event ${describe(name)}`)
    }
    if (typeof listener !== 'function') {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A listener must be a function, got ${describe(listener)}`)
    }
    const registration: Registration = { listener, since: this.#numbers.current || this.#numbers.latest, active: true }
    const registered = this.#registrations.get(name) ?? new Set()
    this.#registrations.set(name, registered.add(registration))
    return () => {
      registration.active = false
      registered.delete(registration)
    }
  }

  /** True if there may be listeners for this event. Without listeners, the caller need not make a payload. */
  areHeard(name: keyof ManagerEvents): boolean {
    return this.#registrations.has(name)
  }

  /** Queues an event for the listeners that were registered before this change. `flush` delivers it. */
  post<TName extends Exclude<keyof ManagerEvents, 'error'>>(name: TName, payload: AnyEvents[TName]): void {
    const registered = this.#registrations.get(name)
    if (registered !== undefined) this.#post(payload, registered, false)
  }

  /**
   * Queues an error event. If no listener receives the event, the error is printed, but only the first error of each stage. Whether a listener
   * received the event is known only after the calls, because a listener may remove another listener.
   */
  postError(payload: AnyEvents['error']): void {
    const calls = this.#post(payload, this.#registrations.get('error') ?? new Set(), true)
    const printUnlessTold = (): void => {
      if (!calls.some(({ wasMade }) => wasMade)) this.#unheard.print(unheard(payload.stage), payload.error)
    }
    this.#calls.push({ registration: { listener: printUnlessTold, since: 0, active: true }, payload, isError: true, wasMade: false })
  }

  /**
   * Delivers all queued events, and events that are posted during the delivery. The delivery is part of the running change, or of a new change if
   * none is running.
   */
  flush(): void {
    if (this.#calls.isEmpty) return
    const numbers = this.#numbers
    const outer = numbers.current
    if (outer === 0) numbers.current = ++numbers.latest
    try {
      for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) this.#deliver(call)
    } finally {
      numbers.current = outer
    }
  }

  #post(payload: unknown, registered: ReadonlySet<Registration>, isError: boolean): Call[] {
    const change = this.#numbers.current || ++this.#numbers.latest
    // All listeners get the same object, so none may change it.
    Object.freeze(payload)
    const calls: Call[] = []
    for (const registration of registered) {
      if (registration.since < change) calls.push({ registration, payload, isError, wasMade: false })
    }
    for (const call of calls) this.#calls.push(call)
    return calls
  }

  #deliver(call: Call): void {
    const { registration, payload, isError } = call
    if (!registration.active) return
    call.wasMade = true
    const report = (error: unknown): void => {
      if (!isError) this.postError({ error, stage: 'listener' })
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

function unheard(stage: ErrorStage): string {
  return `stream-connection-manager: an error at the stage "${stage}" had no listener. Listen with manager.on('error', ({ error, stage, connection }) => …).`
}
