import type { WireData } from '../../model/wire-data.ts'

/** What `ws.send` needs to know of a message. */
interface Sendable {
  readonly text: WireData
  /** False if ws must not compress it either. */
  readonly isCompressible: boolean
}

/** `send` as ws has it, with its options. */
interface WsSender {
  readonly extensions: string
  send(text: WireData, done?: () => void): void
  send(text: WireData, options: { readonly compress: boolean }, done?: () => void): void
}

/** A socket as the caller's types have it, with one form of `send` only. */
type Target = Pick<WsSender, 'extensions'> & { send(text: WireData, done?: () => void): void }

/** Sends messages with `ws.send`, and reports when they have been sent. While ws processes a message, Node emits no `drain`. */
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
