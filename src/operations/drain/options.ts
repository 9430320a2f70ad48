import type { ErrorReports } from '../../guards/error-reports.ts'
import { duration, positive } from '../../guards/option-values.ts'
import type { DrainOptions } from '../../protocol/draining.ts'
import type { Clock, GuardedClock } from '../../time/clock.ts'
import { closeCode, closeReason } from '../close-details.ts'
import { clockIn, commandsIn, readOptions, reportsIn } from '../option-checks.ts'

/** All that a drain needs of a command server. The result of `createCommandServer` fits as it is. */
export interface DrainedCommands {
  /** How many clients have a session. */
  readonly sessions: number
  /** Asks every client to connect to another server. Resolves when the clients have gone, or their time is over. */
  drain(options?: DrainOptions): Promise<unknown>
}

/** The options of `drain`. An unknown name is refused. A value of `undefined` counts as absent. */
export interface ManagerDrainOptions {
  /**
   * How long the drain may take, `manager.cleanup()` included: it resolves by then. Choose a little less than your platform waits before it kills the
   * process. With `0`, all connections are closed immediately. Milliseconds, not `Infinity`.
   *
   * @default 25_000
   */
  readonly overMs?: number | undefined
  /**
   * How many connections leave in each second, so that the servers that take them are not overrun. More than 0. `Infinity`: all at once.
   *
   * If `overMs` is too short for this rate, the connections that are left after nine tenths of `overMs` are closed all at once, and the report counts
   * them as `remained`. With `commands`, the clients of the protocol still come back at this rate, because each of them waits for its own moment.
   *
   * @default 100, or more if necessary, so that all leave within three quarters of `overMs`
   */
  readonly perSecond?: number | undefined
  /**
   * The command server of the clients, from `createCommandServer`. Its clients are told when to go, and go by themselves. Clients that do not go are
   * closed.
   *
   * @default no client is told: connections are closed, the oldest first
   */
  readonly commands?: DrainedCommands | undefined
  /**
   * A short reason for the clients, in the goodbye and in the close frame. At most 100 bytes of UTF-8.
   *
   * @default 'draining'
   */
  readonly reason?: string | undefined
  /**
   * The close code: 1000 to 1003, 1007 to 1013, or 3000 to 4999.
   *
   * @default 1012, "service restart"
   */
  readonly code?: number | undefined
  /**
   * Gets the errors of `commands.drain`, of `manager.cleanup` and of the clock. The drain goes on.
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

/** The options of a drain, validated and with their defaults. */
export interface ResolvedDrainOptions {
  readonly overMs: number
  readonly perSecond: number | undefined
  readonly commands: DrainedCommands | undefined
  readonly reason: string
  readonly code: number
  readonly reports: ErrorReports
  readonly clock: GuardedClock
}

const NAMES = ['overMs', 'perSecond', 'commands', 'reason', 'code', 'onError', 'clock'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
export function resolvedOptions(options: unknown): ResolvedDrainOptions {
  const given = readOptions(options, NAMES)
  const reports = reportsIn(given.onError, options, 'a drain')
  return {
    overMs: duration('overMs', given.overMs ?? 25_000),
    perSecond: given.perSecond === undefined ? undefined : positive('perSecond', given.perSecond),
    commands: given.commands === undefined ? undefined : commandsIn<DrainedCommands>(given.commands, ['drain']),
    reason: closeReason('reason', given.reason ?? 'draining'),
    code: closeCode('code', given.code ?? 1012, 1000),
    reports,
    clock: clockIn(given.clock, (error) => reports.tell(error)),
  }
}
