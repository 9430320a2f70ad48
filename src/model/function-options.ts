import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'

/**
 * Returns the options that a function was called with, each name read once.
 *
 * A value that is no object counts as no options: `texts.map(parseStreamMessage)` passes an index.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the options cannot be read, or have a name that is not among these
 */
export function optionsOfFunction<TName extends string>(options: unknown, names: readonly TName[]): Partial<Record<TName, unknown>> {
  if (typeof options !== 'object' || options === null) return {}
  return readNamed(options, names, (what, field, cause) => {
    const message = field === undefined ? `What is given as options ${what}` : `Option ${describe(field)} ${what}`
    return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
  })
}
