import type { WireData } from '../../model/wire-data.ts'
import type { Deflater } from './deflater.ts'

// The only global of Node that framing uses.
declare const Buffer: {
  byteLength(text: string): number
  allocUnsafe(size: number): WritableBytes
}

interface WritableBytes extends Uint8Array {
  write(text: string, offset: number): number
  writeUInt16BE(value: number, offset: number): number
  writeUInt32BE(value: number, offset: number): number
}

/** The first byte of an unfragmented text message, and of an unfragmented binary message: RFC 6455, 5.2. */
const TEXT = 0x81
const BINARY = 0x82
/** RSV1, the bit that marks a compressed message: RFC 7692, 6. */
const COMPRESSED = 0x40

/** A message, and its frame, which is made when `bytes` is first read. Until then, a waiting message uses only the memory of its payload. */
export class MessageFrame {
  readonly text: WireData
  readonly isCompressible: boolean
  readonly #deflater: Deflater | undefined
  #bytes: Uint8Array | undefined
  /** The compressed frames, indexed by window bits. */
  #deflated: (Uint8Array | undefined)[] | undefined

  constructor(text: WireData, deflater: Deflater | undefined, isCompressible: boolean) {
    this.text = text
    this.isCompressible = isCompressible
    this.#deflater = deflater
  }

  get bytes(): Uint8Array {
    return (this.#bytes ??= typeof this.text === 'string' ? textBytes(this.text) : withHeader(BINARY, this.text))
  }

  deflated(windowBits: number): Uint8Array {
    this.#deflated ??= []
    return (this.#deflated[windowBits] ??= this.#deflatedBytes(windowBits) ?? this.bytes)
  }

  #deflatedBytes(windowBits: number): Uint8Array | undefined {
    if (!this.isCompressible) return undefined
    const payload = this.#deflater?.payload(payloadIn(this.bytes), windowBits)
    return payload && withHeader((typeof this.text === 'string' ? TEXT : BINARY) | COMPRESSED, payload)
  }
}

function textBytes(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const bytes = emptyFrame(TEXT, length)
  bytes.write(text, bytes.length - length)
  return bytes
}

function withHeader(firstByte: number, payload: Uint8Array): Uint8Array {
  const bytes = emptyFrame(firstByte, payload.length)
  bytes.set(payload, bytes.length - payload.length)
  return bytes
}

/** Returns the payload of a frame that this module made. */
function payloadIn(bytes: Uint8Array): Uint8Array {
  const short = bytes[1] as number
  return bytes.subarray(short < 126 ? 2 : short === 126 ? 4 : 10)
}

/**
 * Returns a frame with its header, and with room for the payload. The upper half of a 64-bit length is always 0.
 *
 * @throws `RangeError` for a message of 4 GiB or more. Only bytes can be that long: a string cannot
 */
function emptyFrame(firstByte: number, length: number): WritableBytes {
  const bytes = Buffer.allocUnsafe((length < 126 ? 2 : length < 65_536 ? 4 : 10) + length)
  bytes[0] = firstByte
  if (length < 126) {
    bytes[1] = length
  } else if (length < 65_536) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(0, 2)
    bytes.writeUInt32BE(length, 6)
  }
  return bytes
}
