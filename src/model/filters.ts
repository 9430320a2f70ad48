import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { isPlain } from '../guards/named-fields.ts'

/** What a subscriber asked for beyond the stream. Opaque to the library: nothing is filtered by it. */
export type SubscriptionFilters = Readonly<Record<string, unknown>>

/**
 * Returns a frozen copy, one level deep, so that the caller's object stays the caller's; `undefined` for none.
 *
 * A `Map`, a `Set` or an object of a class is refused, because a copy would lose its content.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the filters are no plain object, or cannot be read
 */
export function frozenFilters(filters: unknown): SubscriptionFilters | undefined {
  if (filters === undefined || filters === null) return undefined
  const copy = readUserCode(
    () => (typeof filters === 'object' && !Array.isArray(filters) && isPlain(filters) ? Object.freeze({ ...filters }) : undefined),
    (cause) => invalid(`filters must be a readable object, got ${describe(filters)}`, cause),
  )
  if (copy === undefined) throw invalid(`filters must be a plain object, got ${describe(filters)}`)
  return copy
}

/**
 * Returns the length of the filters' JSON in UTF-16 units. Runs code of the caller's if a filter has a `toJSON` or a getter.
 *
 * @throws `ERR_INVALID_ARGUMENT` when they have no JSON form
 */
export function jsonUnits(filters: SubscriptionFilters): number {
  const text = readUserCode<string | undefined>(
    () => JSON.stringify(filters),
    (cause) => invalid('filters must have a JSON form', cause),
  )
  if (text === undefined) throw invalid('filters must have a JSON form')
  return text.length
}

function invalid(message: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, { field: 'filters' }, cause)
}
