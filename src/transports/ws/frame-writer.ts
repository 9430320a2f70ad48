import type { TcpSocket } from './internals.ts'

declare const Buffer: { concat(parts: readonly Uint8Array[]): Uint8Array }
declare function queueMicrotask(fn: () => void): void

/**
 * Writes several frames to a TCP socket in one write. `bytesOf` returns the bytes of a frame.
 *
 * If several sockets in a row get the same frames, joining the frames once is cheapest. If each socket gets different frames, joining is the most
 * expensive way. So if the frames differ from those of the previous write, the writer does not join them, but corks the socket. If the next socket
 * gets the same frames, the writer joins them, and further sockets share the joined bytes.
 */
export class FrameWriter<TFrame> {
  readonly #bytesOf: (frame: TFrame) => Uint8Array
  #latest: readonly TFrame[] | undefined
  #joined: Uint8Array | undefined
  #willForget = false

  constructor(bytesOf: (frame: TFrame) => Uint8Array) {
    this.#bytesOf = bytesOf
  }

  write(tcp: TcpSocket, frames: readonly TFrame[]): void {
    if (this.#latest !== undefined && areSame(frames, this.#latest)) {
      tcp.write((this.#joined ??= Buffer.concat(frames.map(this.#bytesOf))))
    } else if (frames.length > 1) {
      this.#remember(frames)
      this.#writeCorked(tcp, frames)
    } else {
      for (const frame of frames) tcp.write(this.#bytesOf(frame))
    }
  }

  /** Corks the socket, writes the frames and uncorks the socket. Node then passes all frames to the system in one call. */
  #writeCorked(tcp: TcpSocket, frames: readonly TFrame[]): void {
    tcp.cork()
    for (const frame of frames) tcp.write(this.#bytesOf(frame))
    tcp.uncork()
  }

  #remember(frames: readonly TFrame[]): void {
    this.#latest = frames
    this.#joined = undefined
    if (this.#willForget) return
    this.#willForget = true
    // All sockets get their frames before the next microtask. Keeping the frames longer would only waste memory.
    queueMicrotask(() => {
      this.#latest = undefined
      this.#joined = undefined
      this.#willForget = false
    })
  }
}

function areSame<TFrame>(frames: readonly TFrame[], others: readonly TFrame[]): boolean {
  return frames.length === others.length && frames.every((each, i) => each === others[i])
}
