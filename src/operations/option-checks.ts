import { describe } from '../errors.ts'
import { ErrorReports } from '../guards/error-reports.ts'
import { readNamed } from '../guards/named-fields.ts'
import { functionIn, invalidOption, withMethods } from '../guards/option-values.ts'
import { readUserCode } from '../guards/user-code.ts'
import { GuardedClock, systemClock, type Clock, type ClockFailureListener } from '../time/clock.ts'

/** @throws `ERR_INVALID_OPTION` if the options are not an object, have an unknown name, or have a getter that throws */
export function readOptions<TName extends string>(options: unknown, names: readonly TName[]): Record<TName, unknown> {
  return readNamed(options, names, (what, name = 'options', cause) => invalidOption(name, what, cause))
}

/**
 * Returns the reports that go to the option `onError`. Without this option, the first report is printed, and names `failure` as
 * what has failed. `owner` is the object with the options.
 *
 * @throws `ERR_INVALID_OPTION` for anything else than a function
 */
export function reportsIn(value: unknown, owner: unknown, failure: string): ErrorReports {
  return new ErrorReports(value === undefined ? undefined : functionIn('onError', value, owner), 'operations', failure)
}

/** Returns the command server of the options. @throws `ERR_INVALID_OPTION` unless its `sessions` is a number, and it has these methods */
export function commandsIn<TCommands extends { readonly sessions: number }>(value: unknown, methods: readonly string[] = []): TCommands {
  const sessions = readUserCode<unknown>(() => (value as TCommands | null)?.sessions, (cause) => invalidOption('commands', 'reading it threw', cause))
  if (typeof sessions === 'number') return withMethods('commands', value, methods)
  throw invalidOption('commands', `expected a command server, with the number of its \`sessions\`, got ${describe(value)}`)
}

/**
 * Returns the clock of the options, or the runtime's own clock if the options have none.
 *
 * @throws `ERR_INVALID_OPTION` if the value is not a clock, or if the first reading of the clock fails
 */
export function clockIn(value: unknown, failed: ClockFailureListener): GuardedClock {
  const clock = value === undefined ? systemClock : withMethods<Clock>('clock', value, ['now', 'monotonic', 'setTimeout'])
  return readUserCode(() => new GuardedClock(clock, failed), (cause) => invalidOption('clock', 'its first reading failed', cause))
}

/** @throws `ERR_INVALID_OPTION` unless the value is a number of at least `least`. `Infinity` is allowed */
export function numberIn(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && value >= least) return value
  throw invalidOption(name, `expected a number of ${least} or more, got ${describe(value)}`)
}
