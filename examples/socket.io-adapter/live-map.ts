import { inspect } from 'node:util'

/** A read-only view that looks like a `Map`. It has the keys of another map. A value is made each time that it is read. */
export class LiveMap<TKey, TValue> extends Map<TKey, TValue> {
  readonly #keys: ReadonlyMap<TKey, unknown>
  readonly #valueOf: (key: TKey) => TValue

  constructor(keys: ReadonlyMap<TKey, unknown>, valueOf: (key: TKey) => TValue) {
    super()
    this.#keys = keys
    this.#valueOf = valueOf
  }

  override get size(): number {
    return this.#keys.size
  }

  override has(key: TKey): boolean {
    return this.#keys.has(key)
  }

  override get(key: TKey): TValue | undefined {
    return this.#keys.has(key) ? this.#valueOf(key) : undefined
  }

  override keys(): MapIterator<TKey> {
    return this.#keys.keys()
  }

  override *values(): MapIterator<TValue> {
    for (const key of this.#keys.keys()) yield this.#valueOf(key)
  }

  override *entries(): MapIterator<[TKey, TValue]> {
    for (const key of this.#keys.keys()) yield [key, this.#valueOf(key)]
  }

  override [Symbol.iterator](): MapIterator<[TKey, TValue]> {
    return this.entries()
  }

  override forEach(act: (value: TValue, key: TKey, map: Map<TKey, TValue>) => void, thisArg?: unknown): void {
    for (const [key, value] of this) act.call(thisArg, value, key, this)
  }

  override set(): never {
    throw new TypeError('This map is read-only')
  }

  override delete(): never {
    throw new TypeError('This map is read-only')
  }

  override clear(): never {
    throw new TypeError('This map is read-only')
  }

  [inspect.custom](): Map<TKey, TValue> {
    return new Map(this.entries())
  }
}
