import { ConnectionManagerError, describe } from '../errors.ts'
import { optionsOfFunction } from './function-options.ts'

// Registered, so that the ESM and the CommonJS build of this library know each other's values. Parsed JSON cannot
// have a symbol as a key: a client's data never passes for this.
const RAW_JSON: unique symbol = /* @__PURE__ */ Symbol.for('stream-connection-manager.rawJson')

/** JSON text that passes for `data` as it is. Made by `rawJson`. */
export interface RawJson {
  /** What tells it from data that happens to look like it. */
  readonly [RAW_JSON]: true
  /** What goes to the wire, as it is. */
  readonly text: string
  /** The parsed value, for whoever stringifies a message that holds this. */
  toJSON(): unknown
}

/**
 * Marks a text as JSON already, for a message's `data`: it goes to the wire as it is, unparsed.
 *
 * For data that arrived serialized, such as an exchange's own message. Text that is not JSON makes messages that
 * no client can parse; `validate: true` checks it, at the price of parsing it once.
 *
 * @throws `ERR_INVALID_ARGUMENT` when `text` is no string, or with `validate` no JSON, or when the options cannot be read
 * or have an unknown name
 *
 * @example
 * manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: rawJson('{"bid":"64000.10"}') })
 */
export function rawJson(text: string, options?: { readonly validate?: boolean | undefined }): RawJson {
  if (typeof text !== 'string') {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `JSON text must be a string, got ${describe(text)}`)
  }
  if (optionsOfFunction(options, ['validate']).validate === true) assertJson(text)
  return Object.freeze({ [RAW_JSON]: true as const, text, toJSON: parsedText })
}

/** The JSON text of a value that `rawJson` made, `undefined` for any other. */
export function rawJsonText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { [RAW_JSON]: isRaw, text } = value as Partial<RawJson>
  return isRaw === true && typeof text === 'string' ? text : undefined
}

function parsedText(this: RawJson): unknown {
  return JSON.parse(this.text)
}

function assertJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Not JSON: ${describe(text)}`, {}, cause)
  }
}
