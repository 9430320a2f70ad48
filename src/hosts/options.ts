import { readNamed } from '../guards/named-fields.ts'
import { duration, functionIn, invalidOption, withMethods } from '../guards/option-values.ts'
import type { Connection, Socket } from '../ports/connection.ts'
import type { DrainOptions } from '../protocol/draining.ts'
import type { ManagerTransport } from '../ports/transport.ts'
import { systemClock, type Clock } from '../time/clock.ts'
import type { Authenticate } from './identity.ts'

/** The members of a manager that a host uses. */
interface HostManager<TSocket, TMetadata = unknown> {
  /** Adds a socket as a connection of a user. */
  addConnection(connectionId: string, socket: TSocket, userId: string, options: never): { readonly metadata: TMetadata }
}

/** The members of a command server that a host uses. The command server of `stream-connection-manager/protocol` has them all. */
interface HostCommands {
  /** Welcomes a client. */
  open(connection: never, options?: { readonly receiveOnly?: boolean | undefined }): { receive(text: unknown): void }
  /** Asks every client to move to another server. */
  drain(options?: DrainOptions): Promise<number>
}

/** The options of both hosts, `serveWebSockets` and `serveEvents`. */
export interface HostOptions<TSocket extends Socket, TRequest, TMetadata> {
  /** The manager that clients are added to. */
  readonly manager: HostManager<TSocket, TMetadata>
  /**
   * Returns who a client is, according to a session or a token in the request. Check the header `Origin` too, because browsers send cookies with
   * requests from any page. If the result is `undefined`, the client is refused, and needs new credentials.
   *
   * If `authenticate` throws or rejects with an error whose `code` begins with `ERR_` and is not `ERR_INVALID_OPTION`, the client is refused with
   * that code. After any other error, the client may try again, and `onError` gets the error.
   */
  readonly authenticate: Authenticate<TRequest, TMetadata>
  /** The command server that carries out the clients' commands. Make it with `createCommandServer`, for the same manager. */
  readonly commands: HostCommands
  /**
   * How often each client gets a ping or a comment, in milliseconds. So the host notices clients that have vanished, and no proxy closes the
   * connection as idle. With `0`, the host sends neither. All event streams of one command server use the `heartbeatMs` of its first event stream.
   *
   * @default 30_000
   */
  readonly heartbeatMs?: number | undefined
  /**
   * How long `authenticate` may take, in milliseconds. After this time, the client is refused with `ERR_TIMEOUT`.
   *
   * @default 10_000
   */
  readonly authenticateTimeoutMs?: number | undefined
  /**
   * Gets each error that `authenticate` throws or rejects with, except refusals: errors whose `code` begins with `ERR_` and is not
   * `ERR_INVALID_OPTION`. `onError` gets the error even if the client has left or was refused before. `onError` also gets an error if `authenticate`
   * returns anything but an identity, `undefined` or `null`, and an unexpected error that occurs when a client is added.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown) => void) | undefined
  /**
   * The source of time. Pass the clock that you pass to the manager.
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
