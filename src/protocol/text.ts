import { refusing } from './refusal.ts'

// All that reading bytes needs of its runtime. Every runtime has it.
declare class TextDecoder {
  decode(bytes: ArrayBufferView): string
}

/** The most bytes of UTF-8 that one UTF-16 unit needs. */
const BYTES_PER_UNIT = 3

/**
 * Returns the text in what a socket brought: a text, or its UTF-8 in an `ArrayBuffer`, or in a view of one, such as a `Buffer`.
 *
 * @throws `ERR_TOO_LARGE` for more than `mostUnits` UTF-16 units, and a `TypeError` for anything else than a text or bytes
 */
export function textIn(given: unknown, mostUnits: number): string {
  const text = typeof given === 'string' ? given : decoded(bytesIn(given), mostUnits)
  if (text.length > mostUnits) throw refusing('ERR_TOO_LARGE')
  return text
}

/** Bytes that must be too long are not decoded. */
function decoded(bytes: ArrayBufferView, mostUnits: number): string {
  if (bytes.byteLength > mostUnits * BYTES_PER_UNIT) throw refusing('ERR_TOO_LARGE')
  return new TextDecoder().decode(bytes)
}

/** A `DataView` takes the buffers of every realm, throws for anything else, and runs no code of it. */
function bytesIn(given: unknown): ArrayBufferView {
  return ArrayBuffer.isView(given) ? given : new DataView(given as ArrayBuffer)
}
