import { describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'
import { invalidOption, withMethods } from '../guards/option-values.ts'
import { readUserCode } from '../guards/user-code.ts'
import { GuardedClock, systemClock, type Clock, type ClockFailureListener } from '../time/clock.ts'

/** @throws `ERR_INVALID_OPTION` if the options are not an object, have an unknown name, or have a getter that throws */
export function readOptions<TName extends string>(options: unknown, names: readonly TName[]): Record<TName, unknown> {
  return readNamed(options, names, (what, name = 'options', cause) => invalidOption(name, what, cause))
}

/** Returns the clock of the options, or else the runtime's own clock, in a `GuardedClock`. @throws `ERR_INVALID_OPTION` for anything else */
export function clockIn(value: unknown, failed: ClockFailureListener): Clock {
  const clock = value === undefined ? systemClock : withMethods<Clock>('clock', value, ['now', 'monotonic', 'setTimeout'])
  return readUserCode(() => new GuardedClock(clock, failed), (cause) => invalidOption('clock', 'its first reading failed', cause))
}

/** @throws `ERR_INVALID_OPTION` unless the value is a number of at least `least`. `Infinity` is allowed */
export function numberIn(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && value >= least) return value
  throw invalidOption(name, `expected a number of ${least} or more, got ${describe(value)}`)
}
