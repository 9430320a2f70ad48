import { describe } from '../../errors.ts'
import type { ErrorReports } from '../../guards/error-reports.ts'
import { duration, invalidOption, positive, withMethods } from '../../guards/option-values.ts'
import type { Goodbye } from '../../protocol/session.ts'
import type { Clock, GuardedClock } from '../../time/clock.ts'
import { closeCode, closeReason } from '../close-details.ts'
import { clockIn, readOptions, reportsIn } from '../option-checks.ts'

/** All that a limit needs of a command server. The result of `createCommandServer` fits as it is. */
export interface LifetimeCommands {
  /** Returns the session of a connection, if it has one. */
  find(connectionId: string, userId: string): LifetimeSession | undefined
}

/** All that a limit needs of a session. */
export interface LifetimeSession {
  /** Tells the client to go, and closes the connection later. */
  goodbye(goodbye: Goodbye): void
}

/** The options of `limitLifetime`. `maxMs` is required. An unknown name is refused. A value of `undefined` counts as absent. */
export interface LifetimeOptions {
  /**
   * The longest lifetime of a connection, from when it was added, or from the call of `limitLifetime` if it was there before. The connection may live
   * up to a second longer. After a goodbye, the client has another `graceMs` to leave. Milliseconds, more than 0. With `Infinity`, no connection is
   * ended.
   */
  readonly maxMs: number
  /**
   * The largest part of `maxMs` by which a lifetime is shortened, from 0 to 1. With `0.1`, the lifetimes are evenly spread between nine tenths of
   * `maxMs` and `maxMs`. So connections that began together do not end together. With `0`, each connection lives for `maxMs`.
   *
   * @default 0.1
   */
  readonly jitter?: number | undefined
  /**
   * The command server of the clients, from `createCommandServer`. Its clients get a goodbye, and reconnect within `graceMs`. A connection that is
   * still open after `graceMs` is closed.
   *
   * @default connections are closed without a goodbye
   */
  readonly commands?: LifetimeCommands | undefined
  /**
   * How long a client of the protocol may take to go after its goodbye. With `0`, it is closed at once. Milliseconds.
   *
   * @default 5_000
   */
  readonly graceMs?: number | undefined
  /**
   * A short reason for the client, in the goodbye and in the close frame. At most 100 bytes of UTF-8.
   *
   * @default 'lifetime'
   */
  readonly reason?: string | undefined
  /**
   * The close code: 3000 to 4999. A client that got a goodbye comes back after any code. Without a goodbye, `createClient` stops after the codes 4400
   * to 4499. There are three exceptions: after 4408 and 4429 it comes back, and after 4401 it tries once more.
   *
   * @default 4000
   */
  readonly code?: number | undefined
  /**
   * Gets the errors of `commands` and of the clock. If `commands` throws, the connection is closed without a goodbye.
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

/** The options of a limit, validated and with their defaults. */
export interface ResolvedLifetimeOptions {
  readonly maxMs: number
  readonly jitter: number
  readonly commands: LifetimeCommands | undefined
  readonly graceMs: number
  readonly reason: string
  readonly code: number
  readonly reports: ErrorReports
  readonly clock: GuardedClock
}

const NAMES = ['maxMs', 'jitter', 'commands', 'graceMs', 'reason', 'code', 'onError', 'clock'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range */
export function resolvedOptions(options: unknown): ResolvedLifetimeOptions {
  const given = readOptions(options, NAMES)
  const reports = reportsIn(given.onError, options, 'a lifetime')
  return {
    maxMs: positive('maxMs', given.maxMs),
    jitter: fraction('jitter', given.jitter ?? 0.1),
    commands: given.commands === undefined ? undefined : withMethods<LifetimeCommands>('commands', given.commands, ['find']),
    graceMs: duration('graceMs', given.graceMs ?? 5_000),
    reason: closeReason('reason', given.reason ?? 'lifetime'),
    code: closeCode('code', given.code ?? 4000, 3000),
    reports,
    clock: clockIn(given.clock, (error) => reports.tell(error)),
  }
}

function fraction(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw invalidOption(name, `expected a number from 0 to 1, got ${describe(value)}`)
}
