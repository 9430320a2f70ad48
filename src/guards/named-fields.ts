import { describe } from '../errors.ts'
import { readUserCode } from './user-code.ts'

// Options and requests are read by name. A property may be own or inherited, enumerable or not, a getter or a value.
// A name that would not be read is refused, so that no caller relies on it.

/** Makes the error that refuses an argument: `what` is wrong with it, or with the field of this name. */
export type Refusal = (what: string, name?: string, cause?: unknown) => Error

/**
 * Returns the values that an object has under these names, each read once.
 *
 * @throws the error of `refusal` for a value that is no such object, an unknown name, or a getter that throws
 */
export function readNamed<TName extends string>(given: unknown, names: readonly TName[], refusal: Refusal): Record<TName, unknown> {
  assertNamed(given, names, refusal)
  const read = (name: TName): unknown =>
    readUserCode(() => (given as Record<TName, unknown>)[name], (cause) => refusal('must be readable', name, cause))
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<TName, unknown>
}

/**
 * Returns if a value is an object with these names only: `{}`, or one that has some of them and no others.
 *
 * Names that a class defines are not checked, because they are no caller's mistake. With `classes have more`, the own names of an object
 * of a class are not checked either. Symbols are not checked.
 */
export function assertNamed(
  given: unknown,
  names: readonly string[],
  refusal: Refusal,
  strictness: 'strict' | 'classes have more' = 'strict',
): asserts given is object {
  if (typeof given !== 'object' || given === null) throw refusal(`must be an object, got ${describe(given)}`)
  let flaw: Flaw | undefined
  try {
    flaw = flawOf(given, names, strictness)
  } catch (cause) {
    throw refusal('must be readable', undefined, cause)
  }
  if (flaw !== undefined) throw refusal(flaw.what, flaw.name)
}

/** Whether an object is of no class: what a literal, `JSON.parse` and `Object.create(null)` make, in whatever realm. */
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
  if (!isReadByName) return { what: `must be an object with known fields, got ${describe(given)}` }
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
  for (const name of Object.getOwnPropertyNames(given)) if (!names.includes(name)) return { what: 'is unknown', name }
  return undefined
}

/** What an object inherits from, other than a class: the defaults of `Object.create(defaults)`. */
function plainBaseOf(given: object): object | undefined {
  if (isPlain(given)) return undefined
  const prototype = prototypeOf(given) as object
  return Object.hasOwn(prototype, 'constructor') ? undefined : prototype
}

function prototypeOf(given: object): object | null {
  return Object.getPrototypeOf(given) as object | null
}
