import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import { Listeners } from './listeners.ts'
import type { Message } from './update.ts'

/**
 * The state of a client:
 *
 * - `idle`: nobody needs a connection
 * - `connecting`: an attempt to connect is under way
 * - `connected`: the server has said welcome
 * - `waiting` for the next attempt, or until the page leaves the back-forward cache
 * - `stopped`: no attempt is made until `connect()`, because the server or `shouldReconnect` wants none, or because the next one would probably fail
 *   in the same way
 * - `closed` by `close()`, for good
 */
export type ClientState = 'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped' | 'closed'

/** A state that a client has entered. */
export interface StateChange {
  /** The new state. */
  readonly state: ClientState
  /**
   * Why the client is not connected, if its state is `waiting` or `stopped`, or if it became `idle` because the connection was lost or could not be
   * made. Otherwise `undefined`. The reasons are:
   *
   * - the reason of the server's goodbye
   * - without a goodbye, the reason of the `Loss`, or `closed` if that reason is empty
   * - `version` if the server speaks a newer protocol
   * - `hidden` if the page went into the back-forward cache
   */
  readonly reason: string | undefined
  /** Milliseconds until the next attempt. `undefined` if no attempt is planned. */
  readonly retryInMs: number | undefined
}

/** A subscription that the server has confirmed. */
export interface Confirmation {
  /** The stream type. */
  readonly streamType: string
  /** `undefined` for a whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /**
   * `true` if no message is missing since the last connection ended, or if the snapshot of a `refresh` replaces the missing messages. `false` if
   * messages may be missing, and the listeners got a gap. `null` for the first confirmation of a subscription.
   */
  readonly recovered: boolean | null
}

/** What a client was doing when something failed. */
export type ClientStage = 'connect' | 'send' | 'frame' | 'listener'

/** A failure that the client survived. */
export interface ClientFailure {
  /** The value that was thrown, the `error` event of a socket, or a `ClientError` with `ERR_CANNOT_SEND`. */
  readonly error: unknown
  /**
   * What the client was doing. `connect`: making or keeping a connection. `send`: sending commands. `frame`: reading what the server sent.
   * `listener`: calling a listener, or `shouldReconnect`.
   */
  readonly stage: ClientStage
}

/** Event → the payload that its listeners get. */
export interface ClientEvents<TStreams extends StreamCatalogue = TradingStreams> {
  /** The client has entered another state. */
  readonly state: StateChange
  /** The server has confirmed a subscription. The event fires again after each reconnect, and after each `refresh`. */
  readonly subscribed: Confirmation
  /**
   * A message that no subscription of this client covers. Usually the server sent the message to the user or to the connection. It may also be a late
   * message of a stream that the client has just unsubscribed from.
   */
  readonly message: Message<TStreams>
  /** Something failed. If `error` has no listener, the failure is not printed. */
  readonly error: ClientFailure
}

type Payload<TName extends keyof ClientEvents> = ClientEvents<StreamCatalogue>[TName]

/** Event → its listeners. */
export type EventListeners = { readonly [TName in keyof ClientEvents]: Listeners<Payload<TName>> }

export function newEventListeners(): EventListeners {
  const failed = (error: unknown): void => events.error.tell({ error, stage: 'listener' })
  // Nobody is left to tell of an error listener that fails.
  const events: EventListeners = { state: new Listeners(failed), subscribed: new Listeners(failed), message: new Listeners(failed), error: new Listeners(() => {}) }
  return events
}
