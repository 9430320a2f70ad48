import { ConnectionManagerError, describe } from '../errors.ts'

const LONGEST_ID = 255
// With the `u` flag, a pair of surrogates is one character. So this matches only a surrogate without a partner.
const LONE_SURROGATE = /[\uD800-\uDFFF]/u

/** True for a non-empty, well-formed string of at most 255 UTF-16 units. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_ID && !LONE_SURROGATE.test(value)
}

/**
 * Returns the value as an identifier.
 *
 * @throws `ERR_INVALID_ID` if the value is not an identifier. `name` is the name of the value in the error message
 */
export function asIdentifier(value: unknown, name: string): string {
  if (isIdentifier(value)) return value
  throw new ConnectionManagerError(
    'ERR_INVALID_ID',
    `Invalid \`${name}\`: expected a non-empty, well-formed string of at most ${LONGEST_ID} UTF-16 units, got ${describe(value)}`,
  )
}
