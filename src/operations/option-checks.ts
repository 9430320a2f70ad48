import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import { GuardedClock, systemClock, type Clock, type ClockFailureListener } from '../time/clock.ts'

/** @throws `ERR_INVALID_OPTION` if the options are not an object, have an unknown name, or have a getter that throws */
export function readOptions<TName extends string>(options: unknown, names: readonly TName[]): Record<TName, unknown> {
  return readNamed(options, names, (what, name = 'options', cause) => invalidOption(name, what, cause))
}

/** Returns a function of the options, bound to them. `undefined` if it is absent. @throws `ERR_INVALID_OPTION` for anything else */
export function functionIn<TFunction extends (...facts: never[]) => unknown>(name: string, value: unknown, options: unknown): TFunction | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'function') throw invalidOption(name, `expected a function, got ${describe(value)}`)
  return bound(value as TFunction, options, (cause) => invalidOption(name, 'reading it threw', cause))
}

/** Returns an object that has these methods. `undefined` if it is absent. @throws `ERR_INVALID_OPTION` for anything else */
export function withMethods<TObject extends object>(name: string, value: unknown, methods: readonly string[]): TObject | undefined {
  if (value === undefined) return undefined
  const has = (method: string): boolean => typeof (value as Record<string, unknown>)[method] === 'function'
  const isOne = readUserCode(() => typeof value === 'object' && value !== null && methods.every(has), (cause) => invalidOption(name, 'reading it threw', cause))
  if (isOne) return value as TObject
  throw invalidOption(name, `expected an object with ${methods.map((method) => `\`${method}\``).join(', ')}, got ${describe(value)}`)
}

/** Returns the clock of the options, guarded. Without one, it is the runtime's own. @throws `ERR_INVALID_OPTION` for anything else */
export function clockIn(value: unknown, failed: ClockFailureListener): Clock {
  const clock = withMethods<Clock>('clock', value, ['now', 'monotonic', 'setTimeout']) ?? systemClock
  return readUserCode(() => new GuardedClock(clock, failed), (cause) => invalidOption('clock', 'its first reading failed', cause))
}

/** @throws `ERR_INVALID_OPTION` unless the value is a number of at least `least`. `Infinity` is one */
export function numberIn(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && value >= least) return value
  throw invalidOption(name, `expected a number of ${least} or more, got ${describe(value)}`)
}

export function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
