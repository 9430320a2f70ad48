import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'
import type { CloseDetails } from '../ports/connection.ts'
import { goodbyeText } from './answers.ts'

/** A goodbye, validated and with its defaults. */
export interface ResolvedGoodbye {
  /** The text of the `goodbye` frame for the client. */
  readonly text: string
  /** Milliseconds from the goodbye until the server closes the connection, or `undefined` if the server does not close it. */
  readonly closeInMs: number | undefined
  /** The code and the reason with which the server closes the connection. */
  readonly details: CloseDetails
  /** Milliseconds from the goodbye until the client should have left. */
  readonly withinMs: number
}

/** The maximum length of the reason in a close frame, in UTF-8 bytes. */
const MOST_REASON_BYTES = 123

// Every runtime has it.
declare class TextEncoder {
  encode(text: string): Uint8Array
}

/** @throws `ERR_INVALID_ARGUMENT` naming the field that is unknown or out of range */
export function resolvedGoodbye(goodbye: unknown): ResolvedGoodbye {
  const given = readNamed(goodbye, ['reason', 'reconnect', 'afterMs', 'withinMs', 'code', 'closeInMs'], (what, name, cause) => invalid(name, what, cause))
  const { reason, reconnect = true, closeInMs } = given
  if (typeof reason !== 'string' || new TextEncoder().encode(reason).length > MOST_REASON_BYTES) {
    throw invalid('reason', `expected a string of at most ${MOST_REASON_BYTES} bytes, got ${describe(reason)}`)
  }
  if (typeof reconnect !== 'boolean') throw invalid('reconnect', `expected a boolean, got ${describe(reconnect)}`)
  const afterMs = duration('afterMs', given.afterMs ?? 0)
  const withinMs = duration('withinMs', given.withinMs ?? afterMs, afterMs)
  return {
    text: goodbyeText(reason, reconnect, afterMs, withinMs),
    closeInMs: closeInMs === undefined ? undefined : duration('closeInMs', closeInMs),
    details: { code: closeCode(given.code ?? (reconnect ? 4000 : 4403)), reason },
    withinMs,
  }
}

function duration(name: string, value: unknown, least = 0): number {
  if (typeof value === 'number' && value >= least && value <= Number.MAX_SAFE_INTEGER) return Math.ceil(value)
  throw invalid(name, `expected a number of ${least} or more, got ${describe(value)}`)
}

function closeCode(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 3_000 && value <= 4_999) return value
  throw invalid('code', `expected a whole number from 3000 to 4999, got ${describe(value)}`)
}

function invalid(field: string | undefined, what: string, cause?: unknown): ConnectionManagerError {
  const message = field === undefined ? `Invalid goodbye: ${what}` : `Invalid goodbye, field ${describe(field)}: ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
