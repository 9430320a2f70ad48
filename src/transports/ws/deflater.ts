import { ConnectionManagerError, describe } from '../../errors.ts'
import { readNamed } from '../../guards/named-fields.ts'
import { bound, disown, isThenable, readUserCode } from '../../guards/user-code.ts'
import { isBytes } from '../../model/wire-data.ts'
import { LARGEST_WINDOW_BITS } from './internals.ts'

/** The caller's `deflate` function, which may return anything. */
type Deflate = (bytes: Uint8Array, options: { readonly finishFlush: number; readonly windowBits: number }) => unknown

const DEFAULT_THRESHOLD = 1_024

/** The smallest number of window bits with which zlib can make a raw deflate stream: a window of 2 to the power of 9 bytes. */
export const SMALLEST_DEFLATE_BITS = 9

/** `Z_SYNC_FLUSH` of zlib. */
const SYNC_FLUSH = 2
/** The last bytes of a sync flush. The sender removes these bytes from the end of a compressed message: RFC 7692, 7.2.1. */
const TAIL = [0x00, 0x00, 0xff, 0xff]

/** Compresses payloads. Each payload is compressed independently of all others. */
export class Deflater {
  readonly #deflate: Deflate
  readonly #threshold: number

  constructor(deflate: Deflate, threshold: number) {
    this.#deflate = deflate
    this.#threshold = threshold
  }

  /**
   * Returns the compressed payload. Returns `undefined` if the payload is shorter than the threshold, if `deflate` fails, or if its result is not
   * shorter.
   */
  payload(bytes: Uint8Array, windowBits: number): Uint8Array | undefined {
    if (bytes.length < this.#threshold) return undefined
    try {
      const payload = flushed(this.#deflate(bytes, { finishFlush: SYNC_FLUSH, windowBits }))
      return typeof payload !== 'string' && payload.length < bytes.length ? payload : undefined
    } catch {
      // The message can be sent uncompressed. `wsTransport` has refused a `deflate` that never works.
      return undefined
    }
  }
}

/**
 * Returns the deflater that the options of `wsTransport` describe, or `undefined` if they have no `deflate`.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function deflaterIn(options: unknown): Deflater | undefined {
  const { deflate, threshold = DEFAULT_THRESHOLD } = readNamed(options, ['deflate', 'threshold'], invalidOption)
  if (typeof threshold !== 'number' || !(threshold >= 0)) {
    throw invalidOption(`expected a number of 0 or more, got ${describe(threshold)}`, 'threshold')
  }
  if (deflate === undefined) return undefined
  if (typeof deflate !== 'function') throw invalidOption(`expected a function, got ${describe(deflate)}`, 'deflate')
  const method = bound(deflate as Deflate, options, (cause) => invalidOption('reading it threw', 'deflate', cause))
  assertDeflates(method)
  return new Deflater(method, threshold)
}

/** Tests the function with two inputs, because no client could decode a wrong result. @throws `ERR_INVALID_OPTION` */
function assertDeflates(deflate: Deflate): void {
  const easy = new Uint8Array(PROBE_BYTES)
  const payload = probed(deflate, easy, LARGEST_WINDOW_BITS)
  if (payload.length >= easy.length) throw refused('it did not make a compressible message shorter')
  if (!beginsRaw(payload)) throw refused('expected a raw deflate stream, without a header')
  const noise = repeatedNoise()
  const isWithinWindow = probed(deflate, noise, SMALLEST_DEFLATE_BITS).length > PROBE_BYTES + PROBE_BYTES / 2
  if (!isWithinWindow) throw refused('it ignores `windowBits`')
}

/**
 * The first test input has this many bytes. The second test input has this many random bytes, and then the same bytes again. This number is larger
 * than the smallest window, so that the test notices a function that ignores `windowBits`.
 */
const PROBE_BYTES = 1_024

/** Returns random bytes, repeated once. Only a function that refers back further than the smallest window can make these bytes much shorter. */
function repeatedNoise(): Uint8Array {
  const bytes = new Uint8Array(2 * PROBE_BYTES)
  let state = 1
  for (let i = 0; i < PROBE_BYTES; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = bytes[i + PROBE_BYTES] = state >>> 24
  }
  return bytes
}

function probed(deflate: Deflate, bytes: Uint8Array, windowBits: number): Uint8Array {
  const flush = (): Uint8Array | string => flushed(deflate(bytes, { finishFlush: SYNC_FLUSH, windowBits }))
  const payload = readUserCode(flush, (cause) => refused('it threw when it was tried', cause))
  if (typeof payload === 'string') throw refused(payload)
  return payload
}

/** Returns the stream without the last bytes of its sync flush. If the stream is wrong, returns a text that says why. */
function flushed(answer: unknown): Uint8Array | string {
  if (isThenable(answer)) {
    disown(answer)
    return 'expected bytes at once, got a promise'
  }
  if (!isBytes(answer)) return `expected bytes, got ${describe(answer)}`
  const end = answer.length - TAIL.length
  const isFlushed = end > 0 && TAIL.every((byte, i) => answer[end + i] === byte)
  return isFlushed ? answer.subarray(0, end) : 'expected a stream that ends with a sync flush'
}

/**
 * True if the first block is compressed and is not the last block: RFC 1951, 3.2.3. A stream with a header fails this check. The first byte of a zlib
 * header looks like a block without compression. The first byte of a gzip header looks like the last block.
 */
function beginsRaw([first = 0]: Uint8Array): boolean {
  const isLast = (first & 0b001) !== 0
  const type = (first & 0b110) >> 1
  return !isLast && (type === 1 || type === 2)
}

function refused(what: string, cause?: unknown): ConnectionManagerError {
  return invalidOption(what, 'deflate', cause)
}

function invalidOption(what: string, name = 'options', cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${name}\`: ${what}`, { option: name }, cause)
}
