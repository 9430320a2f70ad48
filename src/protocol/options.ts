import { ConnectionManagerError, describe } from '../errors.ts'
import { isPlain, readNamed } from '../guards/named-fields.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import type { AnyConnection, Connection, Socket } from '../ports/connection.ts'
import { systemClock, type Clock } from '../time/clock.ts'
import { RESERVED_NAMES } from './command.ts'
import type { Session } from './session.ts'

/**
 * A client's request to subscribe to a stream. `streamType`, `symbol` and `filters` have the values that the client sent. The manager checks them
 * later.
 */
export interface SubscribeCall<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The connection that sent the command. Only this connection is subscribed. */
  readonly connection: Connection<TSocket, TStreams, TMetadata>
  /** The user who owned the connection when the command arrived. */
  readonly userId: string
  /** Any text. */
  readonly streamType: string
  /** Any text, or `undefined` if the client sent no symbol. */
  readonly symbol: string | undefined
  /** Any JSON object, or `undefined` if the client sent no filters. */
  readonly filters: SubscriptionFilters | undefined
  /** The position to resume from, as the client sent it. It may be any JSON value except `null`. `undefined` if the client sent none, or `null`. */
  readonly position: unknown
  /** The number of the command, or `undefined` if the command has no number. */
  readonly id: number | undefined
}

/** A call of one of the host's own commands. */
export interface CommandCall<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** The connection that sent the command. Act only for this connection and its user. */
  readonly connection: Connection<TSocket, TStreams, TMetadata>
  /** The `data` of the command, as `JSON.parse` returns it. Check the data before you use it. `undefined` if the client sent no data. */
  readonly data: unknown
  /** The connection's session. */
  readonly session: Session<TSocket, TStreams, TMetadata>
}

/** How much one client may ask for. `Infinity` removes a limit, but `perSecond` must be finite. */
export interface CommandLimits {
  /**
   * UTF-16 units of one text. A longer text is refused as a whole, with `ERR_TOO_LARGE`.
   *
   * @default 16_384
   */
  readonly textUnits?: number | undefined
  /**
   * Commands in one text. A longer array is refused as a whole, with `ERR_TOO_LARGE`.
   *
   * @default 100
   */
  readonly commandsPerText?: number | undefined
  /**
   * Commands of one client that have no answer yet. A further command is refused at once, with `ERR_BUSY`. A `ping` is never refused for this reason.
   *
   * @default 100
   */
  readonly pending?: number | undefined
  /**
   * Commands per second in the long run. If a client sends more, and its `burst` is used up, further commands are refused at once, with
   * `ERR_RATE_LIMITED`. Refused commands do not count. The number must be finite and more than 0.
   *
   * @default 50
   */
  readonly perSecond?: number | undefined
  /**
   * Commands that a client may send at once, without a pause.
   *
   * @default 1_000
   */
  readonly burst?: number | undefined
  /**
   * Refusals that one client may get at once. In the long run, a client may get `perSecond` refusals per second. A further refusal closes the
   * connection with the code 4429.
   *
   * @default 2_000
   */
  readonly maxRefusals?: number | undefined
  /**
   * How long one of your own commands may take, from the call of its function. For a `subscribe`, `authorize` and the `ready` of the recovery may
   * take this long together. After this time, the command is refused with `ERR_TIMEOUT`, and a later result is ignored. This is also the longest time
   * that a command waits for a slow client to read what earlier commands sent. Milliseconds.
   *
   * @default 10_000
   */
  readonly commandTimeoutMs?: number | undefined
}

/** The methods of a recovery that a command server calls. You can pass a recovery of `stream-connection-manager/recovery`. */
export interface CommandRecovery {
  /**
   * In one step, subscribes the connection, answers with a notice that repeats the `id` of the request, and sends the missed messages again.
   * `replayed` is the number of messages and snapshots that were sent after the notice. `deferred` is true if the answer is sent later in this turn,
   * and these messages after it. Then `replayed` is 0.
   */
  subscribe(connection: never, request: never): {
    readonly subscription: { readonly streamType: string; readonly symbol: string | undefined }
    readonly replayed: number
    readonly deferred?: boolean | undefined
  }
  /**
   * If the method exists, it is called before each `subscribe`, unless `authorize` refuses. A recovery that is in a cluster returns a promise. The
   * promise resolves when this node has the messages that the client may have missed, or cannot get them.
   */
  ready?(stream: { readonly streamType: string; readonly symbol: string | undefined; readonly userId: string; readonly position: unknown }): PromiseLike<unknown> | undefined
}

/** The options of `createCommandServer`. All options are optional. */
export interface CommandServerOptions<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /**
   * Decides whether a client may subscribe. This function is called before the manager's own `authorize`. Only `true`, or a promise of `true`, grants
   * access. Any other value refuses the command with `ERR_FORBIDDEN`.
   *
   * `authorize` may run for several commands at the same time. If the connection is given to another user meanwhile, or the stream is revoked, the
   * answer is ignored, and the client is told to ask again. An error whose `code` begins with `ERR_`, except `ERR_INVALID_OPTION`, refuses the
   * command with that code. For any other error, the client is told to try again, and `onError` gets the error.
   *
   * @default only the manager's `authorize` is asked
   */
  readonly authorize?: ((request: SubscribeCall<TSocket, TStreams, TMetadata>) => boolean | Promise<boolean>) | undefined
  /**
   * The manager's recovery. With a recovery, the answer to a subscribe has a position, and clients resume from their positions.
   *
   * @default none: a client starts anew with each connection
   */
  readonly recovery?: CommandRecovery | undefined
  /**
   * Called after each subscribe that is carried out. Use this function to send a snapshot of your own, by `connection.send` or
   * `manager.sendToConnection`. The client gets your snapshot directly after the answer and the messages that a recovery sends again. No live message
   * of the stream comes in between. While the connection is behind, a text of `connection.send` overtakes public messages, also those that are sent
   * again. The function must be synchronous.
   *
   * If the function throws, or returns a promise, the connection is unsubscribed, because later messages would have nothing to build on. The client
   * gets the notice `unsubscribed` with the reason `failed`, and `onError` gets the error.
   */
  readonly onSubscribed?: ((request: SubscribeCall<TSocket, TStreams, TMetadata>) => void) | undefined
  /**
   * Commands of your own, by name. The client gets what the command returns, or what its promise resolves to, as the `data` of a `result`. A value of
   * `undefined` becomes `null`. A command that the client sent without an `id` gets no `result`.
   *
   * Commands of one client run one after the other. An error whose `code` begins with `ERR_`, except `ERR_INVALID_OPTION`, refuses the command with
   * that code. If the error also has a number `retryMs`, the client is told to ask again after that many milliseconds. For any other error, the code
   * is `ERR_FAILED`, and `onError` gets the error. The names `subscribe`, `unsubscribe` and `ping` are reserved.
   */
  readonly commands?: Readonly<Record<string, (call: CommandCall<TSocket, TStreams, TMetadata>) => unknown>> | undefined
  /** How much one client may ask for. */
  readonly limits?: CommandLimits | undefined
  /**
   * If a client sends nothing for this long, its connection is closed with the code 4408. The command `ping` counts as something sent. A ping frame
   * of a WebSocket does not count. `0`: never. This limit does not apply to clients that `open` got with `receiveOnly`. Milliseconds.
   *
   * @default 0
   */
  readonly idleMs?: number | undefined
  /**
   * If the server has sent a client no answer for this long, it sends a `heartbeat`, so that the client can notice a dead connection. Messages of
   * streams do not count as answers. While messages wait for the client, no heartbeat is sent. `0`: no heartbeats. Milliseconds.
   *
   * @default 0
   */
  readonly heartbeatMs?: number | undefined
  /**
   * Gets the errors that `authorize`, the recovery and your commands throw or reject with, except refusals: errors whose `code` begins with `ERR_`
   * and is not `ERR_INVALID_OPTION`. `onError` also gets errors that come too late for the client, because the client has left or was already
   * refused. It gets each error of `onSubscribed` too, and the error if an answer cannot be sent. There is one exception: if the result of a command
   * is too long, the command is refused with `ERR_QUOTA_EXCEEDED`, and nothing is reported.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown, connection: Connection<TSocket, TStreams, TMetadata>) => void) | undefined
  /**
   * The source of time. Pass the clock that you pass to the manager.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
}

/** The options of a command server, validated and with their defaults. */
export interface ResolvedCommandOptions {
  readonly authorize: ((request: object) => unknown) | undefined
  readonly recovery: CommandRecovery | undefined
  readonly onSubscribed: ((request: object) => unknown) | undefined
  readonly commands: ReadonlyMap<string, (call: object) => unknown>
  readonly limits: { readonly [TName in keyof CommandLimits]-?: number }
  readonly idleMs: number
  readonly heartbeatMs: number
  readonly onError: ((error: unknown, connection: AnyConnection) => unknown) | undefined
  readonly clock: Clock
}

const NAMES = ['authorize', 'recovery', 'onSubscribed', 'commands', 'limits', 'idleMs', 'heartbeatMs', 'onError', 'clock'] as const
const DEFAULT_LIMITS = { textUnits: 16_384, commandsPerText: 100, pending: 100, perSecond: 50, burst: 1_000, maxRefusals: 2_000, commandTimeoutMs: 10_000 }

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
export function resolvedOptions(options: unknown): ResolvedCommandOptions {
  const given = named('options', options, NAMES)
  return {
    authorize: functionIn('authorize', given.authorize, options),
    recovery: withMethods('recovery', given.recovery, ['subscribe']),
    onSubscribed: functionIn('onSubscribed', given.onSubscribed, options),
    commands: commandsIn(given.commands),
    limits: limitsIn(given.limits),
    idleMs: numberIn('idleMs', given.idleMs ?? 0, 0),
    heartbeatMs: numberIn('heartbeatMs', given.heartbeatMs ?? 0, 0),
    onError: functionIn('onError', given.onError, options),
    clock: withMethods<Clock>('clock', given.clock, ['now', 'monotonic', 'setTimeout']) ?? systemClock,
  }
}

function limitsIn(given: unknown): ResolvedCommandOptions['limits'] {
  if (given === undefined) return DEFAULT_LIMITS
  const limits = { ...DEFAULT_LIMITS }
  for (const [name, value] of Object.entries(named('limits', given, Object.keys(DEFAULT_LIMITS) as (keyof CommandLimits)[])) as [keyof CommandLimits, unknown][]) {
    if (value !== undefined) limits[name] = numberIn(`limits.${name}`, value, name === 'perSecond' ? Number.MIN_VALUE : 1, name === 'perSecond' ? Number.MAX_VALUE : Infinity)
  }
  return limits
}

function commandsIn(given: unknown): ResolvedCommandOptions['commands'] {
  if (given === undefined) return new Map()
  const entries = readUserCode(
    () => (typeof given === 'object' && given !== null && isPlain(given) ? Object.entries(given) : undefined),
    (cause) => invalidOption('commands', 'reading it threw', cause),
  )
  if (entries === undefined) throw invalidOption('commands', `expected a plain object, got ${describe(given)}`)
  return new Map(entries.map(([name, value]) => [name, commandIn(name, value, given)]))
}

function commandIn(name: string, value: unknown, owner: unknown): (call: object) => unknown {
  if (RESERVED_NAMES.includes(name)) throw invalidOption(`commands.${name}`, 'this name is reserved')
  const command = functionIn<(call: object) => unknown>(`commands.${name}`, value, owner)
  if (command === undefined) throw invalidOption(`commands.${name}`, 'expected a function, got undefined')
  return command
}

function functionIn<TFunction extends (...facts: never[]) => unknown>(name: string, value: unknown, owner: unknown): TFunction | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalidOption(name, `expected a function, got ${describe(value)}`)
  return bound(value as TFunction, owner, (cause) => invalidOption(name, 'reading it threw', cause))
}

function withMethods<TObject extends object>(name: string, value: unknown, methods: readonly string[]): TObject | undefined {
  if (value === undefined) return undefined
  const has = (method: string): boolean => typeof (value as Record<string, unknown>)[method] === 'function'
  const isOne = readUserCode(() => typeof value === 'object' && value !== null && methods.every(has), (cause) => invalidOption(name, 'reading it threw', cause))
  if (isOne) return value as TObject
  throw invalidOption(name, `expected an object with ${methods.map((method) => `\`${method}\``).join(', ')}, got ${describe(value)}`)
}

function numberIn(name: string, value: unknown, least: number, most: number = Number.MAX_VALUE): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw invalidOption(name, `expected a number, ${least < 1 && least > 0 ? 'more than 0' : `${least} or more`}${most === Infinity ? '' : ', and finite'}, got ${describe(value)}`)
}

function named<TName extends string>(group: string, given: unknown, names: readonly TName[]): Record<TName, unknown> {
  const dotted = (name: string | undefined): string => (name === undefined ? group : group === 'options' ? name : `${group}.${name}`)
  return readNamed(given, names, (what, name, cause) => invalidOption(dotted(name), what, cause))
}

function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
