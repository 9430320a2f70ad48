import { ConnectionManagerError, describe } from '../errors.ts'
import { bound, readUserCode } from './user-code.ts'

// Checks of the values of options. Each error names the option.

/** Returns the function of an option, bound to its options object as `this`. @throws `ERR_INVALID_OPTION` for anything else */
export function functionIn<TFunction extends (...facts: never[]) => unknown>(name: string, value: unknown, owner: unknown): TFunction {
  if (typeof value !== 'function') throw invalidOption(name, `expected a function, got ${describe(value)}`)
  return bound(value as TFunction, owner, (cause) => invalidOption(name, 'reading it threw', cause))
}

/** Returns the value if it is an object with all these methods. @throws `ERR_INVALID_OPTION` for anything else */
export function withMethods<TObject>(name: string, value: unknown, methods: readonly string[]): TObject {
  const has = (method: string): boolean => typeof (value as Record<string, unknown>)[method] === 'function'
  const isOne = readUserCode(() => typeof value === 'object' && value !== null && methods.every(has), (cause) => invalidOption(name, 'reading it threw', cause))
  if (isOne) return value as TObject
  throw invalidOption(name, `expected an object with ${methods.map((method) => `\`${method}\``).join(', ')}, got ${describe(value)}`)
}

/** Returns the value if it is a number from 0 to `Number.MAX_SAFE_INTEGER`. @throws `ERR_INVALID_OPTION` for anything else */
export function duration(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value
  throw invalidOption(name, `expected a number of 0 or more, got ${describe(value)}`)
}

/** Returns the value if it is a number above 0. `Infinity` is allowed. @throws `ERR_INVALID_OPTION` for anything else */
export function positive(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw invalidOption(name, `expected a number above 0, or Infinity, got ${describe(value)}`)
}

export function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
