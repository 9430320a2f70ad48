/**
 * The wire form of a message: a text, or bytes. It is bytes if the host's `serialize` or `serializeNotice` returns bytes, or if the host passes bytes
 * to `connection.send` or in the option `text`. The `length` of a text is in UTF-16 units, and the `length` of bytes is in bytes.
 */
export type WireData = string | Uint8Array

/** True for a `Uint8Array` of any JavaScript realm. A `Buffer` is one too. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}

export function isWireData(value: unknown): value is WireData {
  return typeof value === 'string' || isBytes(value)
}
