import { refusing } from './refusal.ts'

// The only global that reading bytes needs. Every runtime has it.
declare class TextDecoder {
  decode(bytes: ArrayBufferView): string
}

/** The maximum number of UTF-8 bytes that one UTF-16 unit needs. */
const BYTES_PER_UNIT = 3

/**
 * Returns the text that a socket delivered. A socket delivers a text, or UTF-8 bytes in an `ArrayBuffer` or in a view of one, such as a `Buffer`.
 *
 * @throws `ERR_TOO_LARGE` for more than `mostUnits` UTF-16 units, and a `TypeError` for a value that is neither a text nor bytes
 */
export function textIn(given: unknown, mostUnits: number): string {
  const text = typeof given === 'string' ? given : decoded(bytesIn(given), mostUnits)
  if (text.length > mostUnits) throw refusing('ERR_TOO_LARGE')
  return text
}

/** Decodes bytes into a text. Refuses them without decoding if their text is certainly longer than `mostUnits`. */
function decoded(bytes: ArrayBufferView, mostUnits: number): string {
  if (bytes.byteLength > mostUnits * BYTES_PER_UNIT) throw refusing('ERR_TOO_LARGE')
  return new TextDecoder().decode(bytes)
}

/** `new DataView` accepts an `ArrayBuffer` of any realm. For any other value, `new DataView` throws, and runs no code of that value. */
function bytesIn(given: unknown): ArrayBufferView {
  return ArrayBuffer.isView(given) ? given : new DataView(given as ArrayBuffer)
}
