import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'
import type { CloseDetails } from '../ports/connection.ts'

/** The options of a removal, validated. */
export interface Removal {
  readonly isToBeClosed: boolean
  /** The close code and the reason for the peer. `undefined` if the host gave neither. */
  readonly details: CloseDetails | undefined
}

/** The default: the socket is closed, without a code or a reason from the host. */
export const PLAIN_REMOVAL: Removal = { isToBeClosed: true, details: undefined }

const NORMAL_CLOSURE = 1000

/** The maximum length of a reason, in bytes. A control frame holds at most 125 bytes, and the close code takes two of these bytes: RFC 6455, 5.5. */
const LONGEST_REASON_BYTES = 123

/**
 * Reads the options of a removal.
 *
 * @throws `ERR_INVALID_ARGUMENT`
 */
export function readRemoval(options: unknown): Removal {
  if (options === undefined) return PLAIN_REMOVAL
  const { close = true, code, reason } = readNamed(options, ['close', 'code', 'reason'], refused)
  if (typeof close !== 'boolean') throw refused(`must be a boolean, got ${describe(close)}`, 'close')
  const details = closeDetails(code, reason)
  if (!close && details !== undefined) throw refused('is not allowed with `close: false`', code === undefined ? 'reason' : 'code')
  return { isToBeClosed: close, details }
}

function closeDetails(code: unknown, reason: unknown): CloseDetails | undefined {
  if (code === undefined && reason === undefined) return undefined
  if (code !== undefined && !isSendable(code)) throw refused(`must be 1000–1003, 1007–1013 or 3000–4999, got ${describe(code)}`, 'code')
  if (reason !== undefined && typeof reason !== 'string') throw refused(`must be a string, got ${describe(reason)}`, 'reason')
  if (reason !== undefined && utf8Bytes(reason) > LONGEST_REASON_BYTES) throw refused(`must have at most ${LONGEST_REASON_BYTES} bytes`, 'reason')
  return { code: (code as number | undefined) ?? NORMAL_CLOSURE, reason: reason ?? '' }
}

/** True for a close code that an endpoint may send. RFC 6455, 7.4 lists these codes, except 1012 and 1013, which IANA has registered since. */
function isSendable(code: unknown): boolean {
  if (!Number.isInteger(code)) return false
  const number = code as number
  return (number >= 1000 && number <= 1003) || (number >= 1007 && number <= 1013) || (number >= 3000 && number <= 4999)
}

/** Returns the length of a text in UTF-8. A lone surrogate is sent as U+FFFD, which has three bytes. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) as number
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `Options of a removal ${what}` : `Field ${describe(field)} of a removal ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
