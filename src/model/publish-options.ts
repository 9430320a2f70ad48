import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed, type Refusal } from '../guards/named-fields.ts'
import { readUserCode } from '../guards/user-code.ts'
import type { Connection } from '../ports/connection.ts'
import { isWireData, type WireData } from './wire-data.ts'

/** The handle of a connection, whatever the type parameters of its manager are. */
export type AnyHandle = Pick<Connection, 'id' | 'userId' | 'removed' | 'flush' | 'drained'>

/** The options of `publish`. */
export interface PublishOptions extends SendOptions {
  /**
   * A connection, or an array of connections, that must not get the message: for example, the connection of its sender. Such a connection is not a
   * recipient, and the result does not count it. If a recovery numbers the message, a connection in `except` that is subscribed gets the notice
   * `skip` instead of the message. Removed connections, and connections that would not get the message anyway, are allowed.
   */
  readonly except?: AnyHandle | readonly AnyHandle[] | undefined
}

/** The options of `sendToConnection`. */
export interface SendOptions {
  /**
   * The wire form of the message, if you have made it already: a text, or bytes. The manager sends it unchanged, and neither parses nor records it.
   * Only the length of the text is checked. The limit is `quotas.messageUnits` or `delivery.hardLimitBytes`, whichever is larger. For `publish`, the
   * message's other fields still determine the recipients. The `data` may be absent.
   */
  readonly text?: string | Uint8Array | undefined
}

/** The options of a publish, read and validated. */
export interface ReadPublishOptions {
  readonly except: readonly unknown[]
  readonly text: WireData | undefined
}

/**
 * Reads the options of a publish, or of a send.
 *
 * @throws `ERR_INVALID_ARGUMENT`
 */
export function readPublishOptions(options: unknown, names: readonly ('except' | 'text')[]): ReadPublishOptions {
  const { except, text } = readNamed(options, names, refused) as Partial<Record<'except' | 'text', unknown>>
  if (text !== undefined && !isWireData(text)) throw refused(`expected a string or bytes, got ${describe(text)}`, 'text')
  return { except: except === undefined ? NOBODY : listed(except), text }
}

/**
 * Returns the values of an array, without duplicates. For any other value, returns a list that contains only this value. Reading an array may run
 * user code.
 */
function listed(except: unknown): readonly unknown[] {
  return readUserCode(
    () => (Array.isArray(except) ? [...new Set(except as unknown[])] : [except]),
    (cause) => refused('reading it threw', 'except', cause),
  )
}

/** Returns the error for a value in `except` that is not a connection. */
export function notAConnection(value: unknown): Error {
  return refused(`expected a connection, got ${describe(value)}`, 'except')
}

const NOBODY: readonly unknown[] = []

const refused: Refusal = (what, field, cause) => {
  const message = field === undefined ? `Invalid options of a publish: ${what}` : `Invalid option \`${field}\` of a publish: ${what}`
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, field === undefined ? {} : { field }, cause)
}
