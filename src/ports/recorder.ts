import { ConnectionManagerError, describe } from '../errors.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import type { StreamCatalogue } from '../model/catalogue.ts'
import type { Revoked } from '../model/revocation.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { WireData } from '../model/wire-data.ts'
import type { Clock } from '../time/clock.ts'

/**
 * Sees every published message in the order of delivery, and may change the text. A recorder can therefore number messages and keep them.
 *
 * The manager calls the methods synchronously. If a method publishes a message, its delivery is deferred.
 *
 * @typeParam TManager the type of the manager that the recorder is attached to
 */
export interface Recorder<TManager = unknown> {
  /** Called once, at the end of the manager's constructor. If it throws, the constructor throws the same error. */
  attach(manager: TManager, settings: RecorderSettings): void
  /**
   * Called for every `publish` before the message is sent, even if it has no recipients. Returns the text that is sent. Not called for a publish with
   * the option `text`, nor for `sendToUser`, `sendToConnection`, `broadcast` and `connection.send`.
   *
   * The recipients are fixed when `record` returns. The returned text may be longer than `quotas.messageUnits`. A deferred message is recorded when
   * it is delivered.
   *
   * If `record` throws, or returns anything but a string, nobody receives the message, and the publish throws `ERR_UNSERIALIZABLE`. If the message
   * was deferred, the manager emits `error` with stage `recorder` instead.
   */
  record(message: StreamMessage<unknown, string>, text: string): string
  /**
   * Called once all others have the message, with the text that `record` returned, if `except` leaves out subscribed connections. Those get the text
   * that `skip` returns, in the message's place: it waits, is dropped and is purged like a message of the stream. On a `latest` stream, it does not
   * replace a message that waits, and a newer message replaces both. If `skip` throws, or returns anything but a string, they get nothing, and the
   * manager emits `error` with stage `recorder`.
   */
  skip?(message: StreamMessage<unknown, string>, text: string): string
  /**
   * Called for every `revoke`, once it has taken effect. Unlike the listeners to the event `revoked`, it is called at once within a batch too. It gets
   * the same object as they do. If it throws, the manager emits `error` with stage `recorder`.
   */
  revoked?(revocation: { readonly userId: string | undefined; readonly streamType: string | undefined; readonly symbol: string | undefined }): void
}

/** A stream that a recorder has recorded messages of. */
export interface RecordedStream {
  /** A type of the catalogue. */
  readonly streamType: string
  /** `undefined` for the whole type, and for a stream without a symbol. */
  readonly symbol: string | undefined
  /** The user of a private stream. `undefined` for a public stream. */
  readonly userId: string | undefined
}

/** How a recorder sends notices of its own, and how it sends messages again that it recorded. */
export interface RecorderNotices {
  /** True while messages are handed to sockets. What is sent then is deferred. */
  isDelivering(): boolean
  /** Checks the length of a notice. Call it before you change anything. @throws `ERR_QUOTA_EXCEEDED` if it is longer than `quotas.messageUnits` */
  assertMayNotify(text: string): void
  /**
   * Calls a function once, when the turn of a message comes that is published now: after the running delivery, and after all that was deferred before.
   * The call is a batch. What it sends is not deferred. If it throws, the manager emits `error` with stage `recorder`.
   *
   * With `hold`, the connection gets nothing that is published to the stream until then. The running delivery leaves it out too. Direct messages still
   * come: those of `sendToUser`, `sendToConnection` and `broadcast`.
   *
   * Call it in a batch, or while `isDelivering()` is true. If nothing is delivered, the turn comes when the batch ends, and behind a
   * message that is being serialized. @throws `ERR_PUBLISH_DEPTH`, and then the function is not called, and nothing is held
   */
  inTurn(act: () => void, hold?: { readonly connection: object; readonly stream: RecordedStream }): void
  /**
   * Purges what waits for a connection and was published to a stream, before it is sent again. Unlike `connection.purge`, it keeps direct messages,
   * because nobody can send them again. Returns false if there was nothing to purge.
   */
  purge(connection: object, stream: Omit<RecordedStream, 'userId'>): boolean
  /**
   * True if a message that is published to the stream, and may not be recorded yet, will not come to the connection, although it is subscribed now. It
   * was published before a revocation.
   */
  leavesOut(connection: object, stream: RecordedStream): boolean
  /** How many messages were published, but not recorded yet. They are the next ones that are recorded, unless one of them fails. */
  unrecorded(): number
  /** Sends a connection the text of a message that was published to the stream before. A later `purge` may purge it. */
  sendAgain(connection: object, stream: RecordedStream, text: string): void
  /**
   * Sends a notice about a stream to one connection, as `connection.send` does. `userId` is the stream's user, if it is private. A notice about a public
   * stream that waits stays if the connection is given to another user.
   */
  notify(connection: object, text: string, userId: string | undefined): void
}

/** What a recorder needs to know of its manager's options, with their defaults, and how it sends notices. */
export interface RecorderSettings extends RecorderNotices {
  /** The catalogue of stream types. */
  readonly streams: StreamCatalogue
  /** The manager's source of time. If it throws, the manager reports the error and continues. */
  readonly clock: Clock
  /** True if the manager has no `serialize`. The texts are then the library's own wire form. */
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
 * @throws `ERR_INVALID_OPTION` unless it has `attach` and `record`, and `skip` and `revoked` are functions or absent
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
