import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import type { Connection, Socket } from '../ports/connection.ts'
import type { DrainOptions } from '../protocol/draining.ts'
import type { ManagerTransport } from '../ports/transport.ts'
import { systemClock, type Clock } from '../time/clock.ts'
import type { Authenticate } from './identity.ts'

/** All that a host needs of its manager. */
interface HostManager<TSocket, TMetadata = unknown> {
  /** Adds a socket as a connection of a user. */
  addConnection(connectionId: string, socket: TSocket, userId: string, options: never): { readonly metadata: TMetadata }
}

/** All that a host needs of a command server: that of `stream-connection-manager/protocol` fits as it is. */
interface HostCommands {
  /** Welcomes a client. */
  open(connection: never, options?: { readonly receiveOnly?: boolean | undefined }): { receive(text: unknown): void }
  /** Asks every client to move. */
  drain(options?: DrainOptions): Promise<number>
}

/** What both kinds of host need. */
export interface HostOptions<TSocket extends Socket, TRequest, TMetadata> {
  /** The manager that clients are added to. */
  readonly manager: HostManager<TSocket, TMetadata>
  /**
   * Returns who a client is. It reads that from the request, for example from a session or a token. Check the `Origin` too, because browsers send
   * cookies along from any page. `undefined` refuses the client: it needs new credentials.
   *
   * An error with a `code` that begins with `ERR_` refuses with that code. For any other error, the client may try again, and `onError` gets the
   * error.
   */
  readonly authenticate: Authenticate<TRequest, TMetadata>
  /** Carries out what clients send: from `createCommandServer`, with the same manager. */
  readonly commands: HostCommands
  /**
   * How often each client is sent something, so that a peer that has gone without a word is noticed, and no proxy closes the connection as idle. `0`: never.
   * Milliseconds.
   *
   * @default 30_000
   */
  readonly heartbeatMs?: number | undefined
  /**
   * How long `authenticate` may take. Milliseconds.
   *
   * @default 10_000
   */
  readonly authenticateTimeoutMs?: number | undefined
  /**
   * Gets what `authenticate` throws, or rejects with, except refusals with a `code`. It also gets such an error if it comes too late for the
   * client: the client has left, or was refused already.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown) => void) | undefined
  /**
   * The source of time. Pass the one that the manager has.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
}

/** A manager, as the hosts call it. */
interface AnyManager {
  addConnection(connectionId: string, socket: unknown, userId: string, options: { readonly transport: unknown; readonly metadata: unknown }): Connection
}

/** A command server, as the hosts call it. */
interface AnyCommands {
  open(connection: Connection, options?: { readonly receiveOnly?: boolean | undefined }): { receive(text: unknown): void }
  drain(options?: DrainOptions): Promise<number>
}

/** The options of a host, validated and with their defaults. */
export interface ResolvedHostOptions {
  readonly manager: AnyManager
  readonly authenticate: (request: unknown) => unknown
  readonly commands: AnyCommands
  readonly transport: ManagerTransport<never> | undefined
  readonly heartbeatMs: number
  readonly authenticateTimeoutMs: number
  readonly onError: ((error: unknown) => unknown) | undefined
  readonly clock: Clock
}

const NAMES = ['manager', 'authenticate', 'commands', 'transport', 'heartbeatMs', 'authenticateTimeoutMs', 'onError', 'clock'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range */
export function resolvedOptions(options: unknown): ResolvedHostOptions {
  const given = readNamed(options, NAMES, (what, name = 'options', cause) => invalidOption(name, what, cause))
  return {
    manager: withMethods<AnyManager>('manager', given.manager, ['addConnection']),
    authenticate: functionIn<(request: unknown) => unknown>('authenticate', given.authenticate, options),
    commands: withMethods<AnyCommands>('commands', given.commands, ['open', 'drain']),
    transport: given.transport as ManagerTransport<never> | undefined,
    heartbeatMs: duration('heartbeatMs', given.heartbeatMs ?? 30_000),
    authenticateTimeoutMs: duration('authenticateTimeoutMs', given.authenticateTimeoutMs ?? 10_000),
    onError: given.onError === undefined ? undefined : functionIn<(error: unknown) => unknown>('onError', given.onError, options),
    clock: withMethods<Clock>('clock', given.clock ?? systemClock, ['now', 'monotonic', 'setTimeout']),
  }
}

function functionIn<TFunction extends (...facts: never[]) => unknown>(name: string, value: unknown, owner: unknown): TFunction {
  if (typeof value !== 'function') throw invalidOption(name, `expected a function, got ${describe(value)}`)
  return bound(value as TFunction, owner, (cause) => invalidOption(name, 'reading it threw', cause))
}

function withMethods<TObject>(name: string, value: unknown, methods: readonly string[]): TObject {
  const has = (method: string): boolean => typeof (value as Record<string, unknown>)[method] === 'function'
  const isOne = readUserCode(() => typeof value === 'object' && value !== null && methods.every(has), (cause) => invalidOption(name, 'reading it threw', cause))
  if (isOne) return value as TObject
  throw invalidOption(name, `expected an object with ${methods.map((method) => `\`${method}\``).join(', ')}, got ${describe(value)}`)
}

function duration(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value
  throw invalidOption(name, `expected a number of 0 or more, got ${describe(value)}`)
}

function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
