import { describe } from '../errors.ts'
import { invalidOption } from '../guards/option-values.ts'

/** A close frame has room for a reason of 123 bytes. The option `reason` may use 100 of them. The other 23 are for a hint when to come back. */
const MOST_REASON_BYTES = 100

// Every runtime has it.
declare class TextEncoder {
  encode(text: string): Uint8Array
}

/** Returns `value` if it is a text that fits in a close frame together with the hint. @throws `ERR_INVALID_OPTION` for anything else */
export function closeReason(name: string, value: unknown): string {
  if (typeof value === 'string' && new TextEncoder().encode(value).length <= MOST_REASON_BYTES) return value
  throw invalidOption(name, `expected a string of at most ${MOST_REASON_BYTES} bytes, got ${describe(value)}`)
}

/** Returns `value` if it is `least` or more, and a close code that an endpoint may send: RFC 6455, 7.4. @throws `ERR_INVALID_OPTION` otherwise */
export function closeCode(name: string, value: unknown, least: 1000 | 3000): number {
  const ranges = [[1000, 1003], [1007, 1013], [3000, 4999]] as const
  const isSendable = Number.isInteger(value) && ranges.some(([from, to]) => from >= least && from <= (value as number) && (value as number) <= to)
  if (isSendable) return value as number
  throw invalidOption(name, `expected ${least === 1000 ? '1000–1003, 1007–1013 or ' : ''}3000–4999, got ${describe(value)}`)
}
