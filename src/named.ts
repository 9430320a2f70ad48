import { shown } from './errors.ts'
import { readForeign } from './foreign.ts'

// Options and requests are read by name, wherever the property stands: own or inherited, enumerable or not, a getter or a value.
// What nobody would read is refused, so that no caller relies on it.

/** Makes the refusal of what a caller gave: `what` is wrong with it, or with the field of this name. */
export type Refusal = (what: string, name?: string, cause?: unknown) => Error

/**
 * Returns what an object says by these names, each read once.
 *
 * @throws what `refusal` makes of a value that is no such object, of a name that is unknown, and of a getter that throws
 */
export function readNamed<TName extends string>(given: unknown, names: readonly TName[], refusal: Refusal): Record<TName, unknown> {
  assertNamed(given, names, refusal)
  const read = (name: TName): unknown =>
    readForeign(() => (given as Record<TName, unknown>)[name], (cause) => refusal('must be readable', name, cause))
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<TName, unknown>
}

/**
 * Returns if a value is an object that these names are enough to read: `{}`, or one that has some of them and no others.
 *
 * Names that stand in a class are nobody's mistake, and are not looked at; nor are an object's own where `classes have more`. A symbol
 * is no name.
 */
export function assertNamed(
  given: unknown,
  names: readonly string[],
  refusal: Refusal,
  strictness: 'strict' | 'classes have more' = 'strict',
): asserts given is object {
  if (typeof given !== 'object' || given === null) throw refusal(`must be an object, got ${shown(given)}`)
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
  if (!isReadByName) return { what: `must be an object with known fields, got ${shown(given)}` }
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
  const name = Object.getOwnPropertyNames(given).find((each) => !names.includes(each))
  return name === undefined ? undefined : { what: 'is unknown', name }
}

/** What an object inherits from that is no class: the defaults of `Object.create(defaults)`. */
function plainBaseOf(given: object): object | undefined {
  if (isPlain(given)) return undefined
  const prototype = prototypeOf(given) as object
  return Object.hasOwn(prototype, 'constructor') ? undefined : prototype
}

function prototypeOf(given: object): object | null {
  return Object.getPrototypeOf(given) as object | null
}
