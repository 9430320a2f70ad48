import { Duplex } from 'node:stream'

/** @import { Socket } from 'node:net' */

/** A slow line passes on this much at a time. */
const SLICE_BYTES = 100

/**
 * What lies between a WebSocket and the TCP connection of its tab: at once what comes from the tab, and what goes to it at
 * as many bytes a second as it is given.
 *
 * It holds back the bytes themselves, so that whoever writes to it finds it as full as the socket of a tab with a poor
 * network: a browser cannot be told to read slowly, and a machine's own buffers would swallow minutes of this market.
 */
export class Line extends Duplex {
  #tcp
  #now
  #bytesPerSecond = Infinity
  /** When the last slice was due, if more is held back. The pace counts from there, so that a late timer does not slow it down. */
  #lastDueMs = /** @type {number | undefined} */ (undefined)
  /** What is held back, and what to call once it has passed. @type {{ bytes: Buffer, done: () => void } | undefined} */
  #held = undefined
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined

  /**
   * @param {Socket} tcp
   * @param {() => number} [now] milliseconds
   */
  constructor(tcp, now = () => performance.now()) {
    // A drain is told of once all has passed, if more than this was written.
    super({ writableHighWaterMark: 1_000 })
    this.#tcp = tcp
    this.#now = now
    tcp.setTimeout(0)
    tcp.setNoDelay()
    tcp.on('data', (bytes) => this.push(bytes) || tcp.pause())
    tcp.on('end', () => this.push(null))
    tcp.on('error', (error) => this.destroy(error))
    tcp.on('close', () => this.destroy())
  }

  get isSlow() {
    return this.#bytesPerSecond !== Infinity
  }

  /** @param {number} bytesPerSecond `Infinity` for a line that holds nothing back */
  setPace(bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond
    this.#lastDueMs = undefined
    this.#pass()
  }

  /** @override */
  _read() {
    this.#tcp.resume()
  }

  /**
   * @override
   * @param {Buffer} bytes
   * @param {BufferEncoding} _encoding
   * @param {() => void} done
   */
  _write(bytes, _encoding, done) {
    this.#held = { bytes, done }
    this.#pass()
  }

  /**
   * @override
   * @param {() => void} done
   */
  _final(done) {
    this.#tcp.end()
    done()
  }

  /**
   * @override
   * @param {Error | null} error
   * @param {(error: Error | null) => void} done
   */
  _destroy(error, done) {
    clearTimeout(this.#timer)
    this.#tcp.destroy()
    done(error)
  }

  #pass() {
    clearTimeout(this.#timer)
    if (!this.#held) return
    const { bytes, done } = this.#held
    if (this.isSlow) return this.#passSlowly(bytes, done)
    this.#held = undefined
    if (this.#tcp.write(bytes)) done()
    else this.#tcp.once('drain', done)
  }

  /**
   * @param {Buffer} bytes
   * @param {() => void} done
   */
  #passSlowly(bytes, done) {
    const slice = bytes.subarray(0, SLICE_BYTES)
    const nowMs = this.#now()
    const dueMs = (this.#lastDueMs ?? nowMs) + (slice.length / this.#bytesPerSecond) * 1000
    this.#timer = setTimeout(() => {
      this.#lastDueMs = dueMs
      this.#tcp.write(slice)
      this.#held = slice.length < bytes.length ? { bytes: bytes.subarray(slice.length), done } : undefined
      if (this.#held) this.#pass()
      else done()
      // What waits behind it has been written by now.
      if (!this.#held) this.#lastDueMs = undefined
    }, dueMs - nowMs)
  }
}
