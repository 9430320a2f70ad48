import type { WireData } from '../../model/wire-data.ts'

/** The fields of a message that `ws.send` needs. */
interface Sendable {
  readonly text: WireData
  /** False if ws must not compress the message. */
  readonly isCompressible: boolean
}

/** A socket with both forms of ws's `send`, with and without options. */
interface WsSender {
  readonly extensions: string
  send(text: WireData, done?: () => void): void
  send(text: WireData, options: { readonly compress: boolean }, done?: () => void): void
}

/** A socket with only one form of `send`: the form that the caller's types declare. */
type Target = Pick<WsSender, 'extensions'> & { send(text: WireData, done?: () => void): void }

/**
 * Sends messages with `ws.send`, and reports a drain when the messages have been sent. The TCP socket's `drain` event is not enough: a message that
 * ws is still compressing has not reached the TCP socket yet.
 */
export class Sendings {
  readonly #listeners = new WeakMap<Target, Set<() => void>>()

  send(socket: Target, frames: readonly Sendable[]): void {
    for (const [i, frame] of frames.entries()) {
      if (i < frames.length - 1) sendOne(socket, frame)
      else sendOne(socket, frame, () => this.#tell(socket))
    }
  }

  listen(socket: Target, listener: () => void): () => void {
    const listeners = this.#listeners.get(socket) ?? new Set()
    this.#listeners.set(socket, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  #tell(socket: Target): void {
    for (const listener of [...(this.#listeners.get(socket) ?? [])]) listener()
  }
}

function sendOne(socket: Target, { text, isCompressible }: Sendable, done?: () => void): void {
  if (isCompressible || socket.extensions === '') socket.send(text, done)
  else (socket as WsSender).send(text, { compress: false }, done)
}
