import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'

/**
 * Returns the options that a function was called with. Each option is read once.
 *
 * A value that is not an object counts as no options, because `texts.map(parseStreamMessage)` passes an index in the place of the options.
 *
 * @throws `ERR_INVALID_ARGUMENT` if reading the options throws, or if they have a name that is not in `names`
 */
export function optionsOfFunction<TName extends string>(options: unknown, names: readonly TName[]): Partial<Record<TName, unknown>> {
  if (typeof options !== 'object' || options === null) return {}
  return readNamed(options, names, (what, field, cause) => {
    const message = field === undefined ? `Invalid options: ${what}` : `Invalid option ${describe(field)}: ${what}`
    return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
  })
}
