import { describe } from '../errors.ts'
import { readUserCode } from './user-code.ts'

// Options and requests are read by name. A property may be own or inherited, enumerable or not, a getter or a value. An unknown name is refused, so
// that no caller relies on it.

/**
 * Makes the error that refuses an argument. `what` says what is wrong. `name` is the name of the wrong field, and is absent if the whole argument is
 * wrong.
 */
export type Refusal = (what: string, name?: string, cause?: unknown) => Error

/**
 * Reads the fields with these names from an object, each field once. Returns the values by name.
 *
 * @throws the error of `refusal` if `assertNamed` refuses the value, or if a getter throws
 */
export function readNamed<TName extends string>(given: unknown, names: readonly TName[], refusal: Refusal): Record<TName, unknown> {
  assertNamed(given, names, refusal)
  const fields = {} as Record<TName, unknown>
  for (const name of names) {
    fields[name] = readUserCode(() => (given as Record<TName, unknown>)[name], (cause) => refusal('reading it threw', name, cause))
  }
  return fields
}

/**
 * Checks that the value is an object, and that it has no fields with other names. `{}` is valid. Arrays and `Map`s are refused, and so is a class
 * instance with none of the names.
 *
 * Names on the prototype of a class are not checked, because such names are not the caller's mistake. With `classes have more`, a class instance may
 * also have own fields with other names. Symbols are never checked.
 *
 * @throws the error of `refusal` if the check fails
 */
export function assertNamed(
  given: unknown,
  names: readonly string[],
  refusal: Refusal,
  strictness: 'strict' | 'classes have more' = 'strict',
): asserts given is object {
  if (typeof given !== 'object' || given === null) throw refusal(`expected an object, got ${describe(given)}`)
  let flaw: Flaw | undefined
  try {
    flaw = flawOf(given, names, strictness)
  } catch (cause) {
    throw refusal('reading it threw', undefined, cause)
  }
  if (flaw !== undefined) throw refusal(flaw.what, flaw.name)
}

/**
 * True for a plain object: from a literal, `JSON.parse` or `Object.create(null)`, also if another global scope such as an iframe made it. False for
 * an instance of a class.
 */
export function isPlain(given: object): boolean {
  const prototype = prototypeOf(given)
  if (prototype === Object.prototype || prototype === null) return true
  return prototypeOf(prototype) === null && Object.hasOwn(prototype, 'constructor')
}

interface Flaw {
  readonly what: string
  readonly name?: string
}

function flawOf(given: object, names: readonly string[], strictness: string): Flaw | undefined {
  if (isPlain(given)) return unknownOwnName(given, names)
  const isInstance = isOfClass(given)
  const isReadByName = !Array.isArray(given) && !(given instanceof Map) && (!isInstance || names.some((name) => name in given))
  if (!isReadByName) return { what: `expected an object with known fields, got ${describe(given)}` }
  return isInstance && strictness === 'classes have more' ? undefined : unknownName(given, names)
}

function isOfClass(given: object): boolean {
  const base = plainBaseOf(given)
  return base === undefined ? !isPlain(given) : isOfClass(base)
}

function unknownName(given: object, names: readonly string[]): Flaw | undefined {
  const base = plainBaseOf(given)
  return unknownOwnName(given, names) ?? (base && unknownName(base, names))
}

function unknownOwnName(given: object, names: readonly string[]): Flaw | undefined {
  const own = Object.getOwnPropertyNames(given)
  // This runs for each subscription. An iterator would take longer.
  for (let i = 0; i < own.length; i++) if (!names.includes(own[i] as string)) return { what: 'unknown name', name: own[i] as string }
  return undefined
}

/**
 * Returns the object that `given` inherits from, such as `defaults` in `Object.create(defaults)`. Returns `undefined` if `given` is plain, or
 * inherits from the prototype of a class.
 */
function plainBaseOf(given: object): object | undefined {
  if (isPlain(given)) return undefined
  const prototype = prototypeOf(given) as object
  return Object.hasOwn(prototype, 'constructor') ? undefined : prototype
}

function prototypeOf(given: object): object | null {
  return Object.getPrototypeOf(given) as object | null
}
