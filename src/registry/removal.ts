import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'

/**
 * Reads the options of a removal: true if the socket is to be closed, which is the default.
 *
 * @throws `ERR_INVALID_ARGUMENT`
 */
export function isToBeClosed(options: unknown): boolean {
  if (options === undefined) return true
  const { close = true } = readNamed(options, ['close'], refused)
  if (typeof close === 'boolean') return close
  throw refused(`must be a boolean, got ${describe(close)}`, 'close')
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `Options of a removal ${what}` : `Field ${describe(field)} of a removal ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
