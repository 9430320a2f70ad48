import { ConnectionManagerError } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'

/**
 * Returns the options of a fake socket, a manual clock or an audit. Reads each option once.
 *
 * @throws `ERR_INVALID_OPTION` if `options` is not an object of options (an array, for example), if reading an option throws, or if an option is not
 * in `names`
 */
export function optionsIn<TName extends string>(options: object, names: readonly TName[]): Record<TName, unknown> {
  return readNamed(options, names, (what, name = 'options', cause) => {
    return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${name}\`: ${what}`, { option: name }, cause)
  })
}
