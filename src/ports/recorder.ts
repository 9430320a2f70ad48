import { ConnectionManagerError, describe } from '../errors.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import type { StreamCatalogue } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import type { Revoked } from '../model/revocation.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Clock } from '../time/clock.ts'

/**
 * Sees the messages of `publish` in the order of delivery, except those with the option `text`, and may change their texts. So a recorder can number
 * messages and keep them.
 *
 * The manager calls the methods synchronously. If `record`, `skip` or `revoked` publishes a message, the delivery of the message is deferred.
 *
 * @typeParam TManager the type of the manager that the recorder is attached to
 */
export interface Recorder<TManager = unknown> {
  /** Called once, at the end of the manager's constructor. If `attach` throws, the constructor throws the same error. */
  attach(manager: TManager, settings: RecorderSettings): void
  /**
   * Called for every `publish` before the message is sent, even if the message has no recipients. Returns the text that is sent. Not called for a
   * publish with the option `text`, nor for `sendToUser`, `sendToConnection`, `broadcast` and `connection.send`.
   *
   * The recipients are fixed when `record` returns. The returned text may be longer than `quotas.messageUnits`. For a deferred message, `record` is
   * called only when the message is delivered.
   *
   * If `record` throws, or returns anything but a string, nobody receives the message, and the publish throws `ERR_UNSERIALIZABLE`. If the message
   * was deferred, the manager emits `error` with stage `recorder` instead. If the host's `serialize` returned bytes, `record` is not called, and the
   * publish fails in the same way.
   */
  record(message: StreamMessage<unknown, string>, text: string): string
  /**
   * Called for a recorded message if the option `except` left out subscribed connections. The call comes when the message has been handed to all
   * other recipients. `skip` gets the text that `record` returned. It returns the text that the left-out connections get instead of the message. This
   * text is called the skip. Like a message of the stream, the skip may wait, be dropped or be purged. On a `latest` stream, the skip replaces only
   * an older skip. A newer message of such a stream replaces the skip, and also the message that waits before the skip. If `skip` throws, or returns
   * anything but a string, the left-out connections get nothing, and the manager emits `error` with stage `recorder`.
   */
  skip?(message: StreamMessage<unknown, string>, text: string): string
  /**
   * Called for every `revoke`, after the revocation has taken effect. This method is called at once, even within a batch, where the listeners of the
   * event `revoked` are called only when the batch ends. These listeners get the same object as this method. If the method throws, the manager emits
   * `error` with stage `recorder`.
   */
  revoked?(revocation: { readonly userId: string | undefined; readonly streamType: string | undefined; readonly symbol: string | undefined }): void
}

/** A stream whose messages a recorder has recorded. */
export interface RecordedStream {
  /** A stream type of the catalogue. */
  readonly streamType: string
  /** `undefined` for the whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /** The user of a private stream. `undefined` for a public stream. */
  readonly userId: string | undefined
}

/** The functions by which a recorder sends its own notices, and sends recorded messages again. */
export interface RecorderNotices {
  /** True while messages are handed to sockets. Messages that are sent meanwhile are deferred. */
  isDelivering(): boolean
  /**
   * Checks the length of a notice. Call this function before you change anything. @throws `ERR_QUOTA_EXCEEDED` if the notice is longer than
   * `quotas.messageUnits`
   */
  assertMayNotify(text: string): void
  /**
   * Calls `act` once, at the point at which a message that is published now would be delivered: after the running delivery, and after all messages
   * that were deferred before. The call of `act` is a batch. Messages that `act` sends are not deferred. If `act` throws, the manager emits `error`
   * with stage `recorder`.
   *
   * With `hold`, the connection gets no published message of the stream before `act` is called. This applies to the running delivery too. The
   * connection still gets direct messages: those of `sendToUser`, `sendToConnection` and `broadcast`.
   *
   * Call `inTurn` in a batch, or while `isDelivering()` is true. If no message is being delivered, `act` is called when the batch ends. But if a
   * message that `record` will get is being serialized, `act` is called after the delivery of this message. @throws `ERR_PUBLISH_DEPTH`, and then
   * `act` is not called, and nothing is held
   */
  inTurn(act: () => void, hold?: { readonly connection: object; readonly stream: RecordedStream }): void
  /**
   * Purges the waiting messages of a stream for a connection, before the recorder sends the messages again. If a message of the stream is being
   * delivered, the connection does not get it. Unlike `connection.purge`, this `purge` does not affect direct messages, because nobody can send them
   * again. Returns false if there was no message to discard. Returns true while a message of the stream that is not direct is being delivered.
   */
  purge(connection: object, stream: Omit<RecordedStream, 'userId'>): boolean
  /**
   * Ends the connection's own subscription to a stream. Call `withdraw` if the recorder has subscribed the connection, and the recorder's next step
   * failed. Unlike `connection.unsubscribe`, `withdraw` keeps the direct messages that wait, as `purge` does.
   */
  withdraw(connection: object, stream: Omit<RecordedStream, 'userId'>): void
  /**
   * True if the connection is excluded from a message of the stream that was published and whose delivery has not begun. The connection will not get
   * this message, even if it is subscribed when the delivery begins. For example, a revocation came after the message, and then the connection
   * subscribed again. The message might not be recorded yet.
   */
  leavesOut(connection: object, stream: RecordedStream): boolean
  /**
   * Returns an object with the filters of the connection's own subscription to exactly this stream, or `undefined` if there is no such subscription.
   */
  ownSubscription(connection: object, stream: Omit<RecordedStream, 'userId'>): { readonly filters: SubscriptionFilters | undefined } | undefined
  /** How many messages were published, but not recorded yet. These messages are recorded next, except those that fail. */
  unrecorded(): number
  /** Sends a connection the text of an earlier message of the stream, or of a snapshot. A later `purge` may purge this text. */
  sendAgain(connection: object, stream: RecordedStream, text: string): void
  /**
   * Sends a notice about a stream to one connection, as `connection.send` does. `userId` is the stream's user, if the stream is private. If the
   * connection is moved to another user, a waiting notice about a public stream stays in the queue.
   */
  notify(connection: object, text: string, userId: string | undefined): void
}

/** The options of the manager that a recorder needs, with defaults filled in, and the functions by which the recorder sends notices. */
export interface RecorderSettings extends RecorderNotices {
  /** The catalogue of stream types. */
  readonly streams: StreamCatalogue
  /** The manager's source of time. If the clock throws, the manager reports the error and continues. */
  readonly clock: Clock
  /** True if the manager has no `serialize`. The texts then have the library's own wire form. */
  readonly isWireForm: boolean
  /** Serializes a message. Throws if the message cannot be serialized. */
  readonly serialize: (message: StreamMessage<unknown, string>) => WireData
  /** The option `delivery.hardLimitBytes`. */
  readonly hardLimitBytes: number
  /** The option `quotas.messageUnits`. */
  readonly messageUnits: number
}

/** The methods of a recorder. Each property is read once. The methods are user code, so they may return anything. */
export interface RecorderMethods {
  readonly attach: (manager: unknown, settings: RecorderSettings) => unknown
  readonly record: (message: StreamMessage<unknown, string>, text: string) => unknown
  readonly skip: ((message: StreamMessage<unknown, string>, text: string) => unknown) | undefined
  readonly revoked: ((revocation: Revoked) => unknown) | undefined
}

/**
 * Returns the methods of a recorder.
 *
 * @throws `ERR_INVALID_OPTION` if the value is not an object, if `attach` or `record` is not a function, or if `skip` or `revoked` is neither a
 * function nor absent
 */
export function asRecorder(value: unknown): RecorderMethods {
  if (typeof value !== 'object' || value === null) throw invalid(`expected an object with \`attach\` and \`record\`, got ${describe(value)}`)
  const attach = methodOf(value, 'attach')
  const record = methodOf(value, 'record')
  if (attach === undefined || record === undefined) throw invalid('expected a function, got undefined', attach === undefined ? 'attach' : 'record')
  return { attach, record, skip: methodOf(value, 'skip'), revoked: methodOf(value, 'revoked') }
}

function methodOf(recorder: object, name: keyof RecorderMethods): ((...facts: unknown[]) => unknown) | undefined {
  const refusal = (cause: unknown): ConnectionManagerError => invalid('reading it threw', name, cause)
  const method = readUserCode(() => (recorder as Partial<Record<string, unknown>>)[name], refusal)
  if (method === undefined) return undefined
  if (typeof method !== 'function') throw invalid(`expected a function, got ${describe(method)}`, name)
  return bound(method as (...facts: unknown[]) => unknown, recorder, refusal)
}

function invalid(what: string, method?: string, cause?: unknown): ConnectionManagerError {
  const option = method === undefined ? 'recorder' : `recorder.${method}`
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
