import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { isPlain } from '../guards/named-fields.ts'

/**
 * Values that a subscriber adds to a request, for your own code. The library stores the filters and does not apply them: they do not change which
 * messages the subscriber gets.
 */
export type SubscriptionFilters = Readonly<Record<string, unknown>>

const NO_JSON_FORM = 'Invalid field `filters`: it has no JSON form'

/**
 * Returns a frozen copy of the filters, one level deep, or `undefined` if there are no filters. The copy is made because the caller may change its
 * own object later.
 *
 * A `Map`, a `Set` or an instance of a class is refused, because a copy would lose its content.
 *
 * @throws `ERR_INVALID_ARGUMENT` if the filters are not a plain object, or reading them throws
 */
export function frozenFilters(filters: unknown): SubscriptionFilters | undefined {
  if (filters === undefined || filters === null) return undefined
  const copy = readUserCode(
    () => (typeof filters === 'object' && !Array.isArray(filters) && isPlain(filters) ? Object.freeze({ ...filters }) : undefined),
    (cause) => invalid('Invalid field `filters`: reading it threw', cause),
  )
  if (copy === undefined) throw invalid(`Invalid field \`filters\`: expected a plain object, got ${describe(filters)}`)
  return copy
}

/**
 * Returns the length of the filters' JSON in UTF-16 units. The call runs user code if a filter has a `toJSON` or a getter.
 *
 * @throws `ERR_INVALID_ARGUMENT` if the filters have no JSON form
 */
export function jsonUnits(filters: SubscriptionFilters): number {
  const text = readUserCode<string | undefined>(
    () => JSON.stringify(filters),
    (cause) => invalid(NO_JSON_FORM, cause),
  )
  if (text === undefined) throw invalid(NO_JSON_FORM)
  return text.length
}

function invalid(message: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, { field: 'filters' }, cause)
}
