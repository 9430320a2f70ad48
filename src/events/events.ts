import type { ChangeNumbers } from './change-numbers.ts'
import type { CloseReason, Connection, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { Queue } from '../collections/queue.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Subscription } from '../model/subscription.ts'
import { UnheardErrors } from './unheard-errors.ts'

/**
 * Which user code failed: a socket's `send` or its transport's `write`; either's `close`, or `terminate`; an event
 * listener; a transport's `frame`, `onDrain` or `onClose`; or `authorize`.
 *
 * If the `clock` of the options failed, the stage is `close` for the deadline of a close, and `listener` for anything else. Then there is no
 * `connection`.
 */
export type ErrorStage = 'send' | 'close' | 'listener' | 'transport' | 'authorize'

/** A stream that somebody listens to; a private one is each user's own. */
export interface ActiveStream<TStreamType extends string = string> {
  /** A type of the catalogue. */
  readonly streamType: TStreamType
  /** `undefined` for a stream without a symbol, and for one that covers its whole type. */
  readonly symbol: string | undefined
  /** Whose stream it is, on a private one. */
  readonly userId?: string
}

/** The payload of a subscription event: `connection` is the holder when it is one, not the user as such. */
export interface SubscriptionEvent<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  /** The live view, as `addSubscription` returns it: of one that ended it says so. */
  readonly subscription: Subscription<keyof TStreams & string>
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
  streamActive: ActiveStream<keyof TStreams & string>
  /**
   * A stream has had no connected subscriber for `idleDelayMs`. Also if there were more such streams than `quotas.idleStreams` and this was
   * the oldest, and when the manager shuts down.
   */
  streamIdle: ActiveStream<keyof TStreams & string>
  /** A gap notice was handed to a connection's socket: `dropped` messages of this stream are missing in its place. */
  gap: {
    readonly connection: Connection<TSocket, TStreams>
    readonly streamType: keyof TStreams & string
    readonly symbol: string | undefined
    readonly dropped: number
  }
  /**
   * User code failed, or a `close` outlived its deadline. No call threw because of it. Without a listener, `console.warn` prints the
   * first error of each stage.
   */
  error: { readonly error: unknown; readonly stage: ErrorStage; readonly connection?: Connection<TSocket, TStreams> }
}

/** The events as the rooms know them, whatever the manager's sockets and catalogue are. */
export type AnyEvents = ManagerEvents<Socket, StreamCatalogue>

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
  /** The change in which it was registered: it is told of later ones only. */
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
 * Listeners, and the events on their way to them.
 *
 * Events are posted while a state change is made and flushed when it is complete. One queue serves all of them:
 * when a listener calls back into the manager, what was posted before is delivered first. So each listener sees
 * events in the order of the changes, and each change's events before the call that made it returns.
 *
 * A change is what one call of the manager's makes, or one timer, or the delivery of one deferred message. Changes are numbered, and may
 * be nested: a listener that calls back makes a later one. A listener is told of what was posted in changes later than the one in which it
 * was registered.
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

  /** Whether anybody listens to events of this name: for whom it would take something to say what happened. */
  areHeard(name: keyof ManagerEvents): boolean {
    return this.#registrations.has(name)
  }

  /** Queues an event for those who listened before this change; `flush` delivers it. */
  post<TName extends Exclude<keyof ManagerEvents, 'error'>>(name: TName, payload: AnyEvents[TName]): void {
    const registered = this.#registrations.get(name)
    if (registered !== undefined) this.#post(payload, registered, false)
  }

  /** Queues an error, and has it printed where nobody was told of it; that is not clear before, since a listener may end another. */
  postError(payload: AnyEvents['error']): void {
    const calls = this.#post(payload, this.#registrations.get('error') ?? new Set(), true)
    const printUnlessTold = (): void => {
      if (!calls.some(({ wasMade }) => wasMade)) this.#unheard.print(payload)
    }
    this.#calls.push({ registration: { listener: printUnlessTold, since: 0, active: true }, payload, isError: true, wasMade: false })
  }

  /** Delivers all that is queued, and what is posted meanwhile: in the running change, or as a change of its own if none is running. */
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
    // One object for all of them: what one listener does to it, the next one must not see.
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
