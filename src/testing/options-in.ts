import { ConnectionManagerError } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'

/**
 * Returns what a test's options say, each name read once.
 *
 * @throws `ERR_INVALID_OPTION` when they cannot be read, or have a name that is not among these
 */
export function optionsIn<TName extends string>(options: object, names: readonly TName[]): Record<TName, unknown> {
  return readNamed(options, names, (what, name = 'options', cause) => {
    return new ConnectionManagerError('ERR_INVALID_OPTION', `Option ${name} ${what}`, { option: name }, cause)
  })
}
