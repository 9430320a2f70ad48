import { INSPECT } from '../inspect.ts'

/** Where a view reads: a live collection, seen as a map. */
export interface MapSource<TKey, TValue> {
  size(): number
  get(key: TKey): TValue | undefined
  has(key: TKey): boolean
  entries(): Iterable<[TKey, TValue]>
}

/** A `ReadonlyMap` that has nothing to write to: it reads through to its source at every call. */
export class MapView<TKey, TValue> implements ReadonlyMap<TKey, TValue> {
  readonly #source: MapSource<TKey, TValue>

  constructor(source: MapSource<TKey, TValue>) {
    this.#source = source
    Object.defineProperty(this, INSPECT, { value: () => new Map(this) })
    Object.freeze(this)
  }

  get size(): number {
    return this.#source.size()
  }

  get(key: TKey): TValue | undefined {
    return this.#source.get(key)
  }

  has(key: TKey): boolean {
    return this.#source.has(key)
  }

  *entries(): Generator<[TKey, TValue], undefined> {
    yield* this.#source.entries()
  }

  *keys(): Generator<TKey, undefined> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<TValue, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  forEach(visit: (value: TValue, key: TKey, map: ReadonlyMap<TKey, TValue>) => void, thisArg?: unknown): void {
    for (const [key, value] of this.entries()) visit.call(thisArg, value, key, this)
  }

  [Symbol.iterator](): Generator<[TKey, TValue], undefined> {
    return this.entries()
  }
}
