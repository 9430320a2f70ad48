/** Reads the unmasked frames of a WebSocket server out of the chunks that TCP brings. Control frames count as well. */
export class FrameReader {
  /** The beginning of a frame whose end is still to come. */
  #rest = Buffer.alloc(0)

  /**
   * @param {Buffer} chunk valid during this call alone
   * @param {(bytes: Buffer, from: number, to: number) => void} onPayload told of each whole frame
   */
  read(chunk, onPayload) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (let end = frameEnd(bytes, at); end !== undefined; end = frameEnd(bytes, at)) {
      onPayload(bytes, at + headerLength(bytes, at), end)
      at = end
    }
    this.#rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at))
  }
}

const EMPTY = Buffer.alloc(0)

/** RFC 6455, 5.2. */
function headerLength(/** @type {Buffer} */ bytes, /** @type {number} */ at) {
  const length = bytes[at + 1] & 0x7f
  return length < 126 ? 2 : length === 126 ? 4 : 10
}

/** Where the frame that begins here ends; `undefined` while that is still to come. */
function frameEnd(/** @type {Buffer} */ bytes, /** @type {number} */ at) {
  if (bytes.length - at < 2) return undefined
  const header = headerLength(bytes, at)
  if (bytes.length - at < header) return undefined
  const short = bytes[at + 1] & 0x7f
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
  const end = at + header + length
  return end <= bytes.length ? end : undefined
}
