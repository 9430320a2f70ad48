import { GuardedClock, systemClock, type Clock, type ClockFailureListener, type ManagerClock } from './time/clock.ts'
import type { Socket } from './ports/connection.ts'
import type { Authorize, AuthorizationRequest } from './access/authorization.ts'
import { ConnectionManagerError, describe } from './errors.ts'
import { bound } from './guards/user-code.ts'
import { readNamed } from './guards/named-fields.ts'
import type { QuotaLimits } from './access/quotas.ts'
import { defineStreams, tradingStreams, type StreamCatalogue, type TradingStreams } from './model/catalogue.ts'
import type { Notice } from './model/notices.ts'
import type { StreamMessage } from './model/stream-message.ts'
import type { WireData } from './model/wire-data.ts'
import { serializeStreamMessage } from './model/wire-form.ts'
import { asRecorder, type Recorder, type RecorderMethods, type RecorderNotices, type RecorderSettings } from './ports/recorder.ts'
import { asTransport, type AnyTransport, type ManagerTransport, type Transport } from './ports/transport.ts'

/** The data that can be sent to a socket: texts, and also bytes if the socket's `send` takes bytes. */
export type DataFor<TSocket> = TSocket extends {
  /** A `send` that takes bytes. */
  send(data: Uint8Array): unknown
}
  ? string | Uint8Array
  : string

/**
 * The options of a manager. Each option is optional, and `undefined` means the same as absence.
 *
 * The constructor reads each option once, by name. An option may be an own or an inherited property, so an instance of a class works. When the
 * manager calls a function, `this` is the object that the function belongs to. An unknown name, a `Map` or an array throws `ERR_INVALID_OPTION`. The
 * groups `delivery` and `quotas` follow the same rules. `{}` is allowed.
 *
 * Durations are in milliseconds, `0` or more; `Infinity` is allowed.
 */
export interface ConnectionManagerOptions<
  TSocket extends Socket = Socket,
  TStreams extends StreamCatalogue = TradingStreams,
  TMetadata = unknown,
> {
  /**
   * The catalogue of stream types, from `defineStreams`. This catalogue replaces the default catalogue.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * Serializes a message, if your clients expect a form other than the library's wire form. Returns a text, or bytes (MessagePack, protobuf, SBE) if
   * the sockets' `send` takes bytes. If a message is bytes, the limits apply to the number of its bytes.
   *
   * Bytes are not copied. All sockets get the same array. The array of bytes is in use until the socket of the slowest client has accepted it, which
   * may be many turns of the event loop later. So return a new array of bytes for each message, never change the array afterwards, and do not
   * transfer its buffer.
   *
   * The manager calls `serialize` once for each message that has recipients, is deferred or is recorded. A message that comes as a `text` is not
   * serialized. `data` may be a value from `rawJson`. In this case, `data.text` is the JSON text, and `JSON.stringify(data)` writes the parsed value.
   * An error that `serialize` throws becomes the `cause` of `ERR_UNSERIALIZABLE`.
   */
  readonly serialize?: ((message: StreamMessage<unknown, string>) => DataFor<TSocket>) | undefined
  /**
   * Serializes gap notices and status notices. Use this option if your clients expect a form other than JSON. The argument is what
   * `parseServerMessage` returns for the notice.
   *
   * If `serializeNotice` throws, or returns anything but a text or bytes, `notifyGap` and `setStreamStatus` throw `ERR_UNSERIALIZABLE`. If the gap
   * notice for dropped messages cannot be made, the connection is removed with reason `send-failed`. If the connection stayed, its client would not
   * learn that messages are missing. If the status notice for a connection that begins to receive a stream cannot be made, that connection stays. The
   * manager sends both of these notices by itself, so no call of yours can throw. Instead, the manager emits `error` with stage `send`.
   *
   * @default JSON, even if there is a `serialize`
   */
  readonly serializeNotice?: ((notice: Notice) => DataFor<TSocket>) | undefined
  /**
   * Says how to write to a socket, how to measure what the socket has buffered, and how to close the socket. A connection may have its own transport
   * instead.
   */
  readonly transport?: ManagerTransport<TSocket> | undefined
  /**
   * Sees every message that is published, except a message that comes as a `text`, and may change the text of the message: see `Recorder`. Do not
   * share one recorder between managers.
   */
  readonly recorder?: Recorder<never> | undefined
  /** Limits for connections that are behind, because their clients read too slowly. */
  readonly delivery?: DeliveryOptions | undefined
  /**
   * The manager's source of time: see `Clock`. The constructor refuses a clock that lacks a method, or whose `now` or `monotonic` does not return a
   * number. If the clock fails later, the manager emits `error` and continues. If a reading throws or is not a number, the manager uses the last
   * valid reading. If the clock's `setTimeout` throws, the manager uses a timer of the runtime instead.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
  /**
   * How long the promise of a removal waits for the socket's `close`. A timer keeps the process alive until the promise settles. With `0`, the
   * promise does not wait for a `close` that has not settled yet. With `Infinity`, the promise waits as long as `close` takes, without a timer. So
   * only the socket keeps the process alive.
   *
   * @default 5_000
   */
  readonly closeTimeoutMs?: number | undefined
  /**
   * How long a subscription stays pending while its user has no connection. The time counts from the request that began the subscription.
   *
   * With `0`, a subscription of a user without a connection is refused with `ERR_UNKNOWN_USER`. With `Infinity`, a pending subscription stays until
   * it is removed.
   *
   * @default 30_000
   */
  readonly pendingTtlMs?: number | undefined
  /**
   * How many messages may be deferred during one call of the manager, including all calls that are nested in it. A message is deferred if it is
   * published or sent during a delivery. Texts of `connection.send`, and the notices of `notifyGap` and `setStreamStatus`, count as messages. A
   * deferred message counts even if it has no recipients. A call that would exceed the limit throws `ERR_PUBLISH_DEPTH`. `0` refuses every deferred
   * message. `Infinity` removes the limit.
   *
   * @default 10_000
   */
  readonly maxDeferred?: number | undefined
  /**
   * How long a stream stays active after it has lost its last connected subscriber. After this delay, the stream becomes idle, and the manager emits
   * `streamIdle`. `0`: the stream becomes idle at once. `Infinity`: the stream stays active until the manager shuts down, or until the quota
   * `idleStreams` makes it idle.
   *
   * @default 1_000
   */
  readonly idleDelayMs?: number | undefined
  /**
   * Limits on what a manager holds. A call that would exceed a quota throws `ERR_QUOTA_EXCEEDED` and changes nothing. The quota `idleStreams` is an
   * exception: no call throws because of it. If this quota is exceeded, the active stream that has been without a connected subscriber for the
   * longest time becomes idle at once.
   */
  readonly quotas?: QuotaOptions | undefined
  /**
   * Decides whether a user may subscribe to a stream. The manager calls `authorize` at every `addSubscription` and `connection.subscribe`, even if
   * the subscription exists already. `authorize` runs before the manager allocates anything.
   *
   * Only `true` grants access. For any other answer, the call throws `ERR_FORBIDDEN`. A promise is not `true`, so await an asynchronous check before
   * you subscribe. If `authorize` throws, or returns a promise that rejects, access is refused and the manager emits `error`. A refusal does not end
   * a subscription that exists already. There is one exception: `connection.reassign` asks whether the new user may have each public stream that the
   * connection itself is subscribed to, and ends the refused subscriptions. It also asks about the public streams of waiting messages, and purges the
   * refused messages. To end access at any other time, call `revoke`.
   *
   * @default every subscription is allowed
   */
  readonly authorize?: ((request: AuthorizationRequest<TSocket, TStreams, TMetadata>) => boolean) | undefined
}

/**
 * Limits on what a manager holds. All quotas except `connections` are finite by default, so that one client, or one bug, cannot use up the memory.
 *
 * A quota of `0` allows nothing, and a quota of `Infinity` removes the limit. A quota refuses new connections, subscriptions or messages, and never
 * removes existing ones. Only the quota `idleStreams` refuses nothing. Removed connections and subscriptions no longer count.
 */
export interface QuotaOptions {
  /**
   * The number of connections of all users together.
   *
   * @default Infinity
   */
  readonly connections?: number | undefined
  /**
   * Connections of one user.
   *
   * @default 100
   */
  readonly connectionsPerUser?: number | undefined
  /**
   * Subscriptions of one user. A subscription counts once, no matter how many connections hold it.
   *
   * @default 1_000
   */
  readonly subscriptionsPerUser?: number | undefined
  /**
   * Subscriptions of one connection. Subscriptions that only the connection's user holds do not count.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection?: number | undefined
  /**
   * The length of a serialized message, or of a text of `connection.send`: in UTF-16 units if it is a text, in bytes if it is binary. A `text` that is
   * passed to `publish` or `sendToConnection` may be longer, up to `delivery.hardLimitBytes` if that is more.
   *
   * @default 1_048_576 // 1 Mi
   */
  readonly messageUnits?: number | undefined
  /**
   * Users that have pending subscriptions and no connection.
   *
   * @default 10_000
   */
  readonly pendingUsers?: number | undefined
  /**
   * Streams that have no connected subscriber and stay active for `idleDelayMs`. The quota refuses nothing: if there is one stream more than the
   * quota, the stream that has been without a connected subscriber for the longest time becomes idle at once. With `0`, a stream becomes idle as soon
   * as it has no connected subscriber.
   *
   * @default 10_000
   */
  readonly idleStreams?: number | undefined
  /**
   * The maximum length of the `filters` of one request, written as JSON, in UTF-16 units. `0` allows no filters, not even `{}`. With `Infinity`,
   * filters are not measured, so they need no JSON form.
   *
   * @default 4_096
   */
  readonly filterUnits?: number | undefined
}

/**
 * Decides when a connection is behind, and how much may wait for a connection that is behind. A connection is behind while messages wait for it,
 * because its socket has no room. `Infinity` removes a limit.
 */
export interface DeliveryOptions {
  /**
   * The limit for the bytes that a socket has buffered. Above this limit, further messages wait in the send queue. Waiting messages can be conflated
   * and dropped.
   *
   * Whatever the limit is, bytes that the socket got in the current turn of the event loop do not count, because no client has had time to read them.
   * Bytes of the turn before do not count either, if the socket was within the limit in that turn. `0`: a message waits if the socket has an unsent
   * byte of an earlier turn. If the messages of one turn to a client are longer than the limit, they are sent in several writes.
   *
   * @default 65_536 // 64 KiB
   */
  readonly softLimitBytes?: number | undefined
  /**
   * The limit for the bytes that wait in the send queue of a connection that is behind. Above this limit, the overflow policies of the streams apply.
   * `0`: nothing may wait.
   *
   * The size of a message is the `byteLength` of the transport's frame. If the frame has no `byteLength`, the size is the number of UTF-16 units of a
   * text, or the number of bytes of a binary message. Gap notices do not count, because they are short, and at most one per stream waits.
   *
   * @default 1_048_576 // 1 MiB
   */
  readonly hardLimitBytes?: number | undefined
  /**
   * How often a timer checks whether a connection that is behind has room again. Connections whose transport has an `onDrain` need no timer, unless
   * `onDrain` fails. `Infinity`: there is no timer.
   *
   * @default 50
   */
  readonly drainIntervalMs?: number | undefined
  /**
   * How long a message may wait in a send queue, in milliseconds.
   *
   * After this time, the overflow policy of the message's stream applies. With `drop`, the message is dropped and a gap notice tells the client. With
   * `disconnect`, the connection is removed as a slow consumer. If a message replaces an older message, only the waiting time of the newer message
   * counts. The manager notices at most 50 ms late that a message has waited too long, even if nothing is published. `0`: nothing may wait.
   * `Infinity`: no limit.
   *
   * @default 60_000
   */
  readonly maxLagMs?: number | undefined
}

/** The delivery options with their defaults. */
type DeliveryLimits = { readonly [TName in keyof DeliveryOptions]-?: number }

/** The options of a manager, validated and with their defaults. */
export interface ResolvedOptions {
  readonly streams: StreamCatalogue
  readonly serialize: ((message: StreamMessage<unknown, string>) => WireData) | undefined
  readonly serializeNotice: ((notice: Notice) => WireData) | undefined
  readonly transport: AnyTransport | undefined
  readonly recorder: RecorderMethods | undefined
  readonly delivery: DeliveryLimits
  readonly quotas: QuotaLimits
  readonly authorize: Authorize | undefined
  readonly clock: ManagerClock
  readonly closeTimeoutMs: number
  readonly pendingTtlMs: number
  readonly maxDeferred: number
  readonly idleDelayMs: number
}

const DELIVERY_DEFAULTS: DeliveryLimits = {
  softLimitBytes: 65_536,
  hardLimitBytes: 1_048_576,
  drainIntervalMs: 50,
  maxLagMs: 60_000,
}

const QUOTA_DEFAULTS: QuotaLimits = {
  connections: Infinity,
  connectionsPerUser: 100,
  subscriptionsPerUser: 1_000,
  subscriptionsPerConnection: 1_000,
  messageUnits: 1_048_576,
  pendingUsers: 10_000,
  idleStreams: 10_000,
  filterUnits: 4_096,
}

const DEFAULTS: Omit<ResolvedOptions, 'clock'> & { readonly clock: Clock } = {
  streams: tradingStreams,
  serialize: undefined,
  serializeNotice: undefined,
  transport: undefined,
  recorder: undefined,
  delivery: DELIVERY_DEFAULTS,
  quotas: QUOTA_DEFAULTS,
  authorize: undefined,
  clock: systemClock,
  closeTimeoutMs: 5_000,
  pendingTtlMs: 30_000,
  maxDeferred: 10_000,
  idleDelayMs: 1_000,
}

const DEFAULT_DEADLINE_MS = 5_000

const CLOCK_METHODS = ['now', 'monotonic', 'setTimeout'] as const

/**
 * Returns the options, validated and with their defaults.
 *
 * @param clockFailed is called with each later failure of the clock
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range. An unknown option is an error, because the caller expects it to
 * have an effect
 */
export function resolvedOptions(options: unknown, clockFailed: ClockFailureListener = () => {}): ResolvedOptions {
  const { streams, serialize, serializeNotice, transport, recorder, delivery, quotas, authorize, clock, ...numbers } = withDefaults('', options, DEFAULTS)
  return {
    streams: checkedStreams(streams),
    serialize: optionalMethod('serialize', serialize, options),
    serializeNotice: optionalMethod('serializeNotice', serializeNotice, options),
    transport: optionalTransport(transport),
    recorder: recorder === undefined ? undefined : asRecorder(recorder),
    delivery: checkedNumbers('delivery.', withDefaults('delivery', delivery, DELIVERY_DEFAULTS)),
    quotas: checkedNumbers('quotas.', withDefaults('quotas', quotas, QUOTA_DEFAULTS)),
    authorize: optionalMethod('authorize', authorize, options),
    clock: guardedClock(clock, clockFailed),
    ...checkedNumbers('', numbers),
  }
}

/** Attaches the recorder in the options to the manager. Does nothing if there is no recorder. */
export function attachRecorder({ recorder, streams, clock, serialize, delivery, quotas }: ResolvedOptions, manager: unknown, notices: RecorderNotices): void {
  const settings: RecorderSettings = {
    ...notices,
    streams,
    clock,
    isWireForm: serialize === undefined,
    serialize: serialize ?? ((message) => serializeStreamMessage(message as never, { streams })),
    hardLimitBytes: delivery.hardLimitBytes,
    messageUnits: quotas.messageUnits,
  }
  recorder?.attach(manager, Object.freeze(settings))
}

/** The options of one connection. */
export interface ConnectionOptions<TSocket extends Socket = Socket, TFrame = string, TMetadata = unknown> {
  /**
   * Says how to write to this connection's socket, how to measure it and how to close it. This transport replaces the transport in the manager's
   * options.
   */
  readonly transport?: Transport<TSocket, TFrame> | undefined
  /** Any value that you want to keep with the connection: see `connection.metadata`. */
  readonly metadata?: TMetadata | undefined
}

/**
 * The last argument of `addConnection`. The argument is optional if the manager's type of metadata includes `undefined`. For any other type of
 * metadata, the argument is required, and must have `metadata`.
 */
export type ConnectionOptionsArgument<TSocket extends Socket, TFrame, TMetadata> = undefined extends TMetadata
  ? [options?: ConnectionOptions<TSocket, TFrame, TMetadata>]
  : [options: ConnectionOptions<TSocket, TFrame, TMetadata> & { readonly metadata: TMetadata }]

/** The options of one connection, validated. */
export interface ResolvedConnectionOptions {
  readonly transport: AnyTransport | undefined
  readonly metadata: unknown
}

const NO_CONNECTION_OPTIONS: ResolvedConnectionOptions = { transport: undefined, metadata: undefined }

/**
 * Reads the options of one connection.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function connectionOptionsIn(options: unknown): ResolvedConnectionOptions {
  if (options === undefined) return NO_CONNECTION_OPTIONS
  const { transport, metadata } = withDefaults('', options, { transport: undefined as unknown, metadata: undefined as unknown })
  return { transport: optionalTransport(transport), metadata }
}

/**
 * Returns the deadline in the options of a shutdown.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function deadlineIn(options: unknown): number {
  return checkedNumber('deadlineMs', withDefaults('', options, { deadlineMs: DEFAULT_DEADLINE_MS }).deadlineMs)
}

function optionalTransport(transport: unknown): AnyTransport | undefined {
  return transport === undefined ? undefined : asTransport(transport)
}

/** Returns the given options, with defaults for the rest. A name that `defaults` does not have is refused. */
function withDefaults<TOptions extends object>(group: string, given: unknown, defaults: TOptions): TOptions {
  const names = Object.keys(defaults)
  const read = readNamed(given, names, (what, name, cause) => invalidOption(dotted(group, name), what, cause))
  const resolved = { ...defaults } as Record<string, unknown>
  for (const name of names) if (read[name] !== undefined) resolved[name] = read[name]
  return resolved as TOptions
}

function dotted(group: string, name: string | undefined): string {
  if (name === undefined) return group || 'options'
  return group ? `${group}.${name}` : name
}

function checkedNumbers<TNumbers extends object>(prefix: string, numbers: TNumbers): TNumbers {
  for (const [name, value] of Object.entries(numbers)) checkedNumber(`${prefix}${name}`, value)
  return numbers
}

/** Returns the value if it is a number of `0` or more. `Infinity` is allowed. */
function checkedNumber(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value
  throw invalidOption(name, `expected a number of 0 or more, got ${describe(value)}`)
}

/** Returns the function, bound to the options object. The methods of an options object that is an instance of a class need `this`. */
function optionalMethod<TMethod extends (...facts: never[]) => unknown>(
  name: string,
  value: TMethod | undefined,
  options: unknown,
): TMethod | undefined {
  if (value === undefined) return value
  if (typeof value !== 'function') throw invalidOption(name, `expected a function, got ${describe(value)}`)
  return bound(value, options, (cause) => invalidOption(name, 'reading it threw', cause))
}

function checkedStreams(streams: StreamCatalogue): StreamCatalogue {
  try {
    return defineStreams(streams)
  } catch (cause) {
    throw invalidOption('streams', `expected the result of \`defineStreams\`, got ${describe(streams)}`, cause)
  }
}

function guardedClock(clock: Clock, failed: ClockFailureListener): ManagerClock {
  let cause: unknown
  try {
    if (CLOCK_METHODS.every((name) => typeof clock[name] === 'function')) return new GuardedClock(clock, failed)
  } catch (error) {
    cause = error
  }
  const expected = '`now` and `monotonic`, which return numbers, and `setTimeout`'
  throw invalidOption('clock', `expected an object with ${expected}, got ${describe(clock)}`, cause)
}

function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
