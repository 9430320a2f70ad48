import { GuardedClock, systemClock, type Clock, type ClockFailureListener, type ManagerClock } from './time/clock.ts'
import type { Socket } from './ports/connection.ts'
import type { Authorize, AuthorizationRequest } from './access/authorization.ts'
import { ConnectionManagerError, describe } from './errors.ts'
import { bound } from './guards/user-code.ts'
import { readNamed } from './guards/named-fields.ts'
import type { QuotaLimits } from './access/quotas.ts'
import { defineStreams, tradingStreams, type StreamCatalogue, type TradingStreams } from './model/catalogue.ts'
import type { StreamMessage } from './model/stream-message.ts'
import { asTransport, type AnyTransport, type ManagerTransport } from './ports/transport.ts'

/**
 * What a manager can be told, all of it optional. `undefined` is the same as absence.
 *
 * Options are read by name when the manager is made, each once. They may be own or inherited, so an object of a class works, and its
 * functions are called as its methods. An unknown name, a `Map` or an array is refused with `ERR_INVALID_OPTION`, also in the groups
 * `delivery` and `quotas`. `{}` is allowed.
 *
 * Durations are in milliseconds, `0` or more; `Infinity` is allowed.
 */
export interface ConnectionManagerOptions<
  TSocket extends Socket = Socket,
  TStreams extends StreamCatalogue = TradingStreams,
> {
  /**
   * The stream types there are, from `defineStreams`. It replaces the default catalogue.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * Makes the text that goes to the sockets, where clients expect another form than ours.
   *
   * Called once for each message that has recipients, and for each one that is deferred. `data` may be what `rawJson`
   * made: `JSON.stringify` takes it as the value it stands for, and its `text` is the JSON. What it throws becomes the
   * `cause` of `ERR_UNSERIALIZABLE`.
   */
  readonly serialize?: ((message: StreamMessage<unknown, string>) => string) | undefined
  /** How the sockets are written to, measured and closed, for connections that bring no transport of their own. */
  readonly transport?: ManagerTransport<TSocket> | undefined
  /** What happens where a connection is behind. */
  readonly delivery?: DeliveryOptions | undefined
  /**
   * Time as the manager sees it: see `Clock`. A clock whose `now` or `monotonic` returns no number is refused. If it fails later,
   * `on('error', …)` is told, and the manager goes on. If a reading is no number, no time has passed. If `setTimeout` throws, a timer of the
   * runtime takes its place.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
  /**
   * How long the promise of a removal waits for a socket's `close`. The process stays alive until the promise settles. `0` waits for
   * what is settled already. `Infinity` waits for as long as `close` takes, without a timer, so only the socket keeps the process alive.
   *
   * @default 5_000
   */
  readonly closeTimeoutMs?: number | undefined
  /**
   * How long a subscription of a user without a connection waits for one, from its first subscribe on.
   *
   * `0` refuses such subscriptions with `ERR_UNKNOWN_USER`; `Infinity` keeps them until they are removed.
   *
   * @default 30_000
   */
  readonly pendingTtlMs?: number | undefined
  /**
   * How many messages may be published from within one delivery and what follows from it, whether or not anybody is to
   * receive them; one more throws `ERR_PUBLISH_DEPTH`. `0` refuses each of them; `Infinity` sets no bound.
   *
   * @default 10_000
   */
  readonly maxDeferred?: number | undefined
  /**
   * How long a stream without a connected subscriber stays active, before `streamIdle`. `0`: not at all; `Infinity`: until
   * the manager shuts down.
   *
   * @default 1_000
   */
  readonly idleDelayMs?: number | undefined
  /**
   * How much there may be. A call that would exceed a quota throws `ERR_QUOTA_EXCEEDED` and changes nothing. `idleStreams` alone
   * refuses nothing.
   */
  readonly quotas?: QuotaOptions | undefined
  /**
   * Says whether a user may subscribe to a stream: asked before every `addSubscription` and `connection.subscribe`, for what
   * is held already as well, and before anything is allocated.
   *
   * Anything but `true` refuses with `ERR_FORBIDDEN`. So does a throw, which is told to `on('error', …)`, and a promise: what has
   * to be awaited belongs before the call. It is not asked again later: see `revoke`.
   *
   * @default everything is allowed
   */
  readonly authorize?: ((request: AuthorizationRequest<TSocket, TStreams>) => boolean) | undefined
}

/**
 * How much there may be: finite by default, so that one client, or one bug, cannot take all memory. `0` allows none, `Infinity`
 * sets no bound. Except for `idleStreams`, what there is already is never taken away, and a place that was freed can be taken at once.
 */
export interface QuotaOptions {
  /**
   * Connections in all.
   *
   * @default Infinity
   */
  readonly connections?: number | undefined
  /** @default 100 */
  readonly connectionsPerUser?: number | undefined
  /**
   * Subscriptions of one user, each once however many hold it.
   *
   * @default 1_000
   */
  readonly subscriptionsPerUser?: number | undefined
  /**
   * Subscriptions that one connection holds for itself.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection?: number | undefined
  /**
   * Length of a serialized message, in UTF-16 units of its text.
   *
   * @default 1_048_576 // 1 Mi
   */
  readonly messageUnits?: number | undefined
  /**
   * Users who are known by pending subscriptions alone. Who is connected is not among them.
   *
   * @default 10_000
   */
  readonly pendingUsers?: number | undefined
  /**
   * Streams that only `idleDelayMs` keeps active: those without a connected subscriber. Nothing is refused. If there is one more, the
   * oldest becomes idle at once. `0` keeps none.
   *
   * @default 10_000
   */
  readonly idleStreams?: number | undefined
  /**
   * Length of the `filters` of one request, in UTF-16 units of their JSON. `0` allows no filters, not even `{}`. With `Infinity` they are
   * not measured, and need no JSON form.
   *
   * @default 4_096
   */
  readonly filterUnits?: number | undefined
}

/** When a connection is behind, and how much may wait for it. `Infinity` removes a limit. */
export interface DeliveryOptions {
  /**
   * Bytes that a connection's socket may have buffered before further messages wait with the manager, where they can be
   * conflated and dropped. `0`: any unsent byte makes them wait. Bytes of the current turn of the event loop do not count. A batch
   * of more is written in several writes, before its turn ends.
   *
   * @default 65_536 // 64 KiB
   */
  readonly softLimitBytes?: number | undefined
  /**
   * Bytes that may wait with the manager for one connection before its streams' overflow policy applies. `0`: nothing may wait.
   * A message counts by the `byteLength` of its frame, if it has one, and otherwise by the UTF-16 units of its text. Gap notices
   * do not count: they are short, and one a stream.
   *
   * @default 1_048_576 // 1 MiB
   */
  readonly hardLimitBytes?: number | undefined
  /**
   * How often the manager looks whether there is room again, while a connection is behind whose transport has no `onDrain`.
   * `Infinity`: never by itself.
   *
   * @default 50
   */
  readonly drainIntervalMs?: number | undefined
  /**
   * How long a message may wait with the manager for a connection that is behind, in milliseconds. After that the overflow policy of its
   * stream applies: it is dropped and the client is told by a gap notice, or the connection is ended as a slow consumer. If a message replaced
   * an older one, its time counts from its own publish. The manager checks within 50 ms, whether or not anything is published. `0`: nothing may
   * wait. `Infinity`: no limit.
   *
   * @default 60_000
   */
  readonly maxLagMs?: number | undefined
}

/** The delivery options as the manager goes by them. */
type DeliveryLimits = { readonly [TName in keyof DeliveryOptions]-?: number }

/** The options as the manager goes by them. */
export interface ResolvedOptions {
  readonly streams: StreamCatalogue
  readonly serialize: ((message: StreamMessage<unknown, string>) => string) | undefined
  readonly transport: AnyTransport | undefined
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
  transport: undefined,
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
 * Returns the options with their defaults.
 *
 * @param clockFailed takes what goes wrong with the clock later
 * @throws `ERR_INVALID_OPTION` naming the one that is unknown or out of range; an unknown one is not ignored,
 * because somebody relies on it
 */
export function resolvedOptions(options: unknown, clockFailed: ClockFailureListener = () => {}): ResolvedOptions {
  const { streams, serialize, transport, delivery, quotas, authorize, clock, ...numbers } = withDefaults('', options, DEFAULTS)
  return {
    streams: checkedStreams(streams),
    serialize: optionalMethod('serialize', serialize, options),
    transport: optionalTransport(transport),
    delivery: checkedNumbers('delivery.', withDefaults('delivery', delivery, DELIVERY_DEFAULTS)),
    quotas: checkedNumbers('quotas.', withDefaults('quotas', quotas, QUOTA_DEFAULTS)),
    authorize: optionalMethod('authorize', authorize, options),
    clock: guardedClock(clock, clockFailed),
    ...checkedNumbers('', numbers),
  }
}

/**
 * Returns the transport in the options of one connection; `undefined` when they have none.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function transportIn(options: unknown): AnyTransport | undefined {
  if (options === undefined) return undefined
  return optionalTransport(withDefaults('', options, { transport: undefined as unknown }).transport)
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

/** What was given, and the defaults for the rest; a name that the defaults do not have is refused. */
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

/** Returns the value of a numeric option: `0` or more, `Infinity` included. */
function checkedNumber(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value
  throw invalidOption(name, `must be a number, 0 or more, got ${describe(value)}`)
}

/** Returns a function that is called as a method of the options object, because a class expects that. */
function optionalMethod<TMethod extends (...facts: never[]) => unknown>(
  name: string,
  value: TMethod | undefined,
  options: unknown,
): TMethod | undefined {
  if (value === undefined) return value
  if (typeof value !== 'function') throw invalidOption(name, `must be a function, got ${describe(value)}`)
  return bound(value, options, (cause) => invalidOption(name, 'must be readable', cause))
}

function checkedStreams(streams: StreamCatalogue): StreamCatalogue {
  try {
    return defineStreams(streams)
  } catch (cause) {
    throw invalidOption('streams', `is no catalogue, got ${describe(streams)}`, cause)
  }
}

function guardedClock(clock: Clock, failed: ClockFailureListener): ManagerClock {
  let cause: unknown
  try {
    if (CLOCK_METHODS.every((name) => typeof clock[name] === 'function')) return new GuardedClock(clock, failed)
  } catch (error) {
    cause = error
  }
  throw invalidOption('clock', `must have the methods ${CLOCK_METHODS.join(', ')}, of which the first two return a number, got ${describe(clock)}`, cause)
}

function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Option ${option} ${what}`, { option }, cause)
}
