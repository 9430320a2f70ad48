import { ConnectionManagerError, describe } from '../errors.ts'
import { optionsOfFunction } from './function-options.ts'

// `Symbol.for` makes the ESM and the CommonJS build recognise each other's values. Parsed JSON never has a symbol as a key, so a client's data cannot
// pass for such a value.
const RAW_JSON: unique symbol = /* @__PURE__ */ Symbol.for('stream-connection-manager.rawJson')

/** `data` that is JSON text already. Made by `rawJson`. */
export interface RawJson {
  /** Distinguishes the result of `rawJson` from other data of the same shape. */
  readonly [RAW_JSON]: true
  /** The JSON text, which is sent unchanged unless the manager has a `serialize`. */
  readonly text: string
  /** Returns the parsed value, so that `JSON.stringify` of a message writes the parsed value. */
  toJSON(): unknown
}

/**
 * Returns the `data` of a message, made from a JSON text. The text is sent unchanged, unless the manager has a `serialize`.
 *
 * Use `rawJson` for data that arrived as JSON, such as the messages of an exchange. If the text is not JSON, no client can parse the message. With
 * `validate: true`, the text is parsed once to check that it is JSON.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `text` is not a string, if `validate` is true and `text` is not JSON, if the options have an unknown name, or if
 * reading them throws
 *
 * @example
 * manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: rawJson('{"bid":"64000.10"}') })
 */
export function rawJson(text: string, options?: { readonly validate?: boolean | undefined }): RawJson {
  if (typeof text !== 'string') {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid JSON text: expected a string, got ${describe(text)}`)
  }
  if (optionsOfFunction(options, ['validate']).validate === true) assertJson(text)
  return Object.freeze({ [RAW_JSON]: true as const, text, toJSON: parsedText })
}

/** Returns the JSON text of a value that `rawJson` made, or `undefined` for any other value. */
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
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid JSON text: ${describe(text)}`, {}, cause)
  }
}
