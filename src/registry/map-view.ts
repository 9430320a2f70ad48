import { ConnectionManagerError, describe } from '../errors.ts'
import { INSPECT } from '../guards/inspect.ts'

/** What a `MapView` reads: a live collection of records, and a function that returns the public value of a record. */
export interface MapSource<TKey, TRecord, TValue> {
  size(): number
  find(key: TKey): TRecord | undefined
  entries(): Iterable<[TKey, TRecord]>
  valueOf(record: TRecord): TValue
}

/**
 * The key of a property with a view's content. Equality checks read the property, so they compare contents. The key is a symbol, so JSON leaves the
 * property out.
 */
const CONTENT = /* @__PURE__ */ Symbol('content')

/** A live `ReadonlyMap`. A view stores nothing: each call reads the source. */
export class MapView<TKey, TRecord, TValue> implements ReadonlyMap<TKey, TValue> {
  readonly #source: MapSource<TKey, TRecord, TValue>

  constructor(source: MapSource<TKey, TRecord, TValue>) {
    this.#source = source
    Object.defineProperty(this, INSPECT, { value: () => new Map(this) })
    Object.defineProperty(this, CONTENT, { get: () => [...this], enumerable: true })
    Object.freeze(this)
  }

  get size(): number {
    return this.#source.size()
  }

  get(key: TKey): TValue | undefined {
    const record = this.#source.find(key)
    return record === undefined ? undefined : this.#source.valueOf(record)
  }

  has(key: TKey): boolean {
    return this.#source.find(key) !== undefined
  }

  *entries(): Generator<[TKey, TValue], undefined> {
    for (const [key, record] of this.#source.entries()) yield [key, this.#source.valueOf(record)]
  }

  *keys(): Generator<TKey, undefined> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<TValue, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  /** @throws `ERR_INVALID_ARGUMENT` if `visit` is not a function, and any error that `visit` throws */
  forEach(visit: (value: TValue, key: TKey, map: ReadonlyMap<TKey, TValue>) => void, thisArg?: unknown): void {
    if (typeof visit !== 'function') {
      throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A visitor must be a function, got ${describe(visit)}`)
    }
    for (const [key, value] of this.entries()) visit.call(thisArg, value, key, this)
  }

  [Symbol.iterator](): Generator<[TKey, TValue], undefined> {
    return this.entries()
  }
}
