/** How one object looked: what it has of its own, and whether it can be given more. */
interface Portrait {
  readonly name: string
  readonly object: object
  readonly prototype: unknown
  readonly isExtensible: boolean
  readonly properties: ReadonlyMap<PropertyKey, PropertyDescriptor>
}

const SUBJECTS: Readonly<Record<string, object>> = {
  'Object.prototype': Object.prototype,
  'Function.prototype': Function.prototype,
  'Array.prototype': Array.prototype,
  'String.prototype': String.prototype,
  'Number.prototype': Number.prototype,
  'Boolean.prototype': Boolean.prototype,
  'BigInt.prototype': BigInt.prototype,
  'Symbol.prototype': Symbol.prototype,
  'Date.prototype': Date.prototype,
  'RegExp.prototype': RegExp.prototype,
  'Error.prototype': Error.prototype,
  'TypeError.prototype': TypeError.prototype,
  'Promise.prototype': Promise.prototype,
  'Map.prototype': Map.prototype,
  'Set.prototype': Set.prototype,
  'WeakMap.prototype': WeakMap.prototype,
  'WeakSet.prototype': WeakSet.prototype,
  'Map iterator': Object.getPrototypeOf(new Map().keys()) as object,
  'Array iterator': Object.getPrototypeOf([].keys()) as object,
  'generator functions': Object.getPrototypeOf(function* () {}) as object,
  generators: Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())) as object,
  'async functions': Object.getPrototypeOf(async () => {}) as object,
  Object,
  Function,
  Array,
  String,
  Number,
  Symbol,
  Date,
  Promise,
  Map,
  Set,
  Proxy,
  Reflect,
  JSON,
  Math,
}

function portraitOf([name, object]: [string, object]): Portrait {
  const properties = new Map(Reflect.ownKeys(object).map((key) => [key, Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor]))
  return { name, object, prototype: Object.getPrototypeOf(object), isExtensible: Object.isExtensible(object), properties }
}

/** The language's own objects as they were when this was made: nothing may change them. */
export class Builtins {
  readonly #portraits = Object.entries(SUBJECTS).map(portraitOf)
  // Names alone: the runtime fills in some of its globals when they are first read.
  readonly #globals = new Set(Reflect.ownKeys(globalThis))

  /** What is different now. */
  objections(): string[] {
    const added = Reflect.ownKeys(globalThis).filter((key) => !this.#globals.has(key))
    return [...added.map((key) => `globalThis has ${String(key)}`), ...this.#portraits.flatMap(objectionsTo)]
  }
}

/** True when everything looks as it is, at the price of a glance: for after every call. */
export function isUnpolluted(): boolean {
  for (const _ in {}) return false
  return true
}

function objectionsTo({ name, object, prototype, isExtensible, properties }: Portrait): string[] {
  const keys = Reflect.ownKeys(object)
  const objections = keys.filter((key) => !isAsBefore(Object.getOwnPropertyDescriptor(object, key), properties.get(key)))
  return [
    ...objections.map((key) => `${name} has another ${String(key)}`),
    ...(keys.length < properties.size ? [`${name} lacks something`] : []),
    ...(Object.getPrototypeOf(object) === prototype ? [] : [`${name} has another prototype`]),
    ...(Object.isExtensible(object) === isExtensible ? [] : [`${name} was closed`]),
  ]
}

function isAsBefore(now: PropertyDescriptor | undefined, before: PropertyDescriptor | undefined): boolean {
  return (
    now !== undefined &&
    before !== undefined &&
    Object.is(now.value, before.value) &&
    now.get === before.get &&
    now.set === before.set &&
    now.writable === before.writable &&
    now.enumerable === before.enumerable &&
    now.configurable === before.configurable
  )
}
